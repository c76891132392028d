import { abreast } from '../core/abreast.ts'
import { releaseId } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import { isLost } from './follow.ts'
import { look, lookAt, type SeenHost, type ToLookAt } from './look.ts'
import type { Observation } from './observation.ts'
import { perform } from './perform.ts'
import { homeOf } from './program.ts'
import { widthOf } from './turns.ts'

/**
 * Looks at a host that is about to be changed. What an attempt that broke off has left there is finished or undone
 * first, by a program of its own: a plan is made from what is there, and must not find it gone.
 * @param until what else is at work on the host is waited for, by the elapsed time of the clock; not at all without it: who takes a
 * version back means the one that is seen now
 */
export async function lookToChange(host: string, of: ToLookAt, ports: Ports, until = 0): Promise<SeenHost> {
  const one = await lookInTurn(host, of, ports, until)
  if (!one.seen.isInterrupted || !canRecover(one.seen)) return one
  try {
    ports.log.info(`${host}: an earlier attempt broke off here; it is finished or undone first`)
    const { app, environment } = of
    const { as, root, ports: pairs, current } = one.seen
    const release = releaseId(ports.clock.now(), '0000000')
    const calls = [['begin'], ['expect', current ?? ''], ['recover'], ['close']] as const
    // nginx is for root, and may be part of what is undone.
    const sudo = as === 'sudo' || (pairs.size > 0 && root === 'sudo')
    await perform({ app, environment, release, slot: 'a', calls, sudo, did: 'recover' }, one, ports)
    return { ...one, seen: await look(one.remote, homeOf(of), environment, of.images) }
  } catch (error) {
    await one[Symbol.asyncDispose]()
    throw error
  }
}

/** How often a host is asked whether the other program has ended. */
const pauseMs = 1000
/** And one that cannot be reached, which may count those who come too often. */
const longestPauseMs = 30_000

async function lookInTurn(host: string, of: ToLookAt, ports: Ports, until: number): Promise<SeenHost> {
  let one = await lookAt(host, of, ports, true)
  const before = one.seen.current
  let [holder, isAway]: [string | undefined, boolean] = [undefined, false]
  let pause = pauseMs
  try {
    while (isAway || (one.seen.lockedBy !== undefined && one.seen.held === undefined && ports.clock.elapsed() < until)) {
      if (one.seen.lockedBy !== holder) ports.log.info(`${host}: waiting for a deploy that is under way: ${one.seen.lockedBy}`)
      holder = one.seen.lockedBy
      await ports.clock.sleep(pause, ports.signal)
      try {
        one = isAway ? await lookAt(host, of, ports, true) : { ...one, seen: await look(one.remote, homeOf(of), of.environment, of.images) }
        isAway = false
        pause = pauseMs
      } catch (error) {
        // Who only waits has nothing to lose by a connection that drops.
        if (!isLost(error) || ports.clock.elapsed() >= until) throw error
        if (!isAway) ports.log.info(`${host}: the connection broke while waiting, and is made again`)
        if (!isAway) await one[Symbol.asyncDispose]()
        isAway = true
        pause = Math.min(2 * pause, longestPauseMs)
      }
    }
  } catch (error) {
    if (!isAway) await one[Symbol.asyncDispose]()
    throw error
  }
  return { ...one, before }
}

/** The same for every host of an environment, as many at once as may go back at once. The stack closes their connections. */
export async function lookToChangeAll(of: ToLookAt, stack: AsyncDisposableStack, ports: Ports): Promise<SeenHost[]> {
  const { environment } = of
  return abreast(widthOf(environment), environment.hosts, ports.signal, async (host) => stack.use(await lookToChange(host, of, ports)))
}

/** What keeps a program from running is told by the plan, in words of its own. */
function canRecover({ lockedBy, engine, as, detach }: Observation): boolean {
  return lockedBy === undefined && engine !== undefined && as !== 'nobody' && detach !== 'never'
}
