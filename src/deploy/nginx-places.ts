import { toContainer, toHost } from '../tools/mounts.ts'
import { siteFolders } from '../tools/nginx.ts'
import { besideMain } from '../tools/nginx-site.ts'
import type { SeenNginx } from './observation.ts'

/** What launchway writes for nginx, and where: as nginx names it, which in a container is not where the host has it. */
export interface Places {
  /** conf.d or sites-enabled; undefined where nginx includes neither. */
  sites: string | undefined
  /** launchway.d. */
  ours: string
}

export function placesOf({ configuration, container }: Pick<SeenNginx, 'configuration' | 'container'>): Places {
  const folders = siteFolders(configuration)
  const beside = besideMain(configuration.main)
  if (container === undefined) return { sites: folders[0]?.path, ours: beside }
  const isMounted = (path: string): boolean => toHost(container.mounts, path) !== undefined
  const mounted = folders.filter(({ path }) => isMounted(path))
  // What has been written stays where it is when somebody mounts more: a server includes one folder.
  const { servers, parts } = configuration
  const included = [...servers, ...parts].flatMap(({ includes }) => includes)
  const used = included.flatMap((pattern) => /^(.+\/\.?launchway\.d)\/servers\/[^/]+\/\*\.conf$/.exec(pattern)?.[1] ?? []).find(isMounted)
  const chosen = mounted.find(({ path }) => parts.some(({ file }) => file.startsWith(`${path}/launchway`))) ?? mounted[0] ?? folders[0]
  if (used !== undefined || isMounted(beside) || chosen === undefined) return { sites: chosen?.path, ours: used ?? beside }
  return { sites: chosen.path, ours: `${chosen.path}/${chosen.isAll ? '.' : ''}launchway.d` }
}

/** Where the host has what nginx names so; undefined for what the container alone has. */
export function onHost({ container }: Pick<SeenNginx, 'container'>, path: string): string | undefined {
  return container === undefined ? path : toHost(container.mounts, path)
}

/** How nginx names what the host has there; undefined for what its container does not see. */
export function inNginx({ container }: Pick<SeenNginx, 'container'>, path: string): string | undefined {
  return container === undefined ? path : toContainer(container.mounts, path)
}
