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
    return upAtMost(status) < sinceMs - toleranceMs ? [`${service} has been started again (${status})`] : []
  })
}

const [minute, hour] = [60_000, 3_600_000]

/** The longest time that docker may mean, in milliseconds: it says `About a minute` of 119 seconds, and `2 hours` of 149 minutes. */
function upAtMost(status: string): number {
  const [, about = '', unit = ''] = /^Up (Less than a|About an?|\d+) (second|minute|hour)/.exec(status) ?? []
  if (unit === 'second') return about.startsWith('Less') ? 0 : Number(about) * 1000
  const count = about.startsWith('About') ? 1 : Number(about)
  if (unit === 'minute') return (count + 1) * minute
  return unit === 'hour' ? (count + 0.5) * hour : Number.POSITIVE_INFINITY
}

/**
 * Looks at hosts once more, some time after they were well: a version that dies after a while goes no further.
 * @throws LaunchwayError DEPLOY_ROLLED_BACK, and PROBE_FAILED where there is no way back; DEPLOY_LOCKED where somebody else
 * has put another version live meanwhile
 */
export async function requireStillWell(
  hosts: readonly string[],
  { fleet, done, sinceMs }: { fleet: Fleet; done: DeploySection; sinceMs: number },
  ports: Ports,
): Promise<void> {
  const { app, environment, release } = fleet
  const [found, others]: [string[], string[]] = [[], []]
  await sideBySide(atOnce(hosts.length), hosts, ports, async (host) => {
    await using one = await lookAt(host, { app, environment }, ports)
    if (one.seen.current !== release) others.push(host)
    found.push(...unwell(one.seen, release, sinceMs).map((what) => `${host}: ${what}`))
  })
  // Who has changed it knows of this release, and goes on to its other hosts, or has taken it back.
  if (others.length > 0) {
    throw new LaunchwayError(
      'DEPLOY_LOCKED',
      `somebody else has changed ${others.join(', ')} while this deploy waited for its next batch`,
      {
        hint: [...found, 'It ends here, and nothing was brought back. `launchway status` shows what runs where.'].join('\n'),
        part: { deploy: { ...done, hosts: done.hosts.filter(({ host }) => !others.includes(host)) } },
      },
    )
  }
  const [first, ...more] = found
  if (first === undefined) return
  throw new LaunchwayError(
    whyItStays(fleet, done) === undefined ? 'DEPLOY_ROLLED_BACK' : 'PROBE_FAILED',
    `${first}, ${showMs(sinceMs)} after its deploy`,
    { hint: [...more, '`launchway logs` shows what it said.'].join('\n') },
  )
}
