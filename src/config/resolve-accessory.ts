import type { Accessory } from '../core/deployment.ts'
import { milliseconds } from '../core/units.ts'
import { resolveShared } from './resolve-service.ts'
import type { AccessoryConfig } from './schema-accessory.ts'
import { texts } from './texts.ts'

/** @param networks those of an accessory that names none */
export function resolveAccessory(name: string, accessory: AccessoryConfig, networks: string[]): Accessory {
  const { image, command, entrypoint, port, publish, health = {}, user, memory, cpus } = accessory
  return {
    name,
    image,
    ...(command === undefined ? {} : { command }),
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(port === undefined ? {} : { port }),
    ...(publish === undefined ? {} : { publish: String(publish) }),
    health: {
      ...(health.command === undefined ? {} : { command: health.command }),
      ...(health.interval === undefined ? {} : { intervalMs: milliseconds(health.interval) }),
      ...(health.retries === undefined ? {} : { retries: health.retries }),
      timeoutMs: milliseconds(health.timeout ?? '60s'),
      settleMs: milliseconds(health.settle ?? '1s'),
    },
    env: texts(accessory.env ?? {}),
    secrets: accessory.secrets ?? [],
    volumes: accessory.volumes ?? [],
    networks: accessory.networks ?? networks,
    ...(user === undefined ? {} : { user }),
    ...(memory === undefined ? {} : { memory }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(accessory['stop-signal'] === undefined ? {} : { stopSignal: accessory['stop-signal'] }),
    stopTimeoutMs: milliseconds(accessory['stop-timeout'] ?? '10s'),
    labels: accessory.labels ?? {},
    options: accessory.options ?? [],
    ...resolveShared(accessory),
  }
}
