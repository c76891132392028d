import type { Environment } from '../core/deployment.ts'
import type { Mount } from '../tools/mounts.ts'

/** The container in which nginx runs, where it is no program of the host's: what the engine says of it. */
export interface NginxContainer {
  name: string
  /** `running`, `exited`, … as docker says it; `gone` where there is none. */
  state: string
  /** `host`, or the network by its name. */
  network: string
  /** As `docker run --restart`. */
  restart: string
  /** It has ended by itself, and was started again only seconds ago. */
  isLooping: boolean
  mounts: readonly SeenMount[]
  /** The command line of nginx, by which it may read another configuration than `nginx -T` shows. */
  started: string
}

export interface SeenMount extends Mount {
  /** The host has put something else in its place since the container was started, and the container does not see that. */
  isStale: boolean
}

/** The engine takes a container that has run for so long for one that is well: the next start does not wait. */
const settledSeconds = 10

/** @param facts lines of observe.sh */
export function parseNginxContainer(facts: readonly string[][]): NginxContainer | undefined {
  const [, name, state = 'gone', network = '', restart = '', restarts = '', startedAt = ''] =
    facts.find(([key]) => key === 'nginx.in') ?? []
  if (name === undefined) return undefined
  const now = Number(facts.find(([key]) => key === 'now')?.[1])
  const hasJustStarted = now - Date.parse(startedAt) / 1000 < settledSeconds
  return {
    name,
    state,
    // What the engine is not told is its bridge.
    network: network === 'default' ? 'bridge' : network,
    restart,
    isLooping: state === 'restarting' || (Number(restarts) > 0 && hasJustStarted),
    mounts: facts.flatMap(([key, source, destination, stale]) =>
      key === 'nginx.mount' && source !== undefined && destination !== undefined
        ? [{ source, destination, isStale: stale === 'stale' }]
        : [],
    ),
    started: facts.find(([key]) => key === 'nginx.started')?.[1] ?? '',
  }
}

/** The container that the services of an environment are led to by; undefined for the nginx of the host. They all say the same. */
export function nginxContainerOf({ services }: Pick<Environment, 'services'>): string | undefined {
  return services.find(({ nginx }) => nginx !== undefined)?.nginx?.container
}
