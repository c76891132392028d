import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { call } from '../../lab/run.ts'
import { metadata, publishFiles } from '../../lab/vulnerabilities/publish.ts'
import { folderCache } from '../../src/adapters/cache.ts'
import type { ScanPlan } from '../../src/core/gates.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { ScanSection } from '../../src/core/release.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder } from './support/folder.ts'
import { openServer } from './support/http.ts'
import { type BuiltHere, imageOf, imageWith, openEach, system, toScan, withoutPauses } from './support/scanned.ts'

/** Trivy's second database, which tells by its checksum what a `.jar` file is. Written here in its format, and fetched by Trivy from a registry. */

const { registry } = inject('lab')
const day = 86_400_000
/** Nobody listens there. */
const down = '127.0.0.1:9/trivy-java-db:1'
const log4shell = 'CVE-2021-44228'
let folder: Folder
let jars = 0
/** Each test has an empty cache. */
const { here } = openEach()

beforeAll(async () => {
  folder = await openFolder()
})
afterAll(() => folder[Symbol.asyncDispose]())

interface Jar {
  image: BuiltHere
  sha1: Buffer
}

/** An image with a `.jar` that says nothing of itself: each is another one. */
async function withJar(): Promise<Jar> {
  jars += 1
  const [path, name] = [join(folder.path, `${jars}.jar`), `class-${jars}-${process.pid}`]
  writeFileSync(join(folder.path, name), name)
  await call('python3', ['-m', 'zipfile', '-c', path, name], { cwd: folder.path })
  const body = readFileSync(path)
  return { image: await imageOf({ ...system, 'app/library.jar': body }), sha1: createHash('sha1').update(body).digest() }
}

/**
 * A mirror whose database was made so many days ago, and takes these for log4j-core 2.14.1.
 * @see https://github.com/aquasecurity/trivy-java-db
 */
let mirrors = 0
async function published(known: readonly Jar[], days = 0, others = 1_000): Promise<string> {
  mirrors += 1
  const path = join(folder.path, `${mirrors}.db`)
  const database = new DatabaseSync(path)
  database.exec(`CREATE TABLE artifacts(id INTEGER PRIMARY KEY AUTOINCREMENT, group_id TEXT, artifact_id TEXT);
    CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT);
    INSERT INTO artifacts(id, group_id, artifact_id) VALUES(1, 'org.apache.logging.log4j', 'log4j-core')`)
  const insert = database.prepare("INSERT INTO indices(artifact_id, version, sha1, archive_type) VALUES(1, '2.14.1', ?, 'jar')")
  for (const { sha1 } of known) insert.run(sha1)
  // And what else a database has.
  const count = 'WITH RECURSIVE count(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM count LIMIT ?)'
  database.prepare(`INSERT INTO artifacts ${count} SELECT n, 'org.example', 'library-' || n FROM count`).run(others)
  database.prepare(`INSERT INTO indices ${count} SELECT n, '1.0', randomblob(20), 'jar' FROM count`).run(others)
  database.close()
  return holding(readFileSync(path), days)
}

async function holding(body: Buffer, days = 0): Promise<string> {
  mirrors += 1
  const reference = `${registry.address}/java-${process.pid}-${mirrors}:1`
  const dates = JSON.stringify({ ...JSON.parse(metadata(new Date(Date.now() - days * day))), Version: 1 })
  await publishFiles(reference, { 'trivy-java.db': body, 'metadata.json': dates }, undefined, 'java')
  return reference
}

const scanned = ({ image }: Jar, plan: Partial<ScanPlan>, ports: Ports = here().ports): Promise<ScanSection> =>
  scan(toScan(image, { rules: [], ...plan }), ports)
const ids = ({ images }: ScanSection): string[] => images.flatMap(({ findings }) => findings.map(({ id }) => id))
const own = (ports = here().ports): string => join(ports.tools.folder, 'trivy/java-db')
/** As if the one that is kept had come from there. */
const nowFrom = (source: string): Promise<void> => here().ports.files.write(join(own(), 'source'), source)
const lines = (): string => here().log.said('line').join('\n')

