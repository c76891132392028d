import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { downloadJavaDatabase, type Trivy } from '../tools/trivy.ts'
import { askMirrors, mirrorOf } from './database.ts'
import { downloadWatched, type Refusal } from './database-download.ts'
import {
  digestOf,
  elsewhere,
  fileOf,
  identityOf,
  type Kept,
  keptFrom,
  ownDatabases,
  putThere,
  readTimes,
  restoreDatabase,
  shareDatabase,
  sourcesOf,
} from './kept-database.ts'
import { isCurrent, showAge, unfit } from './plan.ts'

/**
 * Trivy's second database: which library a `.jar` file is that does not say so itself. It knows no vulnerabilities, and is many times as large as
 * the first, so it is fetched when an image is met that needs it, and may be older.
 */

/** It is made anew every few days. What is younger than this is in no other list of jars either. */
const leastMaxAgeMs = 14 * 86_400_000
const what = 'database for Java'
const file = 'trivy-java.db'

type Of = Pick<ScanPlan, 'javaDatabases' | 'maxDbAgeMs' | 'offline'>

const maxAgeOf = ({ maxDbAgeMs }: Of): number => Math.max(maxDbAgeMs, leastMaxAgeMs)

/** The one of an earlier run, if it may decide by itself: no newer one is due, or is wanted. */
export async function currentJava(plan: Of, trivy: Trivy, ports: Ports): Promise<Kept | undefined> {
  const kept = await usableOf(plan, trivy, ports)
  const isLast =
    kept !== undefined && (plan.offline || digestOf(kept.source) !== undefined || isCurrent(kept, ports.clock.now(), maxAgeOf(plan)))
  return isLast ? kept : undefined
}

/**
 * Sees to it that there is one: from the cache service of a runner, else from the mirrors, else that of an earlier run.
 * @param image that needs it @param seen which one Trivy sees, and does not take; empty where it sees none
 * @throws LaunchwayError SCAN_DB_UNAVAILABLE
 */
export async function readyJava(image: string, seen: string, plan: Of, trivy: Trivy, release: Release, ports: Ports): Promise<Kept> {
  const sources = sourcesOf(plan.javaDatabases)
  if (!plan.offline && (await keptFrom('java-db', sources, trivy, ports)) === undefined)
    await restoreDatabase('java-db', sources, trivy, ports)
  // Another run on this machine may have fetched one since.
  const current = await currentJava(plan, trivy, ports)
  if (current !== undefined && identityOf(current) !== seen) {
    ports.log.info(`${what}: of ${current.updated.toISOString()}, kept from an earlier run, from ${current.source}`)
    return current
  }
  const other = await elsewhere('java-db', sources, trivy, ports)
  if (plan.offline)
    throw unavailable(image, `nothing may be fetched (scan.offline), and ${other ?? 'none of an earlier run is young enough'}`)
  const usable = await usableOf(plan, trivy, ports)
  const asked = await askMirrors(sources, (mirror) => fetched(mirror, plan, trivy, release, ports), what, usable === undefined, ports)
  const now = ports.clock.now().getTime()
  if ('found' in asked) {
    const { updated, source } = asked.found
    ports.log.info(`${what}: ${showAge(now - updated.getTime())} old (${updated.toISOString()}), ${source}`)
    await shareDatabase('java-db', sources, asked.found, trivy, ports)
    return asked.found
  }
  const said = asked.refused.map(({ mirror, why }) => `${mirror}: ${why}`)
  if (usable === undefined) throw unavailable(image, [...said, ...(other === undefined ? [] : [other])].join('\n'))
  const age = showAge(now - usable.updated.getTime())
  ports.log.warning(`no newer ${what} can be had: the one of an earlier run is used, ${age} old. ${said.join('; ')}`)
  return usable
}

/** The one of an earlier run, where it may decide while no newer one can be had. */
async function usableOf(plan: Of, trivy: Trivy, ports: Ports): Promise<Kept | undefined> {
  const kept = await keptFrom('java-db', sourcesOf(plan.javaDatabases), trivy, ports)
  const isFit = kept !== undefined && unfit(kept, ports.clock.now(), maxAgeOf(plan)) === undefined
  return isFit && (await tells(trivy, ports)) ? kept : undefined
}

/** There are millions of libraries; a database that knows fewer is a part of one. */
const leastLibraries = 1_000

/** Of what is no database, or has next to nothing in it, Trivy says no word: every `.jar` would be unknown, and pass. */
async function tells(trivy: Trivy, { tools }: Ports): Promise<boolean> {
  const path = fileOf('java-db', trivy, file)
  return (await tools.hasRows(path, 'indices', leastLibraries)) && (await tools.hasRows(path, 'artifacts', leastLibraries))
}

async function fetched(mirror: string, plan: Of, trivy: Trivy, release: Release, ports: Ports): Promise<Kept | Refusal> {
  const aside = { ...trivy, cacheDir: await ports.files.temporary('trivy-java-db') }
  try {
    const from = mirror === ownDatabases ? {} : await mirrorOf(mirror, release, ports)
    const refusal = await downloadWatched(mirror, downloadJavaDatabase(aside, from), what, aside, ports)
    if (refusal !== undefined) return refusal
    const times = await readTimes('java-db', aside, ports)
    const age = times === undefined ? undefined : unfit(times, ports.clock.now(), maxAgeOf(plan))
    if (times === undefined || !(await tells(aside, ports))) return { mirror, why: 'what it has is no database for Java', busy: false }
    if (age !== undefined) return { mirror, why: age, unfit: age, busy: false }
    const found = { ...times, source: mirror }
    await putThere('java-db', file, { ...found, aside }, trivy, ports)
    return found
  } finally {
    await ports.files.remove(aside.cacheDir)
  }
}

function unavailable(image: string, why: string): LaunchwayError {
  return new LaunchwayError('SCAN_DB_UNAVAILABLE', `${image} could not be scanned: a database that Trivy needs cannot be had`, {
    hint: `${why}\nFor .jar files Trivy looks in a database of its own, which is not among scan.databases: scan.java-databases names mirrors of it.`,
  })
}
