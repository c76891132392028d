import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Nginx } from '../../src/core/deployment.ts'
import { placesOf } from '../support/places.ts'
import { failureOf } from './support/hosts.ts'
import { siteAt } from './support/place.ts'
import { deployTo, type PushedImage, removeImage } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { certified, configured, rollBack, site, siteHost, type SiteHost } from './support/site.ts'
import { suites } from './support/ssh.ts'

const lab = inject('lab')
let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushServer(lab.registry.address)
})
afterAll(() => removeImage(image))

/** Status line, headers and body, as nginx gives them on the host's loopback. */
function ask(host: SiteHost, path: string, ...words: string[]): Promise<string> {
  return host.ask(
    `curl -s -i --insecure ${words.join(' ')} --resolve ${host.name}:443:127.0.0.1 --resolve ${host.name}:80:127.0.0.1 http://${host.name}${path}`,
  )
}

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

const health = { kind: 'http', path: '/health', intervalMs: 100, timeoutMs: 20_000, settleMs: 0 } as const
const behind = (host: SiteHost, more: Partial<Nginx> = {}): { nginx: Nginx } => ({ nginx: { serverNames: [host.name], ...more } })

describe.each(suites)('the server that launchway writes, on %s', (suite) => {
  test('has every option that nginx of that age reads, and answers as they say', async ({ skip }) => {
    skip(!isCampaign && suite === 'trixie', 'on the oldest and the newest; the campaign has it everywhere')
    await using host = siteHost(suite)
    await using tls = await certified(host)
    const options: Partial<Nginx> = {
      tls: { certificate: tls.certificate, key: tls.key },
      redirect: false,
      headers: { 'X-Frame-Options': 'DENY', 'Strict-Transport-Security': 'max-age=31536000', 'X-Quote': 'a "b" \\c; {d}', Server: '' },
      bodySize: '2k',
      timeoutMs: 1500,
      errors: 'json',
    }
    const { tls: pair, redirect } = options
    const api: Partial<Nginx> = { ...(pair === undefined ? {} : { tls: pair }), ...(redirect === undefined ? {} : { redirect }) }
    const below = { ...behind(host, { ...api, path: '/api', stripPrefix: true, maintenancePage: '/etc/hostname' }), name: 'api' }
    await deployTo(host, image, { version: 'one', services: [site(host, { ...behind(host, options), health }), site(host, below)] })
    const plain = await ask(host, '/')
    expect(plain).toMatch(/^HTTP\/1\.1 200 [^]*\n\r?\none$/)
    expect(plain).toContain('X-Frame-Options: DENY')
    expect(plain).toContain('Strict-Transport-Security: max-age=31536000')
    expect(plain).toContain('X-Quote: a "b" \\c; {d}')
    const secure = await host.ask(`curl -s -i --insecure --resolve ${host.name}:443:127.0.0.1 https://${host.name}/`)
    expect(secure).toContain('one')
    // Two kilobytes are the limit, the application thinks for three seconds about /slow, and then it is gone.
    const large = await ask(host, '/', '--data-binary', '"$(head -c 3000 /dev/zero | tr "\\0" x)"')
    expect(large).toMatch(/^HTTP\/1\.1 413 [^]*application\/json[^]*\{"error":\{"code":413,"message":"Content Too Large"\}\}$/)
    expect(await ask(host, '/slow')).toMatch(/^HTTP\/1\.1 504 [^]*\{"error":\{"code":504,"message":"Gateway Timeout"\}\}$/)
    expect(await ask(host, '/own-error')).toMatch(/^HTTP\/1\.1 503 [^]*the application says so$/)
    await host.ask(`docker stop -t 0 $(docker ps --quiet --filter label=launchway.app=${host.app})`)
    const nobody = await ask(host, '/', '--request', 'POST')
    expect(nobody).toMatch(/^HTTP\/1\.1 502 [^]*\{"error":\{"code":502,"message":"Bad Gateway"\}\}$/)
    expect(nobody).toContain('X-Frame-Options: DENY')
  })

  test('shares its name by path: the longest wins, the prefix is kept or stripped, and a switch of one loses nothing of either', async ({
    skip,
  }) => {
    skip(!isCampaign && suite !== 'bookworm', 'on bookworm; the campaign has it everywhere')
    await using host = siteHost(suite)
    const services = [
      site(host),
      site(host, { ...behind(host, { path: '/api' }), name: 'api', health: { ...health, path: '/api/health' }, env: { VERSION: 'api' } }),
      site(host, { ...behind(host, { path: '/api/v1', stripPrefix: true }), name: 'old', env: { VERSION: 'old' } }),
    ]
    await deployTo(host, image, { version: 'one', services })
    const path = async (of: string): Promise<string> => (await ask(host, of, '--path-as-is')).split('\n').slice(-2).join(' ')
    expect(await path('/path/apix')).toBe('/path/apix one')
    expect(await path('/path')).toBe('/path one')
    expect(await path('/api/path')).toBe('/api/path api')
    expect(await path('/api')).not.toContain('one')
    expect(await path('/apix/path')).toBe('/apix/path one')
    expect(await path('/api/v1/path/a%2Fb?x=%20y')).toBe('/path/a%2Fb?x=%20y old')
    expect(await path('/api/v1/path/X-Forwarded-Prefix')).toBe('/api/v1 old')
    expect(await ask(host, '/api/v1/away')).toMatch(/Location: (http:\/\/[^/]*)?\/api\/v1\/login/)
    const requests = [
      host.traffic(),
      host.traffic({ path: '/api/x', connections: 10 }),
      host.traffic({ path: '/api/v1/x', connections: 10 }),
    ]
    await deployTo(host, image, { version: 'two', services })
    await requests[0]?.seen('two')
    for (const one of requests) expect(Object.fromEntries((await one.stop()).failures)).toEqual({})
  })
})

