import type { Environment, Service } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Slot } from '../core/names.ts'
import { type HostCall, newNameOf } from './call.ts'
import { isJob } from './cron.ts'
import { membersOf } from './members.ts'
import type { Observation, SeenContainer } from './observation.ts'
import { watchCall } from './start.ts'
import type { Wanted } from './wanted.ts'

/** Which containers serve in a release, and which of them run already. */
export interface Places {
  slot: Slot
  /** By service, where it is another one than that which would be made for the release. */
  containers: ReadonlyMap<string, string>
  /** By service: what runs for the current release, and goes on as it is. */
  left: ReadonlyMap<string, SeenContainer>
  /** Visitors stay in the slot in which they are: nothing is switched. */
  stays: boolean
}

/**
 * Decides what is left running. Of a project, what is made from the same as the container that runs, and is well; of a
 * release that a host returns to, what it shares with the current one. Services behind nginx are led to by one slot for
 * all of them, so they go together: all are left running, or none.
 * @throws LaunchwayError HOST_UNFIT where a container would have to be made in the place of one that runs
 */
export function placesOf(wanted: Wanted, seen: Observation, host: string): Places {
  const { release, isReturn, environment } = wanted
  const { current } = seen
  const now = membersOf(current, seen)
  const currentSlot = slotNow(now, seen)
  if (release === current) {
    return { slot: currentSlot ?? 'a', containers: named(now), left: new Map(), stays: false }
  }
  const kept = isReturn ? membersOf(release, seen) : []
  const shared = kept.filter((one) => now.includes(one))
  const left = isReturn ? running(shared, environment.services) : unchanged(wanted, now, seen)
  const stays = environment.services.some((one) => one.nginx !== undefined && (left.has(one.name) || has(shared, one)))
  const slot = stays && currentSlot !== undefined ? currentSlot : slotBeside(wanted, kept, currentSlot)
  const containers = new Map([...named(kept.filter((one) => isOfUse(one, wanted, slot))), ...named(left.values())])
  refuseInPlace(wanted, now, { containers, current, host })
  return { slot, containers, left, stays }
}

/** What a release that is new to the host goes on with. */
function unchanged(
  { environment, unchanged: same }: Wanted,
  now: readonly SeenContainer[],
  { answers }: Observation,
): Map<string, SeenContainer> {
  const left = new Map<string, SeenContainer>()
  if (environment.project === undefined || same === undefined) return left
  for (const { name, health } of environment.services.filter(mayStay)) {
    if (health.kind === 'http' && answers?.has(name) !== true) continue
    const one = now.find((container) => container.service === name && container.cron === undefined)
    if (one !== undefined && same.has(one.name) && isWell(one)) left.set(name, one)
  }
  const sites = environment.services.filter(({ nginx }) => nginx !== undefined)
  if (sites.some(({ name }) => !left.has(name))) for (const { name } of sites) left.delete(name)
  return left
}

function running(shared: readonly SeenContainer[], services: readonly Service[]): Map<string, SeenContainer> {
  const found = shared.filter((one) => one.state === 'running' && one.cron === undefined)
  return new Map(found.flatMap((one) => (services.some(({ name }) => name === one.service) ? [[one.service, one] as const] : [])))
}

/** What runs at its times, or once for each release, is made for it. */
export function mayStay(service: Service): boolean {
  return !isJob(service) && service.once === undefined
}

/** What the look asks services that may be left running, as `watchCall` has it: `web<TAB>URL<TAB>STATUS<TAB>HOST<TAB>PROTO`. */
export function askedOf({ project, services }: Environment): string[] {
  if (project === undefined) return []
  const asked = services.filter((service) => mayStay(service) && service.health.kind === 'http')
  return asked.map((service) => {
    const [url = '', ...how] = watchCall(service, '', service.nginx === undefined ? undefined : 'slot').slice(7)
    return [service.name, url, ...[0, 1, 2].map((nth) => how[nth] || '-')].join('\t')
  })
}

/** Neither ended nor ailing, nor just started again by the engine. */
function isWell({ state, status }: Pick<SeenContainer, 'state' | 'status'>): boolean {
  return state === 'running' && !/\((unhealthy|health: starting)\)/.test(status)
}

function named(containers: Iterable<SeenContainer>): Map<string, string> {
  return new Map([...containers].map((one) => [one.service, one.name]))
}

function has(containers: readonly SeenContainer[], { name }: Service): boolean {
  return containers.some(({ service }) => service === name)
}

/** A container is bound to the port of its slot for as long as it lives. */
function isOfUse(one: SeenContainer, { environment }: Wanted, slot: Slot): boolean {
  return one.slot === slot || environment.services.find(({ name }) => name === one.service)?.nginx === undefined
}

/**
 * The slot of the current release: that to which nginx leads. What was left running since another one may have been
 * made in either.
 */
function slotNow(now: readonly SeenContainer[], { current = '', releases, ports }: Observation): Slot | undefined {
  const services = releases.get(current)?.environment.services ?? []
  const isSite = ({ service }: SeenContainer): boolean => services.some(({ name, nginx }) => name === service && nginx !== undefined)
  return (now.find(isSite) ?? now.find(({ service }) => ports.has(service)) ?? now[0])?.slot
}

/**
 * A release that is kept stays where it was; a new one goes beside the current one, and so does a kept one that nginx
 * knows by the slot of the current one: its containers are made again.
 */
function slotBeside({ isReturn, environment }: Wanted, kept: readonly SeenContainer[], currentSlot: Slot | undefined): Slot {
  const other = currentSlot === 'a' ? 'b' : 'a'
  const isSite = ({ service }: SeenContainer): boolean =>
    environment.services.some(({ name, nginx }) => name === service && nginx !== undefined)
  const was = isReturn ? (kept.find(isSite) ?? kept[0])?.slot : undefined
  if (was === currentSlot && environment.services.some(({ nginx }) => nginx !== undefined)) return other
  return was ?? other
}

/** The same release again, after a later one has left a container of it running: a new one would have the same name. */
function refuseInPlace(
  wanted: Wanted,
  now: readonly SeenContainer[],
  { containers, current = '', host }: Pick<Places, 'containers'> & { current: string | undefined; host: string },
): void {
  for (const service of wanted.environment.services) {
    const name = newNameOf(wanted, service)
    if (containers.has(service.name) || !now.some((one) => one.name === name)) continue
    throw new LaunchwayError(
      'HOST_UNFIT',
      `the container that release ${wanted.release} made for ${service.name} serves release ${current} on ${host}, and would have to be replaced`,
      {
        hint: 'Nothing was changed. Deploy that version as a new release: launchway redeploy VERSION. Or return to it: launchway rollback',
      },
    )
  }
}

/** Has them run on, and the release have them. */
export function carryCalls({ isReturn }: Wanted, { left }: Places): HostCall[] {
  if (left.size === 0) return []
  return [['carry', isReturn ? 'running' : 'well', ...[...left].flatMap(([service, { name }]) => [service, name])]]
}

export function carryNotes({ isReturn }: Wanted, { left }: Places): string[] {
  const why = isReturn ? 'the same in that release' : 'unchanged'
  return [...left].map(([service, { release }]) => `${service}: ${why}, left running since release ${release}`)
}
