import { describe, expect, it } from 'vitest'
import { openingIn } from '../../src/smoke/closed.ts'
import { ComposeProject } from '../../src/tools/compose.ts'

const opening = (redis: object, rest: object = {}, ours: readonly string[] = []): string | undefined =>
  openingIn(ComposeProject.parse({ name: 'p', services: { redis: { image: 'redis:7', ...redis } }, ...rest }), new Set(ours), '/srv')
const bind = (source: string) => ({ volumes: [{ type: 'bind', source, target: '/x' }] })

describe('a stack that depends on nothing but itself', () => {
  it.each<[string, object]>([
    ['an image alone', {}],
    ['files of the repository', bind('/srv/conf')],
    [
      'volumes and memory',
      {
        volumes: [
          { type: 'volume', source: 'data' },
          { type: 'tmpfs', target: '/tmp' },
        ],
      },
    ],
    [
      'the usual',
      { command: null, entrypoint: null, environment: { A: 'b' }, healthcheck: { test: ['CMD', 'true'] }, networks: { default: null } },
    ],
    ['names of this container itself', { extra_hosts: ['blocked=127.0.0.1', 'other:0.0.0.0', 'six=::1'] }],
    ['fewer privileges', { security_opt: ['no-new-privileges:true'], cap_drop: ['ALL'], read_only: true }],
    ['the network of another service', { network_mode: 'service:web' }],
    ['limits', { deploy: { resources: { limits: { memory: '1g' } } }, ulimits: { nofile: 9 } }],
    ['an extension', { 'x-note': { devices: true } }],
    ['a key without a value', { devices: [], privileged: false }],
  ])('has %s', (_, redis) => {
    expect(opening(redis)).toBeUndefined()
  })

  it('may have an image of the release, however its files would build or pull it', () => {
    expect(opening({ build: { context: '/srv' }, pull_policy: 'always' }, {}, ['redis'])).toBeUndefined()
  })
})

describe('a stack that may end differently by itself', () => {
  it.each<[object, string]>([
    [{ build: { context: '/srv' } }, 'redis is built by compose'],
    [{ pull_policy: 'daily' }, 'redis is pulled each time'],
    [{ network_mode: 'host' }, 'redis sees what else runs on the machine'],
    [{ network_mode: 'bridge' }, 'redis sees what else runs on the machine'],
    [{ pid: 'host' }, 'redis sees what else runs on the machine'],
    [{ ipc: 'host' }, 'redis sees what else runs on the machine'],
    [bind('/var/run/docker.sock'), 'redis mounts /var/run/docker.sock, which is not of the repository'],
    [{ volumes: [{ type: 'image', source: 'x', target: '/x' }] }, 'redis mounts what is of the type image'],
    [
      { extra_hosts: ['host.docker.internal=host-gateway'] },
      'redis has the extra host host.docker.internal=host-gateway, which is not of the stack',
    ],
    [{ extra_hosts: { api: ['10.0.0.1'] } }, 'redis has the extra host api=10.0.0.1, which is not of the stack'],
    [{ extra_hosts: ['api:10.127.0.1'] }, 'redis has the extra host api:10.127.0.1, which is not of the stack'],
    [{ security_opt: ['seccomp:./profile.json'] }, 'redis has the security option seccomp:./profile.json, which depends on the machine'],
    [{ logging: { driver: 'syslog' } }, 'redis hands its log to syslog'],
    [{ deploy: { resources: { reservations: { devices: [{ capabilities: ['gpu'] }] } } } }, 'redis has devices of the machine'],
    ...[
      { provider: { type: 'model' } },
      { use_api_socket: true },
      { devices: [{ source: '/dev/fuse' }] },
      { gpus: 'all' },
      { userns_mode: 'host' },
      { uts: 'host' },
      { cgroup: 'host' },
      { privileged: true },
      { runtime: 'nvidia' },
      { credential_spec: { file: 'x' } },
      { of_a_later_compose: 1 },
    ].map((one): [object, string] => [one, `redis has ${Object.keys(one)[0]}, which may depend on the machine`]),
  ])('has %j', (redis, why) => {
    expect(opening(redis)).toBe(why)
  })

  it.each<[object, string]>([
    [{ volumes: { data: { driver_opts: { device: '/srv' } } } }, "the volume data is made by a driver's options"],
    [{ volumes: { data: { driver: 'elsewhere' } } }, 'the volume data is made by the driver elsewhere'],
    [{ networks: { lan: { driver: 'macvlan' } } }, 'the network lan is made by the driver macvlan'],
    [{ secrets: { token: { external: true } } }, 'token is kept elsewhere'],
    [{ secrets: { token: { external: true } }, configs: { token: { file: '/srv/token' } } }, 'token is kept elsewhere'],
    [{ models: { m: {} } }, 'the project has models, which may depend on the machine'],
  ])('beside its services has %j', (rest, why) => {
    expect(opening({}, rest)).toBe(why)
  })
})
