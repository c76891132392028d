import { describe, expect, it } from 'vitest'
import type { Nginx, Service } from '../../src/core/deployment.ts'
import { containerArgs } from '../../src/deploy/container.ts'
import { type Observation } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { planSites, throughNginx } from '../../src/deploy/site.ts'
import { container, first, nameOf, second, service, wanted } from './support/deploy.ts'
import { at, conf, file, health, names, nginx, part, seen, server, serverConf, story, web } from './support/nginx.ts'

const worker = service({ name: 'worker' })
const servers = '/etc/nginx/launchway.d/servers'
const [web1, web2] = [nameOf('web', first), nameOf('web', second)]

describe('what a host is asked to do for a service behind nginx', () => {
  it('the first release is tried through nginx before it is switched to, and proven afterwards', () => {
    expect(story(planHost(wanted([web]), seen(), 'a').calls)).toEqual([
      'begin',
      'expect',
      'recover',
      'pull',
      `create ${web2} 127.0.0.1:20100:5000`,
      `start web ${web2}`,
      `watch ${web2} http://127.0.0.1:20100/healthz addie.example.org`,
      `site web ${file}`,
      `site web.at ${at}`,
      `site web.server ${serverConf}`,
      'load addie.example.org',
      `through ${web2} a 127.0.0.1:20100`,
      'switch a',
      `through ${web2}  127.0.0.1:20100`.replace('  ', ' '),
      `linger ${web2} 127.0.0.1:20100`,
      `keep ${web2}`,
      'record registry.example.org/addie',
      `unsite ${conf} ${servers} ${file} ${at} ${serverConf}`,
      'finish',
    ])
  })

  it('the next one starts in the other slot, and the old one is stopped after its last request, within its own time', () => {
    const old = seen({ current: first, containers: [container('web', first, 'a'), container('worker', first, 'a')] })
    const calls = story(planHost(wanted([web, worker]), old, 'a').calls)
    expect(calls.find((call) => call.startsWith('create'))).toBe(`create ${web2} 127.0.0.1:20101:5000`)
    expect(calls.slice(calls.indexOf('switch b'))).toEqual([
      'switch b',
      `through ${web2} 127.0.0.1:20101`,
      `linger ${web2} 127.0.0.1:20101`,
      `keep ${web2}`,
      `keep ${nameOf('worker', second)}`,
      'record registry.example.org/addie',
      `unsite ${conf} ${servers} ${file} ${at} ${serverConf}`,
      `retire web ${web1} 10 20100`,
      `retire worker ${nameOf('worker', first)} 10`,
      'retired',
      'finish',
    ])
    expect(calls.filter((call) => call.startsWith('halt'))).toEqual([])
  })

  it('ports that the host does not know yet are taken before anything is started', () => {
    const { calls, sites } = planHost(wanted([web]), seen({ ports: new Map() }), 'a')
    const { a, b } = sites[0]?.ports ?? { a: 0, b: 0 }
    expect(story(calls).slice(2, 5)).toEqual(['recover', `take_ports web ${a} ${b}`, 'pull'])
    expect(sites[0]?.files[0]?.text).toContain(`server 127.0.0.1:${a} max_fails=0;`)
  })

  it('a service that moves to a port of its own loses its server after the record', () => {
    const old = seen({
      current: first,
      containers: [container('web', first, 'a')],
      nginx: nginx({ configuration: { ...nginx().configuration, parts: [part({ file })] } }),
    })
    const calls = story(planHost(wanted([service({ port: 5000, publish: '80' })]), old, 'a').calls)
    expect(calls.slice(calls.indexOf('record registry.example.org/addie'))).toEqual([
      'record registry.example.org/addie',
      `unsite ${conf} ${servers}`,
      `retire web ${web1} 10 20100`,
      'retired',
      'finish',
    ])
  })

  it('a service under a new name takes over the server name: the old server makes way, and comes back if that fails', () => {
    const before = at.replace('.web.', '.site.')
    const old = seen({
      current: first,
      containers: [container('site', first, 'a')],
      nginx: nginx({
        configuration: {
          ...nginx().configuration,
          servers: [server({ file: serverConf })],
          parts: [part({ file: before, locations: ['/'] })],
        },
      }),
    })
    const calls = story(planHost(wanted([web]), old, 'a').calls)
    expect(calls.slice(calls.indexOf(`unseat site.gone0 ${before}`)).slice(0, 5)).toEqual([
      `unseat site.gone0 ${before}`,
      `site web ${file}`,
      `site web.at ${at}`,
      `site web.server ${serverConf}`,
      'load addie.example.org',
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

  it.each<[string, Service, string[]]>([
    ['behind HTTPS', { ...web, nginx: { serverNames: names, tls: { certificate: '/c', key: '/k' } } }, ['addie.example.org', 'https']],
    ['behind plain HTTP', web, ['addie.example.org']],
    ["behind somebody else's HTTPS", { ...web, nginx: { serverNames: names, behindTls: true } }, ['addie.example.org', 'https']],
    ['at a port of its own', service({ port: 5000, publish: '80', health }), ['']],
  ])('the container is asked as nginx will ask it: %s', (_, asked, words) => {
    const watch: readonly string[] = planHost(wanted([asked]), seen(), 'a').calls.find(([name]) => name === 'watch') ?? []
    expect(watch.slice(9)).toEqual(words)
  })

  it.each<[string, Service['health'], string[]]>([
    ['that nobody has asked before has its time to be well', { kind: 'container', timeoutMs: 180_000, settleMs: 1000 }, ['18000']],
    ['whose check is switched off as well', { kind: 'none', timeoutMs: 60_000, settleMs: 1000 }, ['6000']],
    ['that a page has shown to be well is asked once', health, []],
    ['a command too', { kind: 'command', command: ['ready'], intervalMs: 500, timeoutMs: 60_000, settleMs: 1000 }, []],
  ])('before the switch, one %s', (_, asked, limit) => {
    const ways = planHost(wanted([{ ...web, health: asked }]), seen(), 'a').calls.filter(([name]) => name === 'through')
    expect(ways.map((words) => words.slice(8))).toEqual([limit, []])
  })

  it.each([
    [1000, '50'],
    [10_000, '950'],
    [200, '0'],
  ])('of %i ms in which it must stay well, visitors are there for the last half second: %s', (settleMs, words) => {
    const asked = { ...web, health: { ...health, settleMs } }
    expect(planHost(wanted([asked]), seen(), 'a').calls.find(([name]) => name === 'watch')?.[5]).toBe(words)
    const alone = service({ port: 5000, publish: '80', health: { ...health, settleMs } })
    expect(planHost(wanted([alone]), seen(), 'a').calls.find(([name]) => name === 'watch')?.[5]).toBe(String(settleMs / 10))
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
      "plain HTTP, behind somebody else's HTTPS",
      { nginx: { serverNames: names, behindTls: true } },
      'http://addie.example.org/healthz',
      'addie.example.org:80:127.0.0.1',
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
      'a path that is kept, with a page of health below it',
      { nginx: { serverNames: names, path: '/api' }, health: { ...health, path: '/api/healthz' } },
      'http://addie.example.org/api/healthz',
      'addie.example.org:80:127.0.0.1',
    ],
    [
      'a path that is kept, and a page of health that visitors cannot reach',
      { nginx: { serverNames: names, path: '/api' } },
      'http://addie.example.org/api/',
      'addie.example.org:80:127.0.0.1',
    ],
    [
      'a path that is stripped',
      { nginx: { serverNames: names, path: '/api', stripPrefix: true } },
      'http://addie.example.org/api/healthz',
      'addie.example.org:80:127.0.0.1',
    ],
    [
      "a server of the user's, at a port of its own",
      { nginx: { serverNames: names, existing: { https: true, port: 8443 } } },
      'https://addie.example.org:8443/healthz',
      'addie.example.org:8443:127.0.0.1',
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

describe('what is open during maintenance', () => {
  it.each<[string, Service['health'], Partial<Nginx>, string | undefined]>([
    ['the page of health', health, {}, '/healthz'],
    ['the same below a path', { ...health, path: '/api/healthz' }, { path: '/api' }, '/api/healthz'],
    ['the same where the path is cut off', health, { path: '/api', stripPrefix: true }, '/api/healthz'],
    ['nothing where that is the front page', { ...health, path: '/' }, {}, undefined],
    ['nothing where that is the front page, with a question', { ...health, path: '/?up' }, {}, undefined],
    ['nothing where that is the first page below a path', { ...health, path: '/api/' }, { path: '/api' }, undefined],
    ['nor without its slash', { ...health, path: '/api' }, { path: '/api' }, undefined],
    ['nor where the path is cut off', { ...health, path: '/' }, { path: '/api', stripPrefix: true }, undefined],
    ['nothing where there is no page of health', service({}).health, {}, undefined],
  ])('%s', (_, asked, of, open) => {
    const [site] = planSites(wanted([{ ...web, health: asked, nginx: { serverNames: names, ...of } }]), seen())
    const text = site?.files.find(({ key }) => key === 'web.at')?.text ?? ''
    expect(text).toContain('maintenance')
    expect(/if \(\$uri = "?([^ ")]+)"?\)/.exec(text)?.[1]).toBe(open)
  })
})
