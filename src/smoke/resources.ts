import { LaunchwayError } from '../core/error.ts'
import type { ComposeNetwork, ComposeProject } from '../tools/compose.ts'

type Marks = Readonly<Record<string, string>>

/**
 * What reaches another project whatever we write.
 * @throws LaunchwayError CONFIG_INVALID
 */
export function refuseForeign({ services, volumes = {}, secrets = {}, configs = {} }: ComposeProject): void {
  for (const [kind, all] of Object.entries({ secrets, configs })) {
    const [name] = Object.entries(all).find(([, one]) => one?.external === true) ?? []
    if (name === undefined) continue
    const one = kind.slice(0, -1)
    throw new LaunchwayError('CONFIG_INVALID', `the compose files use the external ${one} ${name}, which only a swarm has`, {
      hint: `Give the smoke test a file of its own that replaces it, and name it last:\n  smoke:\n    compose: [docker-compose.yml, docker-compose.smoke.yml]\n  # docker-compose.smoke.yml\n  ${kind}:\n    ${name}: { external: false, file: ./smoke/${name}.txt }`,
    })
  }
  const external = Object.entries(volumes).filter(([, volume]) => volume?.external === true)
  if (external.length > 0) {
    const names = external.map(([name]) => name)
    throw new LaunchwayError(
      'CONFIG_INVALID',
      `the compose files use the external volume ${names.join(', ')}, which a test must not touch`,
      {
        hint: `Give the smoke test a file of its own that replaces it, and name it last:\n  smoke:\n    compose: [docker-compose.yml, docker-compose.smoke.yml]\n  # docker-compose.smoke.yml\n  volumes:\n    ${names[0] ?? ''}: { external: false }`,
      },
    )
  }
  const own = new Set(Object.values(services).map(({ container_name: name }) => name))
  for (const [name, { network_mode: network, pid, ipc, volumes_from: from = [], external_links: links = [] }] of Object.entries(services)) {
    const joined = [network, pid, ipc, ...from].flatMap((one) => /^container:([^:]+)/.exec(one ?? '')?.[1] ?? [])
    const foreign = [...joined.filter((one) => !own.has(one)), ...links]
    if (foreign.length === 0) continue
    throw new LaunchwayError(
      'CONFIG_INVALID',
      `the service ${name} joins the container ${foreign.join(', ')}, which belongs to no service of the stack`,
      {
        hint: 'A test must not touch what runs beside it: make it a service of the stack, in a compose file for the smoke test if it is elsewhere in production.',
      },
    )
  }
}

/**
 * Two services that want the same port of the machine: a test would give each its own, and what it has proven could not
 * be started.
 * @throws LaunchwayError CONFIG_INVALID
 */
export function refusePortClash({ services }: ComposeProject): void {
  const seen: { service: string; address: string; port: string; protocol: string }[] = []
  for (const [service, { ports = [] }] of Object.entries(services)) {
    for (const { published, protocol = 'tcp', host_ip: address = everywhere } of ports) {
      // A range leaves the choice to the engine.
      if (published === undefined || !/^[1-9]\d*$/.test(published)) continue
      const one = { service, address, port: published, protocol }
      const other = seen.find((before) => before.port === one.port && before.protocol === protocol && overlap(before.address, address))
      if (other !== undefined) {
        const both =
          other.service === service
            ? `${service} publishes the port ${published} twice`
            : `${other.service} and ${service} both publish the port ${published}`
        throw new LaunchwayError('CONFIG_INVALID', `${both}, which one machine has once`, {
          hint: `docker compose up would end with "port is already allocated". Give one of them another port, or a profile of its own.`,
        })
      }
      seen.push(one)
    }
  }
}

const everywhere = '0.0.0.0'

function overlap(one: string, other: string): boolean {
  const all = [everywhere, '::', '']
  return one === other || all.includes(one) || all.includes(other)
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
  const { config, ...others } = ipam ?? {}
  return {
    ...rest,
    ...(options === undefined ? {} : { driver_opts: driver }),
    ...(ipam === undefined ? {} : { ipam: config !== undefined && isAddressed ? { ...others, config } : others }),
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
