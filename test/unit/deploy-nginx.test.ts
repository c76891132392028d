import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Service } from '../../src/core/deployment.ts'
import { containerArgs } from '../../src/deploy/container.ts'
import { type Observation, parseObservation, type SeenNginx } from '../../src/deploy/observation.ts'
import { type HostCall, planHost } from '../../src/deploy/plan.ts'
import { targetOf } from '../../src/deploy/rollback.ts'
import { choosePorts, throughNginx } from '../../src/deploy/site.ts'
import type { Kept } from '../../src/deploy/kept.ts'
import { busy, container, digest, environment, failureIn, first, host, nameOf, second, service, third, wanted } from './support/deploy.ts'

const names = ['addie.example.org']
const health: Service['health'] = { kind: 'http', path: '/healthz', intervalMs: 500, timeoutMs: 60_000, settleMs: 1000 }
const web = service({ port: 5000, nginx: { serverNames: names }, health })
const worker = service({ name: 'worker' })
const conf = '/etc/nginx/conf.d'
const file = `${conf}/launchway.addie.production.web.conf`
const [web1, web2] = [nameOf('web', first), nameOf('web', second)]
const ports = new Map([['web', { a: 20_100, b: 20_101 }]])

function nginx(of: Partial<SeenNginx> = {}): SeenNginx {
  return {
    state: 'well',
    said: '',
    running: true,
    build: { version: '1.22.1', http2: true },
    configuration: { main: '/etc/nginx/nginx.conf', servers: [], includes: [`${conf}/*.conf`] },
    absent: [],
    closed: [],
    ipv6: true,
    range: [32_768, 60_999],
    taken: new Set(),
    ...of,
  }
}

function seen(of: Partial<Observation> = {}): Observation {
  return host({ root: 'user', nginx: nginx(), ports, ...of })
}

/** The calls in short: what is done to which service, in which slot. */
function story(calls: readonly HostCall[]): string[] {
  return calls.map(([name, ...args]) => {
    if (name === 'run') return `run ${args[1]} ${args[args.indexOf('--publish') + 1] ?? ''}`
    if (name === 'watch') return `watch ${args[1]} ${args[6] ?? ''} ${args[8] ?? ''}`.trim()
    if (name === 'through') return `through ${args[1]} ${args.slice(2, 4).join(' ').trim()}`
    if (name === 'pull') return 'pull'
    return [name, ...args].join(' ').trim()
  })
}

