import type { Ports, Repository } from './ports.ts'
import { parseRepository } from './reference.ts'
import type { Registry } from './release.ts'

/** A repository of the plan, with the settings that the plan has for its registry. */
export function openRepository(repository: string, registries: readonly Registry[], ports: Ports): Promise<Repository> {
  const { host } = parseRepository(repository)
  return ports.registry.repository(repository, registries.find((one) => one.host === host) ?? { host, plainHttp: false })
}