describe('a .jar that says nothing of itself', () => {
  it('is known by the database for Java, which is fetched once, when the first image needs it', async () => {
    const [first, second] = [await withJar(), await withJar()]
    const mirror = await published([first, second])
    await scan(toScan(await imageWith(['httpx', '0.17.0']), { rules: [], javaDatabases: [mirror] }), here().ports)
    expect(existsSync(own())).toBe(false)
    expect(ids(await scanned(first, { javaDatabases: [mirror] }))).toEqual([log4shell])
    expect(lines()).toMatch(new RegExp(`database for Java: 0 min old \\(.*\\), ${mirror}$`, 'm'))
    await nowFrom(down)
    expect(ids(await scanned(second, { javaDatabases: [down] }))).toEqual([log4shell])
    expect(here().log.said('warning')).toEqual([])
  })

  it('is known by that of the second mirror where the first is down, has something else, or an old one', async () => {
    const jar = await withJar()
    await using server = await openServer(() => ({ status: 404, body: '{}' }))
    const old = await published([jar], 20)
    const mirror = await published([jar])
    const gone = `${server.address}/trivy-java-db:1`
    expect(ids(await scanned(jar, { javaDatabases: [down, gone, old, mirror] }))).toEqual([log4shell])
    expect(lines()).toMatch(/database for Java: 127\.0\.0\.1:9\S*: .*refused/)
    expect(lines()).toContain(`database for Java: ${old}: is 20 days old`)
  })

  it('waits for mirrors that are busy, and passes nothing where they stay so', async () => {
    const jar = await withJar()
    const body = JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'not now' }] })
    await using server = await openServer(() => ({ status: 429, body }))
    const { ports, pauses } = withoutPauses(here().ports)
    // Trivy asks again by itself, for seconds, and says the same each time.
    let said: ReturnType<Ports['exec']['run']> | undefined
    const exec: Ports['exec'] = {
      ...ports.exec,
      run: (command, options) =>
        command.args.includes('--download-java-db-only') ? (said ??= ports.exec.run(command, options)) : ports.exec.run(command, options),
    }
    const failure = await failureOf(scanned(jar, { javaDatabases: [`${server.address}/trivy-java-db:1`] }, { ...ports, exec }))
    expect(failure).toMatchObject({
      code: 'SCAN_DB_UNAVAILABLE',
      message: 'app could not be scanned: a database that Trivy needs cannot be had',
    })
    expect(failure.hint).toMatch(/TOOMANYREQUESTS[^]*scan\.java-databases/)
    expect(pauses).toEqual([2_000, 8_000])
  })
})

describe('what Trivy keeps of layers', () => {
  const layers = (): string[] => {
    const folder = join(here().ports.tools.folder, 'trivy/layers')
    return existsSync(folder) ? readdirSync(folder) : []
  }

  it('is kept apart for each database for Java, and not at all of a look that failed for want of one', async () => {
    const [first, second] = [await withJar(), await withJar()]
    expect((await failureOf(scanned(first, { javaDatabases: [down] }))).code).toBe('SCAN_DB_UNAVAILABLE')
    expect(layers()).toEqual([])
    await scan(toScan(await imageWith(['httpx', '0.17.0']), { rules: [] }), here().ports)
    expect(layers()).toEqual(['plain.db'])
    await scanned(first, { javaDatabases: [await published([first], 5)] })
    const [older = '', plain] = layers()
    expect([older, plain]).toEqual([expect.stringMatching(/^java-/), 'plain.db'])
    await scanned(second, { javaDatabases: [await published([second])] })
    expect(layers()).toEqual([expect.not.stringContaining(older), 'plain.db'])
  })

  it('is begun anew where it was damaged', async () => {
    const { ports } = here()
    await scan(toScan(await imageWith(['httpx', '0.17.0']), { rules: [] }), ports)
    const file = join(ports.tools.folder, 'trivy/layers/plain.db')
    writeFileSync(file, randomBytes(70_000))
    expect(ids(await scan(toScan(await imageWith(['httpx', '0.22.0']), { rules: [] }), ports))).toEqual(['CVE-2021-41945'])
    writeFileSync(file, readFileSync(file).fill(7, 8_000, 30_000))
    expect(ids(await scan(toScan(await imageWith(['httpx', '0.21.0']), { rules: [] }), ports))).toEqual(['CVE-2021-41945'])
  })
})

