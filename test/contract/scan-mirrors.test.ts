import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { publishDatabase } from '../../lab/vulnerabilities/publish.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { Release, ScanSection } from '../../src/core/release.ts'
import type { Database } from '../../src/scan/database.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { type Act, openServer } from './support/http.ts'
import { type BuiltHere, databaseFor, imageWith, openEach, openOne, toScan, withoutPauses } from './support/scanned.ts'

/** Mirrors of the database that are busy, broken or pinned, and none at all. */

const { registry, vulnerabilities } = inject('lab')
const hour = 3_600_000
/** Nobody listens there. */
const down = '127.0.0.1:9/trivy-db:2'
/** Each test has an empty cache. */
const { here } = openEach()
let image: BuiltHere
beforeAll(async () => {
  image = await imageWith(['httpx', '0.22.0'])
})

const from = (...databases: string[]): Release => toScan(image, { databases, rules: [] })
/** What a scan would decide with: where a test is about the mirrors alone, nothing is looked through. */
const readyWith = (...databases: string[]): Promise<Database> => databaseFor(from(...databases), here().ports)
const ids = ({ images }: ScanSection): string[] => images.flatMap(({ findings }) => findings.map(({ id }) => id))
const found = ['CVE-2021-41945']
const source = new URL(`http://${vulnerabilities}`)

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

// Trivy itself asks a busy one again for some seconds, so all of them are asked at once.
describe.concurrent('the mirrors of the database', () => {
  it('are asked again after a pause where all were busy, and serve then', async () => {
    const busy: Act = { status: 429, body: JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'not now' }] }) }
    await using own = await openOne()
    const { ports, pauses } = withoutPauses(own.ports)
    await using server = await openServer(({ url }) =>
      pauses.length === 0 ? busy : { status: 307, headers: { location: `http://${source.host}${url}` } },
    )
    const mirror = `${server.address}${source.pathname}`
    await databaseFor(from(mirror), ports)
    expect(pauses).toEqual([2_000])
    expect(own.log.said('line').join('\n')).toMatch(
      new RegExp(`database: ${mirror}: .*TOOMANYREQUESTS[^]*asked again in 2 s \\(1 of 2\\)[^]*min old .*, ${mirror}$`),
    )
  })

  it('are asked three times where they stay busy, and then the scan fails', async () => {
    await using server = await openServer(() => ({ status: 503, body: 'not now' }))
    await using own = await openOne()
    const { ports, pauses } = withoutPauses(own.ports)
    // What Trivy says after its own tries is the same each time: it is asked once.
    let said: ReturnType<Ports['exec']['run']> | undefined
    const exec: Ports['exec'] = { ...own.ports.exec, run: (...asked) => (said ??= own.ports.exec.run(...asked)) }
    const failure = await failureOf(scan(from(`${server.address}/trivy-db:2`), { ...ports, exec }))
    expect(failure).toMatchObject({ code: 'SCAN_DB_UNAVAILABLE' })
    expect(pauses).toEqual([2_000, 8_000])
  })

  it.each<[string, Act]>([
    ['break off in the middle of the database', { status: 200, headers: { 'content-length': 99_999, connection: 'close' }, body: 'half' }],
    ['give something else in its place', { status: 200, body: 'garbage' }],
    ['have lost it', { status: 404 }],
    ['close the connection', 'break'],
  ])('that %s are gone past', async (_, blob) => {
    await using server = await openServer(({ url }) =>
      url.includes('/blobs/') ? blob : { status: 307, headers: { location: `http://${source.host}${url}` } },
    )
    await using own = await openOne()
    const broken = `${server.address}${source.pathname}`
    await databaseFor(from(broken, vulnerabilities), own.ports)
    const lines = own.log.said('line').join('\n')
    expect(lines).toContain(`database: ${broken}: `)
    expect(lines).toMatch(new RegExp(`database: \\d+ min old .*, ${vulnerabilities}$`))
    expect(server.asked.some(({ url }) => url.includes('/blobs/'))).toBe(true)
  })

  it('that send nothing any more are gone past', async () => {
    await using server = await openServer(({ url }) =>
      url.includes('/blobs/') ? 'hang' : { status: 307, headers: { location: `http://${source.host}${url}` } },
    )
    await using own = await openOne()
    // A minute of silence goes by in six seconds.
    const clock: Ports['clock'] = { ...own.ports.clock, sleep: (ms, signal) => own.ports.clock.sleep(ms / 10, signal) }
    const silent = `${server.address}${source.pathname}`
    await databaseFor(from(silent, vulnerabilities), { ...own.ports, clock })
    const lines = own.log.said('line').join('\n')
    expect(lines).toContain(`database: ${silent}: it sent nothing for 1 min`)
    expect(lines).toMatch(/database: .*: 0 MB so far/)
    expect(lines).toMatch(new RegExp(`database: \\d+ min old .*, ${vulnerabilities}$`))
  })
})

describe('a database', () => {
  it('may be pinned by a digest: the record has it, and that one is used for as long as it is young enough', async () => {
    const [, name = '', tag = ''] = /^(.+):([^:/]+)$/.exec(await aged(30)) ?? []
    const opened = await here().ports.registry.repository(name, { host: registry.address, plainHttp: true })
    const digest = (await opened.resolve(tag))?.digest ?? ''
    const pinned = `${name}@${digest}`
    const section = await scan(from(pinned), here().ports)
    expect([ids(section), section.database.digest]).toEqual([found, digest])
    const said = here().log.said('line').length
    expect((await readyWith(pinned)).digest).toBe(digest)
    expect(here().log.said('line').slice(said).join('\n')).toContain('kept from an earlier run')
    expect(here().log.said('warning')).toEqual([])
    expect((await failureOf(scan(toScan(image, { databases: [pinned], maxDbAgeMs: hour }), here().ports))).message).toContain('is 30 h old')
  })
})

describe('without a network, as the plan says', () => {
  const offline = { offline: true, rules: [] }

  it('the database of an earlier run decides, and no mirror is asked, whatever newer one it may have', async () => {
    await readyWith(await aged(30))
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
    await readyWith(await aged(30))
    await nowFrom(vulnerabilities)
    const failure = await failureOf(scan(toScan(image, { ...offline, maxDbAgeMs: hour }), here().ports))
    expect(failure.message).toContain('the one of an earlier run is 30 h old, and scan.max-db-age is 60 min')
  })
})
