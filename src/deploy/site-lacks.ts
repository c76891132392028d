import type { Nginx, Service } from '../core/deployment.ts'
import { hostPaths } from '../core/names.ts'
import { isBelow, nearest } from '../tools/mounts.ts'
import type { NginxServer } from '../tools/nginx.ts'
import { additionsFile, locationsOf, serverFile, serverInclude, serverKey } from '../tools/nginx-site.ts'
import { nginxContainerOf } from './nginx-container.ts'
import { containerLacks, containerWarnings } from './nginx-container-lacks.ts'
import { defaultWarnings } from './default-server.ts'
import { inNginx, onHost, placesOf } from './nginx-places.ts'
import type { Observation, SeenNginx } from './observation.ts'
import { certificateLacks, isMeanwhile } from './certificate.ts'
import { chainLacks, chainWarnings } from './chains.ts'
import { isHttps, keyOf, othersAt } from './site.ts'
import type { Lack, Wanted } from './wanted.ts'

/** What nginx reads as it stands, without quotes. */
const plainPath = /^\/[\w./-]*$/

/** Everything that keeps nginx from leading to the services. */
export function nginxLacks(wanted: Wanted, seen: Observation): Lack[] {
  const services = wanted.environment.services.filter(({ nginx }) => nginx !== undefined)
  if (services.length === 0) return []
  const without = 'or give the service a public port of its own (publish)'
  const { nginx } = seen
  // What runs in a container cannot be asked without the engine, which is told as such.
  if (seen.engine === undefined && nginxContainerOf(wanted.environment) !== undefined) return []
  if (nginx === undefined || nginx.state === 'refused') {
    return [
      {
        what: 'nginx is for root to configure, and sudo asks for a password',
        hint: `let the account sudo without one (as root on the host: echo 'USER ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/USER), deploy as root, ${without}`,
      },
    ]
  }
  const { container } = nginx
  const lacks = container === undefined ? [] : containerLacks(wanted, nginx, container)
  if (nginx.state === 'stopped') return lacks
  if (nginx.state === 'missing') {
    return container === undefined
      ? [{ what: 'nginx is not installed', hint: `apt-get install nginx, ${without}` }]
      : [...lacks, { what: `the container ${container.name} has no nginx`, hint: `docker exec ${container.name} nginx -V, ${without}` }]
  }
  if (nginx.state === 'broken')
    return [...lacks, { what: 'the configuration of nginx is broken, before this deploy', hint: `nginx -t says: ${nginx.said}` }]
  return [...lacks, ...fitnessOf(wanted, services, nginx, seen)]
}

function fitnessOf(wanted: Wanted, services: readonly Service[], nginx: SeenNginx, seen: Observation): Lack[] {
  const lacks: Lack[] = []
  const { configuration, container } = nginx
  const { stateRoot } = wanted.environment
  const places = placesOf(nginx)
  if (!nginx.running)
    lacks.push(
      container === undefined
        ? { what: 'nginx is not running', hint: 'systemctl enable --now nginx' }
        : { what: `nginx is not running in the container ${container.name}`, hint: `docker logs ${container.name} says why` },
    )
  if (nginx.build === undefined) lacks.push({ what: 'the version of nginx cannot be read', hint: 'nginx -V' })
  if (!seen.tools.has('curl'))
    lacks.push({ what: 'curl is not installed', hint: 'nginx is asked with it who answers: apt-get install curl' })
  if (places.sites === undefined)
    lacks.push({
      what: `${configuration.main} includes neither conf.d nor sites-enabled`,
      hint: 'add to its http block: include /etc/nginx/conf.d/*.conf;',
    })
  if (nginx.mayNotConnect === true && container === undefined)
    lacks.push({ what: 'SELinux keeps nginx from connecting to the services', hint: 'as root: setsebool -P httpd_can_network_connect on' })
  for (const path of closedIn(nginx, wanted))
    lacks.push({ what: `nginx's workers may not look into ${path}`, hint: `chmod o+x ${path}, or choose another folder with \`state:\`` })
  const files = services.flatMap(({ nginx: at }) => [...Object.values(at?.tls ?? {}), ...[at?.maintenancePage ?? []].flat()])
  lacks.push(...certificateLacks(wanted, nginx, seen.tools), ...chainLacks(wanted, nginx))
  for (const path of [stateRoot, ...translated(nginx, stateRoot), ...files]) {
    if (!plainPath.test(path))
      lacks.push({ what: `nginx cannot be given the path ${path}`, hint: 'one of letters, digits and / . _ - is needed' })
  }
  for (const { name, nginx: at } of services) {
    if (at === undefined) continue
    const { serverNames, tls, maintenancePage } = at
    for (const path of files.filter((file) => nginx.absent.includes(file) && Object.values(tls ?? {}).includes(file))) {
      lacks.push({
        what: `${path}, the certificate or key of ${serverNames.join(' ')}, is not there`,
        hint: `${
          container === undefined
            ? `certbot certonly --nginx ${serverNames.map((one) => `-d ${one}`).join(' ')}, or have the deploy ask for it: nginx: { acme: … }`
            : `the container ${container.name} must see it: for certificates of certbot start it with -v /etc/letsencrypt:/etc/letsencrypt:ro`
        }, or name the files: nginx: { tls: { certificate: …, key: … } }; tls: false for plain HTTP`,
      })
    }
    if (maintenancePage !== undefined && nginx.absent.includes(maintenancePage))
      lacks.push({
        what: `${maintenancePage}, the maintenance page of ${name}, is not there`,
        hint: `bring it to ${container === undefined ? 'the host' : `the container ${container.name}`}, or leave it out`,
      })
    lacks.push(...(at.existing === undefined ? serverLacks(wanted, at, nginx) : existingLacks(wanted, at, at.existing, nginx)))
    lacks.push(...pathLacks(wanted, at, nginx))
  }
  return lacks
}

