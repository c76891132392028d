import type { EngineContainer } from '../core/ports.ts'

/** What a stack is, by what its containers do. */
export type Verdict =
  | { kind: 'up' }
  /** In words, what is not there yet. */
  | { kind: 'waiting'; on: string[] }
  /** @property echoes in words, what failed after that and most likely because of it */
  | { kind: 'dead'; container: EngineContainer; why: string; echoes: string[] }

/** A container, and what is known of its deaths: the engine forgets the last one when the next life begins. */
export interface Seen extends EngineContainer {
  death?: Death
}
export interface Death {
  first: string
  last: string
  exitCode: number
  outOfMemory: boolean
}

/** How a container is, for us, that is not there any more. */
export const removed = 'removed'

/** Who died less than this before another one, and lives again, has most likely taken that one along. */
const shortlyMs = 5_000

/** What becomes of services, as their files say it. */
export interface Fates {
  /** Services that have to end well, since others wait for that. */
  mustEnd: ReadonlySet<string>
  /** Services that are meant to stay, and by what one knows that. */
  mustRun: ReadonlyMap<string, string>
  needs?: Needs
}

type One = { kind: 'up' } | { kind: 'waiting'; why: string } | { kind: 'dead'; why: string }

/** The service of a compose container; undefined of one that ran a single command in a service's settings. */
export function serviceOf({ labels }: EngineContainer): string | undefined {
  return labels['com.docker.compose.oneoff'] === 'True' ? undefined : labels['com.docker.compose.service']
}

/**
 * Two ends that are no farther apart than this may be told in the wrong order: on a busy machine the engine noted an end
 * 1.6 s after the other container had met a closed port.
 */
const sameMs = 5_000

/** Services, by name with all that they wait for, and all that these wait for. */
export type Needs = ReadonlyMap<string, ReadonlySet<string>>

/**
 * Decides by the containers as they are now. A container that ended well is fine, unless it was meant to stay; one that
 * died for good, or is unhealthy, ends the wait. The first that failed is the cause, also where it is being restarted by now;
 * of two at the same time the one that the other needs.
 */
export function verdictOf(containers: readonly Seen[], fates: Fates): Verdict {
  const found = containers.flatMap((container) => {
    const service = serviceOf(container)
    return service === undefined ? [] : [{ container, service, is: stateOf(container, service, fates) }]
  })
  const dead = found
    .flatMap(({ container, service, is }): Failed[] =>
      is.kind === 'dead' ? [{ container, service, why: `${service} ${is.why}`, at: failedAt(container) }] : [],
    )
    .toSorted(byTime)
  const [first] = dead
  if (first === undefined) {
    const on = found.flatMap(({ service, is }) => (is.kind === 'waiting' ? [`${service} ${is.why}`] : []))
    return on.length === 0 ? { kind: 'up' } : { kind: 'waiting', on }
  }
  const struggling = found.flatMap(({ container, service, is }): Failed[] => {
    const { death, health } = container
    // One that died long ago, and lives, has nothing to do with it.
    const isSince = isLeftOut(first.container) || Date.parse(death?.last ?? '') > first.at - shortlyMs
    const isClose = death !== undefined && isSince && health?.status !== 'healthy'
    return is.kind !== 'dead' && isClose
      ? [{ container, service, why: `${service} ${struggle(container)}`, at: Date.parse(death.first) }]
      : []
  })
  const before = struggling.filter(({ at }) => at < first.at).toSorted(byTime)
  const cause = whatItNeeded(before[0] ?? first, [...dead, ...struggling], fates.needs ?? new Map())
  const echoes = [...new Set([...before, ...dead])].filter((one) => one !== cause).map(({ why }) => why)
  return { kind: 'dead', container: cause.container, why: cause.why, echoes }
}

interface Failed {
  container: Seen
  service: string
  why: string
  at: number
}

const byTime = (a: Failed, b: Failed): number => a.at - b.at

