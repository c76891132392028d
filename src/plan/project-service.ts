import { healthIn, resolveService } from '../config/resolve-service.ts'
import type { ServicesConfig } from '../config/schema-project.ts'
import type { ServiceConfig } from '../config/schema-service.ts'
import { texts } from '../config/texts.ts'
import type { Accessory, Service } from '../core/deployment.ts'
import { milliseconds } from '../core/units.ts'
import { durationMs } from '../tools/compose.ts'
import type { DeployedService } from '../tools/compose-deployed.ts'
import { type Around, mountsOf } from './project-mounts.ts'
import { networkingOf } from './project-networks.ts'
import { optionsOf, patienceMs } from './project-options.ts'
import { reachedBy } from './project-ports.ts'
import { variablesOf } from './project-secrets.ts'

/** A service of a project, and what is known of it apart from itself. */
export interface Part {
  /** As the project calls it. */
  key: string
  /** As launchway calls it. */
  name: string
  service: DeployedService
  /** What launchway.yml says of it. */
  said: ServicesConfig
  /** Of the plan or the environment, for a service; a reference, for an accessory. */
  image: string
  isBuiltHere: boolean
  isOnce: boolean
  /** Another is behind it. */
  leads: boolean
  /** By which others know it, beside its own name. */
  names: readonly string[]
  envFiles: readonly string[]
  after: NonNullable<Service['after']>
}

interface Surroundings extends Around {
  url: string | undefined
}

/** What comes of it. `config` is how launchway.yml would say what it says of the way in: for its own rules. */
export type Translated =
  | { kind: 'service'; service: Service; config: ServiceConfig; paths: string[] }
  | { kind: 'accessory'; accessory: Accessory; paths: string[] }

export function translateService(part: Part, around: Surroundings): Translated {
  const { key, name, service, said } = part
  const mounts = mountsOf(key, service, around)
  const networking = networkingOf(key, service, part.names, around.project, around.found)
  const isData = said.data ?? (!part.isBuiltHere && !part.isOnce && !part.leads && mounts.keepsData)
  const byNginx =
    !isData && (said.nginx !== undefined || (said.port !== undefined && !publishes(service, said.port) && around.url !== undefined))
  const asked = healthIn(said.health ?? {})
  const reached = reachedBy(key, service, { port: said.port, isAsked: !isData && asked.path !== undefined, byNginx }, around.found)
  const { command, entrypoint } = service
  const memory = service.deploy?.resources?.limits?.memory ?? service.mem_limit
  const cpus = Number(service.deploy?.resources?.limits?.cpus ?? service.cpus ?? 0)
  const { env, secrets, composed } = variablesOf(service, { env: texts(said.env ?? {}), secrets: said.secrets ?? [] })
  const stopTimeoutMs =
    said['stop-timeout'] === undefined ? durationMs(service.stop_grace_period ?? '10s') : milliseconds(said['stop-timeout'])
  const rights = rightsOf(service)
  const common = {
    name,
    ...(isList(command) ? { command } : {}),
    ...(entrypoint === null || entrypoint === undefined ? {} : { entrypoint }),
    ...(reached.port === undefined ? {} : { port: reached.port }),
    ...(reached.publish === undefined ? {} : { publish: reached.publish }),
    env,
    secrets,
    volumes: mounts.volumes,
    networks: networking.networks,
    ...(service.user === undefined || service.user === '' ? {} : { user: service.user }),
    ...(memory === undefined || Number(memory) === 0 ? {} : { memory: String(memory) }),
    ...(cpus === 0 ? {} : { cpus }),
    ...(service.stop_signal === undefined ? {} : { stopSignal: service.stop_signal }),
    stopTimeoutMs,
    labels: labelsOf(key, service, around),
    restart: part.isOnce || said.cron !== undefined ? 'no' : restartOf(service),
    ...(service.logging === null || service.logging === undefined ? {} : { logging: loggingOf(service.logging) }),
    envFiles: [...part.envFiles],
    ...(part.after.length === 0 ? {} : { after: part.after }),
    ...(Object.keys(networking.aliases).length === 0 ? {} : { aliases: networking.aliases }),
    ...(reached.ports.length === 0 ? {} : { ports: reached.ports }),
    ...(Object.keys(composed).length === 0 ? {} : { composed }),
    ...(mounts.files.length === 0 ? {} : { files: mounts.files }),
    ...(mounts.texts.length === 0 ? {} : { texts: mounts.texts }),
  }
  // What launchway.yml says takes the place of the healthcheck.
  const isReplaced = asked.command !== undefined || asked.none === true
  const options = [...networking.options, ...mounts.options, ...optionsOf(isReplaced ? { ...service, healthcheck: null } : service)]
  if (isData) {
    refuseForData(part, around)
    const health = { timeoutMs: patienceMs(service.healthcheck), settleMs: 1_000 }
    return {
      kind: 'accessory',
      accessory: { ...common, image: part.image, health, options: [...rightOptions(rights), ...options] },
      paths: mounts.paths,
    }
  }
  const overlap = said.overlap ?? !(networking.isFixed || service.deploy?.update_config?.order === 'stop-first')
  const config: ServiceConfig = {
    ...(byNginx ? { nginx: said.nginx ?? {} } : {}),
    ...(said.health === undefined ? {} : { health: said.health }),
    ...(said.assets === undefined ? {} : { assets: said.assets }),
    ...(said.cron === undefined ? {} : { cron: said.cron }),
    ...(reached.port === undefined ? {} : { port: reached.port }),
    ...(reached.publish === undefined ? {} : { publish: reached.publish }),
  }
  const { nginx, assets, health, cron } = resolveService(name, config, {
    image: part.image,
    url: around.url,
    networks: [],
    patienceMs: patienceMs(service.healthcheck),
  })
  return {
    kind: 'service',
    paths: mounts.paths,
    config: said.overlap === undefined ? config : { ...config, overlap: said.overlap },
    service: {
      ...common,
      image: part.image,
      ...(nginx === undefined ? {} : { nginx }),
      ...(assets === undefined ? {} : { assets }),
      ...(cron === undefined ? {} : { cron }),
      health,
      ...rights,
      options,
      overlap,
      ...(part.isOnce ? { once: true as const } : {}),
      ...(said.behind === undefined ? {} : { behind: said.behind }),
    },
  }
}

