import { LaunchwayError } from '../core/error.ts'
import type { ComposeNetwork, ComposeProject, ComposeService, ComposeVolume } from '../tools/compose.ts'
import { outside } from './closed.ts'
import { firstContainer } from './own-service.ts'

type Marks = Readonly<Record<string, string>>

/**
 * What reaches another project whatever we write.
 * @throws LaunchwayError CONFIG_INVALID
 */
export function refuseForeign(project: ComposeProject): void {
  const { services, secrets = {}, configs = {} } = project
  for (const [kind, all] of Object.entries({ secrets, configs })) {
    const [name] = Object.entries(all).find(([, one]) => one?.external === true) ?? []
    if (name === undefined) continue
    const one = kind.slice(0, -1)
    throw foreign(
      `the compose files use the external ${one} ${name}, which only a swarm has`,
      `${kind}:\n    ${name}: { external: false, file: ./smoke/${name}.txt }`,
    )
  }
  refuseVolumes(project)
  for (const [name, network] of Object.entries(project.networks ?? {})) {
    const parent = network?.external === true ? undefined : network?.driver_opts?.['parent']
    if (typeof parent !== 'string') continue
    throw foreign(
      `the network ${name} is that of the device ${parent}, and a test in it would be seen by all that is there`,
      `networks:\n    ${name}: { driver: !reset null, driver_opts: !reset null, ipam: !reset null }\n  # and an address that a service has in it: ipv4_address: !reset null`,
    )
  }
  const own = new Set(Object.entries(services).map(([name, { container_name: fixed = firstContainer(project.name ?? '', name) }]) => fixed))
  for (const [name, service] of Object.entries(services)) refuseOthers(name, service, own)
}

function refuseVolumes(project: ComposeProject): void {
  const volumes = Object.entries(project.volumes ?? {})
  const external = volumes.flatMap(([name, volume]) => (volume?.external === true ? [name] : []))
  if (external.length > 0) {
    throw foreign(
      `the compose files use the external volume ${external.join(', ')}, which a test must not touch`,
      `volumes:\n    ${external[0] ?? ''}: { external: false }`,
    )
  }
  const written = new Set(mountsOf(project).flatMap(({ source, isRead }) => (isRead ? [] : [source])))
  for (const [name, volume] of volumes) {
    const where = written.has(name) ? keptAt(volume) : undefined
    if (where === undefined) continue
    throw foreign(
      `the volume ${name} is kept elsewhere (${where}), and a test would write there`,
      `volumes:\n    ${name}: { driver: !reset null, driver_opts: !reset null }`,
    )
  }
}

/** Whose network, processes, files or name a service has that is not of the stack. */
function refuseOthers(name: string, service: ComposeService, own: ReadonlySet<string>): void {
  const { network_mode: network = '', pid, ipc, volumes_from: from = [], external_links: links = [] } = service
  if (!/^(|none|host|bridge|default|(service|container):.*)$/.test(network)) {
    throw foreign(
      `the service ${name} joins the network ${network}, which belongs to no project and may have others in it`,
      `services:\n    ${name}: { network_mode: !reset null }`,
    )
  }
  const joined = [network, pid, ipc, ...from].flatMap((one) => /^container:([^:]+)/.exec(one ?? '')?.[1] ?? [])
  const others = [...joined, ...links.map((link) => link.replace(/:.*$/, ''))].filter((one) => !own.has(one))
  if (others.length === 0) return
  throw new LaunchwayError(
    'CONFIG_INVALID',
    `the service ${name} joins the container ${others.join(', ')}, which belongs to no service of the stack`,
    {
      hint: 'A test must not touch what runs beside it: make it a service of the stack, in a compose file for the smoke test if it is elsewhere in production.',
    },
  )
}

function foreign(message: string, instead: string): LaunchwayError {
  return new LaunchwayError('CONFIG_INVALID', message, {
    hint: `Give the smoke test a file of its own that replaces it, and name it last:\n  smoke:\n    compose: [docker-compose.yml, docker-compose.smoke.yml]\n  # docker-compose.smoke.yml\n  ${instead}`,
  })
}

/** Kinds of storage that a network leads to. */
const remote = /^(nfs4?|cifs|smb\w*|ceph|glusterfs|lustre|9p|davfs|fuse\..+)$/

/** Where a volume is that is not of this machine, and may be written to; undefined of one that is. */
function keptAt(volume: ComposeVolume | null): string | undefined {
  const { driver = '', driver_opts: { type, o } = {} } = volume ?? {}
  const options = typeof o === 'string' ? o.split(',') : []
  if (options.includes('ro')) return undefined
  if (!['', 'local'].includes(driver)) return `the driver ${driver}`
  const isRemote = (typeof type === 'string' && remote.test(type)) || options.some((one) => one.startsWith('addr='))
  return isRemote ? String(type) : undefined
}

/** What services mount, by the name of a volume or the path of this machine. */
function mountsOf({ services }: ComposeProject): { service: string; type: string; source: string; isRead: boolean }[] {
  return Object.entries(services).flatMap(([service, { volumes = [] }]) =>
    volumes.map(({ type = '', source = '', read_only: isRead = false }) => ({ service, type, source, isRead })),
  )
}

/** Files of every machine that many a stack mounts for the time of the day, and nobody writes to. */
const harmless = new Set(['/etc/localtime', '/etc/timezone'])