/** Who failed because of what it needs may be told to have ended a moment before that. */
function whatItNeeded(one: Failed, failed: readonly Failed[], needs: Needs): Failed {
  const others = failed.filter(({ service, at }) => needs.get(one.service)?.has(service) === true && at - one.at < sameMs)
  const [needed] = others.filter((other) => needs.get(other.service)?.has(one.service) !== true).toSorted(byTime)
  return needed === undefined ? one : whatItNeeded(needed, failed, needs)
}

function struggle({ death, memoryLimit }: Seen): string {
  const { exitCode = 0, outOfMemory = false } = death ?? {}
  return `${ended({ exitCode, outOfMemory, restarts: 0, ...(memoryLimit === undefined ? {} : { memoryLimit }) })} and is restarted`
}

/** Whether a container is what it shall become. */
export function isUp(container: EngineContainer, fates: Fates): boolean {
  const service = serviceOf(container)
  return service !== undefined && stateOf(container, service, fates).kind === 'up'
}

function stateOf(container: EngineContainer, service: string, { mustEnd, mustRun }: Fates): One {
  const { status, exitCode, error, health } = container
  const stays = mustRun.get(service)
  switch (status) {
    case 'created':
      return error === '' ? { kind: 'waiting', why: 'was not started yet' } : { kind: 'dead', why: `could not be started: ${error}` }
    case 'exited':
    case 'dead':
      if (exitCode !== 0 || status === 'dead') return { kind: 'dead', why: ended(container) }
      return stays === undefined ? { kind: 'up' } : { kind: 'dead', why: `${ended(container)}, and is meant to stay: ${stays}` }
    case 'removing':
      return { kind: 'dead', why: 'is removed by somebody else' }
    case removed:
      return { kind: 'dead', why: 'was removed by somebody else' }
    case 'running':
      if (health?.status === 'unhealthy') return { kind: 'dead', why: 'is unhealthy' }
      if (mustEnd.has(service)) return { kind: 'waiting', why: 'has not ended yet, and others wait for that' }
      return health === undefined || health.status === 'healthy' ? { kind: 'up' } : { kind: 'waiting', why: 'is not healthy yet' }
    default:
      return { kind: 'waiting', why: status === 'restarting' ? `exited with code ${exitCode} and is restarted` : `is ${status}` }
  }
}

type End = Pick<EngineContainer, 'exitCode' | 'outOfMemory' | 'restarts' | 'memoryLimit'>

function ended({ exitCode, outOfMemory, restarts, memoryLimit }: End): string {
  // A busy engine misses that the kernel killed for memory, and says so never: one time in five was measured.
  const killed = memoryLimit === undefined ? ', killed' : ', killed, most likely for having used up its memory'
  const memory = outOfMemory ? ', having used up its memory' : exitCode === 137 ? killed : ''
  const again = restarts === 0 ? '' : `, after ${restarts} restart${restarts === 1 ? '' : 's'}`
  return `exited with code ${exitCode}${memory}${again}`
}

/** Whoever shares a container's network or processes cannot start when that has ended. */
function isLeftOut({ status, error }: Seen): boolean {
  return status === 'created' && error.includes('non running container')
}

/** What was never started stands first: it cannot be an echo of another's death, which would have come after a start; but of one that it is bound to. */
function failedAt(container: Seen): number {
  const { status, finishedAt, death } = container
  if (status === 'created') return isLeftOut(container) ? Number.MAX_SAFE_INTEGER : 0
  // The unhealthy one still runs.
  if (finishedAt === undefined || status === 'running') return Number.MAX_SAFE_INTEGER
  return Date.parse(death?.first ?? finishedAt)
}

/** How a container is, for a list: `healthy`, `running`, `exited 0`. */
export function shownState({ status, exitCode, health, restarts, error }: EngineContainer): string {
  const again = restarts === 0 ? '' : ` after ${restarts} restart${restarts === 1 ? '' : 's'}`
  if (status === 'exited' || status === 'dead') return `exited ${exitCode}${again}`
  if (status === 'running') return `${health?.status ?? 'running'}${again}`
  return error === '' ? status : 'not started'
}
