import { LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import { smokeLabels } from '../core/names.ts'
import { nearest } from '../core/nearest.ts'
import type { ComposeProject, ComposeService } from '../tools/compose.ts'
import { type Candidate, servicesOf } from './images.ts'
import { openPorts, reachedPorts, type ServicePort } from './reach.ts'
import type { Fates } from './verdict.ts'
import { ownNetworks, ownVolumes, refuseForeign, refusePortClash } from './resources.ts'

/** How often a service that is restarted for ever may die before it counts as dead; the engine waits longer each time, 25 s in all. */
const restarts = 8

/** A log that can be read, and that a flood cannot fill the disk with. */
const bounded = { driver: 'json-file', options: { 'max-size': '100m', 'max-file': '2' } }

export interface Asked {
  plan: SmokePlan
  candidates: readonly Candidate[]
  /** The working tree, absolute. */
  root: string
  project: string
  /** The process that will remove what is made. */
  owner: string
}

export interface Prepared extends Fates {
  file: ComposeProject
  /** By service that runs an image of the plan. */
  ours: ReadonlyMap<string, Candidate>
  /** Services that compose builds. */
  builds: readonly string[]
  /** The TCP ports that the user's file publishes. */
  published: readonly ServicePort[]
  /** Those that can be reached from this machine. */
  reached: readonly ServicePort[]
}

/**
 * Makes of a user's rendered project one that tests the images of this release and touches nothing else on this
 * machine: no fixed name, no fixed port, no network or volume of another project.
 * @throws LaunchwayError CONFIG_INVALID for what cannot be tested apart from the rest of the machine
 */
export function prepare(rendered: ComposeProject, asked: Asked): Prepared {
  const { plan, project, owner } = asked
  refuseUnknown(plan, rendered)
  refuseForeign(rendered)
  refusePortClash(rendered)
  const ours = servicesOf(rendered, asked)
  const marks = { [smokeLabels.project]: project, [smokeLabels.owner]: owner }
  const services = joined(rendered.services)
  const entries = Object.entries(services)
  const builds = entries.flatMap(([name, { build }]) => (build === undefined || ours.has(name) ? [] : [name]))
  const published = entries.flatMap(([service, { ports = [] }]) =>
    ports.filter(({ protocol = 'tcp' }) => protocol === 'tcp').map(({ target }) => ({ service, port: target })),
  )
  const reached = reachedPorts(plan, published)
  const open = openPorts(reached, services)
  const renamed = builtNames(rendered, builds, project)
  const own = entries.map(([name, service]): [string, ComposeService] => [
    name,
    ownService(service, { candidate: ours.get(name), open: open.get(name) ?? [], renamed, marks }),
  ])
  const { name: _, ...rest } = rendered
  const mustEnd = new Set(
    entries.flatMap(([, { depends_on: needs = {} }]) =>
      Object.entries(needs).flatMap(([service, { condition }]) => (condition === 'service_completed_successfully' ? [service] : [])),
    ),
  )
  return {
    file: {
      ...rest,
      services: Object.fromEntries(own),
      networks: ownNetworks(rendered, marks),
      volumes: ownVolumes(rendered, marks),
    },
    ours,
    builds,
    mustEnd,
    mustRun: new Map(
      entries.flatMap(([name, service]) => {
        const why = mustEnd.has(name) ? undefined : staysBy(service)
        return why === undefined ? [] : [[name, why] as const]
      }),
    ),
    published,
    reached,
  }
}

/** How the file says that a service is meant to stay, when it does. */
function staysBy({ restart, deploy, ports = [], healthcheck }: ComposeService): string | undefined {
  if (restart === 'always' || restart === 'unless-stopped') return `restart: ${restart}`
  if (restart === undefined && deploy?.restart_policy?.condition === 'any') return 'restart_policy: any'
  if (ports.length > 0) return 'it publishes a port'
  const { test: [kind] = [], disable } = healthcheck ?? {}
  return kind === undefined || kind === 'NONE' || disable === true ? undefined : 'it has a health check'
}

/** Checks and steps of services that are not there. */
function refuseUnknown({ prepare: steps, checks, compose }: SmokePlan, { services }: ComposeProject): void {
  const known = Object.keys(services)
  for (const one of [...steps, ...checks]) {
    if (one.kind === 'script' || known.includes(one.service)) continue
    const { name, service } = one
    const meant = nearest(service, known)
    throw new LaunchwayError(
      'CONFIG_INVALID',
      `smoke: "${name}" asks for a service ${service}, which ${compose.join(', ')} does not have`,
      {
        hint:
          meant === undefined
            ? `There are: ${known.join(', ')}. A profile that is not in smoke.profiles is left out.`
            : `Did you mean "${meant}"?`,
      },
    )
  }
}

/** Images that compose builds get names of this project, also where other services run them: a tag of the user's stays what it was. */
function builtNames({ services }: ComposeProject, builds: readonly string[], project: string): Map<string, string> {
  const names = new Map<string, string>()
  for (const name of builds) {
    const image = services[name]?.image
    if (image !== undefined && !names.has(image)) names.set(image, `${project}-${name}`)
  }
  return names
}

interface Own {
  candidate: Candidate | undefined
  open: readonly number[]
  renamed: ReadonlyMap<string, string>
  marks: Record<string, string>
}

function ownService(service: ComposeService, own: Own): ComposeService {
  const { container_name: fixed, ports: _ports, restart: _restart, profiles: _profiles, deploy, labels = {}, ...rest } = service
  const { candidate, open, marks } = own
  const ports = open.map((target) => ({ target, host_ip: '127.0.0.1', protocol: 'tcp', mode: 'ingress' }))
  const restart = restartOf(service)
  const { restart_policy: _policy, ...deployed } = deploy ?? {}
  return {
    ...rest,
    ...imageOf(service, candidate, own),
    ...(fixed === undefined || service.network_mode !== undefined ? {} : { networks: withAlias(service.networks, fixed) }),
    ...(restart === undefined ? {} : { restart }),
    ...(deploy === undefined ? {} : { deploy: deployed }),
    ...(ports.length === 0 || service.network_mode === 'host' ? {} : { ports }),
    logging: loggingOf(service),
    labels: { ...labels, ...marks },
  }
}

/** Drivers whose logs stay on the machine; all others send them away, to where a test has nothing to say. */
const staying = ['local', 'journald', 'none']

function loggingOf({ logging }: ComposeService): ComposeService['logging'] {
  const { driver = bounded.driver, options } = logging ?? {}
  if (staying.includes(driver)) return logging
  return driver === bounded.driver ? { ...logging, driver, options: { ...bounded.options, ...options } } : bounded
}

function imageOf(service: ComposeService, candidate: Candidate | undefined, { renamed, marks }: Own): ComposeService {
  if (candidate !== undefined) return { image: candidate.reference, pull_policy: 'never', build: undefined }
  const { image, build } = service
  if (build !== undefined) {
    // Compose names the image after the project and the service, and removes it with them.
    return { build: { ...build, labels: { ...build.labels, ...marks } }, image: undefined, pull_policy: undefined }
  }
  const other = image === undefined ? undefined : renamed.get(image)
  return other === undefined ? {} : { image: other, pull_policy: 'never' }
}

/** What shares the network, the processes or the files of a container by its fixed name shares those of its service. */
function joined(services: ComposeProject['services']): ComposeProject['services'] {
  const entries = Object.entries(services)
  const containers = new Map(entries.flatMap(([name, { container_name: fixed }]) => (fixed === undefined ? [] : [[fixed, name] as const])))
  const of = (text: string, prefix: string): string => {
    const [, name = '', mode = ''] = /^container:([^:]+)(:.*)?$/.exec(text) ?? []
    const known = containers.get(name)
    return known === undefined ? text : `${prefix}${known}${mode}`
  }
  const changed = entries.map(([name, service]): [string, ComposeService] => {
    const { network_mode: network, pid, ipc, volumes_from: from } = service
    return [
      name,
      {
        ...service,
        ...(network === undefined ? {} : { network_mode: of(network, 'service:') }),
        ...(pid === undefined ? {} : { pid: of(pid, 'service:') }),
        ...(ipc === undefined ? {} : { ipc: of(ipc, 'service:') }),
        ...(from === undefined ? {} : { volumes_from: from.map((one) => of(one, '')) }),
      },
    ]
  })
  return Object.fromEntries(changed)
}

/** A container's fixed name is also how others reach it. */
function withAlias(networks: ComposeService['networks'], alias: string): NonNullable<ComposeService['networks']> {
  return Object.fromEntries(
    Object.entries(networks ?? { default: null }).map(([name, network]) => [
      name,
      { ...network, aliases: [...(network?.aliases ?? []), alias] },
    ]),
  )
}

/** A stack whose parts retry until the database is up must work; one that dies for ever must end. */
function restartOf({ restart, deploy }: ComposeService): string | undefined {
  const policy = deploy?.restart_policy
  if (restart === undefined && policy !== undefined) {
    return policy.condition === 'none' ? 'no' : `on-failure:${policy.max_attempts ?? restarts}`
  }
  if (restart === undefined || restart === 'no' || /^on-failure:\d+$/.test(restart)) return restart
  return `on-failure:${restarts}`
}
