import type { BuiltImage } from '../core/release.ts'
import type { Report } from '../tools/trivy-report.ts'

/** Clocks of two machines differ; a database that is made later than this is no database of today. */
const clockSkewMs = 10 * 60_000

export interface DatabaseTimes {
  updated: Date
  next: Date
}

/** Why a database is no basis for a verdict, in words; undefined when it is one. */
export function unfit({ updated }: Pick<DatabaseTimes, 'updated'>, now: Date, maxAgeMs: number): string | undefined {
  const age = now.getTime() - updated.getTime()
  if (age < -clockSkewMs) return `is from the future (${updated.toISOString()})`
  return age > maxAgeMs ? `is ${showAge(age)} old, and scan.max-db-age is ${showAge(maxAgeMs)}` : undefined
}

/** Whether the database of an earlier run is taken without asking for a newer one. */
export function isCurrent(kept: DatabaseTimes | undefined, now: Date, maxAgeMs: number): boolean {
  return kept !== undefined && now < kept.next && unfit(kept, now, maxAgeMs) === undefined
}

/** `40 min`, `5 h`, `3 days` */
export function showAge(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000))
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 72 ? `${hours} h` : `${Math.round(hours / 24)} days`
}

/** Where Trivy gets an image from. */
export type Source =
  /** The engine, which knows it by the digest of its configuration. */
  | { from: 'engine' }
  /** An archive that the engine writes, where Trivy cannot ask it, or would not learn that digest. */
  | { from: 'archive' }
  /** A registry: in a job of its own, the engine never had it. */
  | { from: 'registry'; repository: string; digest: string }

export interface Seen {
  /** The engine has the candidate. */
  inEngine: boolean
  containerdStore: boolean
  /** DOCKER_HOST, where the engine has an address of its own. */
  host: string | undefined
}

export function sourceOf({ registries }: Pick<BuiltImage, 'registries'>, { inEngine, containerdStore, host }: Seen): Source | undefined {
  if (inEngine) return containerdStore || host?.startsWith('ssh://') === true ? { from: 'archive' } : { from: 'engine' }
  const [uploaded] = Object.entries(registries)
  return uploaded === undefined ? undefined : { from: 'registry', repository: uploaded[0], digest: uploaded[1].digest }
}

/** Why what is found of a system is not all there is. @param isUncertain Trivy does not know this version of it */
export function shortOf({ os }: Pick<Report, 'os'>, isUncertain: boolean): string | undefined {
  if (os === undefined) return undefined
  const name = `${os.family} ${os.name}`
  if (os.ended) return `${name} gets no security updates any more, so what is found is not all there is`
  return isUncertain ? `this Trivy is older than ${name}, so what is found may not be all there is; a newer Trivy knows more` : undefined
}

/** What a scan says about how much it saw: nothing found in nothing seen is no pass. */
export function sight({ os, packages }: Pick<Report, 'os' | 'packages'>): { kind: 'blind' | 'bare' | 'seen'; says: string } {
  const name = os === undefined ? '' : [os.family, os.name].filter((part) => part !== '').join(' ')
  const all = packages.os + packages.others
  if (os !== undefined && packages.os === 0) return { kind: 'blind', says: `it is ${name}, and not one package of it was found` }
  if (all === 0) return { kind: 'bare', says: 'no operating system and no packages that Trivy knows: nothing to look up' }
  return { kind: 'seen', says: `${all} ${all === 1 ? 'package' : 'packages'}${os === undefined ? '' : `, ${name}`}` }
}
