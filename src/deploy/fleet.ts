import type { Environment } from '../core/deployment.ts'
import { failedAfter, LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { DeploySection, Registry } from '../core/release.ts'
import { lookToChange } from './recovered.ts'
import { returnTo } from './returning.ts'

/** The hosts of an environment are one: those that run a new release go back together. */
export interface Fleet {
  app: string
  environment: Environment
  registries: readonly Registry[]
}

/** Why hosts that run a new release cannot leave it again; undefined where they can. */
export function whyItStays({ noReturn }: Environment, done: DeploySection): string | undefined {
  if (noReturn !== undefined) return noReturn
  const without = done.hosts.filter(({ previous }) => previous === undefined).map(({ host }) => host)
  return without.length > 0 ? `this deploy replaced no version on ${without.join(', ')}` : undefined
}

/** What became of hosts that were to go back. */
export interface WentBack {
  /** What people call the versions that serve again. */
  versions: string[]
  /** By host, in words. */
  failures: string[]
}

/**
 * Has each host return to what it ran before this deploy, the last that switched first.
 * @throws LaunchwayError CANCELLED
 */
export async function goBackTogether({ app, environment, registries }: Fleet, done: DeploySection, ports: Ports): Promise<WentBack> {
  const versions = new Set<string>()
  const failures: string[] = []
  for (const { host, previous = '' } of done.hosts.toReversed()) {
    try {
      await using seen = await lookToChange(host, { app, environment }, ports)
      const target = seen.seen.releases.get(previous)
      if (target === undefined)
        throw new LaunchwayError('VERSION_UNKNOWN', `release ${previous} was kept without what it takes to return to it`)
      ports.log.info(`${host}: returning to ${target.label} (release ${target.release})`)
      await returnTo(target, seen, environment, { force: false, registries }, ports)
      versions.add(target.label)
    } catch (error) {
      if (!(error instanceof LaunchwayError) || error.code === 'CANCELLED') throw error
      failures.push(`${host}: ${error.code}: ${error.message}\n${error.hint ?? ''}`.trim())
    }
  }
  return { versions: [...versions], failures }
}

export const tryAgain = '`launchway status` shows what runs where; `launchway rollback` tries again.'

/**
 * What a failure on one host means for those before it, which run the new release: they go back. Where they cannot, or
 * where nobody knows what the host that failed will run in the end, they stay, and the message says so.
 */
export async function failedOnOne(error: unknown, fleet: Fleet, done: DeploySection, ports: Ports): Promise<unknown> {
  if (!(error instanceof LaunchwayError) || done.hosts.length === 0) return error
  const names = done.hosts.map(({ host }) => host).join(', ')
  const stay = unsure[error.code] ?? whyItStays(fleet.environment, done)
  if (stay !== undefined) return failedAfter(error, `on the new release already, and staying there: ${names} (${stay})`, { deploy: done })
  ports.log.warning(`${error.message}: the hosts before it go back (${names})`)
  const { versions, failures } = await goBackTogether(fleet, done, ports)
  if (failures.length === 0) return failedAfter(error, `${names} went back: ${versions.join(', ')} serves there again`, {})
  return new LaunchwayError('ROLLBACK_FAILED', `${error.message}; not all hosts before it could go back`, {
    hint: [error.hint ?? '', ...failures, tryAgain].join('\n').trim(),
    cause: error,
    part: { deploy: done },
  })
}

/** After these nobody knows what the host will run: going back could part it from the others, as staying could. */
const unsure: Readonly<Partial<Record<LaunchwayError['code'], string>>> = {
  CANCELLED: 'nothing more is done once a run is cancelled; `launchway rollback` brings them back',
  DEPLOY_UNKNOWN: 'the host that failed may yet finish; `launchway status` tells',
}
