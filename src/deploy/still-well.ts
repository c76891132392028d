import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import { showMs } from '../core/units.ts'
import { type Fleet, whyItStays } from './fleet.ts'
import type { DeploySection } from '../core/release.ts'
import { lookAt } from './look.ts'
import { membersOf } from './members.ts'
import type { Observation } from './observation.ts'
import { hasRun } from './once.ts'
import { atOnce, sideBySide } from './turns.ts'
import { calledOn } from './waiting.ts'

/** How much a container may seem younger than it is: two clocks of whole seconds. */
const toleranceMs = 3000

/**
 * What has become of a release since it was well, in words; nothing where it still is. Scheduled commands, and what has
 * run once, need not run.
 */
export function unwell(seen: Observation, release: string, sinceMs: number): string[] {
  if (seen.current !== release) return [`runs ${seen.current === undefined ? 'nothing' : calledOn(seen, seen.current)} by now`]
  return membersOf(release, seen).flatMap((one) => {
    const { service, state, status, cron } = one
    if (cron !== undefined || hasRun(one, seen)) return []
    if (state !== 'running' || status.includes('(unhealthy)')) return [`${service} is not well any more (${status})`]
    const [, seconds] = /^Up (\d+) seconds?\b/.exec(status) ?? (status.startsWith('Up Less than a second') ? ['', '0'] : [])
    return seconds !== undefined && Number(seconds) * 1000 < sinceMs - toleranceMs ? [`${service} has been started again (${status})`] : []
  })
}

/**
 * Looks at hosts once more, some time after they were well: a version that dies after a while goes no further.
 * @throws LaunchwayError DEPLOY_ROLLED_BACK, and PROBE_FAILED where there is no way back
 */
export async function requireStillWell(
  hosts: readonly string[],
  { fleet, done, sinceMs }: { fleet: Fleet; done: DeploySection; sinceMs: number },
  ports: Ports,
): Promise<void> {
  const { app, environment, release } = fleet
  const found: string[] = []
  await sideBySide(atOnce(hosts.length), hosts, ports, async (host) => {
    await using one = await lookAt(host, { app, environment }, ports)
    found.push(...unwell(one.seen, release, sinceMs).map((what) => `${host}: ${what}`))
  })
  const [first, ...more] = found
  if (first === undefined) return
  throw new LaunchwayError(
    whyItStays(fleet, done) === undefined ? 'DEPLOY_ROLLED_BACK' : 'PROBE_FAILED',
    `${first}, ${showMs(sinceMs)} after its deploy`,
    { hint: [...more, '`launchway logs` shows what it said.'].join('\n') },
  )
}
