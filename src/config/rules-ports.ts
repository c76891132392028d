import type { Breach } from './rules.ts'
import type { Config, EnvironmentConfig } from './schema.ts'

interface Published {
  environment: string
  /** The service or accessory. */
  name: string
  path: (string | number)[]
  publish: string | number
  at: HostPort
}

/**
 * Ports of a host that two want: the engine gives each to one, and the second container would not start. Of a compose
 * project and of a Swarm the plan knows the ports.
 */
export function portBreaches({ environments = {} }: Config): Breach[] {
  const byHost = new Map<string, Published[]>()
  return Object.entries(environments).flatMap(([environment, said]) => {
    if (said.compose !== undefined || said.swarm !== undefined) return []
    const hosts = new Set([said.host ?? [], said.hosts ?? []].flat().map(machine))
    const own: Published[] = []
    return publishedIn(environment, said).flatMap((one): Breach[] => {
      const others = [...hosts].flatMap((host) => byHost.get(host) ?? [])
      const other = [...own, ...others].find(({ at }) => overlap(at, one.at))
      own.push(one)
      for (const host of hosts) byHost.set(host, [...(byHost.get(host) ?? []), one])
      if (other === undefined) return []
      const whose = other.environment === environment ? other.name : `${other.environment}, on the same host,`
      return [{ path: one.path, message: `port ${one.publish} is published by ${whose} already` }]
    })
  })
}

/** One machine whoever logs in. With another port of SSH it may be another one, behind one address. */
export function machine(address: string): string {
  return address
    .slice(address.lastIndexOf('@') + 1)
    .replace(/:22$/, '')
    .toLowerCase()
}

function publishedIn(environment: string, said: EnvironmentConfig): Published[] {
  const path = ['environments', environment]
  const services = Object.entries(said.services ?? {}).map(([name, value]) => ({ name, value, path: [...path, 'services', name] }))
  const accessories = Object.entries(said.accessories ?? {}).map(([name, value]) => ({ name, value, path: [...path, 'accessories', name] }))
  const only = said.services === undefined ? [{ name: 'web', value: said, path }] : []
  return [...only, ...services, ...accessories].flatMap(({ name, value: { publish }, path: at }) =>
    publish === undefined ? [] : [{ environment, name, path: [...at, 'publish'], publish, at: hostPort(publish) }],
  )
}

interface HostPort {
  port: number
  /** `any` is every address of both families: a port without an address. */
  family: 'any' | 'IPv4' | 'IPv6'
  address: string
}

export function hostPort(publish: string | number): HostPort {
  const [, address, port] = /^(?:(.*):)?(\d+)$/.exec(String(publish)) ?? []
  if (address === undefined) return { port: Number(port), family: 'any', address: '' }
  // One address has many spellings: ::1 is 0:0:0:0:0:0:0:1.
  const url = `http://${address}`
  return {
    port: Number(port),
    family: address.startsWith('[') ? 'IPv6' : 'IPv4',
    address: URL.canParse(url) ? new URL(url).hostname : address,
  }
}

/** Whether one host refuses to give both. Docker binds 0.0.0.0 for IPv4 alone, and :: for IPv6 alone. */
export function overlap(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port) return false
  if (a.family === 'any' || b.family === 'any') return true
  return a.family === b.family && (a.address === b.address || [a, b].some(({ address }) => address === '0.0.0.0' || address === '[::]'))
}
