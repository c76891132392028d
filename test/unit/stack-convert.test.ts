import { describe, expect, test } from 'vitest'
import { convert, variablesIn } from '../../src/plan/stack/convert.ts'
import type { Mounted } from '../../src/plan/stack/mounts.ts'
import { showNote } from '../../src/plan/stack/note.ts'
import { ProjectShape, type ServiceShape } from '../../src/plan/stack/shape.ts'

/** As `docker compose config --format json` renders a project. */
function converted(service: Record<string, unknown>, more: Record<string, unknown> = {}, files: Record<string, Mounted> = {}) {
  const project = ProjectShape.parse({
    name: 's',
    ...more,
    services: { web: { image: 'team/web:1', ...service }, ...Object(more['services']) },
  })
  const around = { app: 'addie', environment: 'live', name: 's', root: '/repo', files: new Map(Object.entries(files)), built: new Map() }
  const { stack, notes } = convert(project, around)
  return { stack, web: stack.services['web'] ?? {}, notes: notes.map(({ level, ...note }) => `${level} ${showNote({ level, ...note })}`) }
}

describe('a compose project as a stack of a Swarm', () => {
  test.each<[string, Partial<ServiceShape>, Record<string, unknown>]>([
    [
      'ports get numbers',
      { ports: [{ mode: 'ingress', target: 80, published: '8080', protocol: 'tcp' }] },
      { ports: [{ mode: 'ingress', target: 80, published: 8080, protocol: 'tcp' }] },
    ],
    ['hosts are written with a colon', { extra_hosts: ['db=10.0.0.1'] }, { extra_hosts: ['db:10.0.0.1'] }],
    [
      'a list in tmpfs becomes mounts',
      { tmpfs: ['/run:size=64m'] },
      { volumes: [{ type: 'tmpfs', target: '/run', tmpfs: { size: 67_108_864 } }] },
    ],
    ['shm_size becomes a mount', { shm_size: '1024' }, { volumes: [{ type: 'tmpfs', target: '/dev/shm', tmpfs: { size: 1024 } }] }],
    ['a null of the rendering is left out', { command: null }, {}],
    ['variables without a value are left out', { environment: { A: 'x$$y', B: null } }, { environment: { A: 'x$$y' } }],
    [
      'networks keep their aliases alone',
      { networks: { default: { aliases: ['w'], priority: 1 }, back: null } },
      { networks: { default: { aliases: ['w'] }, back: null } },
    ],
    [
      'modes are numbers, however they are rendered',
      { secrets: [{ source: 'k', target: '/run/k', mode: '0440' }] },
      { secrets: [{ source: 'k', target: '/run/k', mode: 0o440 }] },
    ],
  ])('%s', (_, service, expected) => {
    const { labels: _labels, deploy: _deploy, ...web } = converted(service).web
    expect(web).toEqual(expected)
  })

  test.each<[string, Partial<ServiceShape>, Record<string, unknown>]>([
    [
      'what says nothing is replaced one by one, the new one first',
      {},
      { update_config: { parallelism: 1, order: 'start-first', failure_action: 'rollback' } },
    ],
    [
      'a port of the node has one holder',
      { ports: [{ mode: 'host', target: 80, published: '80' }] },
      { update_config: { order: 'stop-first' }, rollback_config: { order: 'stop-first' } },
    ],
    ['so has data', { volumes: [{ type: 'volume', source: 'data', target: '/data' }] }, { update_config: { order: 'stop-first' } }],
    [
      'what the file says wins',
      { deploy: { update_config: { parallelism: 2, max_failure_ratio: null } } },
      { update_config: { parallelism: 2, order: 'start-first' } },
    ],
    [
      'limits of a single machine become those of a task',
      { cpus: 0.5, mem_limit: '52428800', pids_limit: 10 },
      { resources: { limits: { cpus: '0.5', memory: '52428800', pids: 10 } } },
    ],
    ['restart becomes a policy', { restart: 'on-failure:3' }, { restart_policy: { condition: 'on-failure', max_attempts: 3 } }],
    ['and scale replicas', { scale: 3 }, { replicas: 3 }],
    ['a global service has no number', { scale: 1, deploy: { mode: 'global' } }, { mode: 'global' }],
  ])('%s', (_, service, expected) => {
    expect(converted(service).web['deploy']).toMatchObject(expected)
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['privileged', { privileged: true }, 'error web: privileged: give it what it needs with cap_add'],
    ['devices', { devices: ['/dev/snd'] }, 'error web: devices: Swarm gives a task no device'],
    ['network_mode', { network_mode: 'host' }, 'error web: network_mode: tasks have networks of the stack'],
    ['group_add', { group_add: ['101'] }, 'error web: group_add: give the process its group with user'],
    ['a range of ports', { ports: [{ target: 80, published: '8000-8010' }] }, 'error web: the ports 8000-8010'],
    ['an image that is built by nobody', { image: undefined, build: { context: '/repo/x' } }, 'error web: build: nodes build nothing'],
    ['container_name', { container_name: 'x' }, 'warning web: container_name: tasks are called by stack, service and number'],
    ['links', { links: ['db'] }, 'warning web: links: services of one network find each other by name'],
    ['security_opt', { security_opt: ['no-new-privileges'] }, 'warning web: security_opt'],
    ['a key that nobody knows', { sorcery: 1 }, 'warning web: sorcery: Swarm does not know it'],
    [
      'an order of starts',
      { depends_on: { db: { condition: 'service_healthy' } } },
      'warning web: depends_on db: Swarm starts all services at once',
    ],
    [
      'a port of one address',
      { ports: [{ target: 80, published: '80', host_ip: '127.0.0.1' }] },
      'warning web: port 80 on 127.0.0.1 alone',
    ],
    ['data of a node', { volumes: [{ type: 'volume', source: 'data', target: '/d' }] }, 'warning web: the volume data is of the node'],
    [
      'a folder of the repository',
      { volumes: [{ type: 'bind', source: '/repo/conf', target: '/c' }] },
      'error web: conf is mounted, and is a folder of the repository',
    ],
    ['a path of the node', { volumes: [{ type: 'bind', source: '/srv', target: '/srv' }] }, 'warning web: /srv of the node is mounted'],
    [
      'a secret in the environment',
      { environment: { KEY: '${APP_KEY}' } },
      'warning web: KEY in its environment comes from the environment of the step: whoever may use a manager reads it',
    ],
    [
      'a quick first look at health',
      { healthcheck: { test: ['CMD', 'x'], start_interval: '1s' } },
      'warning web: healthcheck.start_interval',
    ],
  ])('%s is told, with what to write instead', (_, service, expected) => {
    const { notes } = converted(service, {}, { '/repo/conf': { kind: 'folder' } })
    expect(notes).toEqual([expect.stringContaining(expected)])
  })

  test('a data volume with its node named, a folder for all nodes, and what compose alone needs are no news', () => {
    const { notes } = converted(
      {
        volumes: [
          { type: 'volume', source: 'data', target: '/d' },
          { type: 'volume', source: 'nfs', target: '/n', read_only: true },
        ],
        deploy: { placement: { constraints: ['node.labels.db == yes'] } },
        expose: ['80'],
        pull_policy: 'always',
        privileged: false,
        links: [],
      },
      { volumes: { data: { name: 's_data' }, nfs: { name: 's_nfs', driver_opts: { type: 'nfs' } } } },
    )
    expect(notes).toEqual([])
  })

  test('a file of the repository travels as a config', () => {
    const content = { kind: 'text' as const, text: 'listen 80;' }
    const { stack, web } = converted(
      { volumes: [{ type: 'bind', source: '/repo/nginx.conf', target: '/etc/nginx.conf', read_only: true }] },
      {},
      { '/repo/nginx.conf': { kind: 'file', content, bytes: 10 } },
    )
    expect(web['configs']).toEqual([{ source: 'web-file-1', target: '/etc/nginx.conf', mode: 0o444 }])
    expect(web['volumes']).toBeUndefined()
    expect(stack.configs).toEqual({ 'web-file-1': content })
  })

  test('what others wait for the end of runs once, in its order, and is never started again', () => {
    const done = { condition: 'service_completed_successfully' }
    const { stack } = converted(
      { depends_on: { seed: done } },
      {
        services: {
          seed: { image: 'team/web:1', depends_on: { migrate: done } },
          migrate: { image: 'team/web:1' },
          beat: { image: 'team/web:1', restart: 'no' },
        },
      },
    )
    expect(stack.once).toEqual(['beat', 'migrate', 'seed'])
    expect(stack.services['migrate']).toMatchObject({ deploy: { mode: 'replicated', replicas: 1, restart_policy: { condition: 'none' } } })
  })

  test('networks become overlays, and those that are external must be there', () => {
    const { stack, notes } = converted(
      {},
      {
        networks: {
          default: { name: 's_default', ipam: {} },
          old: { name: 's_old', driver: 'bridge' },
          out: { name: 'edge', external: true },
        },
      },
    )
    expect(stack.networks).toEqual({ default: { driver: 'overlay' }, old: { driver: 'overlay' }, out: { external: true, name: 'edge' } })
    expect(stack.external.networks).toEqual(['edge'])
    expect(notes).toEqual([expect.stringContaining('the network old has the driver bridge')])
  })

  test('configs and secrets keep where their content comes from, and those that are external their names', () => {
    const { stack } = converted(
      {},
      {
        configs: { a: { name: 's_a', content: 'x' }, b: { name: 'made-elsewhere', external: true } },
        secrets: { c: { name: 's_c', environment: 'C' }, d: { name: 's_d', file: '/repo/secrets/d' } },
      },
    )
    expect(stack.configs).toEqual({ a: { kind: 'text', text: 'x' } })
    expect(stack.secrets).toEqual({ c: { kind: 'variable', name: 'C' }, d: { kind: 'file', path: 'secrets/d' } })
    expect(stack.external.configs).toEqual({ b: 'made-elsewhere' })
  })

  test('a name that is too long for a Swarm is refused', () => {
    const long = 'w'.repeat(70)
    expect(converted({}, { services: { [long]: { image: 'x' } } }).notes.join()).toContain('Swarm takes 63')
  })

  test('a doubled dollar sign is no variable', () => {
    expect(variablesIn({ a: ['$$A', '${B} and $${C}', '$$${D}'] })).toEqual(['B', 'D'])
  })
})
