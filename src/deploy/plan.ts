import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Slot } from '../core/names.ts'
import { parsePublish } from './address.ts'
import { planAccessories } from './accessory.ts'
import { beforeSwitchCalls } from './before-switch.ts'
import { planCertificates } from './certificate.ts'
import { type HostCall, imageOf, nameIn, pullCall } from './call.ts'
import { cronWarnings, jobCalls, retireCall, scheduleCalls } from './cron.ts'
import { heldError, heldWords } from './held.ts'
import type { Observation } from './observation.ts'
import { ledByCalls, type PlannedSite, planSites, type SiteFile, unseatCalls, unsiteCalls } from './site.ts'
import { nginxWarnings } from './site-lacks.ts'
import { isKeptIn, startCalls } from './start.ts'
import { drainPort, switchCalls } from './switch.ts'
import { refuseLacks, unfit } from './unfit.ts'
import { refuseWhereOneWaits } from './waiting.ts'
import type { Wanted } from './wanted.ts'

export interface HostPlan {
  slot: Slot
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
export function planHost(wanted: Wanted, seen: Observation, host: string): HostPlan {
  if (seen.lockedBy !== undefined) throw lockedError(host, seen.lockedBy)
  if (seen.held !== undefined) throw heldError(host, heldWords(seen.held))
  if (!wanted.isReturn) refuseWhereOneWaits(host, seen, wanted.release, wanted.environment.name)
  refuseUnfit(wanted, seen, host)
  const { environment } = wanted
  const slot = slotOf(wanted, seen)
  const sites = planSites(wanted, seen)
  const references = [...new Set(environment.services.map((service) => imageOf(wanted, service).reference))]
  const old = seen.containers.filter((container) => container.release === seen.current && seen.current !== wanted.release)
  const accessories = planAccessories(wanted, seen)
  const { creates, calls: starts, notes, keeps } = startCalls(wanted, seen, old, { slot, sites })
  const jobs = jobCalls(wanted, seen, slot)
  const unsites = unsiteCalls(wanted, seen, sites)
  const certificates = planCertificates(wanted, seen)
  const calls: HostCall[] = [
    ['begin'],
    ['expect', seen.current ?? ''],
    ['recover'],
    ...sites.flatMap(({ service, ports, isNew }): HostCall[] =>
      isNew ? [['take_ports', service.name, String(ports.a), String(ports.b)]] : [],
    ),
    ...ledByCalls(seen, sites),
    ...certificates.calls,
    ...fetchCalls(wanted, seen, { references: [...references, ...accessories.references], networks: accessories.networks, slot }),
    ...accessories.calls,
    ...beforeSwitchCalls(wanted, seen.current, { app: wanted.app, environment: environment.name, release: wanted.release, slot }),
    ...creates,
    ...jobs.creates,
    ...starts,
    ...certificates.away,
    ...unseatCalls(wanted, seen, sites),
    ...switchCalls(wanted, seen, slot, sites),
    ...keeps,
    ...scheduleCalls(wanted, seen),
    ...waitCalls(wanted, seen),
    ...(wanted.forced === undefined ? [] : [['forced', wanted.forced] as const]),
    ['record', wanted.repositories[0]],
    ...unsites,
    ...old.map((one) => retireCall(environment, one, seen, drainPort(one, seen))),
    ...(old.length === 0 ? [] : [['retired'] as const]),
    ['finish'],
  ]
  notes.push(...jobs.notes)
  for (const service of new Set(old.map((one) => one.service))) {
    if (!environment.services.some(({ name }) => name === service)) notes.push(`${service}: ${goneNote(wanted)}, stopped`)
  }
  const sudo = seen.as === 'sudo' || (unsites.length > 0 && seen.root === 'sudo')
  notes.unshift(...certificates.notes, ...accessories.notes)
  const warnings = [...nginxWarnings(wanted, seen), ...cronWarnings(wanted, seen), ...certificates.warnings, ...accessories.warnings]
  return { slot, calls, references, notes, warnings, sudo, sites, files: [...certificates.files, ...sites.flatMap(({ files }) => files)] }
}

/** @throws LaunchwayError HOST_UNFIT with everything that is missing */
export function refuseUnfit(wanted: Wanted, seen: Observation, host: string): void {
  refuseLacks(unfit(wanted, seen), `${host} cannot take this deploy`)
}

/** A release with a version before it, to which one could return, waits where it is told to. */
function waitCalls({ release, isReturn, environment: { confirm } }: Wanted, { current }: Observation): HostCall[] {
  if (confirm === undefined || isReturn || current === undefined || current === release) return []
  return [['await', String(Math.ceil((confirm.withinMs ?? 0) / 1000))]]
}

/**
 * A release that is kept stays where it was; a new one goes beside the current one, and so does a kept one that nginx
 * knows by the slot of the current one: its containers are made again.
 */
function slotOf({ release, isReturn, environment }: Wanted, { containers, current }: Observation): Slot {
  const slotBy = (id: string | undefined): Slot | undefined => containers.find((container) => container.release === id)?.slot
  const currentSlot = slotBy(current)
  if (current === release) return currentSlot ?? 'a'
  const other = currentSlot === 'a' ? 'b' : 'a'
  const kept = isReturn ? slotBy(release) : undefined
  if (kept === currentSlot && environment.services.some(({ nginx }) => nginx !== undefined)) return other
  return kept ?? other
}

/** What the containers need before they can be made. What is kept needs nothing. */
function fetchCalls(
  wanted: Wanted,
  seen: Observation,
  of: { references: readonly string[]; networks: readonly string[]; slot: Slot },
): HostCall[] {
  const { services } = wanted.environment
  if (wanted.isReturn && services.every((service) => isKeptIn(of.slot, nameIn(wanted, service), seen))) return []
  return [
    ...[...new Set(of.references)].map((reference) => pullCall(wanted, reference)),
    ...(wanted.logins.size > 0 ? [['forget_logins'] as const] : []),
    ...[...new Set([...services.flatMap(({ networks }) => networks), ...of.networks])].map((name): HostCall => ['network', name]),
  ]
}

function goneNote({ isReturn }: Wanted): string {
  return isReturn ? 'was not there yet in that release' : 'no longer in the configuration'
}

export function publishedPorts({ services, accessories }: Environment): number[] {
  return [...services, ...accessories].flatMap(({ publish }) => (publish === undefined ? [] : [parsePublish(publish).port]))
}

export function lockedError(host: string, holder: string): LaunchwayError {
  return new LaunchwayError('DEPLOY_LOCKED', `another deploy is under way on ${host}`, {
    hint: `Held by ${holder}. Run this one again when it has ended; the lock ends with its program, there is nothing to remove.`,
  })
}
