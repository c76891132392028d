import { describe, expect, it } from 'vitest'
import { environmentTag, recordType } from '../../src/core/names.ts'
import { cancelled, LaunchwayError } from '../../src/core/error.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { DeployedHost, DeploySection, Release } from '../../src/core/release.ts'
import { runSteps, type Step, steps } from '../../src/pipeline.ts'
import { keepRecord } from '../../src/push/index.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { digest, environment, record, service } from './support/deploy.ts'
import { outside } from './support/pipeline.ts'

const repository = 'registry.example.org/team/addie'
const settings = { host: 'registry.example.org', plainHttp: false }
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const hosts = ['deploy@a.example.org', 'deploy@b.example.org']
const tag = environmentTag({ repository, app: 'addie', environment: 'production' })

function live(on: readonly string[]): DeploySection {
  const host = { slot: 'a', services: [], switchedAt: '2026-11-20T10:00:00Z', stopped: [], downtimeMs: 0, ms: 1 }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is asked of a host here is its address
  return { environment: 'production', hosts: on.map((one) => ({ ...host, host: one })) as unknown as DeployedHost[], ms: 1 }
}

/** A release whose image is in a registry, its record beside it, and what the tag of the environment says after these steps. */
async function after(
  deploy: Step['run'],
  { before, signal }: { before?: Partial<Release>; signal?: AbortSignal } = {},
): Promise<{ names: unknown; code: string | undefined }> {
  const { ports: some } = outside(signal)
  const ports: Ports = { ...some, registry: fakeRegistries() }
  const opened = await ports.registry.repository(repository, settings)
  const layer = await opened.putBlob(Buffer.from('x'))
  const image = await opened.putManifest('v2', manifestType, Buffer.from(JSON.stringify({ schemaVersion: 2, layers: [layer] })))
  const start = record()
  const planned = { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: [repository] }
  const release: Release = {
    ...start,
    plan: {
      ...start.plan,
      environment: environment([service({})], { hosts }),
      images: [planned],
      registries: [settings],
      stages: {
        ...start.plan.stages,
        smoke: { run: false, reason: 'smoke: false' },
        scan: { run: false, reason: 'scan: false' },
        push: { run: false, reason: 'it was' },
      },
    },
    build: {
      builder: 'b',
      images: [
        {
          ...{ name: 'app', key: '0'.repeat(32), how: 'built', config: { 'linux/amd64': digest }, size: 1, layers: 1, ms: 1 },
          registries: { [repository]: { digest: image.digest, mediaType: manifestType } },
        },
      ],
    },
    ...before,
  }
  await keepRecord(release, ports)
  const current = steps.filter(({ name }) => name === 'current')
  const ran = await runSteps([{ name: 'deploy', stage: 'deploy', needs: [], run: deploy }, ...current], release, ports)
  const named = await opened.manifest(tag)
  const kept = await opened.referrers(image.digest, recordType)
  return {
    names: named === undefined ? 'nothing' : kept.some((one) => one.digest === named.descriptor.digest) ? 'the release' : 'another',
    code: ran.release.outcome.code,
  }
}

const failed = (code: 'PROBE_FAILED' | 'ROLLBACK_FAILED' | 'DEPLOY_ROLLED_BACK', on?: readonly string[]): Step['run'] => {
  return () => Promise.reject(new LaunchwayError(code, 'no', on === undefined ? {} : { part: { deploy: live(on) } }))
}

describe('the tag of an environment after a deploy', () => {
  it.each<[string, Step['run'], string, string | undefined]>([
    ['that went well names the release', async () => ({ deploy: live(hosts) }), 'the release', undefined],
    ['whose probe failed and that stays names it as well: it serves', failed('PROBE_FAILED', hosts), 'the release', 'PROBE_FAILED'],
    ['that no host could leave again does so too', failed('ROLLBACK_FAILED', hosts), 'the release', 'ROLLBACK_FAILED'],
    ['that went back is left as it was', failed('DEPLOY_ROLLED_BACK'), 'nothing', 'DEPLOY_ROLLED_BACK'],
    ['that stays on some hosts alone is left as it was', failed('ROLLBACK_FAILED', hosts.slice(1)), 'nothing', 'ROLLBACK_FAILED'],
  ])('%s', async (_, deploy, names, code) => {
    expect(await after(deploy)).toEqual({ names, code })
  })

  it('that was done when the run was cancelled names the release, and the run is done', async () => {
    const cancel = new AbortController()
    const deploy: Step['run'] = async () => {
      cancel.abort(cancelled('SIGINT'))
      return { deploy: live(hosts) }
    }
    expect(await after(deploy, { signal: cancel.signal })).toEqual({ names: 'the release', code: undefined })
  })

  it('that failed, of a record with an earlier deploy in it, is left as it was', async () => {
    expect((await after(failed('DEPLOY_ROLLED_BACK'), { before: { deploy: live(hosts) } })).names).toBe('nothing')
  })
})
