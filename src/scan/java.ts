import { hash } from 'node:crypto'
import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { downloadJavaDatabase, parseDatabaseMetadata, type Trivy, trivyCodes } from '../tools/trivy.ts'
import { askMirrors, type Kept, mirrorOf, type Refusal } from './database.ts'
import { isCurrent, showAge, unfit } from './plan.ts'
import { isBusy, tooOld, whyEnded } from './trivy-errors.ts'

/**
 * Trivy's second database: which library a `.jar` file is that does not say so itself. It knows no vulnerabilities, and is many times as large as
 * the first, so it is fetched when an image is met that needs it, and may be older.
 */

const ownDatabases = "Trivy's own databases"
/** It is made anew every few days. What is younger than this is in no other list of jars either. */
const leastMaxAgeMs = 14 * 86_400_000
const what = 'database for Java'

type Of = Pick<ScanPlan, 'javaDatabases' | 'maxDbAgeMs' | 'offline'>

const sourcesOf = ({ javaDatabases }: Of): readonly string[] => (javaDatabases.length === 0 ? [ownDatabases] : javaDatabases)
const maxAgeOf = ({ maxDbAgeMs }: Of): number => Math.max(maxDbAgeMs, leastMaxAgeMs)
const fileOf = ({ cacheDir }: Trivy, name: string): string => join(cacheDir, 'java-db', name)
/** Trivy has a database while this is there. */
const inSight = 'metadata.json'
const outOfSight = 'metadata.earlier.json'

/** What lies there, seen or not, if it is from where the plan says. */
async function keptAs(name: string, plan: Of, trivy: Trivy, { files }: Ports): Promise<Kept | undefined> {
  const [times, source] = [(await files.read(fileOf(trivy, name)))?.toString(), (await files.read(fileOf(trivy, 'source')))?.toString()]
  const parsed = times === undefined ? undefined : parseDatabaseMetadata(times)
  return parsed === undefined || source === undefined || !sourcesOf(plan).includes(source) ? undefined : { ...parsed, source }
}

/** Takes the one of an earlier run out of Trivy's sight, unless it decides: Trivy says then whether an image needs one. */
export async function hideOldJava(plan: Of, trivy: Trivy, ports: Ports): Promise<void> {
  if ((await ports.files.stat(fileOf(trivy, inSight))) === undefined) return
  const kept = await keptAs(inSight, plan, trivy, ports)
  const now = ports.clock.now()
  const isYoung = plan.offline ? kept !== undefined && unfit(kept, now, maxAgeOf(plan)) === undefined : isCurrent(kept, now, maxAgeOf(plan))
  const isGood = await tells(trivy, ports)
  if (isYoung && isGood) return
  if (isGood) await ports.files.move(fileOf(trivy, inSight), fileOf(trivy, outOfSight))
  else await forgetJava(trivy, ports)
  await forgetLayers(trivy, ports)
}

/**
 * Which library a jar is Trivy keeps with its layer, and asks no database again, newer or not. Layers that it looks through beside the one
 * for which it misses the database it keeps as if they had no library (0.71): those have to be looked through again.
 */
export async function forgetLayers({ cacheDir }: Trivy, { files }: Pick<Ports, 'files'>): Promise<void> {
  await files.remove(join(cacheDir, 'fanal'))
}

/** Which database is in sight: what was found with another is worth nothing any more. */
export async function javaIdentity(trivy: Trivy, { files }: Pick<Ports, 'files'>): Promise<string> {
  const [times, source] = [await files.read(fileOf(trivy, inSight)), await files.read(fileOf(trivy, 'source'))]
  return times === undefined ? '' : `${source?.toString() ?? ''} ${times.toString()}`
}

/**
 * Sees to it that Trivy has one: from the cache service of a runner, else from the mirrors, else that of an earlier run.
 * @param image that needs it
 * @throws LaunchwayError SCAN_DB_UNAVAILABLE
 */
