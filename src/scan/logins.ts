import { join } from 'node:path'
import type { Command } from '../core/command.ts'
import type { Credentials, Ports } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'
import { configFile } from '../tools/docker.ts'

/** The environment that gives a program the logins for these registries, in a docker configuration of this run alone. */
export async function dockerConfig(registries: readonly Registry[], ports: Ports): Promise<NonNullable<Command['env']>> {
  const logins = new Map<string, Credentials>()
  for (const settings of registries) {
    const found = await ports.registry.credentials(settings)
    if (found !== undefined) logins.set(settings.host, found)
  }
  if (logins.size === 0) return {}
  const folder = await ports.files.temporary('docker-config')
  await ports.files.write(join(folder, 'config.json'), configFile(logins).reveal(), 0o600)
  return { DOCKER_CONFIG: folder }
}
