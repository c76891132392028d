import { hash } from 'node:crypto'
import type { Service } from '../core/deployment.ts'
import { hostPaths, type Slot } from '../core/names.ts'
import { additionsFile, type Site, siteFile, siteFolder, siteText } from '../tools/nginx.ts'
import type { Observation, SeenNginx, SlotPorts } from './observation.ts'
import type { Lack, Wanted } from './wanted.ts'

/** A service behind nginx: where its two slots are, and the server that leads to them. */
export interface PlannedSite {
  service: Service
  ports: SlotPorts
  /** The ports are not the host's yet. */
  isNew: boolean
  file: string
  text: string
  names: readonly string[]
}

/** The sites of an environment; none where nginx is not fit for them, which `nginxLacks` says. */
export function planSites({ app, environment }: Wanted, seen: Observation): PlannedSite[] {
  const { nginx } = seen
  const folder = nginx === undefined ? undefined : siteFolder(nginx.configuration)
  const build = nginx?.build
  if (nginx === undefined || folder === undefined || build === undefined) return []
  const taken = new Set(nginx.taken)
  const { slotFile } = hostPaths(environment.stateRoot, app, environment.name)
  return environment.services.flatMap((service) => {
    if (service.nginx === undefined) return []
    const known = seen.ports.get(service.name)
    const ports = known ?? choosePorts(`${app}.${environment.name}.${service.name}`, taken, nginx.range)
    taken.add(ports.a).add(ports.b)
    const site: Site = { app, environment: environment.name, service: service.name, nginx: service.nginx, ports, slotFile }
    const text = siteText(site, build, { main: nginx.configuration.main, ipv6: nginx.ipv6 })
    return [{ service, ports, isNew: known === undefined, file: siteFile(folder, site), text, names: service.nginx.serverNames }]
  })
}

/** The servers of services that are gone whose names a service of the release takes over: by file. */
export function unseated({ app, environment }: Wanted, { nginx }: Observation, sites: readonly PlannedSite[]): Map<string, string> {
  const names = new Set(sites.flatMap((site) => site.names.map((name) => name.toLowerCase())))
  const kept = new Set(sites.map(({ file }) => file))
  const gone = new Map<string, string>()
  for (const server of nginx?.configuration.servers ?? []) {
    const service = ownService(server.file, app, environment.name)
    if (service !== undefined && !kept.has(server.file) && server.names.some((name) => names.has(name))) gone.set(server.file, service)
  }
  return gone
}

/** Whose server a file of ours has. */
function ownService(file: string, app: string, environment: string): string | undefined {
  const prefix = `/launchway.${app}.${environment}.`
  const at = file.lastIndexOf('/')
  return file.slice(at).startsWith(prefix) ? file.slice(at + prefix.length).replace(/\.conf$/, '') : undefined
}

/** The servers of this application and environment that nginx has. */
export function ownServers(
  { app, environment }: Pick<Wanted, 'app' | 'environment'>,
  { nginx }: Pick<Observation, 'nginx'>,
): { file: string; service: string }[] {
  const files = new Set((nginx?.configuration.servers ?? []).map(({ file }) => file))
  return [...files].flatMap((file) => {
    const service = ownService(file, app, environment.name)
    return service === undefined ? [] : [{ file, service }]
  })
}

/** Whether nginx has servers of this application and environment that the release does not have any more. */
export function surplusFolder({ app, environment }: Wanted, { nginx }: Observation): string | undefined {
  const file = nginx?.configuration.servers.find((server) => ownService(server.file, app, environment.name) !== undefined)?.file
  return file?.slice(0, file.lastIndexOf('/'))
}

const first = 20_000
const last = 29_999

/**
 * Two ports beside each other that no outgoing connection can get, so that a reboot finds them free. Where one starts
 * to look depends on the name: two applications that are new at the same time seldom meet.
 * @param range of the ports for outgoing connections
 */
export function choosePorts(name: string, taken: ReadonlySet<number>, range: readonly [number, number]): SlotPorts {
  const start = Number.parseInt(hash('sha256', name).slice(0, 8), 16) % ((last - first + 1) / 2)
  const pairs = Array.from({ length: (last - first + 1) / 2 }, (_, index) => first + ((start + index) % ((last - first + 1) / 2)) * 2)
  const isFree = (port: number): boolean => !taken.has(port) && !taken.has(port + 1)
  const outside = (port: number): boolean => port + 1 < range[0] || port > range[1]
  const port = pairs.find((one) => isFree(one) && outside(one)) ?? highPorts(range).find(isFree) ?? pairs.find(isFree) ?? first
  return { a: port, b: port + 1 }
}

/** Where the range for outgoing connections takes all that we would take first. */
function highPorts([low, high]: readonly [number, number]): number[] {
  const pairs = Array.from({ length: 27_000 }, (_, index) => 10_000 + index * 2)
  return pairs.filter((port) => port + 1 < low || port > high)
}

/** Where the service listens on the loopback, if it is behind nginx. */
export function addressIn(slot: Slot, site: PlannedSite): string {
  return `127.0.0.1:${site.ports[slot]}`
}

