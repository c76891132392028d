import type { Ports, Repository } from './ports.ts'
import { parseRepository } from './reference.ts'
import type { Registry } from './release.ts'

/** What the plan has for the registry of a repository; the usual, where it says nothing of it. */
export function registryOf(repository: string, registries: readonly Registry[]): Registry {
  const { host } = parseRepository(repository)
  return registries.find((one) => one.host === host) ?? { host, plainHttp: false }
}

/** A repository of the plan, with the settings that the plan has for its registry. */
export function openRepository(
  repository: string,
  registries: readonly Registry[],
  ports: Pick<Ports, 'registry'>,
  signal?: AbortSignal,
): Promise<Repository> {
  return ports.registry.repository(repository, registryOf(repository, registries), signal)
}
