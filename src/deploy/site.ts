import type { Nginx, Service } from '../core/deployment.ts'
import { hostPaths, type Slot } from '../core/names.ts'
import { challengePath } from '../tools/certbot.ts'
import {
  locationsFile,
  locationsOf,
  locationsText,
  serverFile,
  serverKey,
  serversFolder,
  serverText,
  type Site,
  siteFile,
  siteText,
} from '../tools/nginx-site.ts'
import type { HostCall } from './call.ts'
import { inNginx, onHost, placesOf } from './nginx-places.ts'
import type { Observation, SeenNginx, SlotPorts } from './observation.ts'
import { choosePorts } from './slot-ports.ts'
import type { Wanted } from './wanted.ts'

/** What nginx reads. The key is what it travels and is kept under; it begins with the service. */
export interface SiteFile {
  key: string
  path: string
  text: string
}

/** A service behind nginx: where its two slots are, and what nginx reads of it. */
export interface PlannedSite {
  service: Service
  ports: SlotPorts
  /** The ports are not the host's yet. */
  isNew: boolean
  /** In the order in which they are written. */
  files: SiteFile[]
  /** Of the server that launchway writes; none where the user does. */
  names: readonly string[]
}

/** The sites of an environment; none where nginx is not fit for them, which `nginxLacks` says. */
export function planSites(wanted: Wanted, seen: Observation): PlannedSite[] {
  const { app, environment } = wanted
  const { nginx } = seen
  const build = nginx?.build
  if (nginx === undefined || build === undefined) return []
  const { sites: folder, ours } = placesOf(nginx)
  const paths = hostPaths(environment.stateRoot, app, environment.name)
  const slotFile = inNginx(nginx, paths.slotFile)
  const maintenanceFile = inNginx(nginx, paths.maintenance)
  if (folder === undefined || slotFile === undefined || maintenanceFile === undefined) return []
  const taken = new Set(nginx.taken)
  return environment.services.flatMap((service) => {
    if (service.nginx === undefined) return []
    const assets = service.assets === undefined ? undefined : inNginx(nginx, paths.assets(service.name))
    const known = seen.ports.get(service.name)
    const ports = known ?? choosePorts(`${app}.${environment.name}.${service.name}`, taken, nginx.range)
    taken.add(ports.a).add(ports.b)
    const healthPath = openPath(service)
    const site: Site = {
      app,
      environment: environment.name,
      service: service.name,
      nginx: service.nginx,
      ports,
      slotFile,
      maintenanceFile,
      ...(healthPath === undefined ? {} : { healthPath }),
      ...(assets === undefined ? {} : { assets }),
    }
    const files = [
      { key: service.name, path: siteFile(folder, site), text: siteText(site, build) },
      { key: `${service.name}.at`, path: locationsFile(ours, site), text: locationsText(site, ours) },
    ]
    const isOurs = service.nginx.existing === undefined
    if (isOurs) {
      const hasRoot = [...locationsWith(service.nginx, environment.services), ...locationsSeen(service.nginx, wanted, seen)].includes('/')
      const path = serverFile(folder, service.nginx.serverNames)
      // Once a certificate was asked for by way of a server, it is renewed so, also where this release does not ask for it.
      const known = nginx.configuration.servers.some(({ file, locations }) => file === path && locations.includes(challengePath))
      const challenge = known || service.nginx.acme !== undefined
      const text = serverText(service.nginx, build, { ours, ipv6: nginx.ipv6, hasRoot, challenge })
      files.push({ key: `${service.name}.server`, path, text })
    }
    return [{ service, ports, isNew: known === undefined, files, names: isOurs ? service.nginx.serverNames : [] }]
  })
}

/** What services of the same release take of the server. */
function locationsWith({ serverNames }: Nginx, services: readonly Service[]): string[] {
  const key = serverKey(serverNames)
  return services.flatMap(({ nginx }) => (nginx !== undefined && serverKey(nginx.serverNames) === key ? locationsOf(nginx) : []))
}

/** What others take of it, and services that are gone, until they are. */
function locationsSeen({ serverNames }: Nginx, { environment, app }: Wanted, { nginx }: Observation): string[] {
  if (nginx === undefined) return []
  const stays = (part: Part): boolean =>
    part.app !== app || part.environment !== environment.name || !environment.services.some(({ name }) => name === part.service)
  return partsAt(serverKey(serverNames), nginx)
    .filter(stays)
    .flatMap(({ locations }) => locations)
}