describe('the database for Java of an earlier run', () => {
  it('is used with a warning while it is young enough and no mirror serves', async () => {
    const [first, second, third] = [await withJar(), await withJar(), await withJar()]
    await scanned(first, { javaDatabases: [await published([first, second], 5)] })
    await nowFrom(down)
    expect(ids(await scanned(second, { javaDatabases: [down] }))).toEqual([log4shell])
    expect(here().log.said('warning')).toEqual([
      expect.stringMatching(
        /^no newer database for Java can be had: the one of an earlier run is used, 5 days old\. 127\.0\.0\.1:9\S*: .*refused/,
      ),
    ])
    const { ports } = here()
    const clock = { ...ports.clock, now: () => new Date(Date.now() + 10 * day) }
    const later = scanned(third, { javaDatabases: [down], maxDbAgeMs: 12 * day }, { ...ports, clock })
    expect((await failureOf(later)).code).toBe('SCAN_DB_UNAVAILABLE')
  })

  it('gives way to a newer one when that is due, or when it is from elsewhere', async () => {
    const [first, second, third] = [await withJar(), await withJar(), await withJar()]
    await scanned(first, { javaDatabases: [await published([first], 5)] })
    const newer = await published([second])
    await nowFrom(newer)
    expect(ids(await scanned(second, { javaDatabases: [newer] }))).toEqual([log4shell])
    const other = await published([third])
    expect(ids(await scanned(third, { javaDatabases: [other] }))).toEqual([log4shell])
  })

  it('is asked again for a jar that one before it did not know', async () => {
    const [jar, other] = [await withJar(), await withJar()]
    expect(ids(await scanned(jar, { javaDatabases: [await published([other], 5)] }))).toEqual([])
    const newer = await published([jar])
    await nowFrom(newer)
    expect(ids(await scanned(jar, { javaDatabases: [newer] }))).toEqual([log4shell])
  })

  it('that was damaged does not serve where no mirror does', async () => {
    const [first, second] = [await withJar(), await withJar()]
    await scanned(first, { javaDatabases: [await published([first, second], 5)] })
    await nowFrom(down)
    writeFileSync(join(own(), 'trivy-java.db'), randomBytes(70_000))
    expect((await failureOf(scanned(second, { javaDatabases: [down] }))).code).toBe('SCAN_DB_UNAVAILABLE')
  })

  it('comes from the cache service on a runner that has none', async () => {
    const [first, second] = [await withJar(), await withJar()]
    const { root, log, ports } = here()
    const tools = { ...ports.tools, cache: folderCache(join(root, 'service'), log) }
    const mirror = await published([first, second])
    await scanned(first, { javaDatabases: [mirror] }, { ...ports, tools })
    rmSync(own(), { recursive: true })
    const calls: string[] = []
    const exec: Ports['exec'] = {
      ...ports.exec,
      run: (command, options) => (calls.push(...command.args), ports.exec.run(command, options)),
    }
    expect(ids(await scanned(second, { javaDatabases: [mirror] }, { ...ports, tools, exec }))).toEqual([log4shell])
    expect(calls).not.toContain('--download-java-db-only')
  })

  it('comes from the cache service also when a newer one is due, where no mirror serves', async () => {
    const [first, second] = [await withJar(), await withJar()]
    const { root, log, ports } = here()
    const tools = { ...ports.tools, cache: folderCache(join(root, 'service'), log) }
    const mirror = await published([first, second], 5)
    await scanned(first, { javaDatabases: [mirror] }, { ...ports, tools })
    rmSync(own(), { recursive: true })
    const exec: Ports['exec'] = {
      ...ports.exec,
      run: (command, options) => ports.exec.run({ ...command, args: command.args.map((word) => (word === mirror ? down : word)) }, options),
    }
    expect(ids(await scanned(second, { javaDatabases: [mirror] }, { ...ports, tools, exec }))).toEqual([log4shell])
    expect(log.said('warning')).toEqual([expect.stringContaining('no newer database for Java can be had')])
  })

  it('decides without a network; where there is none, nothing passes', async () => {
    const [first, second] = [await withJar(), await withJar()]
    const mirror = await published([first, second], 5)
    await scan(toScan(await imageWith(['httpx', '0.17.1']), { rules: [] }), here().ports)
    const failure = await failureOf(scanned(first, { javaDatabases: [mirror], offline: true }))
    expect(failure).toMatchObject({ code: 'SCAN_DB_UNAVAILABLE', hint: expect.stringContaining('scan.offline') })
    await scanned(first, { javaDatabases: [mirror] })
    expect(ids(await scanned(second, { javaDatabases: [mirror], offline: true }))).toEqual([log4shell])
  })

  // Trivy itself says no word of either, and finds nothing.
  it.each<[string, () => Promise<string>]>([
    ['is garbage', () => holding(randomBytes(70_000))],
    ['has nothing in it', () => published([], 0, 0)],
    ['knows a handful of libraries', () => published([], 0, 5)],
  ])('is none where it %s', async (_, bad) => {
    const failure = await failureOf(scanned(await withJar(), { javaDatabases: [await bad()] }))
    expect(failure).toMatchObject({ code: 'SCAN_DB_UNAVAILABLE', hint: expect.stringContaining('what it has is no database for Java') })
  })

  it('is none once it was damaged on the disk', async () => {
    const [first, second, third] = [await withJar(), await withJar(), await withJar()]
    const mirror = await published([first, second, third])
    const damage = (): void => writeFileSync(join(own(), 'trivy-java.db'), randomBytes(70_000))
    await scanned(first, { javaDatabases: [mirror] })
    damage()
    expect(ids(await scanned(second, { javaDatabases: [mirror] }))).toEqual([log4shell])
    damage()
    expect((await failureOf(scanned(third, { javaDatabases: [mirror], offline: true }))).code).toBe('SCAN_DB_UNAVAILABLE')
  })
})