describe('what a host is asked to do for a service behind nginx', () => {
  it('the first release is tried through nginx before it is switched to, and proven afterwards', () => {
    expect(story(planHost(wanted([web]), seen(), 'a').calls)).toEqual([
      'begin',
      'expect',
      'recover',
      'pull',
      `run ${web2} 127.0.0.1:20100:5000`,
      `watch ${web2} http://127.0.0.1:20100/healthz addie.example.org`,
      `site web ${file}`,
      'load addie.example.org',
      `through ${web2} a 127.0.0.1:20100`,
      'switch a',
      `through ${web2}  127.0.0.1:20100`.replace('  ', ' '),
      `keep ${web2}`,
      'record registry.example.org/addie',
      `unsite ${conf} web`,
      'finish',
    ])
  })

  it('the next one starts in the other slot, and the old one is stopped after its last request, within its own time', () => {
    const old = seen({ current: first, containers: [container('web', first, 'a'), container('worker', first, 'a')] })
    const calls = story(planHost(wanted([web, worker]), old, 'a').calls)
    expect(calls.filter((call) => call.startsWith('run'))[0]).toBe(`run ${web2} 127.0.0.1:20101:5000`)
    expect(calls.slice(calls.indexOf('switch b'))).toEqual([
      'switch b',
      `through ${web2} 127.0.0.1:20101`,
      `keep ${web2}`,
      `keep ${nameOf('worker', second)}`,
      'record registry.example.org/addie',
      `unsite ${conf} web`,
      'drain web 20100 10',
      `retire web ${web1} 10`,
      `retire worker ${nameOf('worker', first)} 10`,
      'finish',
    ])
    expect(calls.filter((call) => call.startsWith('halt'))).toEqual([])
  })

  it('ports that the host does not know yet are taken before anything is started', () => {
    const { calls, sites } = planHost(wanted([web]), seen({ ports: new Map() }), 'a')
    const { a, b } = sites[0]?.ports ?? { a: 0, b: 0 }
    expect(story(calls).slice(2, 5)).toEqual(['recover', `take_ports web ${a} ${b}`, 'pull'])
    expect(sites[0]?.text).toContain(`server 127.0.0.1:${a} max_fails=0;`)
  })

  it('a service that moves to a port of its own loses its server after the record', () => {
    const servers = [{ file, ports: [80], names }]
    const old = seen({
      current: first,
      containers: [container('web', first, 'a')],
      nginx: nginx({ configuration: { ...nginx().configuration, servers } }),
    })
    const calls = story(planHost(wanted([service({ port: 5000, publish: '80' })]), old, 'a').calls)
    expect(calls.slice(calls.indexOf('record registry.example.org/addie'))).toEqual([
      'record registry.example.org/addie',
      `unsite ${conf}`,
      'drain web 20100 10',
      `retire web ${web1} 10`,
      'finish',
    ])
  })

  it('without nginx now and before, nginx is left alone', () => {
    const { calls, sudo } = planHost(wanted([worker]), seen({ root: 'sudo' }), 'a')
    expect(calls.map(([name]) => name)).not.toEqual(expect.arrayContaining(['unsite']))
    expect(sudo).toBe(false)
  })

  it.each<[string, Observation['root'], boolean]>([
    ['root needs none', 'user', false],
    ['an account that may use docker needs it for nginx', 'sudo', true],
  ])('sudo: %s', (_, root, expected) => {
    expect(planHost(wanted([web]), seen({ root }), 'a').sudo).toBe(expected)
  })

  it('the container listens on the loopback alone, at the address of its slot', () => {
    const owner = { app: 'addie', environment: 'production', release: second, slot: 'b' } as const
    const args = containerArgs(web, owner, 'image', '127.0.0.1:20101')
    expect(args.filter((_, index) => args[index - 1] === '--publish')).toEqual(['127.0.0.1:20101:5000'])
  })

  it.each<[string, Partial<Service>, string, string]>([
    ['plain', {}, 'http://addie.example.org/healthz', 'addie.example.org:80:127.0.0.1'],
    [
      'HTTPS',
      { nginx: { serverNames: names, tls: { certificate: '/c', key: '/k' } } },
      'https://addie.example.org/healthz',
      'addie.example.org:443:127.0.0.1',
    ],
    [
      'any name',
      { nginx: { serverNames: ['*.example.org'] } },
      'http://launchway.example.org/healthz',
      'launchway.example.org:80:127.0.0.1',
    ],
    [
      'the name that health asks with, where nginx has it',
      { nginx: { serverNames: ['a.example.org', 'b.example.org'] }, health: { ...health, host: 'b.example.org' } },
      'http://b.example.org/healthz',
      'b.example.org:80:127.0.0.1',
    ],
    [
      'no page of health',
      { health: { kind: 'container', timeoutMs: 1, settleMs: 1 } },
      'http://addie.example.org/',
      'addie.example.org:80:127.0.0.1',
    ],
  ])('nginx is asked by its name: %s', (_, of, url, resolve) => {
    expect(throughNginx({ ...web, ...of })).toMatchObject({ url, resolve })
  })
})

describe('what a rollback asks of a host', () => {
  const returning = wanted([web, worker], { release: first, isReturn: true })
  const after = seen({
    current: second,
    previous: first,
    containers: [
      container('web', first, 'a', 'exited'),
      container('worker', first, 'a', 'exited'),
      container('web', second, 'b'),
      container('worker', second, 'b'),
    ],
  })

  it('is to start what it has kept where it was, and to stop what ran: nothing is pulled or made', () => {
    expect(story(planHost(returning, after, 'a').calls)).toEqual([
      'begin',
      `expect ${second}`,
      'recover',
      `wake web ${web1}`,
      `watch ${web1} http://127.0.0.1:20100/healthz addie.example.org`,
      `wake worker ${nameOf('worker', first)}`,
      `watch ${nameOf('worker', first)}`,
      `site web ${file}`,
      'load addie.example.org',
      `through ${web1} a 127.0.0.1:20100`,
      'switch a',
      `through ${web1} 127.0.0.1:20100`,
      `keep ${web1}`,
      `keep ${nameOf('worker', first)}`,
      'record registry.example.org/addie',
      `unsite ${conf} web`,
      'drain web 20101 10',
      `retire web ${web2} 10`,
      `retire worker ${nameOf('worker', second)} 10`,
      'finish',
    ])
  })

  it('a container that is gone is made again in the slot of the others', () => {
    const { containers } = after
    const { calls, slot } = planHost(returning, { ...after, containers: containers.filter(({ name }) => name !== web1) }, 'a')
    expect(slot).toBe('a')
    expect(story(calls).slice(3, 5)).toEqual(['pull', `run ${web1} 127.0.0.1:20100:5000`])
  })

  it('disk and platform are no question any more', () => {
    const images = new Map([['app', { reference: `r/a@${digest}`, bytes: 1e15, platforms: ['linux/s390x'] }]])
    expect(() => planHost({ ...returning, images }, after, 'a')).not.toThrow()
  })
})

