import type { Service } from '../core/deployment.ts'
import type { NginxConfiguration, NginxServer } from '../tools/nginx.ts'
import { serverFile } from '../tools/nginx-site.ts'
import { placesOf } from './nginx-places.ts'
import type { SeenNginx } from './observation.ts'
import { keyOf } from './site.ts'

/**
 * Who asks for a name that no server has is answered by the default server of the port: the one that says so, else the first
 * that nginx reads. A file of launchway that comes before what was first until now would take that over.
 */
export function defaultWarnings(services: readonly Service[], nginx: SeenNginx): string[] {
  const { configuration } = nginx
  const folder = placesOf(nginx).sites
  if (folder === undefined) return []
  const found = services.flatMap(({ nginx: at }) => {
    if (at === undefined || at.existing !== undefined) return []
    const ours = serverFile(folder, at.serverNames)
    return (at.tls === undefined ? [80] : [80, 443]).flatMap((port) => {
      const there = configuration.servers.filter((server) => listensToAll(server, port))
      const isSaid = there.some(({ defaults = [] }) => defaults.includes(port))
      const [first] = there.toSorted((one, other) => compare(placeOf(one, configuration), placeOf(other, configuration)))
      if (isSaid || first === undefined || keyOf(first.file) !== undefined) return []
      if (there.some(({ file }) => file === ours) || compare(placeOf({ file: ours }, configuration), placeOf(first, configuration)) > 0)
        return []
      return [
        `${first.file} answers on port ${port} for names that no server of nginx has, since nginx reads it first; ${ours} comes before it, and takes that over. To leave it as it was, in ${first.file}: listen ${port}${port === 443 ? ' ssl' : ''} default_server;`,
      ]
    })
  })
  return [...new Set(found)]
}

/** And not on addresses of its own alone, which have defaults of theirs. */
function listensToAll({ ports, addresses }: NginxServer, port: number): boolean {
  return ports.filter((one) => one === port).length > addresses.filter((one) => one.endsWith(`:${port}`)).length
}

/** Where nginx reads it: with which pattern of the http block, and under which name there. */
type Place = readonly [number, string]

function placeOf({ file, after }: Pick<NginxServer, 'file' | 'after'>, { main, includes }: NginxConfiguration): Place {
  // Between two patterns.
  if (file === main) return [(after ?? includes.length) - 0.5, file]
  const nth = includes.findIndex((pattern) => asPattern(pattern).test(file))
  return [nth === -1 ? includes.length : nth, file]
}

function asPattern(glob: string): RegExp {
  const literal = glob.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${literal.replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}$`)
}

function compare([one, name]: Place, [other, itsName]: Place): number {
  return one - other || (name < itsName ? -1 : name > itsName ? 1 : 0)
}
