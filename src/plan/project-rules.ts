import type { AskedProject } from '../config/resolve-project.ts'
import { cronBreaches } from '../config/rules-cron.ts'
import { acmeBreaches, oneNginx, sharedServers } from '../config/rules-nginx.ts'
import { type Breach, wayInBreaches } from '../config/rules.ts'
import { hostPort, overlap } from '../config/rules-ports.ts'
import type { Config, EnvironmentConfig } from '../config/schema.ts'
import type { Accessory, Service } from '../core/deployment.ts'
import { nearest } from '../core/nearest.ts'
import { loneIn } from '../tools/schedulers.ts'
import type { Finding } from './project-findings.ts'
import type { TranslatedProject } from './project.ts'

/** What neither the compose files nor launchway.yml can show alone: the rules of launchway.yml hold for what comes of both. */
export function breachesOf(name: string, said: EnvironmentConfig, translated: TranslatedProject): Finding[] {
  const environment: EnvironmentConfig = { ...said, services: translated.config }
  const found: Breach[] = [...sharedServers(name, environment), ...oneNginx(name, environment)]
  for (const [service, config] of Object.entries(translated.config)) {
    const path = ['environments', name, 'services', service]
    found.push(...(config.cron === undefined ? wayInBreaches(path, config, said.url) : cronBreaches(path, config, config.cron)))
    found.push(...acmeBreaches(path, config, said))
  }
  const names = translated.services.map((service) => service.name)
  for (const { service } of [said['before-switch'] ?? []].flat()) {
    if (service === undefined || names.includes(service)) continue
    const meant = nearest(service, names)
    const hint = meant === undefined ? `known: ${names.join(', ')}` : `did you mean "${meant}"?`
    found.push({ path: ['environments', name, 'before-switch'], message: `no service "${service}"; ${hint}` })
  }
  if (names.length === 0)
    found.push({
      path: ['environments', name, 'compose'],
      message: 'no service of the project is replaced by a release: all of them keep data, or none is left',
    })
  return found.map(({ path, message }) => ({ path, message: message.replace(`${path.slice(0, 4).join('.')}: `, ''), isConfig: true }))
}

/** One port of a host has one holder. */
export function sharedPorts({ services, accessories }: Pick<TranslatedProject, 'services' | 'accessories'>): Finding[] {
  const seen: { owner: string; written: string; at: ReturnType<typeof hostPort> }[] = []
  return [...accessories, ...services].flatMap((of) =>
    publishedBy(of).flatMap((written): Finding[] => {
      const [, published = '', protocol = 'tcp'] = /^(.*):\d+(?:\/(\w+))?$/.exec(written) ?? []
      const at = hostPort(published)
      const other = seen.find(
        (one) => one.owner !== of.name && (/\/(\w+)$/.exec(one.written)?.[1] ?? 'tcp') === protocol && overlap(one.at, at),
      )
      seen.push({ owner: of.name, written, at })
      if (other === undefined) return []
      const scaled = /^(.*)-\d+$/.exec(of.name)?.[1] === other.owner
      const message = scaled
        ? `${other.owner} has several containers, of which one alone can publish port ${published}`
        : `port ${published} is published by ${other.owner} already`
      return [{ path: ['services', scaled ? other.owner : of.name, 'ports'], message }]
    }),
  )
}

function publishedBy({ publish, port, ports = [] }: Service | Accessory): string[] {
  return [...(publish === undefined ? [] : [`${publish}:${port}`]), ...ports]
}

/** What is allowed, and seldom meant. */
export function warningsOf({ services, config }: TranslatedProject, hosts: number, images: readonly { name: string }[]): Finding[] {
  const found = services.flatMap(({ name, command = [], entrypoint = [], cron, overlap: may }): Finding[] => {
    const path = ['services', name]
    if (cron !== undefined)
      return hosts > 1 ? [{ path, message: `has cron, and there are ${hosts} hosts: it runs on each of them at its times` }] : []
    const lone = config[name]?.overlap === undefined && may ? loneIn([...entrypoint, ...command]) : undefined
    return lone === undefined
      ? []
      : [
          {
            path,
            message: `runs ${lone.what}: at each deploy the new one would start beside the old one, and ${lone.harm}. Say overlap: false for it in launchway.yml to have the old one stopped first, or overlap: true if two may run`,
          },
        ]
  })
  const isBuilt = services.some(({ image }) => images.some((one) => one.name === image))
  return isBuilt
    ? found
    : [
        ...found,
        {
          path: ['services'],
          message: 'no service of the project runs an image that is built here: a release changes nothing but the files',
        },
      ]
}

/** Volumes and networks begin with the name of the project: two environments that share it on a host share their data. */
export function sharedName(name: string, project: string, asked: AskedProject, { environments = {} }: Config): Finding[] {
  const own = hostsOf(environments[name])
  return Object.entries(environments).flatMap(([other, environment]): Finding[] => {
    const { compose } = environment
    if (other === name || compose === undefined || !hostsOf(environment).some((host) => own.includes(host))) return []
    const said = typeof compose === 'string' || Array.isArray(compose) ? { files: compose } : compose
    const isSame =
      said.project === project ||
      (said.project === undefined && asked.name === undefined && project !== '' && [said.files].flat()[0] === asked.files[0])
    if (!isSame) return []
    const message = `${other} is on the same host and would have the same project name, ${project}: both would use the same volumes. Give each a name: compose: { files: …, project: … }`
    return [{ path: ['environments', name, 'compose'], message, isConfig: true }]
  })
}

function hostsOf(environment: EnvironmentConfig | undefined): string[] {
  return [...(environment?.hosts ?? []), ...(environment?.host === undefined ? [] : [environment.host])]
}
