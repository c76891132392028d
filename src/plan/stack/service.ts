import { entriesIn } from '../../core/objects.ts'
import type { Content, Definition } from '../../core/stack.ts'
import { deployBlock, withoutNull } from './deploy-block.ts'
import { dropped, ignored, kept, refused, translated } from './keys.ts'
import { type Mounted, mountsOf } from './mounts.ts'
import type { Notes } from './note.ts'
import type { ServiceShape } from './shape.ts'

export interface ConvertedService {
  definition: Definition
  /** Files that it mounts, by the name of the config that each becomes. */
  configs: ReadonlyMap<string, Content>
}

/** What a service is on a Swarm, but for its image; each key that is otherwise there is told. */
export function convertService(
  name: string,
  service: ServiceShape,
  of: {
    root: string
    files: ReadonlyMap<string, Mounted>
    shared: ReadonlySet<string>
    once: boolean
    labels: Readonly<Record<string, string>>
  },
  notes: Notes,
): ConvertedService {
  tellKeys(service, notes)
  const constraints = service.deploy?.placement?.constraints ?? []
  const pinned =
    constraints.some((one) => one.startsWith('node.') && !one.startsWith('node.platform.')) || service.deploy?.mode === 'global'
  const mounts = mountsOf(service, { ...of, name, pinned }, notes)
  const ports = portsOf(service, notes)
  const alone = mounts.holdsData || ports.some(({ mode }) => mode === 'host')
  const deploy = deployBlock(service, { alone, once: of.once }, notes)
  const configs = [
    ...(service.configs ?? []).map(grantOf),
    ...[...mounts.configs].map(([source, { target }]) => ({ source, target, mode: 0o444 })),
  ]
  const secrets = (service.secrets ?? []).map(grantOf)
  const definition = {
    ...Object.fromEntries(Object.entries(withoutNull(service)).filter(([key]) => kept.has(key))),
    ...(service.environment === undefined ? {} : { environment: withoutNull(service.environment) }),
    ...(service.extra_hosts === undefined ? {} : { extra_hosts: service.extra_hosts.map((one) => one.replace('=', ':')) }),
    ...(service.healthcheck === undefined ? {} : { healthcheck: healthOf(service.healthcheck, notes) }),
    ...(service.networks === undefined ? {} : { networks: networksOf(service.networks, notes) }),
    ...(ports.length === 0 ? {} : { ports }),
    ...(mounts.volumes.length === 0 ? {} : { volumes: mounts.volumes }),
    ...(configs.length === 0 ? {} : { configs }),
    ...(secrets.length === 0 ? {} : { secrets }),
    labels: { ...entriesIn(service['labels']), ...of.labels },
    deploy: { ...deploy, labels: { ...entriesIn(deploy['labels']), ...of.labels } },
  }
  return { definition, configs: new Map([...mounts.configs].map(([key, { content }]) => [key, content])) }
}

function tellKeys(service: ServiceShape, notes: Notes): void {
  for (const [key, value] of Object.entries(service)) {
    if (value === null || value === undefined || value === false || kept.has(key) || translated.has(key) || dropped.has(key)) continue
    if (Array.isArray(value) && value.length === 0) continue
    const instead = Object.hasOwn(refused, key) ? refused[key] : undefined
    if (instead !== undefined) notes.refuse(key, instead)
    else notes.warn(key, (Object.hasOwn(ignored, key) ? ignored[key] : undefined) ?? 'Swarm does not know it, and runs the service without')
  }
  const waits = Object.entries(service.depends_on ?? {}).filter(([, { condition }]) => condition !== 'service_completed_successfully')
  if (waits.length > 0)
    notes.warn(
      `depends_on ${waits.map(([one]) => one).join(', ')}`,
      'Swarm starts all services at once, so it must try again until those are there, or end and be started again',
    )
}

function portsOf({ ports = [] }: ServiceShape, notes: Notes): { mode: string; target: number; published?: number; protocol: string }[] {
  return ports.map(({ mode = 'ingress', target, published, protocol = 'tcp', host_ip: address }) => {
    if (address !== undefined && address !== '0.0.0.0')
      notes.warn(`port ${published ?? target} on ${address} alone`, 'Swarm publishes on every address of a node: close it with a firewall')
    if (published === undefined) notes.warn(`port ${target} has no published port`, 'Swarm chooses one: write it if somebody shall find it')
    if (published !== undefined && !/^\d+$/.test(published)) notes.refuse(`the ports ${published}`, 'name one published port for each')
    return { mode, target, ...(published === undefined ? {} : { published: Number(published) }), protocol }
  })
}

function healthOf(healthcheck: Readonly<Record<string, unknown>>, notes: Notes): Definition {
  const { start_interval: startInterval, ...rest } = withoutNull(healthcheck)
  if (startInterval !== undefined)
    notes.warn('healthcheck.start_interval', 'stack files do not know it: make interval as short as it shall be')
  return rest
}

function networksOf(networks: NonNullable<ServiceShape['networks']>, notes: Notes): Definition {
  return Object.fromEntries(
    Object.entries(networks).map(([name, one]) => {
      const fixed = ['ipv4_address', 'ipv6_address', 'mac_address', 'link_local_ips'].filter((key) => one?.[key] !== undefined)
      if (fixed.length > 0)
        notes.warn(`${fixed.join(', ')} on the network ${name}`, 'Swarm gives tasks their addresses: use the name of the service')
      return [name, one?.aliases === undefined ? null : { aliases: one.aliases }]
    }),
  )
}

function grantOf({ source, target, uid, gid, mode }: NonNullable<ServiceShape['configs']>[number]): Definition {
  const bits = typeof mode === 'string' ? Number.parseInt(mode, 8) : mode
  return {
    source,
    ...(target === undefined ? {} : { target }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(bits === undefined ? {} : { mode: bits }),
  }
}
