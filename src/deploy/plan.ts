import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Slot } from '../core/names.ts'
import { fixedPorts } from './address.ts'
import { planAccessories } from './accessory.ts'
import { beforeSwitchCalls } from './before-switch.ts'
import { planBehind } from './behind.ts'
import { carryCalls, carryNotes, type Places, placesOf } from './carry.ts'
import { planCertificates } from './certificate.ts'
import { type HostCall, imageOf, networkCalls, pullCall, stopSeconds, volumeCalls } from './call.ts'
import { cronWarnings, jobCalls, retireCall, scheduleCalls } from './cron.ts'
import { hasRun } from './once.ts'
import { heldError, heldWords } from './held.ts'
import { memoryWarnings } from './memory.ts'
import { membersOf } from './members.ts'
import { ownerOf, releaseCalls } from './mounts.ts'
import type { Observation, SeenContainer } from './observation.ts'
import { ledByCalls, type PlannedSite, planSites, type SiteFile, unseatCalls, unsiteCalls } from './site.ts'
import { nginxWarnings } from './site-lacks.ts'
import { isKeptIn, startCalls } from './start.ts'
import { drainPort, switchCalls } from './switch.ts'
import { refuseLacks, unfit } from './unfit.ts'
import { leftBehind, leftUnnamed } from './volume-lacks.ts'
import { refuseWhereOneWaits } from './waiting.ts'
import type { Wanted } from './wanted.ts'

export interface HostPlan {
  slot: Slot
  /** By service, where it is one of another release that serves in this one. */
  containers: ReadonlyMap<string, string>
  /** Of the services that are left running: the release that made the container. */
  left: ReadonlyMap<string, string>
  /** Visitors change from one container to another. */
  switches: boolean
  calls: HostCall[]
  references: string[]
  /** For people: what happens to which service, and why. */
  notes: string[]
  /** For people as well: what the deploy cannot see to. */
  warnings: readonly string[]
  /** The program must be root, and the account is not. */
  sudo: boolean
  sites: readonly PlannedSite[]
  /** What travels to be read by nginx. */
  files: readonly SiteFile[]
}

/**
 * Decides what the host program does.
 * @throws LaunchwayError HOST_UNFIT with everything that is missing, DEPLOY_LOCKED with the holder, DEPLOY_WAITS where a
 * release waits for its confirmation
 */
export function planHost(asked: Wanted, seen: Observation, host: string): HostPlan {
  if (seen.lockedBy !== undefined) throw lockedError(host, seen.lockedBy)
  refuseWhereKept(asked, seen, host)
  refuseRelease(asked, seen, host)
  const places = placesOf(asked, seen, host)
  const { slot, containers, left, stays } = places
  refuseLacks(leftUnnamed(asked, seen, left), cannotTake(host))
  const wanted = { ...asked, containers, boundsLogs: seen.data?.keepsAllLogs === true }
  const { environment } = wanted
  const sites = planSites(wanted, seen)
  const references = [...new Set(environment.services.map((service) => imageOf(wanted, service).reference))]
  const serving = new Set(containers.values())
  const before = seen.current === wanted.release ? [] : membersOf(seen.current, seen)
  const old = before.filter((one) => !serving.has(one.name) && !hasRun(one, seen))
  const accessories = planAccessories(wanted, seen, host)
  const {
    creates,
    calls: starts,
    notes,
    stays: stayed,
    keeps,
  } = startCalls(wanted, seen, old, { slot, sites, left, more: accessories.late })
  const led = planBehind(wanted, seen, [...accessories.calls, ...starts], old)
  const jobs = jobCalls(wanted, seen, slot)
  const unsites = unsiteCalls(wanted, seen, sites)
  const certificates = planCertificates(wanted, seen)
  const calls: HostCall[] = [
    ['begin'],
    ['expect', seen.current ?? ''],
    ['recover'],
    ...led.first,
    ...sites.flatMap(({ service, ports, isNew }): HostCall[] =>
      isNew ? [['take_ports', service.name, String(ports.a), String(ports.b)]] : [],
    ),
    ...ledByCalls(seen, sites),
    ...certificates.calls,
    ...fetchCalls(wanted, seen, { accessories, places }),
    ...releaseCalls(wanted),
    ...accessories.calls,
    ...beforeSwitchCalls(wanted, seen.current, ownerOf(wanted, slot)),
    ...carryCalls(wanted, places),
    ...creates,
    ...jobs.creates,
    ...starts,
    ...certificates.away,
    ...unseatCalls(wanted, seen, sites),
    ...switchCalls(wanted, seen, { slot, sites, stays }),
    ...led.calls,
    ...stayed,
    ...keeps,
    ...scheduleCalls(wanted, seen),
    ...waitCalls(wanted, seen),
    ...(wanted.forced === undefined ? [] : [['forced', wanted.forced] as const]),
    ['record', wanted.repositories[0], ...(wanted.takesBack === undefined ? [] : ['back', wanted.takesBack])],
    ...unsites,
    ...old.map((one) => retireOf(one, wanted, seen, led.boxes)),
    ...(old.length === 0 ? [] : [['retired'] as const]),
    ...led.afterwards,
    ...accessories.afterwards,
    ...(wanted.takesBack === undefined ? [] : [['unrecord', wanted.takesBack] as const]),
    ['finish'],
  ]
  notes.push(...carryNotes(wanted, places), ...jobs.notes)
  for (const service of new Set(old.map((one) => one.service))) {
    if (!environment.services.some(({ name }) => name === service)) notes.push(`${service}: ${goneNote(wanted)}, stopped`)
  }
  const sudo = seen.as === 'sudo' || (unsites.length > 0 && seen.root === 'sudo')
  notes.unshift(...certificates.notes, ...accessories.notes)
  notes.push(...led.notes)
  const warnings = [
    ...nginxWarnings(wanted, seen),
    ...cronWarnings(wanted, seen),
    ...certificates.warnings,
    ...accessories.warnings,
    ...led.warnings,
    ...memoryWarnings(wanted, seen, old, calls),
  ]
  const files = [...certificates.files, ...sites.flatMap((one) => one.files)]
  const since = new Map([...left].map(([service, { release }]) => [service, release]))
  return { slot, containers, left: since, switches: !stays, calls, references, notes, warnings, sudo, sites, files }
}

