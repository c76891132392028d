import type { Accessory, Environment, Service } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import { containerName } from '../core/names.ts'
import { aliasOn } from './container.ts'
import { parseRepository } from '../core/reference.ts'
import type { Wanted } from './wanted.ts'

/** A call of one of the functions in host/: its name and its arguments. */
export type HostCall = readonly [string, ...string[]]

export function nameIn({ app, environment, release }: Wanted, { name }: Service): string {
  return containerName({ app, environment: environment.name, service: name, release })
}

export function imageOf(wanted: Wanted, service: Service): { reference: string; bytes: number; platforms: readonly string[] } {
  const image = wanted.images.get(service.image)
  if (image === undefined)
    throw new LaunchwayError('RECORD_INVALID', `the record has no built image "${service.image}" for the service ${service.name}`)
  return image
}

/** With the login for its registry, where there is one. */
export function pullCall({ logins }: Wanted, reference: string): HostCall {
  return logins.has(parseRepository(reference).host) ? ['pull', reference, 'logins'] : ['pull', reference]
}

/** The further networks of a container that has been made. */
export function joinCalls({ name, networks }: Service | Accessory, container: string): HostCall[] {
  return networks.slice(1).map((network) => ['join', name, network, container, ...aliasOn(network, name)])
}

export function centiseconds(ms: number): string {
  return String(Math.ceil(ms / 10))
}

/** What `docker stop` is given for a service; docker's own ten seconds for one that the configuration no longer has. */
export function stopSeconds(environment: Environment, service: string): string {
  const ms = environment.services.find(({ name }) => name === service)?.stopTimeoutMs ?? 10_000
  return String(Math.ceil(ms / 1000))
}