/** What services that are gone have, and what stands in the way of a service of the release, makes way. */
export function unseatCalls(wanted: Wanted, seen: Observation, sites: readonly PlannedSite[]): HostCall[] {
  const { nginx } = seen
  if (nginx === undefined) return []
  return [...unseated(wanted, seen, sites)].flatMap(([path, service], nth): HostCall[] => {
    const file = onHost(nginx, path)
    return file === undefined ? [] : [['unseat', `${service}.gone${nth}`, file]]
  })
}

/** The files of services that are gone, which stand in the way of a service of the release: by file. */
function unseated({ app, environment }: Wanted, { nginx }: Observation, sites: readonly PlannedSite[]): Map<string, string> {
  const gone = new Map<string, string>()
  if (nginx === undefined) return gone
  const { servers, parts } = nginx.configuration
  const { ours } = placesOf(nginx)
  const kept = new Set(sites.flatMap(({ files }) => files.map(({ path }) => path)))
  const own = { app, environment: environment.name }
  for (const { file, locations } of parts) {
    const part = partOf(file, ours)
    if (part?.app !== app || part.environment !== environment.name || kept.has(file)) continue
    const inTheWay = sites.some(({ service }) => {
      const at = service.nginx
      return at !== undefined && serverKey(at.serverNames) === part.key && locationsOf(at).some((one) => locations.includes(one))
    })
    if (inTheWay) gone.set(file, part.service)
  }
  // Also where the user's own server is to have the name from now on.
  const names = new Set(sites.flatMap(({ service }) => (service.nginx?.serverNames ?? []).map((name) => name.toLowerCase())))
  for (const server of servers) {
    const key = keyOf(server.file)
    if (key === undefined || kept.has(server.file) || !server.names.some((name) => names.has(name))) continue
    const [whose] = othersAt(key, nginx, own)
    if (whose === undefined) gone.set(server.file, partsAt(key, nginx)[0]?.service ?? key)
  }
  return gone
}

interface Part {
  key: string
  app: string
  environment: string
  service: string
}

/** Whose locations a file has. */
function partOf(file: string, ours: string): Part | undefined {
  const folder = `${serversFolder(ours)}/`
  if (!file.startsWith(folder)) return undefined
  const [, key, app, environment, service] = /^([^/]+)\/([^./]+)\.([^./]+)\.([^./]+)\.conf$/.exec(file.slice(folder.length)) ?? []
  if (key === undefined || app === undefined || environment === undefined || service === undefined) return undefined
  return { key, app, environment, service }
}

/** The server whose file of ours this is. */
export function keyOf(file: string): string | undefined {
  return /\/launchway-server\.(.+)\.conf$/.exec(file)?.[1]
}

/** Whose locations a server has. */
function partsAt(key: string, nginx: SeenNginx): (Part & { file: string; locations: readonly string[] })[] {
  const { ours } = placesOf(nginx)
  return nginx.configuration.parts.flatMap(({ file, locations }) => {
    const part = partOf(file, ours)
    return part?.key === key ? [{ ...part, file, locations }] : []
  })
}

/** The same, of other applications and environments. */
export function othersAt(key: string, seen: SeenNginx, own: { app: string; environment: string }): ReturnType<typeof partsAt> {
  return partsAt(key, seen).filter((part) => part.app !== own.app || part.environment !== own.environment)
}

/** What nginx reads of this application and environment, by service: its two slots, and its locations. */
export function ownFiles(
  { app, environment }: Pick<Wanted, 'app' | 'environment'>,
  { nginx }: Pick<Observation, 'nginx'>,
): { file: string; service: string }[] {
  if (nginx === undefined) return []
  const own = `/launchway.${app}.${environment.name}.`
  const { ours } = placesOf(nginx)
  return nginx.configuration.parts.flatMap(({ file }) => {
    const part = partOf(file, ours)
    if (part !== undefined) return part.app === app && part.environment === environment.name ? [{ file, service: part.service }] : []
    const at = file.lastIndexOf('/')
    return file.slice(at).startsWith(own) ? [{ file, service: file.slice(at + own.length).replace(/\.conf$/, '') }] : []
  })
}

/** The servers of ours that lead nowhere once these files are gone. */
export function emptied(gone: readonly string[], { nginx }: Pick<Observation, 'nginx'>): string[] {
  if (nginx === undefined) return []
  const { configuration } = nginx
  return [...new Set(configuration.servers.map(({ file }) => file))].filter((file) => {
    const key = keyOf(file)
    const parts = key === undefined ? [] : partsAt(key, nginx)
    return parts.length > 0 && parts.every((part) => gone.includes(part.file))
  })
}

