import { join, resolve } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { registryOf } from '../core/repository.ts'
import { downloadDatabase, type Mirror, scanList, type Trivy, trivyCodes } from '../tools/trivy.ts'
import { parseReport } from '../tools/trivy-report.ts'
import { downloadWatched, type Refusal } from './database-download.ts'
import { dockerConfig } from './logins.ts'
import {
  digestOf,
  elsewhere,
  fileOf,
  identityOf,
  type Kept,
  keptFrom,
  lyingThere,
  ownDatabases,
  putThere,
  readTimes,
  restoreDatabase,
  shareDatabase,
  sourcesOf,
} from './kept-database.ts'
import type { VersionedTrivy } from './kept.ts'
import { type DatabaseTimes, isCurrent, showAge, unfit } from './plan.ts'
import { whyEnded } from './trivy-errors.ts'

/**
 * A list of one package with a vulnerability that every database knows (Log4Shell). A database that does not find it is
 * empty, broken or none, whatever its date says: nothing that it says may pass an image.
 * @see https://nvd.nist.gov/vuln/detail/CVE-2021-44228
 */
const known = {
  id: 'CVE-2021-44228',
  list: {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    components: [
      {
        type: 'library',
        group: 'org.apache.logging.log4j',
        name: 'log4j-core',
        version: '2.14.1',
        purl: 'pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1',
      },
    ],
  },
}

/** A database that may decide. */
export interface Database extends DatabaseTimes {
  /** Where it was fetched, if it is known to the digest. */
  digest?: string
  /** Tells it from every other: what was found with it needs no second look. */
  identity: string
}

/** How long is waited before mirrors that were busy are asked again. */
const pausesMs = [2_000, 8_000]

/**
 * Sees to it that the cache folder has a database that may decide: from where it is asked for, young enough, and able to
 * find something. What another application on this machine has fetched from elsewhere is not asked. Fetched
 * beside the one that is there, which it replaces only when it is good; so a bad mirror takes nothing away.
 * @throws LaunchwayError SCAN_DB_UNAVAILABLE
 */
export async function readyDatabase(plan: ScanPlan, trivy: VersionedTrivy, release: Release, ports: Ports): Promise<Database> {
  const now = ports.clock.now()
  const sources = sourcesOf(plan.databases)
  const kept = (await keptFrom('db', sources, trivy, ports)) ?? (plan.offline ? undefined : await restored(sources, trivy, ports))
  const keptProblem = kept === undefined ? undefined : (unfit(kept, now, plan.maxDbAgeMs) ?? (await cannotFind(trivy, ports)))
  const usable = kept !== undefined && keptProblem === undefined ? kept : undefined
  // One that was named by its digest is never another.
  const isLast = usable !== undefined && (plan.offline || digestOf(usable.source) !== undefined || isCurrent(usable, now, plan.maxDbAgeMs))
  if (isLast) return told(usable, `kept from an earlier run, from ${usable.source}`, trivy, ports)
  const other = kept === undefined ? await elsewhere('db', sources, trivy, ports) : `the one of an earlier run ${keptProblem}`
  if (plan.offline) throw offline(other ?? 'there is none of an earlier run')

  const asked = await askMirrors(sources, (mirror) => fetched(mirror, plan, trivy, release, ports), 'database', usable === undefined, ports)
  if ('found' in asked) {
    await shareDatabase('db', sources, asked.found, trivy, ports)
    return told(asked.found, asked.found.source, trivy, ports)
  }
  const { refused } = asked
  if (usable !== undefined) {
    const age = showAge(now.getTime() - usable.updated.getTime())
    ports.log.warning(
      `no newer vulnerability database can be had: the one of an earlier run is used, ${age} old. ${refused.map(({ mirror, why }) => `${mirror}: ${why}`).join('; ')}`,
    )
    return identified(usable, trivy, ports)
  }
  throw unavailable(refused, other)
}

/**
 * Asks mirrors one by one, and all of them again after a pause while any is busy.
 * @param what it is, for the log @param isPatient there is nothing else that would do
 */
export async function askMirrors<T extends object>(
  sources: readonly string[],
  fetch: (mirror: string) => Promise<T | Refusal>,
  what: string,
  isPatient: boolean,
  ports: Ports,
): Promise<{ found: T } | { refused: Refusal[] }> {
  for (const [round, pause] of [...pausesMs, undefined].entries()) {
    const refused: Refusal[] = []
    for (const mirror of sources) {
      const found = await fetch(mirror)
      if (!('why' in found)) return { found }
      refused.push(found)
      ports.log.info(`${what}: ${mirror}: ${found.why}`)
    }
    if (!isPatient || pause === undefined || !refused.some(({ busy }) => busy)) return { refused }
    ports.log.info(`${what}: asked again in ${pause / 1000} s (${round + 1} of ${pausesMs.length})`)
    await ports.clock.sleep(pause, ports.signal)
  }
  return { refused: [] }
}

/** Fetches the database of one mirror, and puts it into its place when it is good. */
async function fetched(mirror: string, plan: ScanPlan, trivy: VersionedTrivy, release: Release, ports: Ports): Promise<Kept | Refusal> {
  const aside = { ...trivy, cacheDir: await ports.files.temporary('trivy-db') }
  const from = mirror === ownDatabases ? {} : await mirrorOf(mirror, release, ports)
  const refusal = await downloadWatched(mirror, downloadDatabase(aside, from), 'database', aside, ports)
  if (refusal !== undefined) return refusal
  const times = await readTimes('db', aside, ports)
  const age = times === undefined ? undefined : unfit(times, ports.clock.now(), plan.maxDbAgeMs)
  const why = times === undefined ? 'what it has is no database' : (age ?? (await cannotFind(aside, ports)))
  if (times === undefined || why !== undefined) {
    await ports.files.remove(fileOf('db', aside, 'trivy.db'))
    return { mirror, why: why ?? '', busy: false, ...(age === undefined ? {} : { unfit: age }) }
  }
  const found = { ...times, source: mirror }
  await putThere('db', 'trivy.db', { ...found, aside }, trivy, ports)
  await believe(trivy, ports)
  return found
}

