import type { Environment } from '../core/deployment.ts'
import { failedAfter, LaunchwayError } from '../core/error.ts'
import { asError } from '../core/outcome.ts'
import type { Ports } from '../core/ports.ts'
import type { DeployedHost, DeploySection, Registry } from '../core/release.ts'
import { lookToChange } from './recovered.ts'
import { returnTo } from './returning.ts'
import { calledOn } from './waiting.ts'

/** The hosts of an environment are one: those that run a new release go back together. */
export interface Fleet {
  app: string
  environment: Environment
  /** The one that they have come to, and go back from. */
  release: string
  registries: readonly Registry[]
}

/** Why hosts that run a new release cannot leave it again; undefined where one at least can. */
export function whyItStays({ noReturn }: Environment, done: DeploySection): string | undefined {
  if (noReturn !== undefined) return noReturn
  if (done.hosts.some(({ previous }) => previous !== undefined)) return undefined
  return `this deploy replaced no version on ${named(done.hosts)}`
}

/** What became of hosts that were to go back. */
export interface WentBack {
  /** Those that did. */
  hosts: DeployedHost[]
  /** What people call the versions that serve again. */
  versions: string[]
  /** Those that run the new release still. */
  stayed: DeployedHost[]
  /** By host, in words: why it did not go back. */
  failures: string[]
}

/** Has each host return to what it ran before this deploy, the last that switched first. It never fails: what did is in words. */
export async function goBackTogether(fleet: Fleet, done: DeploySection, ports: Ports): Promise<WentBack> {
  const { app, environment, release, registries } = fleet
  const versions = new Set<string>()
  const went: Omit<WentBack, 'versions'> = { hosts: [], stayed: [], failures: [] }
  for (const one of done.hosts.toReversed()) {
    const { host, previous } = one
    try {
      ports.signal.throwIfAborted()
      if (previous === undefined) throw new LaunchwayError('VERSION_UNKNOWN', 'this deploy replaced no version here')
      await using seen = await lookToChange(host, { app, environment }, ports)
      const { current, releases } = seen.seen
      if (current !== release && current !== previous) {
        const now = current === undefined ? 'nothing' : calledOn(seen.seen, current)
        went.failures.push(`${host}: runs ${now} by now: somebody else has changed it, and it is left as it is`)
        continue
      }
      const target = releases.get(previous)
      if (target === undefined)
        throw new LaunchwayError('VERSION_UNKNOWN', `release ${previous} was kept without what it takes to return to it`)
      if (current === release) {
        ports.log.info(`${host}: returning to ${target.label} (release ${target.release})`)
        await returnTo(target, seen, environment, { force: false, registries, takesBack: release }, ports)
      }
      versions.add(target.label)
      went.hosts.unshift(one)
    } catch (error) {
      went.stayed.unshift(one)
      went.failures.push(`${host}: ${words(error)}`)
    }
  }
  return { ...went, versions: [...versions] }
}

function words(error: unknown): string {
  if (!(error instanceof LaunchwayError)) return asError(error).message
  return `${error.code}: ${error.message}\n${error.hint ?? ''}`.trim()
}

/** What not all hosts have gone back from. @param evidence why they were to */
export function notAllBack(what: string, evidence: string, { stayed, failures }: WentBack, done: DeploySection): LaunchwayError {
  return new LaunchwayError('ROLLBACK_FAILED', what, {
    hint: [evidence, ...failures, '`launchway status` shows what runs where; `launchway rollback` tries again.'].join('\n').trim(),
    ...(stayed.length === 0 ? {} : { part: { deploy: { ...done, hosts: stayed } } }),
  })
}

/**
 * What a failure on one host means for those before it, which run the new release: they go back. Where they cannot, or
 * where nobody knows what the host that failed will run in the end, they stay, and the message says so.
 */
export async function failedOnOne(error: unknown, fleet: Fleet, done: DeploySection, ports: Ports): Promise<unknown> {
  if (!(error instanceof LaunchwayError) || done.hosts.length === 0) return error
  const stay = unsure[error.code] ?? whyItStays(fleet.environment, done)
  if (stay !== undefined)
    return failedAfter(error, `on the new release already, and staying there: ${named(done.hosts)} (${stay})`, { deploy: done })
  ports.log.warning(`${error.message}: the hosts before it go back (${named(done.hosts)})`)
  const went = await goBackTogether(fleet, done, ports)
  if (went.failures.length === 0)
    return failedAfter(error, `${named(went.hosts)} went back: ${went.versions.join(', ')} serves there again`, {})
  return notAllBack(`${error.message}; not all hosts before it went back`, error.hint ?? '', went, done)
}

const named = (hosts: readonly DeployedHost[]): string => hosts.map(({ host }) => host).join(', ')

/** After these nobody knows what the host will run: going back could part it from the others, as staying could. */
const unsure: Readonly<Partial<Record<LaunchwayError['code'], string>>> = {
  CANCELLED: 'nothing more is done once a run is cancelled; `launchway rollback` brings them back',
  DEPLOY_UNKNOWN: 'the host that failed may yet finish; `launchway status` tells',
}
