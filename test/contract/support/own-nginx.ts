import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { type Load, traffic, type Traffic } from '../../../lab/traffic.ts'
import type { Service } from '../../../src/core/deployment.ts'
import type { Project } from '../../../src/core/project.ts'
import { type HostUnderTest, labHost } from './host.ts'
import { type PushedImage, pushImage } from './release.ts'
import { pauseMs } from './site.ts'

/**
 * For how long nginx waits for a late request. Users are told a second, and the campaign has the machine to itself and holds
 * it to that. Beside other tests the traffic itself may be later than a second: a client that starves is no request lost.
 */
const lateFor = process.env['LAUNCHWAY_CAMPAIGN'] === undefined ? '10s' : '1s'

/**
 * An image with the nginx of a lab host, as a project has one: in the network of the project it listens on 8080, and leads to
 * `web:8000`. It may run as anybody, on a file system that is read only but for /tmp. `resolver.conf` asks for the name at each
 * request instead, `late.conf` has a keepalive_min_timeout.
 * @param container of the host: what is in the image is of its age
 */
export function pushNginx(registry: string, container: string): Promise<PushedImage> {
  return pushImage(registry, (context) => {
    const list =
      'tar -chf - /usr/sbin/nginx /usr/bin/busybox $(ldd /usr/sbin/nginx /usr/bin/busybox | grep -o "/[^ ]*lib[^ ]*so[^ ]*" | sort -u) /etc/nsswitch.conf /etc/passwd /etc/group'
    const files = execFileSync('docker', ['exec', container, 'sh', '-c', list], {
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    writeFileSync(join(context, 'files.tar'), files)
    writeFileSync(join(context, 'nginx.conf'), configuration('', 'proxy_pass http://visited;'))
    writeFileSync(join(context, 'late.conf'), configuration(`keepalive_min_timeout ${lateFor};`, 'proxy_pass http://visited;'))
    writeFileSync(
      join(context, 'resolver.conf'),
      configuration('keepalive_min_timeout 1s; resolver 127.0.0.11 valid=1s;', 'set $to http://web:8000; proxy_pass $to;'),
    )
    writeFileSync(
      join(context, 'Dockerfile'),
      `FROM scratch
ADD files.tar /
COPY nginx.conf late.conf resolver.conf /etc/nginx/
RUN ["/usr/bin/busybox", "mkdir", "-p", "/bin", "/tmp", "/run", "/var/log/nginx", "/var/lib/nginx"]
RUN ["/usr/bin/busybox", "chmod", "1777", "/tmp"]
RUN ["/usr/bin/busybox", "--install", "/bin"]
ENV PATH=/usr/sbin:/bin
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
`,
    )
  })
}

function configuration(http: string, pass: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path /tmp/${one};`).join(' ')
  return `pid /tmp/nginx.pid; error_log /dev/stderr; worker_processes 2; events {}
http { access_log off; ${temporary} ${http}
upstream visited { server web:8000; keepalive 32; }
server { listen 8080; location / { ${pass} proxy_http_version 1.1; proxy_set_header Connection ""; } } }
`
}

/** The port at which the project's nginx is published on a host, and this machine reaches it. */
const published = '6000'

/** A host of the lab on which a project has an nginx of its own. */
export interface OwnHost extends HostUnderTest {
  suite: string
  container: string
  traffic(load?: Partial<Load>): Traffic
  network: string
}

export function ownHost(suite: string, user = 'deploy', bin = ''): OwnHost {
  const machine = inject('lab').hosts[suite]
  if (machine === undefined) throw new Error(`the lab has no ${suite}`)
  const host = labHost(machine.container, user, Number(published), undefined, bin)
  const begun: Traffic[] = []
  return {
    ...host,
    suite,
    container: machine.container,
    network: `${host.app}_default`,
    traffic(load = {}) {
      const one = traffic({ port: machine.ports[published] ?? 0, serverName: 'shop.example.org', pauseMs, ...load })
      begun.push(one)
      return one
    },
    async [Symbol.asyncDispose]() {
      const ending = begun.map((one) => one.stop())
      await host[Symbol.asyncDispose]()
      await Promise.all(ending)
    },
  }
}

type Wished = Partial<Service> & { name: string }

export function projectOn({ network }: OwnHost, pulled: Project['pulled'] = {}): Project {
  return { name: 'shop', pulled, networks: { [network]: [] }, volumes: {}, external: { networks: [], volumes: [], paths: [] } }
}

/** nginx, as projects harden it: not root, nothing but what it needs. */
export const hardened: Partial<Service> = {
  user: '101:101',
  capDrop: ['ALL'],
  options: ['--read-only', '--tmpfs', '/tmp', '--security-opt', 'no-new-privileges'],
}

export function nginxOn(host: OwnHost, more: Partial<Service> = {}): Wished {
  return {
    name: 'proxy',
    image: 'nginx',
    port: 8080,
    publish: published,
    networks: [host.network],
    command: ['nginx', '-c', '/etc/nginx/late.conf', '-g', 'daemon off;'],
    env: { VERSION: 'proxy' },
    after: [{ name: 'web', until: 'started' }],
    ...more,
  }
}

/** Asked by its health page, since it is nobody's but nginx's; by the shell, since a Python a second is half of a core. */
export function webOn(host: OwnHost, more: Partial<Service> = {}): Wished {
  return {
    name: 'web',
    port: 8000,
    networks: [host.network],
    behind: 'proxy',
    // No shorter than nginx waits for a late request beside other tests: see late.conf.
    stopTimeoutMs: 10_000,
    options: [
      // With a time to start in, newer engines look every five seconds.
      ...['--health-interval', '1s', '--health-retries', '30'],
      ...[
        '--health-cmd',
        `bash -c 'exec 3<> /dev/tcp/127.0.0.1/8000 && printf "GET /health HTTP/1.0\\r\\n\\r\\n" >&3 && read -r _ status _ <&3 && [ "$status" = 200 ]'`,
      ],
    ],
    ...more,
  }
}
