import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, docker } from '../../lab/run.ts'
import type { ScanPlan } from '../../src/core/gates.ts'
import { parseReference, parseRepository } from '../../src/core/reference.ts'
import type { Release } from '../../src/core/release.ts'
import { summary } from '../../src/report/index.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder } from './support/folder.ts'
import { type BuiltHere, failOn, imageWith, openEach, toScan } from './support/scanned.ts'

/** A rescan of what runs beside the own images, from a real registry, by its digest. */

const indexType = 'application/vnd.oci.image.index.v1+json'

let kept: Folder
let own: BuiltHere
let reference: string
const { here, write } = openEach(() => kept.path)

beforeAll(async () => {
  kept = await openFolder()
  own = await imageWith(['httpx', '0.23.0'])
  const database = await imageWith(['httpx', '0.22.0'])
  // As a host has it that pulled it, and this machine not.
  const name = `${database.repository}/database:17`
  await docker('tag', database.config, name)
  await call('docker', ['push', '--quiet', name])
  const pushed = await docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', name)
  reference = `${name}@${pushed.slice(pushed.indexOf('@') + 1)}`
  await call('docker', ['image', 'rm', '--force', database.config])
})
afterAll(() => kept[Symbol.asyncDispose]())

function rescan(plan: Partial<ScanPlan>, others = [{ name: 'db', reference }]): Release {
  const release = toScan(own, plan)
  const off = { run: false, reason: 'only looked at' }
  return { ...release, plan: { ...release.plan, others, event: 'schedule', stages: { ...release.plan.stages, build: off } } }
}

describe('what others make and an environment runs', () => {
  it('is looked at by its digest, and the same rules decide; it stands apart from what is built here', async () => {
    const release = rescan({ rules: [failOn({ severity: 'CRITICAL' })], reports: ['table'] })
    const { part } = await failureOf(scan(release, here().ports))
    expect(part?.scan).toMatchObject({
      rules: [{ findings: ['db: CVE-2021-41945 in httpx 0.22.0'] }],
      images: [{ name: 'app' }, { name: 'db', others: reference, findings: [{ id: 'CVE-2021-41945', base: true }] }],
      reports: [{ image: 'app' }],
    })
    expect(summary({ ...release, ...part })).toContain('db, not built here (')
  })

  it('is that of its platform, where the digest is that of an index', async () => {
    const { repository, digest = '' } = parseReference(reference)
    const opened = await here().ports.registry.repository(repository, { host: parseRepository(repository).host, plainHttp: true })
    const found = await opened.manifest(digest)
    if (found === undefined) throw new TypeError('no manifest')
    const of = (architecture: string, os = 'linux') => ({ ...found.descriptor, platform: { os, architecture } })
    const body = { schemaVersion: 2, mediaType: indexType, manifests: [of('unknown', 'unknown'), of('arm64'), of('amd64')] }
    const index = await opened.putManifest('many', indexType, Buffer.from(JSON.stringify(body)))
    const others = [{ name: 'db', reference: `${repository}:many@${index.digest}` }]
    expect(await scan(rescan({ rules: [] }, others), here().ports)).toMatchObject({
      images: [{ name: 'app' }, { name: 'db', findings: [{ id: 'CVE-2021-41945' }] }],
    })
  })

  it('is of the base to rules: who cannot end it is only warned', async () => {
    const rules = [{ ...failOn({ base: true }), action: 'warn' as const }, failOn({ severity: 'CRITICAL' })]
    expect(await scan(rescan({ rules }), here().ports)).toMatchObject({ verdict: 'passed' })
    expect(here().log.said('line').at(-1)).toMatch(/^passed in .*: no CRITICAL, but 1 only warned of$/)
  })

  it('may be excepted like anything else', async () => {
    write('.trivyignore.yaml', 'vulnerabilities:\n  - id: CVE-2021-41945\n    statement: asks nobody\n')
    const release = rescan({ rules: [failOn({ severity: 'CRITICAL' })], ignoreFile: '.trivyignore.yaml' })
    expect(await scan(release, here().ports)).toMatchObject({
      verdict: 'passed',
      exceptions: [{ findings: ['db: CVE-2021-41945 in httpx 0.22.0'] }],
    })
  })

  it('is no pass where it is in no registry any more, and the rest is looked at all the same', async () => {
    const gone = `${reference.slice(0, reference.indexOf('@'))}@sha256:${'0'.repeat(64)}`
    const others = [
      { name: 'old', reference: gone },
      { name: 'db', reference },
    ]
    const failure = await failureOf(scan(rescan({ rules: [] }, others), here().ports))
    expect(failure).toMatchObject({ code: 'SCAN_BLOCKED', message: `old cannot be judged: ${gone} is not in its registry any more` })
    expect(failure.part?.scan?.images.map(({ name }) => name)).toEqual(['app', 'db'])
  })

  it('is no verdict where its registry does not answer, and nothing else blocks', async () => {
    const down = `127.0.0.1:9/team/db@sha256:${'0'.repeat(64)}`
    const failure = await failureOf(scan(rescan({ rules: [] }, [{ name: 'db', reference: down }]), here().ports))
    expect(failure).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', message: expect.stringMatching(/^db cannot be judged: 127\.0\.0\.1:9/) })
    expect(failure.part).toBeUndefined()
    const blocked = await failureOf(
      scan(
        rescan({ rules: [failOn({ severity: 'CRITICAL' })] }, [
          { name: 'db', reference: down },
          { name: 'cache', reference },
        ]),
        here().ports,
      ),
    )
    expect(blocked.message).toMatch(/^db cannot be judged: .*; cache: 1 finding blocks/)
  })
})
