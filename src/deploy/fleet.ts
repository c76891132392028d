import { abreast } from '../core/abreast.ts'
import { called } from '../core/called.ts'
import type { Environment } from '../core/deployment.ts'
import { failedAfter, LaunchwayError } from '../core/error.ts'
import { asError } from '../core/outcome.ts'
import type { Ports } from '../core/ports.ts'
import type { DeployedHost, DeploySection, Registry } from '../core/release.ts'
import type { Kept } from './kept.ts'
import type { Observation } from './observation.ts'
import { lookToChange } from './recovered.ts'
import { returnTo } from './returning.ts'
import { widthOf } from './turns.ts'
import { calledOn } from './waiting.ts'

/** The hosts of an environment are one: those that run a new release go back together. */
export interface Fleet {
  app: string
  environment: Environment
  /** The one that they have come to, and go back from. */
  release: string
  registries: readonly Registry[]
  /** What each host had when the deploy began, also one whose turn has not come. Nobody has looked where there is one host. */
  ran: ReadonlyMap<string, Ran>
}

/** Of a host, before a release came: nothing, that release already, or another version, which serves or did. */
export type Ran = 'nothing' | 'same' | 'other'

export function ranBefore({ current, previous }: Pick<Observation, 'current' | 'previous'>, release: string): Ran {
  if (current === undefined) return 'nothing'
  return current !== release || (previous !== undefined && previous !== release) ? 'other' : 'same'
}

/** Why hosts that run a new release cannot leave it again; undefined where they can. */
export function whyItStays(
  { environment: { noReturn }, ran }: Pick<Fleet, 'environment' | 'ran'>,
  done: DeploySection,
): string | undefined {
  if (noReturn !== undefined) return noReturn
  // The first release of an environment stays on the hosts that have it: there is nothing to be one with.
  const isNew = done.hosts.every(({ previous }) => previous === undefined)
  if (!isNew || ([...ran.values()].includes('other') && done.hosts.some(({ host }) => ran.get(host) === 'nothing'))) return undefined
  return `this deploy replaced no version on ${named(done.hosts)}`
}

/** What became of hosts that were to go back. */
export interface WentBack {
  /** Those that did. */
  hosts: DeployedHost[]
  /** Those that were new to the environment, and have nothing again. */
  emptied: DeployedHost[]
  /** What people call the versions that serve again. */
  versions: string[]
  /** Those that run the new release still. */
  stayed: DeployedHost[]
  /** By host, in words: why it did not go back. */
  failures: string[]
}

/** How a host leaves a release again. */
type WayBack =
  | { kind: 'return'; target: Kept }
  /** Somebody has taken it back already. */
  | { kind: 'there'; label: string }
  /** It was new to the environment: what it has is taken down, unless somebody has done so. */
  | { kind: 'empty'; runs: boolean }
  /** It is left as it is. */
  | { kind: 'left'; why: string }

/**
 * Decides what becomes of a host that runs a new release and is to leave it.
 * @throws LaunchwayError VERSION_UNKNOWN where it has not kept what it takes
 */
export function wayBack({ previous }: Pick<DeployedHost, 'previous'>, ran: Ran | undefined, release: string, seen: Observation): WayBack {
  const { current, releases } = seen
  if (current !== release && current !== previous) {
    const now = current === undefined ? 'nothing' : calledOn(seen, current)
    return { kind: 'left', why: `runs ${now} by now: somebody else has changed it, and it is left as it is` }
  }
  if (previous === undefined) {
    // What ran here before this deploy is not taken from its visitors, although it is the same release.
    if (ran !== 'nothing') throw new LaunchwayError('VERSION_UNKNOWN', 'this deploy replaced no version here')
    return { kind: 'empty', runs: current !== undefined }
  }
  const target = releases.get(previous)
  if (target === undefined)
    throw new LaunchwayError('VERSION_UNKNOWN', `release ${previous} was kept without what it takes to return to it`)
  return current === release ? { kind: 'return', target } : { kind: 'there', label: called(target.label, target.release) }
}

/**
 * Has each host return to what it ran before this deploy, the last first, and as many at once as the largest batch. It never fails:
 * what did is in words.
 */