/** @throws LaunchwayError DEPLOY_LOCKED where somebody keeps everybody from deploying, DEPLOY_WAITS where a release waits */
function refuseWhereKept({ isReturn, release, environment }: Wanted, seen: Observation, host: string): void {
  if (seen.held !== undefined) throw heldError(host, heldWords(seen.held))
  if (!isReturn) refuseWhereOneWaits(host, seen, release, environment.name)
}

/** @throws LaunchwayError HOST_UNFIT with everything that is missing */
export function refuseUnfit(wanted: Wanted, seen: Observation, host: string): void {
  refuseLacks(unfit(wanted, seen), cannotTake(host))
}

/**
 * What would refuse a deploy that comes later, as far as it can be known now.
 * @throws LaunchwayError as refuseWhereKept and refuseRelease
 */
export function refuseBeforehand(wanted: Wanted, seen: Observation, host: string): void {
  refuseWhereKept(wanted, seen, host)
  // What an attempt that goes on, or broke off, has there for a while may be in the way now and gone by then.
  if (seen.isInterrupted || seen.lockedBy !== undefined) return
  refuseRelease(wanted, seen, host)
  // Of a project some may be left running: which, the deploy alone knows.
  if (wanted.environment.project === undefined) refuseLacks(leftUnnamed(wanted, seen), cannotTake(host))
}

/** @throws LaunchwayError HOST_UNFIT, also where it would leave data behind */
function refuseRelease(wanted: Wanted, seen: Observation, host: string): void {
  refuseLacks([...unfit(wanted, seen), ...leftBehind(wanted, seen)], cannotTake(host))
}

const cannotTake = (host: string): string => `${host} cannot take this deploy`

/** A release with a version before it, to which one could return, waits where it is told to. */
function waitCalls({ release, isReturn, environment: { confirm } }: Wanted, { current }: Observation): HostCall[] {
  if (confirm === undefined || isReturn || current === undefined || current === release) return []
  return [['await', String(Math.ceil((confirm.withinMs ?? 0) / 1000))]]
}

/** What the containers need before they can be made. What is kept needs its networks alone, and what is left running nothing. */
function fetchCalls(
  wanted: Wanted,
  seen: Observation,
  { accessories, places: { slot, left } }: { accessories: { references: readonly string[]; networks: readonly string[] }; places: Places },
): HostCall[] {
  const services = wanted.environment.services.filter(({ name }) => !left.has(name))
  if (wanted.isReturn && services.every((service) => service.once === true || isKeptIn(slot, service, wanted, seen))) {
    // Nothing but stopped containers was in them, and whoever tidies up removes such networks.
    return networkCalls(
      wanted.environment,
      services.flatMap(({ networks }) => networks),
    )
  }
  const first = new Set(wanted.beforeSwitch?.map(({ service }) => service))
  const used = wanted.environment.services.filter((service) => services.includes(service) || first.has(service.name))
  const references = [...used.map((service) => imageOf(wanted, service).reference), ...accessories.references]
  return [
    ...[...new Set(references)].map((reference) => pullCall(wanted, reference)),
    ...(wanted.logins.size > 0 ? [['forget_logins'] as const] : []),
    ...networkCalls(wanted.environment, [...used.flatMap(({ networks }) => networks), ...accessories.networks]),
    ...volumeCalls(wanted.environment),
  ]
}

/** After its last request: from the nginx of the host, or from that of the project. */
function retireOf(one: SeenContainer, { environment }: Wanted, seen: Observation, boxes: ReadonlyMap<string, string>): HostCall {
  const box = one.state === 'running' ? boxes.get(one.service) : undefined
  if (box !== undefined) return ['retire_led', one.service, one.name, stopSeconds(one, seen, environment), box]
  return retireCall(environment, one, seen, drainPort(one, seen))
}

function goneNote({ isReturn }: Wanted): string {
  return isReturn ? 'was not there yet in that release' : 'no longer in the configuration'
}

/** How many of a range are looked for one by one: those that a container publishes the engine tells in any case. */
const mostOfRange = 64

/** As the look at a host takes them: `80`, `53/udp`. */
export function publishedPorts({ services, accessories }: Environment): string[] {
  return [...services, ...accessories].flatMap((of) =>
    fixedPorts(of).flatMap(({ span: { first, last, protocol } }) =>
      Array.from({ length: Math.min(last - first + 1, mostOfRange) }, (_, index) => {
        return `${first + index}${protocol === undefined ? '' : `/${protocol}`}`
      }),
    ),
  )
}

/** @param holder as the host has it: who, which release, since when, and by which process */
export function lockedError(host: string, holder: string): LaunchwayError {
  const pid = /, process (\d+)$/.exec(holder)?.[1]
  const way =
    pid === undefined
      ? ''
      : `\nIf it hangs, end it on the host, and it is undone there: kill ${pid} (sudo kill ${pid} where another account deploys).`
  return new LaunchwayError('DEPLOY_LOCKED', `another deploy is under way on ${host}`, {
    hint: `Held by ${holder}. Run this one again when it has ended; the lock ends with its program, there is nothing to remove.${way}`,
  })
}
