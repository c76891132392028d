import { nearest } from '../core/nearest.ts'
import { accessoryBreaches } from './rules-accessory.ts'
import { cronBreaches, schedulePathBreaches } from './rules-cron.ts'
import { healthBreaches } from './rules-health.ts'
import { imageBreaches } from './rules-image.ts'
import { lifecycleBreaches } from './rules-lifecycle.ts'
import { acmeBreaches, assetBreaches, nginxBreaches, oneNginx, sharedServers } from './rules-nginx.ts'
import { smokeBreaches } from './rules-smoke.ts'
import { projectBreaches, withoutProject } from './rules-project.ts'
import { refusedOptions } from './run-options.ts'
import { swarmBreaches } from './rules-swarm.ts'
import { portBreaches } from './rules-ports.ts'
import { volumeBreaches } from './rules-volumes.ts'
import { tagBreaches } from './rules-tags.ts'
import { refBreaches } from './rules-refs.ts'
import { scanBreaches } from './scan.ts'
import { refusedSecret } from '../core/secret-names.ts'
import type { Config, EnvironmentConfig } from './schema.ts'
import { type ServiceConfig, ServiceConfig as ServiceSchema } from './schema-service.ts'

/** Something that each key alone cannot show: two keys that exclude each other, a name that names nothing. */
export interface Breach {
  path: (string | number)[]
  message: string
  onKey?: boolean
  /** Of several lines in one text, which; from 0. */
  line?: number | undefined
}

/** See labels in core/names.ts. */
const ownLabels = 'launchway.'

export const serviceKeys: readonly string[] = Object.keys(ServiceSchema.shape)

export function breaches(config: Config): Breach[] {
  return [
    ...imageBreaches(config),
    ...refBreaches(config),
    ...tagBreaches(config),
    ...smokeBreaches(config),
    ...scanBreaches(config),
    ...environmentBreaches(config),
    ...portBreaches(config),
    ...volumeBreaches(config),
  ]
}

function environmentBreaches(config: Config): Breach[] {
  return Object.entries(config.environments ?? {}).flatMap(([name, environment]) => {
    const path = ['environments', name]
    const at = `environments.${name}`
    const found: Breach[] = []
    if (environment.host === undefined && environment.hosts === undefined)
      found.push({ path, message: `${at}: host is needed: the SSH address to deploy to` })
    found.push(...swarmBreaches(name, environment))
    if (environment.host !== undefined && environment.hosts !== undefined)
      found.push({ path: [...path, 'hosts'], onKey: true, message: `${at}: host and hosts exclude each other` })
    found.push(
      ...(environment.hosts ?? []).flatMap((host, index, all) =>
        all.indexOf(host) === index ? [] : [{ path: [...path, 'hosts', index], message: `${at}.hosts: ${host} is there twice` }],
      ),
    )
    if (environment.compose !== undefined) return [...found, ...projectBreaches(name, environment), ...lifecycleBreaches(name, environment)]
    found.push(...withoutProject(name, environment))
    const first = Object.keys(environment).find((key) => serviceKeys.includes(key))
    if (environment.services !== undefined && first !== undefined) {
      found.push({
        path: [...path, first],
        onKey: true,
        message: `${at}: "${first}" belongs into one of the services, since services is given`,
      })
    }
    if (environment.swarm !== undefined) return [...found, ...lifecycleBreaches(name, environment)]
    const services = servicesOf(name, environment)
    for (const [path_, service] of services)
      found.push(...serviceBreaches(config, path_, service, environment.url), ...acmeBreaches(path_, service, environment))
    return [
      ...found,
      ...sharedServers(name, environment),
      ...oneNginx(name, environment),
      ...accessoryBreaches(name, environment),
      ...lifecycleBreaches(name, environment),
      ...schedulePathBreaches(
        name,
        environment,
        services.map(([, service]) => service),
      ),
    ]
  })
}

function servicesOf(name: string, environment: EnvironmentConfig): [(string | number)[], ServiceConfig][] {
  if (environment.services === undefined) return [[['environments', name], environment]]
  return Object.entries(environment.services).map(([service, value]) => [['environments', name, 'services', service], value])
}

/** @param url the address of the environment */
function serviceBreaches(config: Config, path: (string | number)[], service: ServiceConfig, url: string | undefined): Breach[] {
  const at = path.join('.')
  // Of thousands of services each must not go through thousands of images.
  const { images: byName = {} } = config
  const found: Breach[] = []
  if (service.image !== undefined && !Object.hasOwn(byName, service.image)) {
    const images = Object.keys(byName)
    const meant = nearest(service.image, images)
    const hint = meant === undefined ? `known: ${images.join(', ') || 'none by name; leave it out'}` : `did you mean "${meant}"?`
    found.push({ path: [...path, 'image'], message: `${at}.image: no image "${service.image}"; ${hint}` })
  }
  if (service.image !== undefined && Object.hasOwn(byName, service.image) && byName[service.image]?.repositories === undefined)
    found.push({ path: [...path, 'image'], message: `${at}.image: ${service.image} has no repositories: no host could pull it` })
  if (service.image === undefined) {
    const pushed = Object.keys(byName).filter((name) => byName[name]?.repositories !== undefined)
    if (pushed.length > 1) found.push({ path, message: `${at}: image is needed, since there are several: ${pushed.join(', ')}` })
  }
  found.push(...(service.cron === undefined ? wayInBreaches(path, service, url) : cronBreaches(path, service, service.cron)))
  for (const [index, secret] of (service.secrets ?? []).entries()) {
    if (Object.hasOwn(service.env ?? {}, secret))
      found.push({ path: [...path, 'env', secret], onKey: true, message: `${at}: ${secret} is both in env and in secrets` })
    const reason = refusedSecret(secret)
    if (reason !== undefined)
      found.push({ path: [...path, 'secrets', index], message: `${at}: a secret cannot be called ${secret}: ${reason}` })
  }
  for (const label of Object.keys(service.labels ?? {})) {
    if (label.startsWith(ownLabels))
      found.push({
        path: [...path, 'labels', label],
        onKey: true,
        message: `${at}: labels that begin with "${ownLabels}" are launchway's own`,
      })
  }
  for (const { index, message } of refusedOptions(service.options ?? []))
    found.push({ path: [...path, 'options', index], message: `${at}: ${message}` })
  return found
}

/** How what is kept running is reached. */
export function wayInBreaches(path: (string | number)[], service: ServiceConfig, url: string | undefined): Breach[] {
  const at = path.join('.')
  const found: Breach[] = []
  if (service.publish !== undefined && service.port === undefined)
    found.push({
      path: [...path, 'publish'],
      onKey: true,
      message: `${at}: publish needs port: where the service listens inside its container`,
    })
  found.push(...nginxBreaches(path, service, url), ...assetBreaches(path, service))
  return [...found, ...healthBreaches(path, service)]
}
