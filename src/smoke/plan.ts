import { LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import { smokeLabels } from '../core/names.ts'
import { nearest } from '../core/nearest.ts'
import type { ComposeProject, ComposeService } from '../tools/compose.ts'
import { type Candidate, servicesOf } from './images.ts'
import { joined } from './joined.ts'
import { actorsIn, ownService, type Renamed } from './own-service.ts'
import { openPorts, reachedPorts, type ServicePort } from './reach.ts'
import type { Fates } from './verdict.ts'
import { ownNetworks, ownVolumes, refuseForeign, refusePortClash } from './resources.ts'
import { peopled } from './shape.ts'

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
  refusePortClash(peopled(rendered, plan))
  const ours = servicesOf(rendered, asked)
  const marks = { [smokeLabels.project]: project, [smokeLabels.owner]: owner }
  const services = joined(rendered)
  const entries = Object.entries(services)
  const builds = entries.flatMap(([name, { build }]) => (build === undefined || ours.has(name) ? [] : [name]))
  const published = entries.flatMap(([service, { ports = [] }]) =>
    ports.filter(({ protocol = 'tcp' }) => protocol === 'tcp').map(({ target }) => ({ service, port: target })),
  )
  const reached = reachedPorts(plan, published)
  const open = openPorts(reached, services)
  const renamed = builtNames(rendered, builds, project)
  const actors = actorsIn(rendered)
  const fresh = new Set(Object.entries(rendered.networks ?? {}).flatMap(([name, network]) => (network?.external === true ? [name] : [])))
  const own = entries.map(([name, service]): [string, ComposeService] => [
    name,
    ownService(service, {
      name,
      candidate: ours.get(name),
      open: open.get(name) ?? [],
      renamed,
      marks,
      project: rendered.name,
      actors,
      fresh,
    }),
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
  // Where both are there compose takes the policy.
  const policy = deploy?.restart_policy?.condition
  if (policy === 'any') return 'restart_policy: any'
  if (policy === undefined && (restart === 'always' || restart === 'unless-stopped')) return `restart: ${restart}`
  if (ports.length > 0) return 'it publishes a port'
  // A one-shot often has the settings of the service that it prepares, with its health check: what it says itself counts.
  if ((policy ?? restart) === 'no' || policy === 'none') return undefined
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
function builtNames({ services }: ComposeProject, builds: readonly string[], project: string): Renamed {
  const images = new Map<string, string>()
  for (const name of builds) {
    const image = services[name]?.image
    if (image !== undefined && !images.has(image)) images.set(image, builtName(project, name))
  }
  return { services: new Map(builds.map((name) => [name, builtName(project, name)])), images }
}

/** What an image is called that compose builds: an image has no capitals, and a service may have. */
export function builtName(project: string, service: string): string {
  return `${project}-${service.toLowerCase()}`
}
