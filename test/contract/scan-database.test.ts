import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { tools } from '../../lab/paths.ts'
import { call } from '../../lab/run.ts'
import { metadata, publishDatabase, publishFiles } from '../../lab/vulnerabilities/publish.ts'
import { rows } from '../../lab/vulnerabilities/rows.ts'
import { databaseFolder, databaseWriter } from '../../lab/vulnerabilities/stamp.ts'
import type { Release, ScanSection } from '../../src/core/release.ts'
import { folderCache } from '../../src/adapters/cache.ts'
import type { LaunchwayError } from '../../src/core/error.ts'
import type { Database } from '../../src/scan/database.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { setEnv } from './support/folder.ts'
import { openProxy, openServer } from './support/http.ts'
import { type BuiltHere, databaseFor, imageOf, imageWith, installed, openEach, openOne, toScan } from './support/scanned.ts'

/** Where the vulnerability database comes from, and which one may decide. Every mirror is a registry that Trivy itself asks. */

const { registry, secureRegistry, vulnerabilities } = inject('lab')
const hour = 3_600_000
/** Nobody listens there. */
const down = '127.0.0.1:9/trivy-db:2'
/** Each test has an empty cache. */
const { here, openHere } = openEach()
let image: BuiltHere
beforeAll(async () => {
  image = await imageWith(['httpx', '0.22.0'])
})

const from = (...databases: string[]): Release => toScan(image, { databases, rules: [] })
const scanWith = (...databases: string[]): Promise<ScanSection> => scan(from(...databases), here().ports)
/** What a scan would decide with: where a test is about the mirrors alone, nothing is looked through. */
const readyWith = (...databases: string[]): Promise<Database> => databaseFor(from(...databases), here().ports)
const refused = (...databases: string[]): Promise<LaunchwayError> => failureOf(scanWith(...databases))
const ids = ({ images }: ScanSection): string[] => images.flatMap(({ findings }) => findings.map(({ id }) => id))
const found = ['CVE-2021-41945']
const served = new RegExp(`database: \\d+ min old \\(.*\\), ${vulnerabilities}$`, 'm')

/** As if the database that is kept had come from there. */
const nowFrom = (source: string, { files, tools: { folder } } = here().ports): Promise<void> =>
  files.write(join(folder, 'trivy/db/source'), source)

/** A mirror of its own: what tests leave there is nobody else's. */
let mirrors = 0
function mirror(): string {
  mirrors += 1
  return `${registry.address}/mirror-${process.pid}-${mirrors}:2`
}

/** A mirror whose database was made so many hours ago; less than none is to come. */
async function aged(hours: number): Promise<string> {
  const reference = mirror()
  await publishDatabase(reference, new Date(Date.now() - hours * hour))
  return reference
}

/** The lab's own, byte for byte. */
const theirs = (): Buffer => readFileSync(join(databaseFolder(), 'trivy.db'))

async function holding(files: Record<string, string | Buffer>): Promise<string> {
  const reference = mirror()
  await publishFiles(reference, files)
  return reference
}

// Trivy itself asks a busy mirror again for some seconds: all of them at once.
describe.concurrent('where Trivy waits, the mirrors of the database', () => {
  it.each([
    ['too many requests', 429, 'TOOMANYREQUESTS'],
    ['an error of its own', 500, 'INTERNAL'],
    ['no such thing', 404, 'MANIFEST_UNKNOWN'],
    ['something that is no registry', 200, '<html>'],
  ])('are gone past where one answers %s', async (_, status, says) => {
    const body = says.startsWith('<') ? says : JSON.stringify({ errors: [{ code: says, message: 'not now' }] })
    await using server = await openServer(() => ({ status, headers: { 'content-type': 'application/json' }, body }))
    await using own = await openOne()
    const busy = `${server.address}/trivy-db:2`
    await databaseFor(from(busy, vulnerabilities), own.ports)
    const lines = own.log.said('line').join('\n')
    expect(lines).toContain(`database: ${busy}: `)
    expect(lines).toMatch(served)
  })

  it('are asked once for runs one after the other, and those side by side do not wait for each other', async () => {
    await using own = await openOne()
    await databaseFor(from(vulnerabilities), own.ports)
    await nowFrom(down, own.ports)
    // Of no system, so that Trivy is asked twice.
    const images = await Promise.all(['lib', 'opt', 'srv'].map((folder) => imageOf(installed('httpx', '0.22.0', folder))))
    const sections = await Promise.all(images.map((one) => scan(toScan(one, { databases: [down], rules: [] }), own.ports)))
    expect(sections.map(ids)).toEqual([found, found, found])
  })
})