export async function goBackTogether(fleet: Fleet, done: DeploySection, ports: Ports): Promise<WentBack> {
  const { app, environment, release, registries } = fleet
  const versions = new Set<string>()
  const went: Omit<WentBack, 'versions'> = { hosts: [], emptied: [], stayed: [], failures: [] }
  const goBack = async (one: DeployedHost): Promise<void> => {
    const { host } = one
    try {
      ports.signal.throwIfAborted()
      await using seen = await lookToChange(host, { app, environment }, ports)
      const way = wayBack(one, fleet.ran.get(host), release, seen.seen)
      if (way.kind === 'left') {
        went.failures.push(`${host}: ${way.why}`)
        return
      }
      if (way.kind === 'empty') {
        if (way.runs) {
          ports.log.info(`${host}: nothing ran here before; what this deploy has brought is taken down`)
          const { takeDown } = await import('./operate/remove.ts')
          await takeDown({ app, environment }, seen, ports)
        }
        went.emptied.push(one)
        return
      }
      if (way.kind === 'return') {
        ports.log.info(`${host}: returning to ${way.target.label} (release ${way.target.release})`)
        await returnTo(way.target, seen, environment, { force: false, registries, takesBack: release }, ports)
      }
      versions.add(way.kind === 'return' ? called(way.target.label, way.target.release) : way.label)
      went.hosts.push(one)
    } catch (error) {
      went.stayed.push(one)
      went.failures.push(`${host}: ${words(error)}`)
    }
  }
  // Each says for itself what did not work, also that the run was cancelled.
  await abreast(widthOf(environment), done.hosts.toReversed(), never, goBack)
  const inOrder = (some: DeployedHost[]): DeployedHost[] => done.hosts.filter((one) => some.includes(one))
  return {
    hosts: inOrder(went.hosts),
    emptied: inOrder(went.emptied),
    stayed: inOrder(went.stayed),
    failures: went.failures,
    versions: [...versions],
  }
}

const never = new AbortController().signal

function words(error: unknown): string {
  if (!(error instanceof LaunchwayError)) return asError(error).message
  return `${error.code}: ${error.message}\n${error.hint ?? ''}`.trim()
}

/** What serves now, in words. */
export function serving({ hosts, emptied, versions }: WentBack, names: (hosts: readonly DeployedHost[]) => string): string {
  return [
    ...(hosts.length === 0 ? [] : [`${names(hosts)}${versions.join(', ')} serves${names(hosts) === '' ? '' : ' there'} again`]),
    ...(emptied.length === 0 ? [] : [`on ${named(emptied)} nothing ran before, and nothing runs again`]),
  ].join('; ')
}

/** What not all hosts have gone back from. @param evidence why they were to */
export function notAllBack(what: string, evidence: string, { stayed, failures }: WentBack, done: DeploySection): LaunchwayError {
  return new LaunchwayError('ROLLBACK_FAILED', what, {
    hint: [evidence, ...failures, '`launchway status` shows what runs where; `launchway rollback` tries again.'].join('\n').trim(),
    ...(stayed.length === 0 ? {} : { part: { deploy: { ...done, hosts: stayed } } }),
  })
}

/**
 * What a failure on one host means for those that run the new release: they go back. Where they cannot, or
 * where nobody knows what the host that failed will run in the end, they stay, and the message says so.
 */
export async function failedOnOne(error: unknown, fleet: Fleet, done: DeploySection, ports: Ports): Promise<unknown> {
  // One that says itself what is live now has left it as it is.
  if (!(error instanceof LaunchwayError) || done.hosts.length === 0 || error.part?.deploy !== undefined) return error
  const stay = unsure[error.code] ?? whyItStays(fleet, done)
  if (stay !== undefined)
    return failedAfter(error, `on the new release already, and staying there: ${named(done.hosts)} (${stay})`, { deploy: done })
  ports.log.warning(`${error.message}: the hosts that run the new version go back (${named(done.hosts)})`)
  const went = await goBackTogether(fleet, done, ports)
  if (went.failures.length === 0)
    return failedAfter(
      error,
      serving(went, (hosts) => `${named(hosts)} went back: `),
      {},
    )
  return notAllBack(`${error.message}; not all hosts that ran the new version went back`, error.hint ?? '', went, done)
}

const named = (hosts: readonly DeployedHost[]): string => hosts.map(({ host }) => host).join(', ')

/** After these nobody knows what the host will run: going back could part it from the others, as staying could. */
const unsure: Readonly<Partial<Record<LaunchwayError['code'], string>>> = {
  CANCELLED: 'nothing more is done once a run is cancelled; `launchway rollback` brings them back',
  DEPLOY_UNKNOWN: 'the host that failed may yet finish; `launchway status` tells',
}