/** Folders that are closed to the workers. What is above a mount, a container does not have. */
function closedIn(nginx: SeenNginx, { app, environment }: Wanted): readonly string[] {
  const { closed, container } = nginx
  if (container === undefined) return closed
  const at = inNginx(nginx, hostPaths(environment.stateRoot, app, environment.name).home)
  const mount = at === undefined ? undefined : nearest(container.mounts, at)
  return mount === undefined ? [] : closed.filter((path) => isBelow(mount.source, path))
}

/** Where the host and a container have what the other names so. */
function translated(nginx: SeenNginx, stateRoot: string): string[] {
  if (nginx.container === undefined) return []
  const { sites, ours } = placesOf(nginx)
  return [inNginx(nginx, stateRoot), ...(sites === undefined ? [] : [onHost(nginx, sites), onHost(nginx, ours)])].flatMap(
    (path) => path ?? [],
  )
}

const hasName = (server: NginxServer, { serverNames }: Nginx): string | undefined =>
  server.names.find((name) => serverNames.some((ours) => ours.toLowerCase() === name))

/** Another server has a name that ours shall have. */
function serverLacks({ app, environment }: Wanted, at: Nginx, nginx: SeenNginx): Lack[] {
  const lacks: Lack[] = []
  const { configuration } = nginx
  const ours = serverFile(placesOf(nginx).sites ?? '', at.serverNames)
  const own = { app, environment: environment.name }
  const ports = at.tls === undefined ? [80] : [80, 443]
  for (const server of configuration.servers) {
    const name = hasName(server, at)
    const key = keyOf(server.file)
    if (name === undefined || isMeanwhile(server.file)) continue
    if (key === undefined) {
      if (!server.ports.some((port) => ports.includes(port))) continue
      lacks.push({
        what: `another server of nginx has the name ${name}: ${server.file}`,
        hint: `nginx would ignore the second one. Take part in that server (nginx: { server: existing }), take the name out of ${server.file}, or give the service another nginx.server-name`,
      })
      continue
    }
    // One that no other application shares makes way, or is written anew.
    const [other] = othersAt(key, nginx, own)
    if (other === undefined) continue
    const whose = `${other.service} of ${other.app} in ${other.environment}`
    if (
      server.file !== ours ||
      server.names.toSorted().join(' ') !==
        at.serverNames
          .map((one) => one.toLowerCase())
          .toSorted()
          .join(' ')
    ) {
      lacks.push({
        what: `the name ${name} is shared with ${whose}, whose server has the names ${server.names.join(' ')}: ${server.file}`,
        hint: 'services that share a server share all of its names: give both the same nginx.server-name',
      })
    } else if (at.tls === undefined && server.ports.includes(443)) {
      lacks.push({
        what: `the server of ${name} is shared with ${whose}, and has HTTPS: ${server.file}`,
        hint: 'plain HTTP would take that away: give both the same nginx.tls (or an https url)',
      })
    }
  }
  return dedupe(lacks)
}