/** What of this machine a stack may write to: the service, and the path. */
function writtenBy(project: ComposeProject): { service: string; path: string }[] {
  return mountsOf(project).flatMap(({ service, type, source, isRead }) => {
    const device = project.volumes?.[source]?.driver_opts?.['device']
    const path = type === 'bind' ? source : typeof device === 'string' && device.startsWith('/') ? device : undefined
    // Who may read a socket may say everything to it.
    const isHarmless = (isRead && path?.endsWith('.sock') !== true) || harmless.has(path ?? '')
    return path === undefined || isHarmless ? [] : [{ service, path }]
  })
}

/** That of it which is not of the repository, in words. */
export function writtenOutside(project: ComposeProject, root: string): string[] {
  const found = writtenBy(project).flatMap(({ service, path }) => (outside(root, path) ? [`${service}: ${path}`] : []))
  return [...new Set(found)]
}

/** What only one stack at a time can have: what it may write to, but for sockets; the machine's own network; fixed ranges of addresses. */
export function hadAlone(project: ComposeProject): string[] {
  const paths = writtenBy(project).flatMap(({ path }) => (path.endsWith('.sock') ? [] : [path]))
  const host = Object.values(project.services).some(({ network_mode: mode }) => mode === 'host') ? ['the network of this machine'] : []
  const ranges = Object.values(ownNetworks(project, {})).flatMap((network) => network?.ipam?.config ?? [])
  return [...new Set([...paths, ...host, ...ranges.map((range) => `the range ${JSON.stringify(range)}`)])]
}

/**
 * Two services that want the same port of the machine: a test would give each its own, and what it has proven could not
 * be started.
 * @throws LaunchwayError CONFIG_INVALID
 */
export function refusePortClash({ services }: ComposeProject): void {
  const seen: { service: string; address: string; port: string; protocol: string }[] = []
  // Several of a swarm (`replicas`) have one port together.
  for (const [service, { ports = [], scale = 1 }] of Object.entries(services)) {
    for (const { published, protocol = 'tcp', host_ip: address = '' } of ports) {
      // A range leaves the choice to the engine.
      if (published === undefined || !/^[1-9]\d*$/.test(published)) continue
      const one = { service, address, port: published, protocol }
      const other = seen.find((before) => before.port === one.port && before.protocol === protocol && overlap(before.address, address))
      seen.push(one)
      if (other === undefined && scale < 2) continue
      const both =
        other === undefined
          ? `${service} publishes the port ${published} for each of its ${scale} containers`
          : other.service === service
            ? `${service} publishes the port ${published} twice`
            : `${other.service} and ${service} both publish the port ${published}`
      throw new LaunchwayError('CONFIG_INVALID', `${both}, which one machine has once`, {
        hint: `docker compose up would end with "port is already allocated". Give one of them another port, or a profile of its own.`,
      })
    }
  }
}

/** Without an address a port is published for both families. */
function overlap(one: string, other: string): boolean {
  if (one === other || one === '' || other === '') return true
  const isSix = (address: string): boolean => address.includes(':')
  return isSix(one) === isSix(other) && [one, other].some((address) => ['0.0.0.0', '::'].includes(address))
}

/** Networks of this project alone; one that others made becomes a fresh one. */
export function ownNetworks({ networks = {}, services }: ComposeProject, marks: Marks): NonNullable<ComposeProject['networks']> {
  const addressed = new Set(
    Object.values(services).flatMap(({ networks: joined = {} }) =>
      Object.entries(joined).flatMap(([name, network]) =>
        network?.ipv4_address === undefined && network?.ipv6_address === undefined ? [] : [name],
      ),
    ),
  )
  const own = Object.entries({ default: null, ...networks }).map(
    ([name, network]) => [name, ownNetwork(network, addressed.has(name), marks)] as const,
  )
  return Object.fromEntries(own)
}

const deviceName = 'com.docker.network.bridge.name'

function ownNetwork(network: ComposeNetwork | null, isAddressed: boolean, marks: Marks): ComposeNetwork {
  if (network === null || network.external === true) return { labels: marks }
  const { name: _, ipam, labels, driver_opts: options, ...rest } = network
  // The name of the device is one that the machine has once.
  const { [deviceName]: _device, ...driver } = options ?? {}
  // A range of addresses can be had once on a machine: it is kept only where a service has an address in it.
  const { config = [], ...others } = ipam ?? {}
  // Of IPv6 many an engine has none of its own to give.
  const isSix = (range: unknown): boolean => rest['enable_ipv6'] === true && JSON.stringify(range).includes('::')
  const kept = isAddressed ? config : config.filter(isSix)
  return {
    ...rest,
    ...(options === undefined ? {} : { driver_opts: driver }),
    ...(ipam === undefined ? {} : { ipam: kept.length > 0 ? { ...others, config: kept } : others }),
    labels: { ...labels, ...marks },
  }
}

export function ownVolumes({ volumes = {} }: ComposeProject, marks: Marks): NonNullable<ComposeProject['volumes']> {
  return Object.fromEntries(
    Object.entries(volumes).map(([key, volume]) => {
      const { name: _, labels, ...rest } = volume ?? {}
      return [key, { ...rest, labels: { ...labels, ...marks } }]
    }),
  )
}
