import { hash } from 'node:crypto'
import { join } from 'node:path'
import type { Ports } from '../core/ports.ts'
import { parseDatabaseMetadata, type Trivy } from '../tools/trivy.ts'
import type { DatabaseTimes } from './plan.ts'

/** Trivy's databases as an earlier run left them: each in a folder of its own, with a note of where it came from. */

/** The folders that Trivy has them in: of vulnerabilities, and of what a `.jar` file is. */
export type Kind = 'db' | 'java-db'

export type Kept = DatabaseTimes & {
  /** The mirror. */
  source: string
}

/** What Trivy itself knows where launchway.yml names no mirror. */
export const ownDatabases = "Trivy's own databases"

export function sourcesOf(named: readonly string[]): readonly string[] {
  return named.length === 0 ? [ownDatabases] : named
}

/** `sha256:…` of a mirror that is named by it: what comes from there is never another. */
export function digestOf(mirror: string): string | undefined {
  return /@(sha256:[0-9a-f]{64})$/.exec(mirror)?.[1]
}

/** Tells it from every other of its kind. */
export function identityOf({ source, updated }: Kept): string {
  return `${source} ${updated.toISOString()}`
}

export function fileOf(kind: Kind, { cacheDir }: Trivy, name: string): string {
  return join(cacheDir, kind, name)
}

export async function readTimes(kind: Kind, trivy: Trivy, { files }: Pick<Ports, 'files'>): Promise<DatabaseTimes | undefined> {
  const text = await files.read(fileOf(kind, trivy, 'metadata.json'))
  return text === undefined ? undefined : parseDatabaseMetadata(text.toString())
}

/** The database that lies there, whatever is in it. */
export async function lyingThere(kind: Kind, trivy: Trivy, ports: Pick<Ports, 'files'>): Promise<Kept | undefined> {
  const [times, source] = [await readTimes(kind, trivy, ports), await ports.files.read(fileOf(kind, trivy, 'source'))]
  return times === undefined || source === undefined ? undefined : { ...times, source: source.toString() }
}

/** The same, if it is from one of these: what another application on this machine has fetched from elsewhere is not asked. */
export async function keptFrom(
  kind: Kind,
  sources: readonly string[],
  trivy: Trivy,
  ports: Pick<Ports, 'files'>,
): Promise<Kept | undefined> {
  const kept = await lyingThere(kind, trivy, ports)
  return kept !== undefined && sources.includes(kept.source) ? kept : undefined
}

/**
 * Why the one that lies there is not taken, where it is from somewhere else: who names another mirror than before, or none
 * any more, has one of an earlier run and would be told that there is none. Undefined where it is not so.
 */
export async function elsewhere(
  kind: Kind,
  sources: readonly string[],
  trivy: Trivy,
  ports: Pick<Ports, 'files'>,
): Promise<string | undefined> {
  const kept = await lyingThere(kind, trivy, ports)
  if (kept === undefined || sources.includes(kept.source)) return undefined
  const key = kind === 'db' ? 'scan.databases' : 'scan.java-databases'
  const named = sources.includes(ownDatabases) ? `names none, so ${ownDatabases} count` : `names ${sources.join(', ')}`
  return `the one of an earlier run is from ${kept.source}, and ${key} ${named}`
}

/**
 * Puts one that was fetched aside into its place.
 * @param file the database itself, beside its times
 */
export async function putThere(kind: Kind, file: string, from: Kept & { aside: Trivy }, trivy: Trivy, { files }: Ports): Promise<void> {
  await files.write(fileOf(kind, from.aside, 'source'), from.source)
  // What is older than it says is safe; what is younger than it is would not be: the date comes last.
  for (const name of [file, 'source', 'metadata.json']) await files.move(fileOf(kind, from.aside, name), fileOf(kind, trivy, name))
}

/** One for each list of sources: a runner takes up no other. */
function cacheKey(kind: Kind, sources: readonly string[]): string {
  return `launchway-trivy-${kind}-${hash('sha256', sources.join(' ')).slice(0, 16)}-`
}

/** Takes up the newest that another runner has fetched. @returns whether there was one */
export async function restoreDatabase(kind: Kind, sources: readonly string[], trivy: Trivy, { tools }: Ports): Promise<boolean> {
  const key = cacheKey(kind, sources)
  return (await tools.cache?.restore([join(trivy.cacheDir, kind)], key, [key])) !== undefined
}

/** Leaves it to other runners. */
export async function shareDatabase(
  kind: Kind,
  sources: readonly string[],
  { updated }: DatabaseTimes,
  trivy: Trivy,
  ports: Ports,
): Promise<void> {
  await ports.tools.cache?.save([join(trivy.cacheDir, kind)], `${cacheKey(kind, sources)}${updated.getTime()}`)
}
