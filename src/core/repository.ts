import { resolve } from 'node:path'
import { keepLogins } from './docker-config.ts'
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

/**
 * What a program needs to reach the registry of a repository by itself: a folder with the login, where there is one, and
 * a certificate authority.
 */
export async function reachOf(
  repository: string,
  registries: readonly Registry[],
  ports: Ports,
): Promise<{ config?: string; ca?: string; plainHttp: boolean }> {
  const settings = registryOf(repository, registries)
  const login = await ports.registry.credentials(settings)
  return {
    plainHttp: settings.plainHttp,
    ...(settings.ca === undefined ? {} : { ca: resolve(ports.root, settings.ca) }),
    ...(login === undefined ? {} : { config: await keepLogins(new Map([[settings.host, login]]), ports.files) }),
  }
}