test.for(placesOf('bookworm, root'))(
  'on $name, kamal#1704: a server block that is there already takes part by one line, and none of 50 connections fails in a switch',
  { tags: ['kamal#1704', 'traffic', 'exact-versions'] },
  async (place) => {
    await using host = await siteAt(place)
    await using tls = await certified(host)
    const services = [site(host, { ...behind(host, { existing: { https: true, port: 443 } }), health })]
    const file = `/etc/nginx/sites-enabled/${host.app}`
    const server = (more: string): string => `server { listen 80; server_name ${host.name}; return 301 https://$host$request_uri; }
server {
listen 443 ssl; server_name ${host.name};
ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key};
open_file_cache max=100; add_header X-Mine yes always;
location /own/ { return 200 "mine\\n"; }
${more}
}`
    const absent = await failureOf(deployTo(host, image, { version: 'one', services }))
    expect(absent).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining(`no server of nginx has the name ${host.name}`) })
    await using _ = await configured(host, file, server(''))
    const error = await failureOf(deployTo(host, image, { version: 'one', services }))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining(file) })
    const [, line = ''] = new RegExp(`add to ${file}, [^]*?: (include \\S+;)`).exec(error.hint ?? '') ?? []
    await using _with = await configured(host, file, server(line))
    await deployTo(host, image, { version: 'one', services })
    expect(await host.page()).toBe('one')
    const requests = host.traffic({ ca: tls.text })
    await requests.seen('one')
    await deployTo(host, image, { version: 'two', services })
    await requests.seen('two')
    await rollBack(host, services)
    const tally = await requests.stop()
    expect(Object.fromEntries(tally.failures)).toEqual({})
    expect(tally.requests).toBeGreaterThan(200)
    expect(await host.page()).toBe('one')
    const asked = await host.ask(
      `curl -s -i --insecure --resolve ${host.name}:443:127.0.0.1 https://${host.name}/ https://${host.name}/own/`,
    )
    expect(asked.match(/X-Mine: yes/gi)).toHaveLength(2)
    expect(asked).toContain('mine')
  },
)

test.for(placesOf('forky, docker group', 'trixie, busybox'))(
  'on $name, maintenance page while health still answers: no connection fails, and it survives a deploy',
  { tags: ['maintenance'] },
  async (place) => {
    await using host = await siteAt(place)
    const services = [site(host)]
    await deployTo(host, image, { version: 'one', services })
    const home = `${host.stateRoot}/${host.app}/test`
    const requests = host.traffic({ path: '/health', connections: 10 })
    await host.ask(`echo somebody > ${home}/maintenance`)
    const closed = await ask(host, '/anything', '--request', 'POST')
    expect(closed).toMatch(/^HTTP\/1\.1 503 [^]*Retry-After: 300[^]*Back soon/)
    expect(await ask(host, '/health')).toMatch(/^HTTP\/1\.1 200 /)
    await deployTo(host, image, { version: 'two', services })
    expect(await ask(host, '/')).toMatch(/^HTTP\/1\.1 503 /)
    const error = await failureOf(deployTo(host, image, { version: 'bad', services: [site(host, { env: { MODE: 'brittle' } })] }))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('probe failed') })
    expect(Object.fromEntries((await requests.stop()).failures)).toEqual({})
    // Without a health page it is the closed page itself that the deploy must not take for an answer.
    const unasked = [site(host, { health: { kind: 'container', timeoutMs: 10_000, settleMs: 0 } })]
    await deployTo(host, image, { version: 'three', services: unasked })
    await host.ask(`rm ${home}/maintenance`)
    expect(await host.page()).toBe('three')
  },
)
