import { basename } from 'node:path'
import type { ComposeProject, ComposeService } from '../tools/compose.ts'
import type { Candidate } from './images.ts'

/** How often a service that is restarted may die before it counts as dead; the engine waits longer each time, 25 s in all. */
const restarts = 8

/** A log that can be read, and that a flood cannot fill the disk with. */
const bounded = { driver: 'json-file', options: { 'max-size': '100m', 'max-file': '2' } }

/** Programs that take a container for their own by its labels, where they see the engine: proxies, and what restarts or replaces it. */
const actedOn: Readonly<Record<string, RegExp>> = {
  traefik: /^traefik(\.|$)/,
  watchtower: /^com\.centurylinklabs\.watchtower(\.|$)/,
  ofelia: /^ofelia(\.|$)/,
  caddy: /^caddy(_\d+)?(\.|$)/,
}

/** What images are called that compose builds, by the service that does, and by the name that the file gives them. */
export interface Renamed {
  services: ReadonlyMap<string, string>
  images: ReadonlyMap<string, string>
}

interface Own {
  name: string
  candidate: Candidate | undefined
  open: readonly number[]
  renamed: Renamed
  marks: Record<string, string>
  /** What the user's project is called. */
  project: string | undefined
  /** Programs of the stack that act on labels: those for them stay. */
  actors: ReadonlySet<string>
  /** Networks that others made, and of which a test has fresh ones, without their addresses. */
  fresh: ReadonlySet<string>
}

/** The service as it runs in a test. */
export function ownService(service: ComposeService, own: Own): ComposeService {
  const { container_name: _name, ports: _ports, restart: _restart, profiles: _profiles, deploy, labels = {}, ...rest } = service
  const { candidate, open, marks, actors } = own
  const ports = open.map((target) => ({ target, host_ip: '127.0.0.1', protocol: 'tcp', mode: 'ingress' }))
  const restart = restartOf(service)
  const { restart_policy: _policy, ...deployed } = deploy ?? {}
  return {
    ...rest,
    ...imageOf(service, candidate, own),
    ...networksOf(service, own),
    ...(restart === undefined ? {} : { restart }),
    ...(deploy === undefined ? {} : { deploy: deployed }),
    ...(ports.length === 0 || service.network_mode === 'host' ? {} : { ports }),
    logging: loggingOf(service),
    labels: { ...quiet(labels, actors), ...marks },
  }
}

/** Drivers whose logs stay on the machine; all others send them away, to where a test has nothing to say. */
const staying = ['local', 'journald', 'none']

function loggingOf({ logging }: ComposeService): ComposeService['logging'] {
  const { driver = bounded.driver, options } = logging ?? {}
  if (staying.includes(driver)) return logging
  return driver === bounded.driver ? { ...logging, driver, options: { ...bounded.options, ...options } } : bounded
}

function imageOf(service: ComposeService, candidate: Candidate | undefined, { name, renamed, marks }: Own): ComposeService {
  if (candidate !== undefined) return { image: candidate.reference, pull_policy: 'never', build: undefined }
  const { image, build } = service
  if (build !== undefined) {
    // What else it is called, and where its layers are kept, is there for others, who have not been told that it works.
    const { tags: _tags, cache_to: _cache, ...rest } = build
    return { build: { ...rest, labels: { ...build.labels, ...marks } }, image: renamed.services.get(name), pull_policy: undefined }
  }
  const other = image === undefined ? undefined : renamed.images.get(image)
  return other === undefined ? {} : { image: other, pull_policy: 'never' }
}

type Joined = NonNullable<ComposeService['networks']>[string]

/** A container's name is also how others reach it, be it fixed or the one that compose gives the first of a service. */
function networksOf(
  { container_name: fixed, network_mode: mode, networks }: ComposeService,
  { name, project, fresh }: Own,
): ComposeService {
  const alias = fixed ?? (project === undefined ? undefined : firstContainer(project, name))
  if (alias === undefined || mode !== undefined) return {}
  const named = Object.entries(networks ?? { default: null }).map(([network, joined]): [string, Joined] => [
    network,
    { ...(fresh.has(network) ? withoutAddress(joined) : joined), aliases: [...(joined?.aliases ?? []), alias] },
  ])
  return { networks: Object.fromEntries(named) }
}

function withoutAddress(joined: Joined): Joined {
  const { ipv4_address: _four, ipv6_address: _six, ...rest } = joined ?? {}
  return rest
}

/** The container that compose makes first of a service. */
export function firstContainer(project: string, service: string): string {
  return `${project}-${service}-1`
}

/** A stack whose parts retry until the database is up must work; one that dies for ever must end. */
function restartOf({ restart, deploy }: ComposeService): string | undefined {
  const policy = deploy?.restart_policy
  // Where both are there compose takes the policy.
  if (policy !== undefined) return policy.condition === 'none' ? 'no' : `on-failure:${atMost(policy.max_attempts)}`
  if (restart === undefined || restart === 'no') return restart
  return `on-failure:${atMost(Number(/^on-failure:(\d+)$/.exec(restart)?.[1] ?? 0))}`
}

/** For the engine 0 is no end. */
function atMost(times = 0): number {
  return Math.min(times === 0 ? restarts : times, restarts)
}

/** Those of such programs that the stack runs itself, and gives the engine: they find the others by their labels. */
export function actorsIn({ services }: ComposeProject): Set<string> {
  const seeing = Object.values(services).filter(({ volumes = [] }) => volumes.some(({ source = '' }) => basename(source) === 'docker.sock'))
  return new Set(Object.keys(actedOn).filter((program) => seeing.some(({ image = '' }) => image.includes(program))))
}

function quiet(labels: Readonly<Record<string, string>>, actors: ReadonlySet<string>): Record<string, string> {
  const others = Object.entries(actedOn).flatMap(([program, pattern]) => (actors.has(program) ? [] : [pattern]))
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !others.some((pattern) => pattern.test(name))))
}