/** Every file of ours goes but those that are kept; and servers that then lead nowhere. */
export function unsiteCall(kept: readonly string[], { nginx }: Pick<Observation, 'nginx'>): HostCall[] {
  const folder = nginx === undefined ? undefined : placesOf(nginx).sites
  return nginx === undefined || folder === undefined ? [] : unsite(nginx, folder, kept)
}

/** The files of services that the release does not have any more go, once it is recorded. */
export function unsiteCalls({ app, environment }: Wanted, { nginx }: Observation, sites: readonly PlannedSite[]): HostCall[] {
  if (nginx === undefined) return []
  const own = `/launchway.${app}.${environment.name}.`
  const [planned] = sites
  const { parts } = nginx.configuration
  const file = planned?.files[0]?.path ?? parts.find((part) => part.file.slice(part.file.lastIndexOf('/')).startsWith(own))?.file
  if (file === undefined) return []
  const kept = sites.flatMap(({ files }) => files.map(({ path }) => path))
  return unsite(nginx, file.slice(0, file.lastIndexOf('/')), kept)
}

/** What is no folder of the host is nothing that launchway has written. */
function unsite(nginx: SeenNginx, folder: string, kept: readonly string[]): HostCall[] {
  const [sites, servers] = [onHost(nginx, folder), onHost(nginx, serversFolder(placesOf(nginx).ours))]
  if (sites === undefined || servers === undefined) return []
  return [['unsite', sites, servers, ...kept.flatMap((path) => onHost(nginx, path) ?? [])]]
}

/** Tells the host in which container the nginx runs that leads here, or that it is the host's own again. */
export function ledByCalls({ nginx, ledBy }: Observation, sites: readonly PlannedSite[]): HostCall[] {
  if (nginx === undefined || sites.length === 0) return []
  const { container } = nginx
  if (container === undefined) return ledBy === undefined ? [] : [['led_by']]
  const { ours } = placesOf(nginx)
  const here = onHost(nginx, ours)
  return here === undefined ? [] : [['led_by', container.name, ours, here]]
}

/** Where the service listens on the loopback, if it is behind nginx. */
export function addressIn(slot: Slot, site: PlannedSite): string {
  return `127.0.0.1:${site.ports[slot]}`
}

/** Whether the application is told that visitors come by HTTPS. */
export function isToldHttps(nginx: Nginx | undefined): boolean {
  return isHttps(nginx) || nginx?.behindTls === true
}

/** Whether nginx itself speaks HTTPS. */
export function isHttps(nginx: Nginx | undefined): boolean {
  return nginx?.tls !== undefined || nginx?.existing?.https === true
}

/** The path of the health page as visitors ask for it; undefined where they cannot, or where it would be none for nginx. */
function healthSeen({ health, nginx }: Service): string | undefined {
  if (health.kind !== 'http') return undefined
  const { path, stripPrefix } = nginx ?? {}
  const [asked = ''] = health.path.split('?')
  if (!/^\/[\w./~-]*$/.test(asked)) return undefined
  if (path === undefined) return asked
  if (stripPrefix === true) return `${path}${asked}`
  return asked === path || asked.startsWith(`${path}/`) ? asked : undefined
}

/** What is open during maintenance as well: the health page, but where it is the page that visitors come to first. */
function openPath(service: Service): string | undefined {
  const path = healthSeen(service)
  return path?.replace(/\/$/, '') === (service.nginx?.path ?? '') ? undefined : path
}

/** What asks nginx for the service: a URL, what `curl --resolve` takes to find nginx on this host, and the status that is well. */
export function throughNginx(service: Service): { url: string; resolve: string; name: string; status: string } {
  const { health, nginx } = service
  const names = nginx?.serverNames ?? []
  const asked = health.kind === 'http' ? health.host : undefined
  const name = (asked !== undefined && names.includes(asked) ? asked : (names[0] ?? '')).replaceAll('*', 'launchway')
  const [scheme, usual] = isHttps(nginx) ? ['https', 443] : ['http', 80]
  const port = nginx?.existing?.port ?? usual
  const at = `${scheme}://${name}${port === usual ? '' : `:${port}`}`
  const resolve = `${name}:${port}:127.0.0.1`
  const isSeen = nginx?.path === undefined || nginx.stripPrefix === true || healthSeen(service) !== undefined
  if (health.kind !== 'http' || !isSeen) return { url: `${at}${nginx?.path ?? ''}/`, resolve, name, status: 'any' }
  const prefix = nginx?.stripPrefix === true ? (nginx.path ?? '') : ''
  return { url: `${at}${prefix}${health.path}`, resolve, name, status: String(health.status ?? '') }
}
