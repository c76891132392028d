import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports, Remote } from '../core/ports.ts'
import { askedOf } from './carry.ts'
import { chainsOf } from './chains.ts'
import { nginxContainerOf } from './nginx-container.ts'
import { type Observation, parseObservation } from './observation.ts'
import { publishedPorts } from './plan.ts'
import { type Home, homeOf, observeProgram, type Sought } from './program.ts'
import { volumesToHold } from './volume-lacks.ts'
import type { Wanted } from './wanted.ts'

/** More than a host needs that works: the program bounds the questions that it asks where the host lets it. */
const timeoutMs = 60_000

/**
 * Looks at a host, and changes nothing.
 * @throws LaunchwayError HOST_UNFIT when it does not come to an end
 */
export async function look(
  remote: Remote,
  home: Home,
  environment: Environment,
  images: Wanted['images'] = new Map(),
): Promise<Observation> {
  try {
    const { stdout } = await remote.sh(observeProgram(home, { ...soughtBy(environment), images: referencesIn(images) }), { timeoutMs })
    return parseObservation(remote.host, stdout)
  } catch (error) {
    if (!(error instanceof LaunchwayError && error.code === 'COMMAND_FAILED')) throw error
    throw new LaunchwayError('HOST_UNFIT', `${remote.host} did not finish looking at itself`, {
      hint: `${error.message}\n${error.hint ?? ''}\nAn engine that does not answer is a usual cause. On the host: docker version, docker ps`,
      cause: error,
    })
  }
}

/** Doctor knows of images that no record names. */
function referencesIn(images: Wanted['images']): string[] {
  return [...images.values()].flatMap(({ reference }) => (reference === '' ? [] : [reference]))
}

function soughtBy(environment: Environment): Sought {
  const servers = environment.services.flatMap(({ nginx }) => nginx ?? [])
  const container = nginxContainerOf(environment)
  return {
    ports: publishedPorts(environment),
    nginx: servers.length > 0,
    ...(container === undefined ? {} : { container }),
    cron: environment.services.some(({ cron }) => cron !== undefined),
    definitions: environment.project !== undefined,
    asked: askedOf(environment),
    files: servers.flatMap(({ tls, acme, maintenancePage }) => [
      ...(tls === undefined || acme !== undefined ? [] : [tls.certificate, tls.key]),
      ...[maintenancePage ?? []].flat(),
    ]),
    chains: chainsOf(environment),
    ...(environment.project === undefined ? {} : { external: environment.project.external }),
    volumes: volumesToHold(environment),
    certificates: servers.flatMap(({ acme, serverNames: [first] }) => (acme === undefined || first === undefined ? [] : [first])),
  }
}

/** Not those of a compose project that was not rendered: what runs is then what the hosts have kept. */
export function hasServices({ services, accessories }: Environment): boolean {
  return services.length + accessories.length > 0
}

/** A host that has been looked at, over a connection that stands. */
export interface SeenHost extends AsyncDisposable {
  host: string
  remote: Remote
  seen: Observation
  /** The release that ran when it was looked at first: another program may have been waited for since. */
  before?: string | undefined
  reconnect(this: void): Promise<Remote>
}

/** What a host is looked at for: the images, where it is to run more than it runs. */
export type ToLookAt = Pick<Wanted, 'app' | 'environment'> & Partial<Pick<Wanted, 'images'>>

/** Connects to a host of an environment and looks at it; with `toChange`, where a program follows that changes it. */
export async function lookAt(host: string, { app, environment, images }: ToLookAt, ports: Ports, toChange = false): Promise<SeenHost> {
  ports.log.info(`${host}: connecting`)
  const connect = (): Promise<Remote> =>
    ports.ssh.connect(host, environment.ssh, { key: ports.secret(environment.ssh.key), signal: ports.signal })
  const remote = await connect()
  if (toChange) remote.ready?.()
  const close = (): PromiseLike<void> => remote[Symbol.asyncDispose]()
  try {
    const seen = await look(remote, homeOf({ app, environment }), environment, images)
    ports.log.info(`${host}: ${seen.current === undefined ? 'nothing runs here yet' : `release ${seen.current} runs here`}`)
    return { host, remote, seen, reconnect: connect, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}
