import type { Environment, Service } from '../core/deployment.ts'
import type { HostCall } from './call.ts'
import type { Observation, SeenContainer } from './observation.ts'
import { allBefore } from './order.ts'
import type { Wanted } from './wanted.ts'

/** How long a service that runs once may take. A project has no word for it. */
const limitSeconds = 1800

/**
 * Whether a service that runs once runs on this host: one that works on what each host has for itself (an accessory that
 * it comes after, a volume) on each of them, any other on the first alone, as a command before the switch does.
 */
export function runsHere({ name, volumes }: Service, { environment, isFirstHost }: Pick<Wanted, 'environment' | 'isFirstHost'>): boolean {
  const before = allBefore(name, [...environment.services, ...environment.accessories])
  return isFirstHost === true || volumes.length > 0 || environment.accessories.some((one) => before.has(one.name))
}

/** Whether it runs now: neither for a release that is live, nor for one that has been. */
export function runsNow({ isReturn, release }: Pick<Wanted, 'isReturn' | 'release'>, { current }: Pick<Observation, 'current'>): boolean {
  return !isReturn && current !== release
}

export function onceCall({ name }: Service, container: string): HostCall {
  return ['once', name, container, String(limitSeconds)]
}

export function onceNote(service: Service, wanted: Wanted, seen: Observation): string {
  const { name } = service
  if (!runsNow(wanted, seen)) return `${name}: is not run again, since it ran when this release was new`
  if (!runsHere(service, wanted)) return `${name}: runs on the first host alone`
  const later = [...wanted.environment.services, ...wanted.environment.accessories]
    .filter(({ after = [] }) => after.some((one) => one.name === name))
    .map((one) => one.name)
  return `${name}: runs once${later.length === 0 ? '' : `, before ${later.join(', ')}`}`
}

/** A container that has done what it was for. */
export function hasRun({ service, release }: SeenContainer, { releases }: Pick<Observation, 'releases'>): boolean {
  return isOnceIn(releases.get(release)?.environment, service)
}

export function isOnceIn(environment: Environment | undefined, name: string): boolean {
  return environment?.services.find((one) => one.name === name)?.once === true
}
