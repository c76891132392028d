import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Nginx, Service } from '../../src/core/deployment.ts'
import type { Observation, SeenNginx } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { choosePorts } from '../../src/deploy/slot-ports.ts'
import type { NginxServer } from '../../src/tools/nginx.ts'
import { busy, container, environment, failureIn, first, nameOf, service, wanted } from './support/deploy.ts'
import { at, file, names, nginx, part, seen, server as serverOf, serverConf, web } from './support/nginx.ts'

const web1 = nameOf('web', first)

describe('a host whose nginx is not fit', () => {
  const secure = service({ port: 1, nginx: { serverNames: names, tls: { certificate: '/tls/c', key: '/tls/k' } } })
  const server = (of: Partial<SeenNginx['configuration']['servers'][number]>): Partial<SeenNginx> => ({
    configuration: { ...nginx().configuration, servers: [serverOf(of)] },
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
    [
      'it may not connect',
      web,
      { nginx: nginx({ mayNotConnect: true }) },
      'SELinux keeps nginx from',
      'setsebool -P httpd_can_network_connect on',
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
    ['the name is in its own server', { nginx: nginx(server({ file: serverConf })) }],
    ['the slots are held by its own containers', { busy: [busy('127.0.0.1:20101', web1)], containers: [container('web', first, 'b')] }],
  ])('none is found when %s', (_, of) => {
    expect(() => planHost(wanted([web]), seen(of), 'a')).not.toThrow()
  })

  it('a path that nginx would take apart is refused', () => {
    const odd = wanted([web], { environment: environment([web], { stateRoot: '/srv/my apps' }) })
    expect(failureIn(() => planHost(odd, seen(), 'a')).message).toContain('nginx cannot be given the path /srv/my apps')
  })
})

describe('a server that others have a part in', () => {
  const path = (of: Partial<Nginx>): Service => service({ port: 1, nginx: { serverNames: names, ...of } })
  const blog = at.replace('addie.production.web', 'blog.live.web')
  const own = '/etc/nginx/sites-enabled/addie'
  const line = '/etc/nginx/launchway.d/servers/addie.example.org/*.conf'
  const existing = { https: false, port: 80 }
  const seenWith = (servers: NginxServer[], locations: string[] = []): Observation =>
    seen({ nginx: nginx({ configuration: { ...nginx().configuration, servers, parts: [part({ file: blog, locations })] } }) })
  const written = (of: Partial<NginxServer> = {}): NginxServer => serverOf({ file: serverConf, ...of })

  it.each<[string, Service, Observation, string[]]>([
    [
      'the path is taken',
      path({ path: '/api' }),
      seenWith([written()], ['= /api', '/api/']),
      ['location = /api of addie.example.org is taken', blog],
    ],
    ['all of it is taken', web, seenWith([written()], ['/']), ['location / of addie.example.org is taken', blog]],
    [
      'it has other names',
      path({ path: '/api', serverNames: [...names, 'b.example.org'] }),
      seenWith([written()], ['/']),
      ['web of blog in live', serverConf],
    ],
    ['it would lose HTTPS', path({ path: '/api' }), seenWith([written({ ports: [443] })], ['/']), ['and has HTTPS', 'nginx.tls']],
    [
      "the user's is not there",
      path({ existing }),
      seenWith([]),
      ['no server of nginx has the name addie.example.org on port 80', `include ${line};`],
    ],
    ["the user's is at another port", path({ existing }), seenWith([serverOf({ file: own, ports: [443] })]), ['on port 80']],
    [
      "the user's lacks the line",
      path({ existing }),
      seenWith([serverOf({ file: own })]),
      ['does not include', own, `include ${line};`, 'server_name addie.example.org'],
    ],
    [
      "the user's has the path",
      path({ existing, path: '/api' }),
      seenWith([serverOf({ file: own, includes: [line], locations: ['/api/'] })]),
      ['location /api/ of addie.example.org is taken', own],
    ],
    [
      "the user's cannot be asked from the host",
      path({ existing }),
      seenWith([serverOf({ file: own, includes: [line], addresses: ['203.0.113.5:80'] })]),
      ['does not listen on the loopback', 'listen 127.0.0.1:80;'],
    ],
    [
      "the user's listens on IPv6 alone",
      path({ existing }),
      seenWith([serverOf({ file: own, includes: [line], ports: [80, 80], addresses: ['203.0.113.5:80'], six: [80] })]),
      ['does not listen on the loopback (127.0.0.1)', 'listen 127.0.0.1:80;'],
    ],
    ["it is launchway's and not the user's", path({ existing, path: '/api' }), seenWith([written()], ['/']), ["is launchway's"]],
  ])('is told before anything is touched when %s', (_, asked, found, parts) => {
    const error = failureIn(() => planHost(wanted([asked]), found, 'a'))
    expect(error).toMatchObject({ code: 'HOST_UNFIT' })
    for (const one of parts) expect(`${error.message}\n${error.hint}`).toContain(one)
  })

  it.each<[string, Service, Observation]>([
    ['has another path', path({ path: '/api' }), seenWith([written()], ['/'])],
    [
      "is the user's, and includes what it is to include",
      path({ existing }),
      seenWith([serverOf({ file: own, includes: [line], locations: ['/api/'] })]),
    ],
    [
      'listens on the loopback besides',
      path({ existing }),
      seenWith([serverOf({ file: own, includes: [line], ports: [80, 80], addresses: ['203.0.113.5:80'] })]),
    ],
  ])('takes the service where it %s', (_, asked, found) => {
    expect(() => planHost(wanted([asked]), found, 'a')).not.toThrow()
  })

  it('makes way for a server block of the user, where nobody else shares it', () => {
    const own = serverOf({ file: '/etc/nginx/sites-enabled/addie', includes: ['/etc/nginx/launchway.d/servers/addie.example.org/*.conf'] })
    const configuration = { ...nginx().configuration, servers: [own, written()], parts: [part({ file: at, locations: ['/'] })] }
    const { calls } = planHost(wanted([path({ existing })]), seen({ nginx: nginx({ configuration }) }), 'a')
    expect(calls.filter(([name]) => name === 'unseat' || name === 'site').map((call) => call.join(' '))).toEqual([
      `unseat web.gone0 ${serverConf}`,
      `site web ${file}`,
      `site web.at ${at}`,
    ])
  })

  it('answers 404 where no path is, and no longer once somebody has all the rest', () => {
    const text = (found: Observation): string => planHost(wanted([path({ path: '/api' })]), found, 'a').sites[0]?.files.at(-1)?.text ?? ''
    expect(text(seenWith([written()], ['/blog/']))).toContain('location / { return 404; }')
    expect(text(seenWith([written()], ['/']))).not.toContain('location /')
  })
})

describe('what may keep visitors from a service, and is no reason to refuse', () => {
  const secure = service({ port: 1, nginx: { serverNames: names, tls: { certificate: '/tls/c', key: '/tls/k' } } })
  const another = (addresses: string[], of: Partial<SeenNginx['configuration']> = {}): SeenNginx =>
    nginx({
      configuration: {
        ...nginx().configuration,
        servers: [serverOf({ file: '/etc/nginx/conf.d/blog.conf', ports: [443], addresses, names: ['blog.example.org'] })],
        ...of,
      },
    })
  const more = '/etc/nginx/launchway.d/addie.production.web.conf'

  it.each<[string, Service, SeenNginx, string[]]>([
    [
      'another server has an address of its own',
      secure,
      another(['203.0.113.5:443']),
      ['/etc/nginx/conf.d/blog.conf', 'takes all that comes in at 203.0.113.5:443', `listen 203.0.113.5:443 ssl;`, more],
    ],
    ['and one of IPv6, without TLS', web, another(['[2001:db8::5]:80']), ['[2001:db8::5]:80', 'listen [2001:db8::5]:80;']],
    [
      'a policy of SELinux',
      web,
      nginx({ selinux: true }),
      [
        'SELinux',
        'not been tried',
        'setsebool -P httpd_can_network_connect on',
        "semanage fcontext -a -t httpd_sys_content_t '/var/lib/launchway(/.*)?'; restorecon -R /var/lib/launchway",
        'ausearch',
      ],
    ],
  ])('%s: a warning says so', (_, asked, of, parts) => {
    const { warnings } = planHost(wanted([asked]), seen({ nginx: of }), 'a')
    expect(warnings).toHaveLength(1)
    for (const part of parts) expect(warnings[0]).toContain(part)
  })

  it.each<[string, Service, SeenNginx]>([
    ['an address whose port is none of its own', web, another(['203.0.113.5:443', '127.0.0.1:8080'])],
    [
      'an address that the user has given to it as well',
      web,
      another(['203.0.113.5:80'], { parts: [part({ file: more, addresses: ['203.0.113.5:80'] })] }),
    ],
    ['a service without nginx', service({ port: 1, publish: '80' }), { ...another(['203.0.113.5:80']), selinux: true }],
  ])('%s: no warning', (_, asked, of) => {
    expect(planHost(wanted([asked]), seen({ nginx: of }), 'a').warnings).toEqual([])
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