export async function readyJava(image: string, plan: Of, trivy: Trivy, release: Release, ports: Ports): Promise<void> {
  await forgetLayers(trivy, ports)
  if (plan.offline) {
    if ((await usableOf(plan, trivy, ports)) === undefined)
      throw unavailable(image, 'nothing may be fetched (scan.offline), and none of an earlier run is young enough')
    await ports.files.move(fileOf(trivy, outOfSight), fileOf(trivy, inSight))
    return
  }
  if ((await keptAs(outOfSight, plan, trivy, ports)) === undefined && (await restored(plan, trivy, ports))) return
  const now = ports.clock.now()
  const usable = await usableOf(plan, trivy, ports)
  const asked = await askMirrors(
    sourcesOf(plan),
    (mirror) => fetched(mirror, plan, trivy, release, ports),
    what,
    usable === undefined,
    ports,
  )
  if ('found' in asked) {
    const { updated, source } = asked.found
    ports.log.info(`${what}: ${showAge(now.getTime() - updated.getTime())} old (${updated.toISOString()}), ${source}`)
    await ports.tools.cache?.save([join(trivy.cacheDir, 'java-db')], `${cacheKey(plan)}${updated.getTime()}`)
    return
  }
  const said = asked.refused.map(({ mirror, why }) => `${mirror}: ${why}`)
  if (usable === undefined) throw unavailable(image, said.join('\n'))
  await ports.files.move(fileOf(trivy, outOfSight), fileOf(trivy, inSight))
  const age = showAge(now.getTime() - usable.updated.getTime())
  ports.log.warning(`no newer ${what} can be had: the one of an earlier run is used, ${age} old. ${said.join('; ')}`)
}

/** The one of an earlier run that was taken out of sight, where it may decide still. */
async function usableOf(plan: Of, trivy: Trivy, ports: Ports): Promise<Kept | undefined> {
  const earlier = await keptAs(outOfSight, plan, trivy, ports)
  const isFit = earlier !== undefined && unfit(earlier, ports.clock.now(), maxAgeOf(plan)) === undefined
  return isFit && (await tells(trivy, ports)) ? earlier : undefined
}

/** What is no database is fetched anew. */
async function forgetJava(trivy: Trivy, { files }: Ports): Promise<void> {
  for (const name of [inSight, outOfSight]) await files.remove(fileOf(trivy, name))
}

function cacheKey(plan: Of): string {
  return `launchway-trivy-java-db-${hash('sha256', sourcesOf(plan).join(' ')).slice(0, 16)}-`
}

/** From another runner. What is not current there is one of an earlier run: a newer one is due. */
async function restored(plan: Of, trivy: Trivy, ports: Ports): Promise<boolean> {
  const key = cacheKey(plan)
  const found = await ports.tools.cache?.restore([join(trivy.cacheDir, 'java-db')], key, [key])
  if (found === undefined) return false
  await hideOldJava(plan, trivy, ports)
  const kept = await keptAs(inSight, plan, trivy, ports)
  if (kept !== undefined) ports.log.info(`${what}: of ${kept.updated.toISOString()}, kept from an earlier run, from ${kept.source}`)
  return kept !== undefined
}

/** Of what is no database, or has nothing in it, Trivy says no word: every `.jar` would be unknown, and pass. */
async function tells(trivy: Trivy, { tools }: Ports): Promise<boolean> {
  const file = fileOf(trivy, 'trivy-java.db')
  return (await tools.hasRows(file, 'indices')) && (await tools.hasRows(file, 'artifacts'))
}

async function fetched(mirror: string, plan: Of, trivy: Trivy, release: Release, ports: Ports): Promise<Kept | Refusal> {
  const aside = { ...trivy, cacheDir: await ports.files.temporary('trivy-java-db') }
  try {
    const from = mirror === ownDatabases ? {} : await mirrorOf(mirror, release, ports)
    const { code, stderr } = await ports.exec.run(downloadJavaDatabase(aside, from), { signal: ports.signal, accept: trivyCodes })
    tooOld(stderr)
    if (code !== 0) return { mirror, why: whyEnded(code, stderr), busy: isBusy(stderr) }
    const text = (await ports.files.read(fileOf(aside, inSight)))?.toString()
    const times = text === undefined ? undefined : parseDatabaseMetadata(text)
    const age = times === undefined ? undefined : unfit(times, ports.clock.now(), maxAgeOf(plan))
    if (times === undefined || !(await tells(aside, ports))) return { mirror, why: 'what it has is no database for Java', busy: false }
    if (age !== undefined) return { mirror, why: age, unfit: age, busy: false }
    await ports.files.write(fileOf(aside, 'source'), mirror)
    for (const name of ['trivy-java.db', 'source', inSight]) await ports.files.move(fileOf(aside, name), fileOf(trivy, name))
    await ports.files.remove(fileOf(trivy, outOfSight))
    return { ...times, source: mirror }
  } finally {
    await ports.files.remove(aside.cacheDir)
  }
}

function unavailable(image: string, why: string): LaunchwayError {
  return new LaunchwayError('SCAN_DB_UNAVAILABLE', `${image} could not be scanned: a database that Trivy needs cannot be had`, {
    hint: `${why}\nFor .jar files Trivy looks in a database of its own, which is not among scan.databases: scan.java-databases names mirrors of it.`,
  })
}