describe('the mirrors of the database', () => {
  it('are asked in their order: the second serves where the first is down', async () => {
    const section = await scanWith(down, vulnerabilities)
    expect(ids(section)).toEqual(found)
    const lines = here().log.said('line').join('\n')
    expect(lines).toMatch(/database: 127\.0\.0\.1:9\/trivy-db:2: .*connection refused/)
    expect(lines).toMatch(/database: \d+ min old \(.*\), 127\.0\.0\.1:\d+\/trivy-db:2/)
  })

  it('are gone past where one has an old database', async () => {
    await readyWith(await aged(72), vulnerabilities)
    expect(here().log.said('line').join('\n')).toMatch(served)
  })

  it('may want a login and have a certificate of their own: those of launchway.yml and the step', async () => {
    const { address, ca, username, password } = secureRegistry
    const guarded = `${address}/mirror-${process.pid}:2`
    await publishDatabase(guarded, new Date(), { ca, username, password })
    const release = toScan(image, { databases: [guarded], rules: [] })
    const registries = [...release.plan.registries, { host: address, ca, plainHttp: false, username, password: 'MIRROR_PASSWORD' }]
    const withLogin = { ...release, plan: { ...release.plan, registries } }
    const open = (given: string): ReturnType<typeof here>['ports'] => openHere({ MIRROR_PASSWORD: given })
    expect((await failureOf(scan(withLogin, open('wrong')))).hint).toMatch(new RegExp(`^${address}/\\S+: .*(UNAUTHORIZED|401)`))
    await databaseFor(withLogin, open(password))
    expect(here().log.said('line').join('\n')).toMatch(new RegExp(`min old .*, ${guarded}$`, 'm'))
    expect(JSON.stringify(here().log.entries)).not.toContain(password)
  })

  it('may have no TLS, where launchway.yml says so', async () => {
    // Of names and addresses of this machine Trivy itself supposes that they have none.
    const name = 'mirror.invalid'
    const { host, pathname } = new URL(`http://${vulnerabilities}`)
    await using proxy = await openProxy({ [name]: host })
    using _ = setEnv({ HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url })
    const release = from(`${name}${pathname}`)
    const withMirror = (plainHttp: boolean): typeof release => ({
      ...release,
      plan: { ...release.plan, registries: [...release.plan.registries, { host: name, plainHttp }] },
    })
    expect(await failureOf(scan(withMirror(false), here().ports))).toMatchObject({ code: 'SCAN_DB_UNAVAILABLE' })
    await databaseFor(withMirror(true), here().ports)
    expect(here().log.said('line').join('\n')).toContain(`, ${name}${pathname}`)
  })

  it('are all named when none serves, each with what it said; nothing passes', async () => {
    const failure = await refused(down, '127.0.0.1:10/team/trivy-db:2', 'registry.invalid/team/trivy-db:2')
    expect(failure).toMatchObject({
      code: 'SCAN_DB_UNAVAILABLE',
      message: 'the vulnerability database cannot be had, so nothing was scanned',
    })
    expect(failure.hint).toMatch(
      /^127\.0\.0\.1:9\/trivy-db:2: .*connection refused.*\n127\.0\.0\.1:10\/team\/trivy-db:2: .*connection refused.*\nregistry\.invalid\/team\/trivy-db:2: .*registry\.invalid/,
    )
    expect(failure.hint).toContain('scan.databases')
  })
})

describe('a database', () => {
  it('that is older than max-db-age is no basis for a verdict', async () => {
    expect(await refused(await aged(100))).toMatchObject({
      code: 'SCAN_DB_UNAVAILABLE',
      message: 'the vulnerability database is 4 days old, and scan.max-db-age is 48 h',
    })
  })

  it('from the future is none either', async () => {
    const failure = await refused(await aged(-5))
    expect(failure).toMatchObject({ code: 'SCAN_DB_UNAVAILABLE', message: expect.stringContaining('is from the future (20') })
  })

  it.each([
    ['garbage', () => ({ 'trivy.db': randomBytes(70_000), 'metadata.json': metadata(new Date()) }), 'cannot be read'],
    [
      'cut off in the middle',
      () => ({ 'trivy.db': theirs().subarray(0, 20_000), 'metadata.json': metadata(new Date()) }),
      'cannot be read',
    ],
    ['cut off at its end', () => ({ 'trivy.db': theirs().subarray(0, 60_000), 'metadata.json': metadata(new Date()) }), 'is cut off'],
    ['without a date', () => ({ 'trivy.db': randomBytes(70_000), 'metadata.json': '{}' }), 'what it has is no database'],
    ['nothing but a date', () => ({ 'metadata.json': metadata(new Date()) }), 'there is no trivy.db in it'],
  ])('that is %s passes nothing', async (_, files, why) => {
    const failure = await refused(await holding(files()))
    expect(failure).toMatchObject({ code: 'SCAN_DB_UNAVAILABLE', message: expect.stringContaining('cannot be had') })
    expect(failure.hint).toContain(why)
  })

  it('that is whole and young, and does not know what every database knows, passes nothing', async () => {
    const folder = join(here().root, 'written')
    mkdirSync(folder)
    const few = rows.filter(({ Package }) => Package === 'werkzeug')
    await call(join(tools, databaseWriter()), [folder], { stdin: JSON.stringify(few) })
    const poor = await holding({ 'trivy.db': readFileSync(join(folder, 'trivy.db')), 'metadata.json': metadata(new Date()) })
    const failure = await refused(poor)
    expect(failure.code).toBe('SCAN_DB_UNAVAILABLE')
    expect(failure.hint).toContain(`${poor}: does not know CVE-2021-44228, which every database of vulnerabilities knows`)
  })
})