describe('a host whose nginx is not fit', () => {
  const secure = service({ port: 1, nginx: { serverNames: names, tls: { certificate: '/tls/c', key: '/tls/k' } } })
  const server = (of: Partial<SeenNginx['configuration']['servers'][number]>): Partial<SeenNginx> => ({
    configuration: { ...nginx().configuration, servers: [{ file: '/etc/nginx/x', ports: [80], names, ...of }] },
  })

  it.each<[string, Service, Partial<Observation>, string, string]>([
    ['sudo asks', web, { nginx: nginx({ state: 'refused' }), root: undefined }, 'sudo asks for a password', '/etc/sudoers.d/'],
    ['it is not there', web, { nginx: nginx({ state: 'missing' }) }, 'nginx is not installed', 'apt-get install nginx'],
    [
      'it is broken',
      web,
      { nginx: nginx({ state: 'broken', said: 'unknown directive' }) },
      'broken, before this deploy',
      'unknown directive',
    ],
    ['it does not run', web, { nginx: nginx({ running: false }) }, 'nginx is not running', 'systemctl'],
    [
      'nothing asks',
      web,
      { tools: new Set(['docker', 'flock', 'setsid', 'awk', 'wget']) },
      'curl is not installed',
      'apt-get install curl',
    ],
    [
      'no folder is included',
      web,
      { nginx: nginx({ configuration: { ...nginx().configuration, includes: ['/etc/nginx/mime.types'] } }) },
      'includes neither conf.d nor sites-enabled',
      'include /etc/nginx/conf.d/*.conf;',
    ],
    ['workers are locked out', web, { nginx: nginx({ closed: ['/home/x'] }) }, 'may not look into /home/x', 'chmod o+x /home/x'],
    ['the key is missing', secure, { nginx: nginx({ absent: ['/tls/k'] }) }, '/tls/k, the certificate or key of', 'certbot'],
    ['the name is taken', web, { nginx: nginx(server({})) }, 'another server of nginx has the name', '/etc/nginx/x'],
    [
      'the name is taken for HTTPS',
      secure,
      { nginx: nginx(server({ ports: [443] })) },
      'another server of nginx has the name',
      'server-name',
    ],
    [
      'a slot is held',
      web,
      { busy: [busy('127.0.0.1:20101', 'blog')] },
      'port 20101, which nginx knows web by, is held by the container blog',
      '',
    ],
  ])('%s', (_, asked, of, what, hint) => {
    const error = failureIn(() => planHost(wanted([asked]), seen(of), 'a'))
    expect(error).toMatchObject({ code: 'HOST_UNFIT' })
    expect(error.message).toContain(what)
    expect(error.hint).toContain(hint)
  })

  it.each<[string, Partial<Observation>]>([
    ['another port has the name', { nginx: nginx(server({ ports: [8080] })) }],
    ['the name is in its own file', { nginx: nginx(server({ file })) }],
    ['the slots are held by its own containers', { busy: [busy('127.0.0.1:20101', web1)], containers: [container('web', first, 'b')] }],
  ])('it is fit when %s', (_, of) => {
    expect(() => planHost(wanted([web]), seen(of), 'a')).not.toThrow()
  })

  it('a path that nginx would take apart is refused', () => {
    const odd = wanted([web], { environment: environment([web], { stateRoot: '/srv/my apps' }) })
    expect(failureIn(() => planHost(odd, seen(), 'a')).message).toContain('nginx cannot be given the path /srv/my apps')
  })
})

