import { type Batch, hostsIn } from '../core/batches.ts'
import type { Environment } from '../core/deployment.ts'
import { appOf, environmentNetwork, stateRoot } from '../core/names.ts'
import { parseRepository } from '../core/reference.ts'
import type { Registry } from '../core/release.ts'
import { milliseconds } from '../core/units.ts'
import { resolveVerification } from './evidence.ts'
import { resolveAccessory } from './resolve-accessory.ts'
import { onlyImage, resolveImages } from './resolve-image.ts'
import { resolveLifecycle } from './resolve-lifecycle.ts'
import { resolveService } from './resolve-service.ts'
import { resolveSwarm } from './resolve-swarm.ts'
import { serviceKeys } from './rules.ts'
import type { Config, EnvironmentConfig } from './schema.ts'
import type { BatchConfig } from './schema-batch.ts'
import type { ServiceConfig } from './schema-service.ts'

/**
 * From what a user wrote to what a release needs: short forms written out, defaults filled in. The short and the long
 * form of the same meaning give the same value here, so nothing after this knows which was used.
 */

/** The name of the service that the short form does not name. */
const onlyService = 'web'

/** The application's name: the one that was given, else one made of the last part of the first repository. */
export function resolveApp(config: Config): string {
  const repository = resolveImages(config)[0]?.repositories[0] ?? ''
  return config.app ?? appOf(repository)
}

/** The settings of each registry that the images name, and of the others that `registries` has. */
export function resolveRegistries(config: Config): Registry[] {
  const hosts = resolveImages(config).flatMap(({ repositories }) => repositories.map((repository) => parseRepository(repository).host))
  const names = [...new Set(hosts)]
  const general = generalLogin(config, names)
  // Where the images of accessories are, those of a compose project, and those that a Dockerfile is built on.
  const others = Object.keys(config.registries ?? {})
  return [...new Set([...names, ...others])].map((host) => {
    const { username, password, ca, 'plain-http': plainHttp = false } = config.registries?.[host] ?? {}
    return {
      host,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(general.includes(host) ? { generalLogin: general } : {}),
      ...(ca === undefined ? {} : { ca }),
      plainHttp,
    }
  })
}

/**
 * A password that is sent to a registry is known there, so the general login is for one: the only registry, or the
 * only one that names no password of its own. ghcr.io, which the GitHub token opens, gives way to any other.
 */
function generalLogin({ registries = {} }: Config, hosts: string[]): string[] {
  if (hosts.length === 1) return hosts
  const unnamed = hosts.filter((host) => registries[host]?.password === undefined)
  const others = unnamed.filter((host) => host !== 'ghcr.io')
  return others.length === 0 ? unnamed : others
}

/**
 * Without services where a compose project has them: the plan adds what comes of it.
 * @param knownHosts the known_hosts file to use when the environment names none
 */
export function resolveEnvironment(config: Config, name: string, knownHosts: string | undefined): Environment | undefined {
  const { environments = {} } = config
  const environment = Object.hasOwn(environments, name) ? environments[name] : undefined
  if (environment === undefined) return undefined
  const { ssh = {} } = environment
  const hosts = environment.hosts ?? (environment.host === undefined ? [] : [environment.host])
  const known = ssh['known-hosts'] ?? knownHosts
  const verify = resolveVerification(environment)
  const { accessories = {} } = environment
  // The default bridge knows no names: what needs an accessory could not find it there.
  const networks = Object.keys(accessories).length === 0 ? [] : [environmentNetwork({ app: resolveApp(config), environment: name })]
  const services = Object.entries(servicesOf(environment)).map(([service, value]) =>
    resolveService(service, value, { image: resolveImages(config)[0]?.name ?? onlyImage, url: environment.url, networks }),
  )
  return {
    name,
    ...(environment.url === undefined ? {} : { url: environment.url }),
    hosts,
    ...(environment.batch === undefined ? {} : { batch: resolveBatch(environment.batch, hosts.length) }),
    ssh: {
      ...(known === undefined ? {} : { knownHosts: known }),
      ...(ssh['proxy-jump'] === undefined ? {} : { proxyJump: ssh['proxy-jump'] }),
      key: ssh.key ?? 'SSH_KEY',
      connectTimeoutMs: milliseconds(ssh['connect-timeout'] ?? '10s'),
    },
    stateRoot: environment.state ?? stateRoot,
    keep: environment.keep ?? 5,
    ...(environment['lock-wait'] === undefined ? {} : { lockWaitMs: milliseconds(environment['lock-wait']) }),
    ...(environment.superseded === 'deploy' ? { superseded: environment.superseded } : {}),
    accessories: Object.entries(accessories).map(([accessory, value]) => resolveAccessory(accessory, value, networks)),
    services,
    ...(environment.swarm === undefined
      ? {}
      : { swarm: resolveSwarm(environment.swarm, `${resolveApp(config)}-${name}`, environment.secrets ?? []) }),
    ...(environment['shared-volumes'] === undefined ? {} : { sharedVolumes: environment['shared-volumes'] }),
    ...(environment['leave-behind'] === undefined ? {} : { leaveBehind: environment['leave-behind'] }),
    ...(verify === undefined ? {} : { verify }),
    ...resolveLifecycle(environment, services),
  }
}

function resolveBatch(said: BatchConfig, hosts: number): Batch {
  const { size, wait } = typeof said === 'object' && 'size' in said ? said : { size: said, wait: undefined }
  return {
    sizes: [size].flat().map((one) => hostsIn(one, hosts)),
    ...(wait === undefined ? {} : { waitMs: milliseconds(wait) }),
  }
}

/** What runs in an environment, by name, as the user wrote it; nothing where a compose project says it. */
export function servicesOf(environment: EnvironmentConfig): Record<string, ServiceConfig> {
  if (environment.compose !== undefined || environment.swarm !== undefined) return {}
  return environment.services ?? { [onlyService]: inlineService(environment) }
}

function inlineService(environment: EnvironmentConfig): ServiceConfig {
  return Object.fromEntries(Object.entries(environment).filter(([key]) => serviceKeys.includes(key)))
}