/** The user's server is not there, or does not take part. */
function existingLacks({ app, environment }: Wanted, at: Nginx, { port, https }: NonNullable<Nginx['existing']>, nginx: SeenNginx): Lack[] {
  const { parts, servers } = nginx.configuration
  const { ours } = placesOf(nginx)
  const names = at.serverNames.join(' ')
  const line = `include ${serverInclude(ours, at.serverNames)};`
  const own = { app, environment: environment.name }
  const isShared = (key: string | undefined): boolean => key !== undefined && othersAt(key, nginx, own).length > 0
  const written = servers.find((server) => hasName(server, at) !== undefined && isShared(keyOf(server.file)))
  // One of launchway's that nobody else shares makes way.
  const named = servers.filter((server) => hasName(server, at) !== undefined && keyOf(server.file) === undefined)
  if (written !== undefined) {
    return [
      {
        what: `the server of ${names} is launchway's, and shared with another application: ${written.file}`,
        hint: 'leave nginx.server out, or have the other application say server: existing as well',
      },
    ]
  }
  const here = named.filter(({ ports }) => ports.includes(port))
  const [first] = here
  if (first === undefined) {
    return [
      {
        what: `no server of nginx has the name ${at.serverNames[0]} on port ${port}`,
        hint: `nginx.server is existing: add a server block with listen ${port}${https ? ' ssl' : ''}; server_name ${names}; and in it: ${line}\nOr leave nginx.server out: then launchway writes one`,
      },
    ]
  }
  const pattern = serverInclude(ours, at.serverNames)
  const has = ({ includes }: { includes: readonly string[] }): boolean => includes.includes(pattern)
  if (!here.some(has) && !parts.some(has)) {
    return [
      {
        what: `the server of ${names} does not include the locations of launchway: ${first.file}`,
        hint: `add to ${first.file}, within the server block that has server_name ${first.names.join(' ')} and listens on ${port}: ${line}\nWhile nothing is deployed it includes nothing; the first deploy reloads nginx`,
      },
    ]
  }
  if (here.every(({ addresses, six = [], ports }) => only(addresses, port) + times(six, port) === times(ports, port))) {
    return [
      {
        what: `the server of ${names} does not listen on the loopback (127.0.0.1): ${first.file}`,
        hint: `the deploy proves there who answers: add to it: listen 127.0.0.1:${port}${https ? ' ssl' : ''};`,
      },
    ]
  }
  return here.flatMap(({ file, locations }) =>
    locations.flatMap((one) => (locationsOf(at).includes(one) ? [takenLack(at, one, file)] : [])),
  )
}

const times = (ports: readonly number[], port: number): number => ports.filter((one) => one === port).length

/** How many addresses that are not the loopback have the port. */
function only(addresses: readonly string[], port: number): number {
  return addresses.filter((one) => one.endsWith(`:${port}`) && one !== `127.0.0.1:${port}`).length
}

/** Another application has the path. */
function pathLacks({ app, environment }: Wanted, at: Nginx, nginx: SeenNginx): Lack[] {
  return othersAt(serverKey(at.serverNames), nginx, { app, environment: environment.name }).flatMap(({ file, locations }) => {
    const taken = locationsOf(at).find((one) => locations.includes(one))
    return taken === undefined ? [] : [takenLack(at, taken, file)]
  })
}

function takenLack({ serverNames, path = '/' }: Nginx, location: string, file: string): Lack {
  return {
    what: `location ${location} of ${serverNames[0]} is taken: ${file}`,
    hint: `two cannot have ${path}: give the service another nginx.path or nginx.server-name`,
  }
}

function dedupe(lacks: readonly Lack[]): Lack[] {
  return [...new Map(lacks.map((lack) => [lack.what, lack])).values()]
}

/** What may keep visitors from the services, and cannot be told from here: no reason to refuse the deploy. */
export function nginxWarnings({ app, environment }: Wanted, seen: Observation): string[] {
  const { nginx } = seen
  const services = environment.services.filter((service) => service.nginx !== undefined)
  if (nginx === undefined || services.length === 0) return []
  const { servers, parts, main, includes } = nginx.configuration
  const { ours } = placesOf(nginx)
  const others = servers.filter(({ file }) => keyOf(file) === undefined)
  const written = services.filter((service) => service.nginx?.existing === undefined)
  const warnings = written.flatMap((service) => {
    const file = additionsFile(ours, { app, environment: environment.name, service: service.name })
    const [port, how] = isHttps(service.nginx) ? ['443', ' ssl'] : ['80', '']
    const added = parts.find((part) => part.file === file)?.addresses ?? []
    return others.flatMap((server) =>
      server.addresses
        .filter((address) => address.endsWith(`:${port}`) && !added.includes(address))
        .map(
          (address) =>
            `${server.file} has a server that takes all that comes in at ${address}: who asks for ${service.name} there does not reach it. If its name leads there, add to ${file}: listen ${address}${how};`,
        ),
    )
  })
  if (services.some(({ assets }) => assets !== undefined) && !includes.some((pattern) => pattern.endsWith('.types'))) {
    warnings.push(
      `${main} includes no mime.types in its http block: unless it lists types of its own, nginx gives the files of assets as text/plain, which browsers take for neither a style sheet nor a module. Add to the http block: include ${main.slice(0, main.lastIndexOf('/'))}/mime.types;`,
    )
  }
  if (nginx.selinux) {
    warnings.push(
      `SELinux enforces its policy here, with which the switch through nginx has not been tried. As root, nginx may connect and see which version serves by: setsebool -P httpd_can_network_connect on; semanage fcontext -a -t httpd_sys_content_t '${environment.stateRoot}(/.*)?'; restorecon -R ${environment.stateRoot}. What is denied still: ausearch -m avc -ts recent`,
    )
  }
  return [...new Set([...warnings, ...defaultWarnings(services, nginx), ...chainWarnings(environment, nginx), ...containerWarnings(seen)])]
}
