import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Slot } from '../core/names.ts'
import { parseRepository } from '../core/reference.ts'
import { parsePublish } from './address.ts'
import { type HostCall, imageOf, nameIn, stopSeconds } from './call.ts'
import { heldError, heldWords } from './held.ts'
import type { Observation } from './observation.ts'
import { nginxWarnings, type PlannedSite, planSites, surplusFolder, unseated } from './site.ts'
import { startCalls } from './start.ts'
import { drainCall, switchCalls } from './switch.ts'
import { unfit } from './unfit.ts'
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
}

/**
 * Decides what the host program does.
 * @throws LaunchwayError HOST_UNFIT with everything that is missing, DEPLOY_LOCKED with the holder
 */
export function planHost(wanted: Wanted, seen: Observation, host: string): HostPlan {
  if (seen.lockedBy !== undefined) throw lockedError(host, seen.lockedBy)
  if (seen.held !== undefined) throw heldError(host, heldWords(seen.held))
  const lacks = unfit(wanted, seen)
  if (lacks.length > 0) {
    throw new LaunchwayError('HOST_UNFIT', `${host} cannot take this deploy: ${lacks.map(({ what }) => what).join('; ')}`, {
      hint: lacks.map(({ what, hint }) => `${what}: ${hint}`).join('\n'),
    })
  }
  const { environment } = wanted
  const slot = slotOf(wanted, seen)
  const sites = planSites(wanted, seen)
  const references = [...new Set(environment.services.map((service) => imageOf(wanted, service).reference))]
  const old = seen.containers.filter((container) => container.release === seen.current && seen.current !== wanted.release)
  const folder = sites[0] === undefined ? surplusFolder(wanted, seen) : sites[0].file.slice(0, sites[0].file.lastIndexOf('/'))
  const { calls: starts, notes, started } = startCalls(wanted, seen, old, { slot, sites })
  const calls: HostCall[] = [
    ['begin'],
    ['expect', seen.current ?? ''],
    ['recover'],
    ...sites.flatMap(({ service, ports, isNew }): HostCall[] =>
      isNew ? [['take_ports', service.name, String(ports.a), String(ports.b)]] : [],
    ),
    ...fetchCalls(wanted, seen, references),
    ...starts,
    ...[...unseated(wanted, seen, sites)].map(([file, service]): HostCall => ['unseat', service, file]),
    ...switchCalls(wanted, slot, sites),
    ...started.map((container): HostCall => ['keep', container]),
    ['record', wanted.repositories[0]],
    ...(folder === undefined ? [] : [['unsite', folder, ...sites.map(({ service }) => service.name)] as const]),
    ...old.flatMap((container) => drainCall(container, environment, seen)),
    ...old.map(({ name, service }): HostCall => ['retire', service, name, stopSeconds(environment, service)]),
    ['finish'],
  ]
  for (const service of new Set(old.map((one) => one.service))) {
    if (!environment.services.some(({ name }) => name === service)) notes.push(`${service}: ${goneNote(wanted)}, stopped`)
  }
  const sudo = seen.as === 'sudo' || (folder !== undefined && seen.root === 'sudo')
  return { slot, calls, references, notes, warnings: nginxWarnings(wanted, seen), sudo, sites }
}

/** A release that is kept stays where it was; a new one goes beside the current one. */
function slotOf({ release, isReturn }: Wanted, { containers, current }: Observation): Slot {
  const slotBy = (id: string | undefined): Slot | undefined => containers.find((container) => container.release === id)?.slot
  const currentSlot = slotBy(current)
  if (current === release) return currentSlot ?? 'a'
  return (isReturn ? slotBy(release) : undefined) ?? (currentSlot === 'a' ? 'b' : 'a')
}

/** What the containers need before they can be made. What is kept needs nothing. */
function fetchCalls(wanted: Wanted, seen: Observation, references: readonly string[]): HostCall[] {
  const { services } = wanted.environment
  if (wanted.isReturn && services.every((service) => seen.containers.some(({ name }) => name === nameIn(wanted, service)))) return []
  return [
    ...references.map((reference): HostCall => (hasLogin(wanted, reference) ? ['pull', reference, 'logins'] : ['pull', reference])),
    ...(wanted.logins.size > 0 ? [['forget_logins'] as const] : []),
    ...[...new Set(services.flatMap(({ networks }) => networks))].map((name): HostCall => ['network', name]),
  ]
}

function goneNote({ isReturn }: Wanted): string {
  return isReturn ? 'was not there yet in that release' : 'no longer in the configuration'
}

function hasLogin({ logins }: Wanted, reference: string): boolean {
  return logins.has(parseRepository(reference).host)
}

export function publishedPorts(environment: Environment): number[] {
  return environment.services.flatMap(({ publish }) => (publish === undefined ? [] : [parsePublish(publish).port]))
}

export function lockedError(host: string, holder: string): LaunchwayError {
  return new LaunchwayError('DEPLOY_LOCKED', `another deploy is under way on ${host}`, {
    hint: `Held by ${holder}. Run this one again when it has ended; the lock ends with its program, there is nothing to remove.`,
  })
}
