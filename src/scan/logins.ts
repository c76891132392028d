import type { Command } from '../core/command.ts'
import { keepLogins } from '../core/docker-config.ts'
import type { Ports } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'

/** The environment that gives a program the login for a registry, in a docker configuration of this run alone. */
export async function dockerConfig(settings: Registry, ports: Ports): Promise<NonNullable<Command['env']>> {
  const login = await ports.registry.credentials(settings)
  if (login === undefined) return {}
  return { DOCKER_CONFIG: await keepLogins(new Map([[settings.host, login]]), ports.files) }
}
