import type { Ports, Repository } from '../core/ports.ts'
import { parseRepository } from '../core/reference.ts'
import type { Registry } from '../core/release.ts'

/** A repository of the plan, with the settings that the plan has for its registry. */
export function openRepository(repository: string, registries: readonly Registry[], ports: Ports): Promise<Repository> {
  const { host } = parseRepository(repository)
  return ports.registry.repository(repository, registries.find((one) => one.host === host) ?? { host, plainHttp: false })
}
