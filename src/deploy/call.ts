import type { Accessory, Environment, Service } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import { containerName } from '../core/names.ts'
import { aliasesOn } from './container.ts'
import type { Observation, SeenContainer } from './observation.ts'
import { parseRepository } from '../core/reference.ts'
import type { Wanted, WantedImage } from './wanted.ts'

/** A call of one of the functions in host/: its name and its arguments. */
export type HostCall = readonly [string, ...string[]]

/** The container that serves in the release: one made for it, or one of an earlier release that is left running. */
export function nameIn(wanted: Wanted, service: Service): string {
  return wanted.containers?.get(service.name) ?? newNameOf(wanted, service)
}

/** The name of a container that is made for the release. */
export function newNameOf({ app, environment, release }: Wanted, { name }: Service): string {
  return containerName({ app, environment: environment.name, service: name, release })
}

export function imageOf(wanted: Wanted, service: Service): WantedImage {
  const image = wanted.images.get(service.image)
  if (image === undefined)
    throw new LaunchwayError('RECORD_INVALID', `the record has no image "${service.image}" for the service ${service.name}`)
  return image
}

/** With the login for its registry, where there is one. */
export function pullCall({ logins }: Wanted, reference: string): HostCall {
  return logins.has(parseRepository(reference).host) ? ['pull', reference, 'logins'] : ['pull', reference]
}

/** The further networks of a container that has been made. */
export function joinCalls(of: Service | Accessory, container: string): HostCall[] {
  return of.networks.slice(1).map((network) => ['join', of.name, network, container, ...aliasesOn(network, of)])
}

/** Has a return refuse to make anew what has secrets, where the host keeps their values no longer. */
export function secretsCalls({ name, secrets }: Service, { isReturn }: Wanted): HostCall[] {
  return isReturn && secrets.length > 0 ? [['has_secrets', name]] : []
}

/** Makes the networks that are not there, as the project has them. */
export function networkCalls({ project }: Environment, names: Iterable<string>): HostCall[] {
  return [...new Set(names)].map((name) => ['network', name, ...(project?.networks[name] ?? [])])
}

/** Makes the volumes that are not there, as the project has them. */
export function volumeCalls({ project }: Environment): HostCall[] {
  return Object.entries(project?.volumes ?? {}).map(([name, options]) => ['volume', name, ...options])
}

export function centiseconds(ms: number): string {
  return String(Math.ceil(ms / 10))
}

/** How often `watch` asks, and how many failures in a row are enough: `50`, `500/3`. */
export function paceOf({ intervalMs = 500, retries }: { intervalMs?: number | undefined; retries?: number | undefined }): string {
  return `${centiseconds(intervalMs)}${retries === undefined ? '' : `/${retries}`}`
}

/**
 * What `docker stop` is given for a container: as its own release says, which may be the last to know the service.
 * @param otherwise where the host keeps that release no longer
 */
export function stopSeconds(
  { service, release }: Pick<SeenContainer, 'service' | 'release'>,
  { releases }: Pick<Observation, 'releases'>,
  otherwise: Environment,
): string {
  const { services } = releases.get(release)?.environment ?? otherwise
  return wholeSeconds(services.find(({ name }) => name === service)?.stopTimeoutMs)
}

/**
 * Has one that runs come back after a reboot. Where an attempt broke off between its start and that, it would not, and
 * nobody would start it anew, since it runs.
 */
export function keepAgain(container: string, { restart }: { restart?: string }, policy: string): HostCall[] {
  return restart === 'no' && policy !== 'no' ? [['keep', container, policy]] : []
}

/** Whether these calls stop it before its successor starts. */
export function isHalted(container: string, calls: readonly HostCall[]): boolean {
  return calls.some(([name, , whose]) => name === 'halt' && whose === container)
}

/** Docker's own ten seconds for what nobody knows any more. */
export function wholeSeconds(stopTimeoutMs = 10_000): string {
  return String(Math.ceil(stopTimeoutMs / 1000))
}
