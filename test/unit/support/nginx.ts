import type { Service } from '../../../src/core/deployment.ts'
import type { Observation, SeenNginx } from '../../../src/deploy/observation.ts'
import type { HostCall } from '../../../src/deploy/call.ts'
import type { NginxPart, NginxServer } from '../../../src/tools/nginx.ts'
import { host, service } from './deploy.ts'

export const names = ['addie.example.org']
export const health = {
  kind: 'http',
  path: '/healthz',
  intervalMs: 500,
  timeoutMs: 60_000,
  settleMs: 1000,
} as const satisfies Service['health']
export const web = service({ port: 5000, nginx: { serverNames: names }, health })
export const conf = '/etc/nginx/conf.d'
export const file = `${conf}/launchway.addie.production.web.conf`
/** What `site` writes of the service, in its order. */
export const at = '/etc/nginx/launchway.d/servers/addie.example.org/addie.production.web.conf'
export const serverConf = `${conf}/launchway-server.addie.example.org.conf`
export const ports = new Map([['web', { a: 20_100, b: 20_101 }]])

export function nginx(of: Partial<SeenNginx> = {}): SeenNginx {
  return {
    state: 'well',
    said: '',
    running: true,
    build: { version: '1.22.1', http2: true },
    configuration: { main: '/etc/nginx/nginx.conf', servers: [], includes: [`${conf}/*.conf`], parts: [] },
    absent: [],
    closed: [],
    certificates: [],
    chains: [],
    ipv6: true,
    selinux: false,
    range: [32_768, 60_999],
    taken: new Set(),
    ...of,
  }
}

export function server(of: Partial<NginxServer>): NginxServer {
  return { file: '/etc/nginx/x', ports: [80], addresses: [], names, locations: [], includes: [], ...of }
}

export function part(of: Partial<NginxPart> & { file: string }): NginxPart {
  return { addresses: [], locations: [], includes: [], ...of }
}

export function seen(of: Partial<Observation> = {}): Observation {
  return host({ root: 'user', nginx: nginx(), ports, ...of })
}

/** The calls in short: what is done to which service, in which slot. */
export function story(calls: readonly HostCall[]): string[] {
  return calls.map(([name, ...args]) => {
    if (name === 'keep') return `keep ${args[0]}`
    if (name === 'create') return `create ${args[1]} ${args[args.indexOf('--publish') + 1] ?? ''}`
    if (name === 'watch') return `watch ${args[1]} ${args[6] ?? ''} ${args[8] ?? ''}`.trim()
    if (name === 'linger') return `linger ${args[1]} ${args[2]}`
    if (name === 'through') return `through ${args[1]} ${args.slice(2, 4).join(' ').trim()}`
    if (name === 'pull') return 'pull'
    return [name, ...args].join(' ').trim()
  })
}
