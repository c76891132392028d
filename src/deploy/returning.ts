import type { Environment, Service } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Credentials, Ports } from '../core/ports.ts'
import { parseRepository } from '../core/reference.ts'
import type { DeployedHost, Registry } from '../core/release.ts'
import { apply } from './apply.ts'
import type { Kept } from './kept.ts'
import { hasServices, look, type SeenHost } from './look.ts'
import { membersOf } from './members.ts'
import type { Observation } from './observation.ts'
import { homeOf } from './program.ts'
import { calledOn } from './waiting.ts'
import { byArrival } from './version.ts'
import type { Wanted } from './wanted.ts'

/** How a return is made. */
export interface Way {
  /** Over what the releases that are left declare. */
  force: boolean
  /** How to log in to the registries, for an image that somebody has removed from the host. */
  registries: readonly Registry[]
  /** The release that is left never ran, as far as later ones are concerned. */
  takesBack?: string
}

/** Has a host return to a release that it has kept. */
export async function returnTo(target: Kept, first: SeenHost, environment: Environment, way: Way, ports: Ports): Promise<DeployedHost> {
  const { wanted, host } = await readyToReturn(target, first, environment, way, ports)
  return apply(wanted, host, { secrets: new Map(), kept: undefined }, ports)
}

/**
 * What a host is to run when it returns. Where nobody has said what the environment runs, the host is looked at once more for
 * what that release needs there: ports, networks, certificates.
 */
export async function readyToReturn(
  target: Kept,
  first: SeenHost,
  environment: Environment,
  way: Way,
  ports: Ports,
): Promise<{ wanted: Wanted; host: SeenHost }> {
  const why = declared(first.seen, target.release)
  const wanted = asKept(target, environment, first.seen)
  const host = hasServices(environment) ? first : { ...first, seen: await look(first.remote, homeOf(wanted), wanted.environment) }
  const logins = isWhole(wanted, host.seen) ? new Map<string, Credentials>() : await loginsFor(target, way.registries, ports)
  return {
    wanted: {
      ...wanted,
      logins,
      ...(why === undefined || !way.force ? {} : { forced: why }),
      ...(way.takesBack === undefined ? {} : { takesBack: way.takesBack }),
    },
    host,
  }
}

/**
 * The services are those of the release; how the host is reached and what it keeps is as it is configured now, and so is
 * where nginx runs: that may have moved into a container since.
 */
function asKept({ app, release, images, repositories, environment, hashes = {} }: Kept, now: Environment, seen: Observation): Wanted {
  const [first, ...others] = repositories
  return {
    app,
    release,
    isReturn: true,
    environment: {
      ...environment,
      services: environment.services.map((one) => ledAs(one, seen)),
      stateRoot: now.stateRoot,
      keep: now.keep,
    },
    images: new Map(Object.entries(images).map(([name, reference]) => [name, { reference, bytes: 0, platforms: [] }])),
    repositories: [first, ...others],
    hashes: new Map(Object.entries(hashes)),
    logins: new Map(),
  }
}

function ledAs(service: Service, { nginx: seen }: Observation): Service {
  if (service.nginx === undefined) return service
  const { container: _, ...nginx } = service.nginx
  return { ...service, nginx: { ...nginx, ...(seen?.container === undefined ? {} : { container: seen.container.name }) } }
}

function isWhole({ release, environment }: Wanted, seen: Observation): boolean {
  const kept = membersOf(release, seen)
  return environment.services.every(({ name, once }) => once === true || kept.some((one) => one.service === name))
}

/** A login that cannot be had is no reason to stop: the image is still there, as a rule. */
async function loginsFor({ images }: Kept, registries: readonly Registry[], ports: Ports): Promise<Map<string, Credentials>> {
  const hosts = new Set(Object.values(images).map((reference) => parseRepository(reference.replace(/@.*/, '')).host))
  const logins = new Map<string, Credentials>()
  for (const settings of registries) {
    if (!hosts.has(settings.host)) continue
    try {
      const credentials = await ports.registry.credentials(settings)
      if (credentials !== undefined) logins.set(settings.host, credentials)
    } catch (error) {
      if (!(error instanceof LaunchwayError)) throw error
      ports.log.warning(`no login for ${settings.host}, should an image have to be pulled again: ${error.message}`)
    }
  }
  return logins
}

/** Why a release that would be left, or one between it and the target, is not to be left; undefined when none says so. */
export function declared(seen: Pick<Observation, 'current' | 'releases'>, target: string): string | undefined {
  const { current = '' } = seen
  const isAfter = byArrival([{ seen }])
  const left = [...seen.releases].filter(([id]) => isAfter(id, target) > 0 && isAfter(id, current) <= 0).toReversed()
  const [id, kept] = left.find(([, one]) => one?.environment.noReturn !== undefined) ?? []
  return id === undefined ? undefined : `${calledOn(seen, id)} cannot be rolled back: ${kept?.environment.noReturn ?? ''}`
}

/**
 * Refuses to leave a release that declares that it cannot be left, before any host is touched.
 * @throws LaunchwayError ROLLBACK_REFUSED
 */
export function refuseWhereDeclared(hosts: readonly Pick<SeenHost, 'host' | 'seen'>[], target: Kept, way: Way): void {
  if (way.force) return
  for (const { host, seen } of hosts) {
    const why = declared(seen, target.release)
    if (why === undefined) continue
    throw new LaunchwayError('ROLLBACK_REFUSED', why, {
      hint: `It is what ${host} has; ${target.label} (${target.release}) came before it. Nothing was changed.\nWho knows better: the same with --force. Else mend what is wrong, and release that.`,
    })
  }
}
