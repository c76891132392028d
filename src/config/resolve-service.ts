import type { Health, Service } from '../core/deployment.ts'
import { milliseconds } from '../core/units.ts'
import { resolveNginx } from './resolve-nginx.ts'
import { parseSchedule } from './schedule.ts'
import type { ServiceConfig, shared } from './schema-service.ts'
import { texts } from './texts.ts'

/** @param general what holds for each service of the environment that says nothing else */
export function resolveService(
  name: string,
  service: ServiceConfig,
  general: { image: string; url: string | undefined; networks: string[]; patienceMs?: number },
): Service {
  const nginx = resolveNginx(service, general.url)
  return {
    name,
    image: service.image ?? general.image,
    ...(service.command === undefined ? {} : { command: service.command }),
    ...(service.entrypoint === undefined ? {} : { entrypoint: service.entrypoint }),
    ...(service.port === undefined ? {} : { port: service.port }),
    ...(service.publish === undefined ? {} : { publish: String(service.publish) }),
    ...(nginx === undefined ? {} : { nginx }),
    ...(service.assets === undefined ? {} : { assets: [service.assets].flat() }),
    health: resolveHealth(service, general.patienceMs),
    env: texts(service.env ?? {}),
    secrets: service.secrets ?? [],
    volumes: service.volumes ?? [],
    networks: service.networks ?? general.networks,
    ...(service.user === undefined ? {} : { user: service.user }),
    capAdd: service['cap-add'] ?? [],
    capDrop: service['cap-drop'] ?? [],
    groupAdd: service['group-add'] ?? [],
    privileged: service.privileged ?? false,
    devices: service.devices ?? [],
    ...(service.memory === undefined ? {} : { memory: service.memory }),
    ...(service.cpus === undefined ? {} : { cpus: service.cpus }),
    ...(service['stop-signal'] === undefined ? {} : { stopSignal: service['stop-signal'] }),
    stopTimeoutMs: milliseconds(service['stop-timeout'] ?? '10s'),
    labels: service.labels ?? {},
    options: service.options ?? [],
    ...resolveShared(service),
    overlap: service.overlap ?? true,
    ...(service.cron === undefined ? {} : scheduled(service.cron)),
  }
}

/** Started at its times and never again by the engine. `rules-cron.ts` has seen to it that they can be read. */
function scheduled(cron: string): Pick<Service, 'cron' | 'restart'> {
  const { times } = parseSchedule(cron)
  if (times === undefined) throw new TypeError(`cron: ${cron}`)
  return { cron: times, restart: 'no' }
}

export function resolveShared({
  restart = 'unless-stopped',
  logging,
  'env-files': envFiles = [],
}: Pick<ServiceConfig, keyof typeof shared>): Pick<Service, 'restart' | 'logging' | 'envFiles'> {
  const { driver, options = {} } = logging ?? {}
  return {
    restart,
    ...(logging === undefined ? {} : { logging: { ...(driver === undefined ? {} : { driver }), options: texts(options) } }),
    envFiles,
  }
}

/**
 * How long what nobody asks anything must stay up. A worker that cannot start says so late: on a small server, beside the version
 * that still runs, celery has read its application two to five seconds after its start. Twice that.
 */
const bareMs = 10_000

/** @param patienceMs how long a HEALTHCHECK that is known may take */
function resolveHealth({ health = {}, port }: Pick<ServiceConfig, 'health' | 'port'>, patienceMs = 60_000): Health {
  const { path, host, status, command, none, interval, retries, timeout, settle } = healthIn(health)
  const timing = {
    timeoutMs: timeout !== undefined ? milliseconds(timeout) : path === undefined && command === undefined ? patienceMs : 60_000,
    settleMs: settle === undefined ? 1_000 : milliseconds(settle),
  }
  const pace = { intervalMs: milliseconds(interval ?? '500ms'), ...(retries === undefined ? {} : { retries }) }
  if (path !== undefined)
    return { kind: 'http', path, ...(host === undefined ? {} : { host }), ...(status === undefined ? {} : { status }), ...pace, ...timing }
  if (command !== undefined) return { kind: 'command', command, ...pace, ...timing }
  const isBare = port === undefined && settle === undefined
  if (none === true) return { kind: 'none', ...timing, ...(isBare ? { settleMs: bareMs } : {}) }
  return { kind: 'container', ...timing, ...(isBare ? { bareMs } : {}) }
}

/** The mapping that a short form stands for. */
export function healthIn(health: NonNullable<ServiceConfig['health']>): Exclude<typeof health, string> {
  if (typeof health !== 'string') return health
  return health === 'none' ? { none: true } : { path: health }
}
