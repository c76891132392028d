import type { Environment, Service } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import { containerName } from '../core/names.ts'
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

/** What `docker stop` is given for a service; docker's own ten seconds for one that the configuration no longer has. */
export function stopSeconds(environment: Environment, service: string): string {
  const ms = environment.services.find(({ name }) => name === service)?.stopTimeoutMs ?? 10_000
  return String(Math.ceil(ms / 1000))
}
