import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import { Accessory } from '../../src/core/deployment.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { Release } from '../../src/core/release.ts'
import { startRelease, type Trigger } from '../../src/plan/index.ts'
import { keepRecord, markCurrent } from '../../src/push/index.ts'
import { tell } from '../../src/report/index.ts'
import { fakeExec } from '../fakes/exec.ts'
import { fakeFiles } from '../fakes/files.ts'
import { fakeLog } from '../fakes/log.ts'
import { fakeNotices } from '../fakes/notices.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { digest, environment, record } from './support/deploy.ts'
import { scanned } from './support/scanned.ts'

const repository = 'registry.example.org/team/addie'
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const config = `image: ${repository}
branches: { main: production }
scan: { fail-on: [{ severity: CRITICAL }] }
environments:
  production: { host: h, port: 1, publish: 80 }
  staging: { host: h, port: 1, publish: 81 }
`
const daily: Trigger = { event: 'schedule', ref: 'refs/heads/main', sha: 'b'.repeat(40) }

function outside(text = config): Ports {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a plan, and the note of what runs, reach of the outside
  return {
    root: '/srv',
    exec: fakeExec({ git: { code: 128, stderr: 'not a git repository' } }),
    files: fakeFiles({ '/srv/launchway.yml': text }),
    registry: fakeRegistries(),
    log: fakeLog(),
    clock: systemClock,
    signal: new AbortController().signal,
  } as unknown as Ports
}

/** A release that production runs. */
async function live(ports: Ports, of: Partial<Release['plan']> = {}): Promise<Release> {
  const opened = await ports.registry.repository(repository, { host: 'registry.example.org', plainHttp: false })
  const image = await opened.putManifest('main', manifestType, Buffer.from(JSON.stringify({ schemaVersion: 2 })))
  const start = record()
  const built = { name: 'app', key: '0'.repeat(32), how: 'built' as const, config: { 'linux/amd64': digest }, size: 1, layers: 1, ms: 7 }
  const release: Release = {
    ...start,
    plan: {
      ...start.plan,
      ...of,
      version: 'v1.2.3',
      tags: ['main'],
      images: [{ name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: [repository] }],
    },
    build: { builder: 'b', images: [{ ...built, registries: { [repository]: { digest: image.digest, mediaType: manifestType } } }] },
  }
  await keepRecord(release, ports)
  const hosts = (of.environment?.hosts ?? []).map((one) => ({
    host: one,
    slot: 'a' as const,
    services: [],
    downtimeMs: 0,
    stopped: [],
    ms: 1,
  }))
  await markCurrent({ ...release, deploy: { environment: 'production', hosts, ms: 1 } }, ports)
  return release
}

