import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Ports, Registries } from '../../src/core/ports.ts'
import type { Finding, Release } from '../../src/core/release.ts'
import { keepRecord, markCurrent, markReturned } from '../../src/push/index.ts'
import { currentOf } from '../../src/scan/current.ts'
import { resolveScan } from '../../src/config/scan.ts'
import { fakeLog } from '../fakes/log.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { digest, record } from './support/deploy.ts'

const repository = 'registry.example.org/team/addie'
const registries = [{ host: 'registry.example.org', plainHttp: false }]
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const httpx: Finding = {
  class: 'library',
  id: 'CVE-1',
  severity: 'HIGH',
  package: 'httpx',
  installed: '1',
  title: 'a long title',
  status: 'new',
}

interface Outside {
  ports: Ports
  log: ReturnType<typeof fakeLog>
}

function outside(registry: Registries = fakeRegistries()): Outside {
  const log = fakeLog()
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the note and its reader reach of the outside
  return { log, ports: { registry, log, clock: systemClock, signal: new AbortController().signal } as unknown as Ports }
}

/** A release whose image is in the registry under a tag, with its record beside it. */
async function released({ ports }: Outside, version: string, minute: number, of: Partial<Release> = {}): Promise<Release> {
  const opened = await ports.registry.repository(repository, { host: 'registry.example.org', plainHttp: false })
  const layer = await opened.putBlob(Buffer.from(version))
  const image = await opened.putManifest(version, manifestType, Buffer.from(JSON.stringify({ schemaVersion: 2, layers: [layer] })))
  const start = record()
  const scan = resolveScan({}, {})
  if (typeof scan === 'string') throw new TypeError(scan)
  const release: Release = {
    ...start,
    id: `20261120-10${String(minute).padStart(2, '0')}00-aaaaaaa`,
    plan: {
      ...start.plan,
      version,
      tags: [version],
      images: [{ name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: [repository] }],
      registries,
      scan: { ...scan, against: 'production' },
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
    scan: {
      tool: { name: 'trivy', version: '0.71.2' },
      database: { updated: '2026-11-20T00:00:00Z' },
      images: [
        { name: 'app', config: digest, findings: [httpx, { ...httpx, id: `CVE-${minute}` }, { ...httpx, id: 'CVE-0', status: 'fixed' }] },
      ],
      ...{ rules: [], exceptions: [], reports: [], verdict: 'passed', ms: 1 },
    },
    ...of,
  }
  await keepRecord(release, ports)
  return release
}

const live = (release: Release): Release => ({ ...release, deploy: { environment: 'production', hosts: [], ms: 1 } })
const compared = async (release: Release, { ports }: Outside): Promise<unknown> => (await currentOf(release, ports))?.against.version
const ids = async (release: Release, { ports }: Outside): Promise<unknown> =>
  (await currentOf(release, ports))?.images.get('app')?.findings.map(({ id }) => id)

describe('what an environment runs, as the registry has it', () => {
  it('is nothing before a release went there, and the log says so', async () => {
    const here = outside()
    const first = await released(here, 'v1', 1)
    expect(await compared(first, here)).toBeUndefined()
    expect(here.log.said('line').join('\n')).toContain(
      `nothing to compare with, so everything counts as new: ${repository}:launchway-env-production, the record of what production runs, is not there yet`,
    )
  })

  it('is the release that went there last, with what was found in it, small', async () => {
    const here = outside()
    const [first, second] = [await released(here, 'v1', 1), await released(here, 'v2', 2)]
    await markCurrent(live(first), here.ports)
    expect([await compared(second, here), await ids(second, here)]).toEqual(['v1', ['CVE-1', 'CVE-1']])
    await markCurrent(live(second), here.ports)
    expect([await compared(second, here), await ids(second, here)]).toEqual(['v2', ['CVE-1', 'CVE-2']])
    const opened = await here.ports.registry.repository(repository, { host: 'registry.example.org', plainHttp: false })
    const text = JSON.stringify(await Promise.all((await opened.tags()).map(async (tag) => (await opened.manifest(tag))?.body.toString())))
    expect(text).not.toContain('a long title')
  })

  it('is what hosts went back to, once they have', async () => {
    const here = outside()
    const [first, second] = [await released(here, 'v1', 1), await released(here, 'v2', 2)]
    await markCurrent(live(second), here.ports)
    await markReturned(
      { app: 'addie', environment: 'production', repository, registries },
      { release: first.id, version: 'v1' },
      here.ports,
    )
    expect(await compared(second, here)).toBe('v1')
  })

  it('is what hosts went back to, also where the tag of its version has moved on since', async () => {
    const here = outside()
    const [first, second] = [await released(here, 'v1', 1), await released(here, 'v2', 2)]
    const opened = await here.ports.registry.repository(repository, { host: 'registry.example.org', plainHttp: false })
    const [image, next] = [await opened.manifest('v1'), await opened.manifest('v2')]
    if (image === undefined || next === undefined) throw new TypeError('no image')
    await opened.putManifest('launchway-0', manifestType, image.body)
    await opened.putManifest('v1', manifestType, next.body)
    await markCurrent(live(second), here.ports)
    const where = { app: 'addie', environment: 'production', repository, registries }
    await markReturned(where, { release: first.id, version: 'v1' }, here.ports)
    expect(await ids(second, here)).toEqual(['CVE-1', 'CVE-1'])
  })

  it('is not known any more where hosts went back to a release that has no record', async () => {
    const here = outside()
    const first = await released(here, 'v1', 1)
    await markCurrent(live(first), here.ports)
    const where = { app: 'addie', environment: 'production', repository, registries }
    await markReturned(where, { release: 'another', version: 'v1' }, here.ports)
    expect(await compared(first, here)).toBeUndefined()
  })

  it('has its record written where none lies beside the image: of a version put live again', async () => {
    const here = outside()
    const first = await released(here, 'v1', 1)
    await markCurrent(live({ ...first, id: '20261120-120000-aaaaaaa', plan: { ...first.plan, tags: [], redeploys: first.id } }), here.ports)
    expect((await currentOf(first, here.ports))?.against.release).toBe('20261120-120000-aaaaaaa')
  })

  it('is not asked of a registry where nothing may be fetched', async () => {
    const here = outside()
    const first = await released(here, 'v1', 1)
    await markCurrent(live(first), here.ports)
    const { scan, ...plan } = first.plan
    if (scan === undefined) throw new TypeError('no scan')
    const offline = { ...first, plan: { ...plan, scan: { ...scan, offline: true } } }
    const broken = outside({ ...fakeRegistries(), repository: () => Promise.reject(new Error('was asked')) })
    expect(await compared(offline, broken)).toBeUndefined()
    expect(broken.log.said('line')).toEqual(['nothing to compare with, so everything counts as new: scan.offline, so no registry is asked'])
  })

  it('tells nothing of hosts', async () => {
    const here = outside()
    const first = await released(here, 'v1', 1)
    const host = { host: 'deploy@secret.example.org', slot: 'a' as const, services: [], downtimeMs: 0, stopped: [], ms: 1 }
    await markCurrent({ ...first, id: '20261120-120000-aaaaaaa', deploy: { environment: 'production', hosts: [host], ms: 1 } }, here.ports)
    const opened = await here.ports.registry.repository(repository, { host: 'registry.example.org', plainHttp: false })
    const manifest = (await opened.manifest('launchway-env-production'))?.body.toString() ?? ''
    const layer = /"layers":\[\{[^}]*"digest":"(sha256:\w+)"/.exec(manifest)?.[1] ?? ''
    const document = (await opened.blob(layer))?.toString()
    expect(document).toContain('CVE-1')
    expect(document).not.toContain('secret.example.org')
  })

  it('is no reason to fail where the registry cannot say it, neither for a scan nor for a deploy', async () => {
    const fake = fakeRegistries()
    const first = await released(outside(fake), 'v1', 1)
    const broken = outside({ ...fake, repository: () => Promise.reject(new Error('registry.example.org did not answer')) })
    await markCurrent(live(first), broken.ports)
    expect(await compared(first, broken)).toBeUndefined()
    expect(broken.log.said('warning')).toEqual([
      expect.stringMatching(/does not say yet what production runs.*did not answer$/),
      'what production runs cannot be read, so every finding counts as new, also to rules with `new`: registry.example.org did not answer',
    ])
    expect(broken.log.said('line')).toEqual([])
  })

  it('is no reason to fail for a pull request of a fork, which may not read a private registry: what to do is said with it', async () => {
    const fake = fakeRegistries()
    const first = await released(outside(fake), 'v1', 1)
    const denied = new LaunchwayError('REGISTRY_DENIED', 'ghcr.io refused to show team/addie', { hint: 'packages: read' })
    const fork = outside({ ...fake, repository: () => Promise.reject(denied) })
    expect(await compared(first, fork)).toBeUndefined()
    expect(fork.log.said('warning')).toEqual([
      'what production runs cannot be read, so every finding counts as new, also to rules with `new`: ghcr.io refused to show team/addie\npackages: read',
    ])
  })
})
