import { join } from 'node:path'
import type { Command } from '../core/command.ts'
import type { Ports } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'
import { configFile } from '../tools/docker.ts'

/** The environment that gives a program the login for a registry, in a docker configuration of this run alone. */
export async function dockerConfig(settings: Registry, ports: Ports): Promise<NonNullable<Command['env']>> {
  const login = await ports.registry.credentials(settings)
  if (login === undefined) return {}
  const folder = await ports.files.temporary('docker-config')
  await ports.files.write(join(folder, 'config.json'), configFile(new Map([[settings.host, login]])).reveal(), 0o600)
  return { DOCKER_CONFIG: folder }
}
