import type { Swarm } from '../core/stack.ts'
import { milliseconds } from '../core/units.ts'
import { texts } from './texts.ts'
import type { SwarmConfig } from './schema-swarm.ts'

/**
 * @param name of the stack, where the configuration says no other
 * @param secrets of the environment
 */
export function resolveSwarm(config: SwarmConfig, name: string, secrets: readonly string[]): Swarm {
  const given = typeof config === 'string' || Array.isArray(config) ? { files: config } : config
  const envFiles = given['env-files']
  return {
    name: given.project ?? name,
    files: [given.files].flat(),
    profiles: given.profiles ?? [],
    env: texts(given.env ?? {}),
    secrets: [...secrets],
    ...(envFiles === undefined ? {} : { envFiles: [envFiles].flat() }),
    timeoutMs: milliseconds(given.timeout ?? '5m'),
    onceTimeoutMs: milliseconds(given['once-timeout'] ?? '10m'),
  }
}
