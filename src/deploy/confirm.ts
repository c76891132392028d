import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { SeenHost } from './look.ts'
import { lookToChangeAll } from './recovered.ts'
import { membersOf } from './members.ts'
import { perform } from './perform.ts'
import { lockedError } from './plan.ts'
import type { Way } from './returning.ts'
import { goBack, type Returned } from './rollback.ts'
import { refuseOnSwarm } from './swarm/index.ts'
import { byArrival, type Target, targetOf } from './version.ts'
import { calledOn, showInstant, waitOf } from './waiting.ts'

type Looked = Pick<SeenHost, 'host' | 'seen'>

/** What a confirmation has come to. */
export interface Confirmed {
  environment: string
  /** The release that runs. */
  release: string
  /** What people call it. */
  version: string
  /** The hosts on which it waited until now. */
  hosts: string[]
}

/**
 * Ends the wait of the current release on every host where it waits. Where it waits on none, it is confirmed already.
 * @throws LaunchwayError NOTHING_WAITS when nothing runs, or the hosts do not run the same
 */
export async function confirm(app: string, environment: Environment, ports: Ports): Promise<Confirmed> {
  refuseConfirm(environment)
  await using stack = new AsyncDisposableStack()
  const seen = await lookToChangeAll({ app, environment }, stack, ports)
  const { release, version, waiting } = toConfirm(seen)
  for (const one of seen) {
    if (!waiting.includes(one)) {
      ports.log.info(`${one.host}: ${version} does not wait here`)
      continue
    }
    const { lockedBy, as } = one.seen
    if (lockedBy !== undefined) throw lockedError(one.host, lockedBy)
    const slot = membersOf(release, one.seen)[0]?.slot ?? 'a'
    const calls = [['begin'], ['expect', release], ['recover'], ['confirm'], ['finish']] as const
    await perform({ app, environment, release, slot, calls, sudo: as === 'sudo', did: 'confirm' }, one, ports)
  }
  return { environment: environment.name, release, version, hosts: waiting.map(({ host }) => host) }
}

export function refuseConfirm(environment: Environment): void {
  refuseOnSwarm('confirm', environment, 'A stack that has converged is live.')
}

/** The release that is to be confirmed, and where. */
export function toConfirm<H extends Looked>(hosts: readonly H[]): { release: string; version: string; waiting: H[] } {
  const waiting = hosts.filter(({ seen }) => waitOf(seen) !== undefined)
  const [first] = waiting.length > 0 ? waiting : hosts
  const release = first?.seen.current
  if (first === undefined || release === undefined) throw nothing('nothing runs that could be confirmed', hosts)
  const others = hosts.filter(({ seen }) => seen.current !== release).map(({ host }) => host)
  if (others.length > 0)
    throw nothing(`${calledOn(first.seen, release)} runs on ${first.host}, and not on ${others.join(', ')}`, hosts, [
      'If an abort broke off, `launchway abort` finishes it; if a deploy did, run that again.',
    ])
  return { release, version: first.seen.releases.get(release)?.label ?? release, waiting }
}

/**
 * Returns every host on which a release waits for its confirmation to the version before it.
 * @throws LaunchwayError NOTHING_WAITS when none does, or it has been confirmed on some of them
 */
export async function abort(app: string, environment: Environment, ports: Ports, way: Partial<Way> = {}): Promise<Returned> {
  return goBack(app, environment, ports, way, abortTarget(environment))
}

/** Where an abort leads, from what the hosts are. */
export function abortTarget(environment: Environment): (seen: SeenHost[]) => Target<SeenHost> {
  refuseOnSwarm('abort', environment, '`launchway rollback` returns to the version before.')
  return toAbort
}

export function toAbort<H extends Looked>(hosts: readonly H[]): Target<H> {
  const waiting = hosts.filter(({ seen }) => waitOf(seen) !== undefined)
  const release = waiting[0]?.seen.current
  if (release === undefined) throw nothing('no version waits for a confirmation', hosts, rollBackInstead)
  const confirmed = hosts.filter((one) => one.seen.current === release && !waiting.includes(one)).map(({ host }) => host)
  if (confirmed.length > 0)
    throw nothing(`${release} is confirmed on ${confirmed.join(', ')} already`, hosts, [
      '`launchway confirm` finishes that on all hosts.',
      ...rollBackInstead,
    ])
  const found = targetOf(hosts)
  // What was rejected is no version before. An older release, deployed once more, has been one: it is left like any other.
  return byArrival(hosts)(release, found.target.release) > 0 ? { ...found, takesBack: release } : found
}

const rollBackInstead = ['`launchway rollback` returns to the version before one that is confirmed.']

function nothing(why: string, hosts: readonly Looked[], next: readonly string[] = []): LaunchwayError {
  return new LaunchwayError('NOTHING_WAITS', why, {
    hint: [...hosts.map(({ host, seen }) => `${host}: ${described(seen)}`), ...next, 'Nothing was changed.'].join('\n'),
  })
}

function described(seen: Looked['seen']): string {
  const { current, waits } = seen
  if (current === undefined) return 'nothing runs'
  const runs = `runs ${calledOn(seen, current)}`
  if (waits?.release !== current) return `${runs}, which does not wait`
  if (!waits.isOver) return `${runs}, which waits`
  return `${runs}, which counts as confirmed since ${waits.until === undefined ? 'then' : showInstant(waits.until)}`
}