describe('a schedule', () => {
  it('scans what the environment of its branch runs, by the rules of today, and does nothing else', async () => {
    const ports = outside()
    const running = await live(ports)
    const { plan, build, outcome } = await startRelease('launchway.yml', daily, ports)
    expect(outcome).toEqual({ state: 'running' })
    expect(Object.entries(plan.stages).flatMap(([name, { run }]) => (run ? [name] : []))).toEqual(['plan', 'scan', 'report'])
    expect(plan.stages['scan'].reason).toBe("what production runs, with today's vulnerability database: it blocks on CRITICAL")
    expect(plan).toMatchObject({ event: 'schedule', version: 'v1.2.3', sha: running.plan.sha, tags: [], scan: { against: 'production' } })
    expect(plan.environment).toBeUndefined()
    expect(build?.images.map(({ how, registries }) => [how, registries])).toEqual([['promoted', running.build?.images[0]?.registries]])
  })

  it('scans what else runs there as well: accessories and what a project pulls, each of which the record knows by its digest', async () => {
    const log = fakeLog()
    const ports = { ...outside(), log }
    const accessory = (name: string, image: string): Accessory => {
      const lists = { secrets: [], volumes: [], networks: [], options: [] }
      const health = { timeoutMs: 1, settleMs: 1 }
      return Accessory.parse({ name, image, ...lists, health, env: {}, labels: {}, stopTimeoutMs: 1 })
    }
    const [postgres, redis, memcached] = ['postgres:17', 'redis:8', 'memcached:1'].map((name) => `${name}@${digest}`)
    await live(ports, {
      environment: environment([], {
        accessories: [accessory('db', postgres ?? ''), accessory('copy', postgres ?? ''), accessory('mail', 'mailpit:v1')],
        project: {
          name: 'shop',
          pulled: { app: redis ?? '', db: memcached ?? '' },
          ...{ networks: {}, volumes: {}, external: { networks: [], volumes: [], paths: [] } },
        },
      }),
    })
    const { plan } = await startRelease('launchway.yml', daily, ports)
    expect(plan.others).toEqual([
      { name: 'db', reference: postgres },
      { name: 'app-2', reference: redis },
      { name: 'db-2', reference: memcached },
    ])
    expect(log.said('warning')).toEqual([
      'mail is not looked at: the record of v1.2.3 names mailpit:v1 without a digest, so nobody knows which one the hosts have\nName it with its digest (mailpit:v1@sha256:…), and it is.',
    ])
  })

  it('says of an image that was pruned what that means for what runs, and what to do', async () => {
    const ports = outside()
    const { build } = await live(ports)
    const opened = await ports.registry.repository(repository, { host: 'registry.example.org', plainHttp: false })
    await opened.remove(build?.images[0]?.registries[repository]?.digest ?? '')
    await expect(startRelease('launchway.yml', daily, ports)).rejects.toMatchObject({
      code: 'VERSION_UNKNOWN',
      message: `the image app of v1.2.3 is no longer in ${repository}`,
      hint: expect.stringMatching(
        /^production goes on running it, nobody can look at it any more, and no other host could fetch it\. Release again/,
      ),
    })
  })

  it('has an issue for what blocks in that environment, and for that alone', async () => {
    const ports = outside()
    await live(ports)
    const planned = await startRelease('launchway.yml', daily, ports)
    const notices = fakeNotices()
    const told = { ...ports, notices, who: 'ada' }
    const asked = { comment: false, issue: true, codeScanning: false }
    const blocked = {
      ...scanned,
      verdict: 'failed' as const,
      rules: [{ rule: 'CRITICAL', action: 'fail' as const, passed: false, findings: ['app CVE-1'] }],
    }
    await tell({ ...planned, scan: blocked }, asked, told)
    expect(notices.issues).toMatchObject([{ title: 'addie in production: 1 finding blocks', state: 'open' }])
    await tell({ ...planned, scan: { ...scanned, verdict: 'passed' } }, asked, told)
    expect(notices.issues).toMatchObject([{ mark: '<!-- launchway: addie in production -->', state: 'closed' }])
    // A nightly image is a release of its own, which its scan stops.
    const nightly = { ...planned.plan, stages: { ...planned.plan.stages, build: { run: true, reason: 'type=schedule' } } }
    await tell({ ...planned, plan: nightly, scan: blocked }, asked, told)
    expect(notices.issues).toHaveLength(1)
  })

  it('that names an environment scans what it runs, also where image-tags has a nightly image', async () => {
    const ports = outside(`${config}image-tags: [type=schedule, "type=ref,event=branch"]\n`)
    const running = await live(ports)
    const { plan } = await startRelease('launchway.yml', { ...daily, environment: 'production' }, ports)
    expect(Object.entries(plan.stages).flatMap(([name, { run }]) => (run ? [name] : []))).toEqual(['plan', 'scan', 'report'])
    expect(plan).toMatchObject({ sha: running.plan.sha, tags: [], scan: { against: 'production' } })
  })

  it.each<[string, string, Partial<Trigger>, string]>([
    ['nothing was deployed yet', config, {}, 'has no record of what production runs: nothing was deployed there yet'],
    ['another environment was named, and nothing runs there', config, { environment: 'staging' }, 'no record of what staging runs'],
    ['its branch leads nowhere', config.replace('main: production', 'main: {}'), {}, 'none was named: use the input environment'],
    ['nothing shall be scanned', config.replace(/scan: .*/, 'scan: false'), {}, 'scan: false'],
  ])('does nothing, and says so, where %s', async (_, text, more, says) => {
    const { outcome, plan } = await startRelease('launchway.yml', { ...daily, ...more }, outside(text))
    expect(outcome).toMatchObject({ state: 'nothing-to-do', message: expect.stringContaining(says) })
    expect(Object.values(plan.stages).some(({ run }) => run)).toBe(false)
  })
})