function offline(why: string): LaunchwayError {
  return new LaunchwayError('SCAN_DB_UNAVAILABLE', `nothing may be fetched (scan.offline), and ${why}, so nothing was scanned`, {
    hint: 'Run a scan with `offline: false` once where there is a network, and keep the folder ~/.cache/launchway/trivy/db; scan.max-db-age says what is young enough.',
  })
}

function unavailable(refused: readonly Refusal[], kept: string | undefined): LaunchwayError {
  const age = refused.find((one) => one.unfit !== undefined)?.unfit
  return new LaunchwayError(
    'SCAN_DB_UNAVAILABLE',
    age === undefined ? 'the vulnerability database cannot be had, so nothing was scanned' : `the vulnerability database ${age}`,
    {
      hint: [
        ...refused.map(({ mirror, why }) => `${mirror}: ${why}`),
        ...(kept === undefined ? [] : [kept]),
        'Run this again later, or name a mirror under scan.databases in launchway.yml. Where no newer one can be had, scan.max-db-age says what is young enough.',
      ].join('\n'),
    },
  )
}

async function told(database: Kept, from: string, trivy: VersionedTrivy, ports: Ports): Promise<Database> {
  const age = showAge(ports.clock.now().getTime() - database.updated.getTime())
  ports.log.info(`database: ${age} old (${database.updated.toISOString()}), ${from}`)
  return identified(database, trivy, ports)
}

async function identified(kept: Kept, trivy: VersionedTrivy, ports: Ports): Promise<Database> {
  const digest = digestOf(kept.source)
  const identity = await withSize(kept, trivy, ports)
  return { updated: kept.updated, next: kept.next, identity, ...(digest === undefined ? {} : { digest }) }
}

async function withSize(kept: Kept, trivy: Trivy, ports: Ports): Promise<string> {
  return `${identityOf(kept)} ${(await ports.files.stat(fileOf('db', trivy, 'trivy.db')))?.size ?? 0}`
}

/** Whether the database that lies there is still this one: another run on this machine may have put its own in its place. */
export async function isStill({ identity }: Pick<Database, 'identity'>, trivy: Trivy, ports: Ports): Promise<boolean> {
  const there = await lyingThere('db', trivy, ports)
  return there !== undefined && (await withSize(there, trivy, ports)) === identity
}

/** The newest database that another runner has fetched. */
async function restored(sources: readonly string[], trivy: Trivy, ports: Ports): Promise<Kept | undefined> {
  const isThere = await restoreDatabase('db', sources, trivy, ports)
  // Who filled that cache may have written anything: it is asked again.
  await ports.files.remove(fileOf('db', trivy, 'believed'))
  return isThere ? keptFrom('db', sources, trivy, ports) : undefined
}

/** Why the database is none, in words; undefined when it finds what every database finds. One that did is not asked twice. */
async function cannotFind(trivy: VersionedTrivy, ports: Ports): Promise<string | undefined> {
  const believed = await ports.files.read(fileOf('db', trivy, 'believed'))
  if (believed !== undefined && believed.toString() === (await proofOf(trivy, ports))) return undefined
  const list = join(await ports.files.temporary('known'), 'list.json')
  await ports.files.write(list, JSON.stringify(known.list))
  const { code, stdout, stderr } = await ports.exec.run(scanList(trivy, list), { signal: ports.signal, accept: trivyCodes })
  if (stderr.includes('cannot be specified on the first run')) return 'there is no trivy.db in it'
  if (code !== 0) return `cannot be read: ${whyEnded(code, stderr)}`
  if (parseReport(stdout)?.findings.some(({ id }) => id === known.id) !== true)
    return `does not know ${known.id}, which every database of vulnerabilities knows: it is empty or broken`
  if (!(await ports.tools.isWhole(fileOf('db', trivy, 'trivy.db')))) return 'is cut off: what stood at its end would not be found'
  await believe(trivy, ports)
  return undefined
}

/** Notes that this very file was asked. */
async function believe(trivy: VersionedTrivy, ports: Ports): Promise<void> {
  const proof = await proofOf(trivy, ports)
  if (proof !== undefined) await ports.files.write(fileOf('db', trivy, 'believed'), proof)
}

async function proofOf(trivy: VersionedTrivy, ports: Ports): Promise<string | undefined> {
  const stat = await ports.files.stat(fileOf('db', trivy, 'trivy.db'))
  return stat === undefined ? undefined : JSON.stringify([trivy.version, trivy.digest, stat.size, stat.modified])
}

/** A mirror with what launchway.yml and the step have for its registry; without a login there, Trivy looks by itself. */
export async function mirrorOf(repository: string, { plan }: Release, ports: Ports): Promise<Mirror> {
  const settings = registryOf(repository, plan.registries)
  return {
    repository,
    env: await dockerConfig(settings, ports),
    insecure: settings.plainHttp,
    ...(settings.ca === undefined ? {} : { ca: resolve(ports.root, settings.ca) }),
  }
}