describe('the database of an earlier run', () => {
  it('is used without asking anybody while no newer one is due', async () => {
    await readyWith(vulnerabilities)
    await nowFrom(down)
    const asked = here().log.said('line').length
    expect(ids(await scanWith(down))).toEqual(found)
    expect(here().log.said('line').slice(asked).join('\n')).toMatch(
      /database: \d+ min old \(.*\), kept from an earlier run, from 127\.0\.0\.1:9/,
    )
    expect(here().log.said('warning')).toEqual([])
  })

  it('is used with a warning while it is young enough and no mirror serves', async () => {
    await readyWith(await aged(30))
    await nowFrom(down)
    const section = await scanWith(down)
    expect(ids(section)).toEqual(found)
    expect(section.database.updated).toBe(new Date(section.database.updated).toISOString())
    expect(here().log.said('warning')).toEqual([
      expect.stringMatching(
        /^no newer vulnerability database can be had: the one of an earlier run is used, 30 h old\. 127\.0\.0\.1:9\/trivy-db:2: .*refused/,
      ),
    ])
  })

  it('is not asked where it is from elsewhere, such as another application on this machine', async () => {
    await readyWith(vulnerabilities)
    expect((await refused(down)).hint).toMatch(/127\.0\.0\.1:9\/trivy-db:2: .*refused/)
    const other = mirror()
    await publishDatabase(other, new Date(Date.now() - hour))
    expect((await readyWith(other)).updated).not.toEqual((await readyWith(vulnerabilities)).updated)
  })

  it('gives way to a newer one when that is due', async () => {
    const old = await readyWith(await aged(30))
    await nowFrom(vulnerabilities)
    const fresh = await readyWith(vulnerabilities)
    expect(fresh.updated.getTime()).toBeGreaterThan(old.updated.getTime())
  })

  it('is not used when it has grown too old, and no bad mirror takes its place', async () => {
    await readyWith(await aged(30))
    const garbage = await holding({ 'trivy.db': randomBytes(70_000), 'metadata.json': metadata(new Date()) })
    await nowFrom(garbage)
    expect(ids(await scanWith(garbage))).toEqual(found)
    await nowFrom(down)
    const { ports } = here()
    const clock = { ...ports.clock, now: () => new Date(Date.now() + 24 * hour) }
    const failure = await failureOf(scan(from(down), { ...ports, clock }))
    expect(failure.code).toBe('SCAN_DB_UNAVAILABLE')
    expect(failure.hint).toContain('the one of an earlier run is 54 h old, and scan.max-db-age is 48 h')
  })

  it('comes from the cache service on a runner that has none: one runner fetches it, the next needs no mirror', async () => {
    const { root, log, ports } = here()
    const db = join(ports.tools.folder, 'trivy/db')
    const tools = { ...ports.tools, cache: folderCache(join(root, 'service'), log) }
    await databaseFor(from(vulnerabilities), { ...ports, tools })
    rmSync(db, { recursive: true })
    const asked = log.said('line').length
    expect(ids(await scan(from(vulnerabilities), { ...ports, tools }))).toEqual(found)
    expect(log.said('line').slice(asked).join('\n')).toContain('kept from an earlier run')
    rmSync(db, { recursive: true })
    expect((await failureOf(scan(from(down), { ...ports, tools }))).code).toBe('SCAN_DB_UNAVAILABLE')
  })

  it('is fetched anew when it was damaged on the disk', async () => {
    await readyWith(vulnerabilities)
    await here().ports.files.write(`${here().ports.tools.folder}/trivy/db/trivy.db`, randomBytes(70_000))
    expect(ids(await scanWith(vulnerabilities))).toEqual(found)
  })

  it.each([
    ['and no mirror serves', {}],
    ['and nothing may be fetched', { offline: true }],
  ])('passes nothing when it was damaged on the disk, %s', async (_, more) => {
    await readyWith(vulnerabilities)
    await nowFrom(down)
    const { ports } = here()
    await ports.files.write(join(ports.tools.folder, 'trivy/db/trivy.db'), randomBytes(70_000))
    const failure = await failureOf(scan(toScan(image, { databases: [down], rules: [], ...more }), ports))
    expect(failure.code).toBe('SCAN_DB_UNAVAILABLE')
    expect(`${failure.message}\n${failure.hint}`).toMatch(/the one (?:kept from|of) an earlier run cannot be read/)
  })
})
