import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { publishDatabase } from '../../lab/vulnerabilities/publish.ts'
import type { ScanSection } from '../../src/core/release.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { type Act, openServer } from './support/http.ts'
import { type BuiltHere, buildHere, copyAll, installed, openEach, toScan } from './support/scanned.ts'

/** Mirrors of the database that are busy, broken or pinned, and none at all. */

const { registry, vulnerabilities } = inject('lab')
const hour = 3_600_000
/** Nobody listens there. */
const down = '127.0.0.1:9/trivy-db:2'
/** Each test has an empty cache. */
const { here } = openEach()
let image: BuiltHere
beforeAll(async () => {
  image = await buildHere(copyAll, installed('httpx', '0.22.0'))
})

const scanWith = (...databases: string[]): Promise<ScanSection> => scan(toScan(image, { databases, rules: [] }), here().ports)
const ids = ({ images }: ScanSection): string[] => images.flatMap(({ findings }) => findings.map(({ id }) => id))
const found = ['CVE-2021-41945']

/** As if the database that is kept had come from there. */
const nowFrom = (source: string): Promise<void> => here().ports.files.write(join(here().ports.tools.folder, 'trivy/db/source'), source)

/** A mirror of its own whose database was made so many hours ago. */
let mirrors = 0
async function aged(hours: number): Promise<string> {
  mirrors += 1
  const reference = `${registry.address}/busy-mirror-${process.pid}-${mirrors}:2`
  await publishDatabase(reference, new Date(Date.now() - hours * hour))
  return reference
}

describe('the mirrors of the database', () => {
  it('are asked again after a pause where all were busy, and serve then', async () => {
    const served = new URL(`http://${vulnerabilities}`)
    const busy: Act = { status: 429, body: JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'not now' }] }) }
    const pauses: number[] = []
    await using server = await openServer(({ url }) =>
      pauses.length === 0 ? busy : { status: 307, headers: { location: `http://${served.host}${url}` } },
    )
    const { ports } = here()
    const clock = { ...ports.clock, sleep: async (ms: number) => void pauses.push(ms) }
    const release = toScan(image, { databases: [`${server.address}${served.pathname}`], rules: [] })
    expect(ids(await scan(release, { ...ports, clock }))).toEqual(found)
    expect(pauses).toEqual([2_000])
    expect(here().log.said('line').join('\n')).toMatch(
      /database: 127\.0\.0\.1:\d+\/trivy-db:2: .*TOOMANYREQUESTS[^]*asked again in 2 s \(1 of 2\)/,
    )
  })

  it('are asked three times where they stay busy, and then the scan fails', async () => {
    await using server = await openServer(() => ({ status: 503, body: 'not now' }))
    const pauses: number[] = []
    const { ports } = here()
    const clock = { ...ports.clock, sleep: async (ms: number) => void pauses.push(ms) }
    const release = toScan(image, { databases: [`${server.address}/trivy-db:2`], rules: [] })
    expect(await failureOf(scan(release, { ...ports, clock }))).toMatchObject({ code: 'SCAN_DB_UNAVAILABLE' })
    expect(pauses).toEqual([2_000, 8_000])
  })

  it.each<[string, Act]>([
    ['break off in the middle of the database', { status: 200, headers: { 'content-length': 99_999, connection: 'close' }, body: 'half' }],
    ['give something else in its place', { status: 200, body: 'garbage' }],
    ['have lost it', { status: 404 }],
    ['close the connection', 'break'],
  ])('that %s are gone past', async (_, blob) => {
    const served = new URL(`http://${vulnerabilities}`)
    await using server = await openServer(({ url }) =>
      url.includes('/blobs/') ? blob : { status: 307, headers: { location: `http://${served.host}${url}` } },
    )
    const broken = `${server.address}${served.pathname}`
    expect(ids(await scanWith(broken, vulnerabilities))).toEqual(found)
    expect(here().log.said('line').join('\n')).toContain(`database: ${broken}: `)
    expect(server.asked.some(({ url }) => url.includes('/blobs/'))).toBe(true)
  })

  it('may be pinned by a digest: the record has it, and that one is used for as long as it is young enough', async () => {
    const [, name = '', tag = ''] = /^(.+):([^:/]+)$/.exec(await aged(30)) ?? []
    const opened = await here().ports.registry.repository(name, { host: registry.address, plainHttp: true })
    const digest = (await opened.resolve(tag))?.digest ?? ''
    const pinned = `${name}@${digest}`
    const section = await scanWith(pinned)
    expect([ids(section), section.database.digest]).toEqual([found, digest])
    const said = here().log.said('line').length
    expect((await scanWith(pinned)).database.digest).toBe(digest)
    expect(here().log.said('line').slice(said).join('\n')).toContain('kept from an earlier run')
    expect(here().log.said('warning')).toEqual([])
    expect((await failureOf(scan(toScan(image, { databases: [pinned], maxDbAgeMs: hour }), here().ports))).message).toContain('is 30 h old')
  })
})

describe('without a network, as the plan says', () => {
  const offline = { offline: true, rules: [] }

  it('the database of an earlier run decides, and no mirror is asked, whatever newer one it may have', async () => {
    await scanWith(await aged(30))
    await nowFrom(down)
    expect(ids(await scan(toScan(image, { ...offline, databases: [down] }), here().ports))).toEqual(found)
    expect(here().log.said('line').join('\n')).not.toContain('refused')
    expect(here().log.said('warning')).toEqual([])
  })

  it('nothing passes where there is none, or where it is too old', async () => {
    expect(await failureOf(scan(toScan(image, offline), here().ports))).toMatchObject({
      code: 'SCAN_DB_UNAVAILABLE',
      message: 'nothing may be fetched (scan.offline), and there is none of an earlier run, so nothing was scanned',
    })
    await scanWith(await aged(30))
    await nowFrom(vulnerabilities)
    const failure = await failureOf(scan(toScan(image, { ...offline, maxDbAgeMs: hour }), here().ports))
    expect(failure.message).toContain('the one of an earlier run is 30 h old, and scan.max-db-age is 60 min')
  })
})
