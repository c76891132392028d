import { describe, expect, it } from 'vitest'
import type { Environment } from '../../src/core/deployment.ts'
import { planProject } from '../support/compose-project.ts'

const find = (environment: Environment, name: string) =>
  [...environment.services, ...environment.accessories].find((one) => one.name === name)

/** A project of one service that is built here. */
const one = (keys: string, rest = ''): string => `name: p\nservices:\n  web:\n    build: .\n${keys.replaceAll(/^/gm, '    ')}\n${rest}`

describe('a key of a service', () => {
  const options = (...words: string[]): object => ({ options: words })
  const rows: [string, object][] = [
    ['tmpfs: [/run, "/tmp:size=1m"]', options('--tmpfs=/run', '--tmpfs=/tmp:size=1m')],
    ['ulimits: { nofile: { soft: 1, hard: 2 }, nproc: 5 }', options('--ulimit=nofile=1:2', '--ulimit=nproc=5')],
    ['sysctls: { net.core.somaxconn: 1024 }', options('--sysctl=net.core.somaxconn=1024')],
    ['extra_hosts: ["a:1.2.3.4", "gw:host-gateway"]', options('--add-host=a:1.2.3.4', '--add-host=gw:host-gateway')],
    ['init: true\nread_only: true\ntty: true\nstdin_open: true', options('--init', '--read-only', '--interactive', '--tty')],
    ['init: false', options('--init=false')],
    ['hostname: a\ndomainname: b\nworking_dir: /c', options('--domainname=b', '--hostname=a', '--workdir=/c')],
    ['dns: [1.1.1.1]\ndns_opt: [ndots:1]\ndns_search: [x.org]', options('--dns=1.1.1.1', '--dns-option=ndots:1', '--dns-search=x.org')],
    ['annotations: { a.b: "c" }', options('--annotation=a.b=c')],
    ['healthcheck: { disable: true }', options('--no-healthcheck')],
    [
      'healthcheck: { test: curl -f x | grep y, start_period: 5m }',
      { health: { kind: 'container', timeoutMs: 480_000 }, ...options('--health-cmd=curl -f x | grep y', '--health-start-period=5m0s') },
    ],
    [
      'blkio_config: { weight: 300, device_read_bps: [{ path: /dev/sda, rate: 1mb }] }',
      options('--blkio-weight=300', '--device-read-bps=/dev/sda:1048576'),
    ],
    ['gpus: all', options('--gpus=count=all')],
    [
      'deploy: { resources: { limits: { cpus: "0.5", memory: 64m, pids: 9 }, reservations: { memory: 32m, devices: [{ capabilities: [gpu, utility], device_ids: ["0", "1"] }] } } }',
      {
        cpus: 0.5,
        memory: '67108864',
        ...options('--memory-reservation=33554432', '--pids-limit=9', '--gpus="device=0,1",capabilities=utility'),
      },
    ],
    [
      'mem_limit: 64m\nmemswap_limit: 128m\ncpus: 2\ncpu_shares: 5\ncpuset: 0-1',
      { memory: '67108864', cpus: 2, ...options('--cpu-shares=5', '--cpuset-cpus=0-1', '--memory-swap=134217728') },
    ],
    [
      'cap_add: [A]\ncap_drop: [B]\ngroup_add: [1, c]\nprivileged: true\ndevices: ["/dev/a:/dev/b:r"]\nuser: "1:2"',
      { capAdd: ['A'], capDrop: ['B'], groupAdd: ['1', 'c'], privileged: true, devices: ['/dev/a:/dev/b:r'], user: '1:2' },
    ],
    [
      'stop_grace_period: 1m30s\nstop_signal: SIGQUIT\nrestart: on-failure:3',
      { stopTimeoutMs: 90_000, stopSignal: 'SIGQUIT', restart: 'on-failure:3' },
    ],
    ['restart: "no"', { restart: 'no' }],
    ['deploy: { restart_policy: { condition: on-failure, max_attempts: 2 } }', { restart: 'on-failure:2' }],
    [
      'logging: { driver: local, options: { max-size: 1m, max-file: 3 } }',
      { logging: { driver: 'local', options: { 'max-size': '1m', 'max-file': '3' } } },
    ],
    ['network_mode: host', { networks: ['host'], overlap: false }],
    ['network_mode: none', { networks: ['none'], overlap: true }],
    ['container_name: shop-web', { aliases: { p_default: ['shop-web'] } }],
    ['entrypoint: []\ncommand: ["a", "$$HOME"]', { entrypoint: [], command: ['a', '$HOME'] }],
    ['deploy: { update_config: { order: stop-first } }', { overlap: false }],
    ['labels: { a: b, com.docker.compose.x: y }', { labels: { a: 'b' } }],
    ['expose: ["80"]\nsecurity_opt: [no-new-privileges:true]', options('--expose=80', '--security-opt=no-new-privileges:true')],
    ['ports: ["[::1]:81:80"]', { publish: '[::1]:81', port: 80 }],
    ['ports: ["91:80", "92:82", "93:80"]', { ports: ['91:80', '92:82', '93:80'] }],
    [
      'volumes: ["up:/up:ro", /anonymous, { type: tmpfs, target: /t, tmpfs: { size: 1m, mode: 0755 } }]',
      { volumes: ['p_up:/up:ro', '/anonymous'], ...options('--mount=type=tmpfs,target=/t,tmpfs-size=1048576,tmpfs-mode=755') },
    ],
    ['volumes: [{ type: bind, source: /data, target: /d, bind: { propagation: rslave, selinux: z } }]', { volumes: ['/data:/d:rslave,z'] }],
    ['volumes: [{ type: bind, source: "/a:b", target: /d, read_only: true }]', options('--mount=type=bind,source=/a:b,target=/d,readonly')],
    [
      'secrets: [a, { source: b, target: c, mode: 0400, uid: "5" }]',
      {
        texts: [
          { target: '/run/secrets/a', text: '${A}', mode: '0444' },
          { target: '/run/secrets/c', text: '${B}', mode: '0400', uid: '5' },
        ],
      },
    ],
    [
      'secrets: [fs]\nconfigs: [{ source: fc, target: /etc/b }]',
      {
        files: [
          { source: 'conf/b', target: '/etc/b', readOnly: true },
          { source: 'a.txt', target: '/run/secrets/fs', readOnly: true },
        ],
      },
    ],
    ['configs: [cc]', { texts: [{ target: '/cc', text: 'pw=${A} $$x', mode: '0444' }] }],
  ]
  const resources = `
volumes: { up: }
secrets: { a: { environment: A }, b: { environment: B }, fs: { file: ./a.txt } }
configs: { fc: { file: ./conf/b }, cc: { content: "pw=$A $$x" } }`

  it('is an option of docker run, or what the record has for it', async () => {
    const services = rows.map(([keys], index) => `  k${index}:\n    build: .\n${keys.replaceAll(/^/gm, '    ')}\n`)
    const { environment } = await planProject(
      `name: p\nservices:\n${services.join('')}${resources}`,
      'compose: compose.yml\nsecrets: [A, B]',
    )
    for (const [index, [keys, expected]] of rows.entries()) expect(find(environment, `k${index}`), keys).toMatchObject(expected)
  })

  it('has its networks in the order of compose, the one with its address first', async () => {
    const rest =
      'networks: { a: { internal: true, ipam: { config: [{ subnet: 10.9.0.0/24, gateway: 10.9.0.1 }] } }, b: { external: true, name: edge }, c: { driver_opts: { x: "y" } } }'
    const { environment } = await planProject(
      one('networks: { c: { priority: 9 }, b: , a: { ipv4_address: 10.9.0.9, aliases: [w] } }', rest),
    )
    expect(find(environment, 'web')).toMatchObject({
      networks: ['p_a', 'p_c', 'edge'],
      aliases: { p_a: ['w'] },
      options: ['--ip=10.9.0.9'],
      overlap: false,
    })
    expect(environment.project).toMatchObject({
      external: { networks: ['edge'] },
      networks: { p_c: ['--opt=x=y', expect.anything(), expect.anything()] },
    })
    expect(environment.project?.networks['p_a']?.slice(0, 3)).toEqual(['--subnet=10.9.0.0/24', '--gateway=10.9.0.1', '--internal'])
  })
})