describe('the ports of two slots', () => {
  const range = fc.tuple(fc.integer({ min: 1024, max: 65_000 }), fc.integer({ min: 1024, max: 65_535 })).filter(([low, high]) => low < high)

  it('are beside each other, free, and outside of what outgoing connections take, wherever there is room for that', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.integer({ min: 20_000, max: 29_999 }), { maxLength: 50 }), range, (name, taken, [low, high]) => {
        const { a, b } = choosePorts(name, new Set(taken), [low, high])
        expect(b).toBe(a + 1)
        expect(taken).not.toContain(a)
        expect(taken).not.toContain(b)
        const room = low > 10_100 || high < 63_800
        expect(!room || b < low || a > high).toBe(true)
      }),
    )
  })

  it('are the same for the same name, and others when they are taken', () => {
    const one = choosePorts('addie.production.web', new Set(), [32_768, 60_999])
    expect(choosePorts('addie.production.web', new Set(), [32_768, 60_999])).toEqual(one)
    expect(choosePorts('addie.production.web', new Set([one.b]), [32_768, 60_999])).not.toEqual(one)
  })
})

describe('what observe.sh prints of nginx', () => {
  const lines = [
    'uid\t1000',
    'sudo\tyes',
    'port\tweb\t20100\t20101',
    `release\t${first}\t{"version":1}`,
    'nginx\twell',
    'nginx.built\tnginx version: nginx/1.26.3',
    'nginx.built\tconfigure arguments: --with-http_v2_module',
    'nginx.conf\t# configuration file /etc/nginx/nginx.conf:',
    'nginx.conf\thttp { server { listen 80;\tserver_name a; } }',
    'nginx.running\t17',
    'absent\t/tls/c',
    'closed\t/root',
    'ipv6\tyes',
    'range\t32768\t60999',
    'open\t0050',
    'claimed\t20100',
    'seen\tyes',
  ]

  it('is read fact by fact', () => {
    const found = parseObservation('a', lines.join('\n'))
    expect(found.root).toBe('sudo')
    expect(found.ports).toEqual(ports)
    expect([...found.releases]).toEqual([[first, undefined]])
    expect(found.nginx).toEqual(
      nginx({
        build: { version: '1.26.3', http2: true },
        configuration: {
          main: '/etc/nginx/nginx.conf',
          includes: [],
          servers: [{ file: '/etc/nginx/nginx.conf', ports: [80], names: ['a'] }],
        },
        absent: ['/tls/c'],
        closed: ['/root'],
        taken: new Set([80, 20_100]),
      }),
    )
  })

  it('a broken configuration comes with the words of nginx', () => {
    const text = ['nginx\tbroken', 'nginx.said\tone\ttwo', 'nginx.said\tthree', 'seen\tyes'].join('\n')
    expect(parseObservation('a', text).nginx).toMatchObject({ state: 'broken', said: 'one\ttwo\nthree', running: false })
  })
})

describe('what a rollback returns to', () => {
  const kept = (release: string): Kept => ({
    version: 1,
    release,
    app: 'addie',
    label: `v-${release.slice(-1)}`,
    images: {},
    repositories: ['r'],
    environment: environment([web]),
  })
  const releases = new Map([first, second, third].map((id) => [id, kept(id)]))
  const on = (name: string, current: string | undefined, previous: string | undefined) => ({
    host: name,
    seen: host({ current, previous, releases }),
  })

  it.each<[string, ReturnType<typeof on>[], string, string[]]>([
    ['one host', [on('x', second, first)], first, ['x']],
    ['a host that was rolled back returns to where it came from', [on('x', first, second)], second, ['x']],
    ['all hosts', [on('x', third, second), on('y', third, second)], second, ['x', 'y']],
    ['a deploy that ended after the first host', [on('x', third, second), on('y', second, first)], second, ['x']],
    ['a rollback that ended after the first host is finished', [on('x', first, second), on('y', second, first)], first, ['y']],
  ])('%s', (_, hosts, target, from) => {
    const found = targetOf(hosts)
    expect(found.target.release).toBe(target)
    expect(found.from.map((one) => one.host)).toEqual(from)
  })

  it.each<[string, ReturnType<typeof on>[], string]>([
    ['nothing ran before', [on('x', first, undefined)], 'there is no version before'],
    ['nothing runs', [on('x', undefined, undefined)], 'there is no version before'],
    ['two hosts have another version before', [on('x', third, second), on('y', third, first)], 'do not agree'],
    ['a host runs something else', [on('x', third, second), on('y', first, undefined)], 'do not agree'],
  ])('is nothing when %s, and what is there is told', (_, hosts, why) => {
    const error = failureIn(() => targetOf(hosts))
    expect(error).toMatchObject({ code: 'VERSION_UNKNOWN', message: expect.stringContaining(why) })
    for (const one of hosts) expect(error.hint).toContain(`${one.host}: `)
  })
})