function publishes({ ports }: DeployedService, port: number): boolean {
  return (ports ?? []).some(({ target, published }) => target === port && published !== undefined)
}

function isList(words: readonly string[] | null | undefined): words is string[] {
  return words !== null && words !== undefined && words.length > 0
}

type Rights = Pick<Service, 'capAdd' | 'capDrop' | 'groupAdd' | 'privileged' | 'devices'>

function rightsOf(service: DeployedService): Rights {
  return {
    capAdd: service.cap_add ?? [],
    capDrop: service.cap_drop ?? [],
    groupAdd: (service.group_add ?? []).map(String),
    privileged: service.privileged ?? false,
    devices: (service.devices ?? []).map((one) =>
      typeof one === 'string'
        ? one
        : [one.source, one.target ?? one.source, ...(one.permissions === undefined ? [] : [one.permissions])].join(':'),
    ),
  }
}

/** An accessory has no fields for them. */
function rightOptions({ capAdd, capDrop, groupAdd, privileged, devices }: Rights): string[] {
  const each = (name: string, values: readonly string[]): string[] => values.map((value) => `--${name}=${value}`)
  return [
    ...each('cap-add', capAdd),
    ...each('cap-drop', capDrop),
    ...each('group-add', groupAdd),
    ...(privileged ? ['--privileged'] : []),
    ...each('device', devices),
  ]
}

function labelsOf(key: string, { labels }: DeployedService, { found }: Around): Record<string, string> {
  const own = Object.entries(labels ?? {}).filter(([name]) => !name.startsWith('com.docker.compose.'))
  if (own.some(([name]) => name.startsWith('launchway.')))
    found.refused.push({ path: ['services', key, 'labels'], message: 'labels that begin with "launchway." are launchway\'s own' })
  return Object.fromEntries(own)
}

/** Where nobody says it, a reboot of the host brings back what ran: compose would not. */
function restartOf({ restart, deploy }: DeployedService): string {
  const policy = deploy?.restart_policy
  if (restart !== undefined && restart !== '') return restart
  if (policy?.condition === 'none') return 'no'
  if (policy?.condition === 'on-failure') return policy.max_attempts === undefined ? 'on-failure' : `on-failure:${policy.max_attempts}`
  return 'unless-stopped'
}

function loggingOf({ driver, options }: NonNullable<DeployedService['logging']>): NonNullable<Service['logging']> {
  return {
    ...(driver === undefined || driver === '' ? {} : { driver }),
    options: Object.fromEntries(Object.entries(options ?? {}).map(([name, value]) => [name, String(value ?? '')])),
  }
}

/** What nobody changes with a release has no place in a switch. */
function refuseForData({ key, said, isOnce }: Part, { found }: Around): void {
  for (const word of ['nginx', 'health', 'assets', 'overlap', 'cron', 'behind'] as const) {
    if (said[word] === undefined) continue
    const message = `it keeps data, and releases leave it alone: ${word} is for what they replace (services: { ${key}: { data: false } } makes it one of these)`
    found.refused.push({ path: ['services', key], message })
  }
  if (isOnce)
    found.refused.push({ path: ['services', key], message: 'it cannot run once for each release and keep data: leave data or once out' })
}