/** What asks nginx for the service: a URL, and what `curl --resolve` takes to find nginx on this host. */
export function throughNginx({ health, nginx }: Service): { url: string; resolve: string; name: string } {
  const names = nginx?.serverNames ?? []
  const asked = health.kind === 'http' ? health.host : undefined
  const name = (asked !== undefined && names.includes(asked) ? asked : (names[0] ?? '')).replaceAll('*', 'launchway')
  const [scheme, port] = nginx?.tls === undefined ? ['http', 80] : ['https', 443]
  return { url: `${scheme}://${name}${health.kind === 'http' ? health.path : '/'}`, resolve: `${name}:${port}:127.0.0.1`, name }
}

/** What nginx reads as it stands, without quotes. */
const plainPath = /^\/[\w./-]*$/

/** Everything that keeps nginx from leading to the services. */
export function nginxLacks(wanted: Wanted, seen: Observation): Lack[] {
  const services = wanted.environment.services.filter(({ nginx }) => nginx !== undefined)
  if (services.length === 0) return []
  const without = 'or give the service a public port of its own (publish)'
  const { nginx } = seen
  if (nginx === undefined || nginx.state === 'refused') {
    return [
      {
        what: 'nginx is for root to configure, and sudo asks for a password',
        hint: `let the account sudo without one (as root on the host: echo 'USER ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/USER), deploy as root, ${without}`,
      },
    ]
  }
  if (nginx.state === 'missing') return [{ what: 'nginx is not installed', hint: `apt-get install nginx, ${without}` }]
  if (nginx.state === 'broken')
    return [{ what: 'the configuration of nginx is broken, before this deploy', hint: `nginx -t says: ${nginx.said}` }]
  return fitnessOf(wanted, services, nginx, seen)
}

function fitnessOf({ app, environment }: Wanted, services: readonly Service[], nginx: SeenNginx, seen: Observation): Lack[] {
  const lacks: Lack[] = []
  const { configuration } = nginx
  const folder = siteFolder(configuration)
  if (!nginx.running) lacks.push({ what: 'nginx is not running', hint: 'systemctl enable --now nginx' })
  if (nginx.build === undefined) lacks.push({ what: 'the version of nginx cannot be read', hint: 'nginx -V' })
  if (!seen.tools.has('curl'))
    lacks.push({ what: 'curl is not installed', hint: 'nginx is asked with it who answers: apt-get install curl' })
  if (folder === undefined)
    lacks.push({
      what: `${configuration.main} includes neither conf.d nor sites-enabled`,
      hint: 'add to its http block: include /etc/nginx/conf.d/*.conf;',
    })
  for (const path of nginx.closed)
    lacks.push({ what: `nginx's workers may not look into ${path}`, hint: `chmod o+x ${path}, or choose another folder with \`state:\`` })
  const files = services.flatMap((service) =>
    service.nginx?.tls === undefined ? [] : [service.nginx.tls.certificate, service.nginx.tls.key],
  )
  for (const path of [environment.stateRoot, ...files]) {
    if (!plainPath.test(path))
      lacks.push({ what: `nginx cannot be given the path ${path}`, hint: 'one of letters, digits and / . _ - is needed' })
  }
  for (const service of services) {
    const names = service.nginx?.serverNames ?? []
    for (const path of files.filter((file) => nginx.absent.includes(file) && Object.values(service.nginx?.tls ?? {}).includes(file))) {
      lacks.push({
        what: `${path}, the certificate or key of ${names.join(' ')}, is not there`,
        hint: `certbot certonly --nginx ${names.map((name) => `-d ${name}`).join(' ')}, or name the files: nginx: { tls: { certificate: …, key: … } }; tls: false for plain HTTP`,
      })
    }
    const ports = service.nginx?.tls === undefined ? [80] : [80, 443]
    for (const server of configuration.servers) {
      const name = server.names.find((one) => names.some((ours) => ours.toLowerCase() === one))
      const isOurs = ownService(server.file, app, environment.name) !== undefined
      if (isOurs || name === undefined || !server.ports.some((port) => ports.includes(port))) continue
      lacks.push({
        what: `another server of nginx has the name ${name}: ${server.file}`,
        hint: `nginx would ignore the second one. Take the name out of ${server.file}, or give the service another nginx.server-name`,
      })
    }
  }
  return lacks
}

/** What may keep visitors from the services, and cannot be told from here: no reason to refuse the deploy. */
export function nginxWarnings({ app, environment }: Wanted, { nginx }: Observation): string[] {
  const services = environment.services.filter((service) => service.nginx !== undefined)
  if (nginx === undefined || services.length === 0) return []
  const { servers, within, main } = nginx.configuration
  const others = servers.filter(({ file }) => ownService(file, app, environment.name) === undefined)
  const warnings = services.flatMap((service) => {
    const file = additionsFile(main, { app, environment: environment.name, service: service.name })
    const [port, how] = service.nginx?.tls === undefined ? ['80', ''] : ['443', ' ssl']
    return others.flatMap((server) =>
      server.addresses
        .filter((address) => address.endsWith(`:${port}`) && !within.some((one) => one.file === file && one.address === address))
        .map(
          (address) =>
            `${server.file} has a server that takes all that comes in at ${address}: who asks for ${service.name} there does not reach it. If its name leads there, add to ${file}: listen ${address}${how};`,
        ),
    )
  })
  if (nginx.selinux) {
    warnings.push(
      `SELinux enforces its policy here, with which the switch through nginx has not been tried. nginx must be let connect to the containers (setsebool -P httpd_can_network_connect on), and see the files in ${environment.stateRoot}; what was denied: ausearch -m avc -ts recent`,
    )
  }
  return [...new Set(warnings)]
}
