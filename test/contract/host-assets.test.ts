import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import type { Nginx } from '../../src/core/deployment.ts'
import type { LaunchwayError } from '../../src/core/error.ts'
import { prune } from '../../src/deploy/operate/prune.ts'
import { remove } from '../../src/deploy/operate/remove.ts'
import { expectAnswers, pushVersions, tinyDisk, visitors, withAssets } from './support/assets.ts'
import { failureOf, pathsOf } from './support/hosts.ts'
import { deployTo, portsFor, type PushedImage, releaseFor, removeImage } from './support/release.ts'
import { configured, rollBack, site, siteHost, type SiteHost } from './support/site.ts'
import { suites } from './support/ssh.ts'

let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushVersions(inject('lab').registry.address, ['one', 'two', 'three'])
})
afterAll(() => removeImage(image))

const deploy = (host: SiteHost, version: string, more: Parameters<typeof withAssets>[2] = {}) =>
  deployTo(host, image, { version, services: [withAssets(host, version, more)] })
const keptIn = (host: SiteHost): Promise<string> =>
  host.ask(
    `cd ${pathsOf(host).assets('web')} 2> /dev/null || exit 0; for one in *; do echo "$one" "$(find "$one" -name '*.js' | sed 's|.*/||' | sort | tr '\\n' ' ')"; done`,
  )

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

/** The oldest engine and nginx here, the others below in parts; the campaign has all of it everywhere. */
describe.each(isCampaign ? suites : ['bookworm'])('the files of two versions, on %s', (suite) => {
  test('are there for every page through a deploy, a rollback and the way back; what nobody has is not, nor what nobody shall get', async () => {
    await using host = siteHost(suite)
    await deploy(host, 'one')
    await deploy(host, 'two')
    // One that somebody puts on the host by hand is not followed either.
    const files = `${pathsOf(host).assets('web')}/a/files/static`
    await host.ask(`ln -s /etc/passwd ${files}/link.txt; ln -s /etc ${files}/links`)
    const none = /^HTTP\/1\.1 404 [^]*X-App: two[^]*the application has no /
    const nowhere = /^HTTP\/1\.1 (400|404|200 [^]*X-App)(?![^]*(root:|20260101-))/
    await expectAnswers(host, {
      '/static/app-one.js': /^HTTP\/1\.1 200 (?![^]*X-App)[^]*Content-Type: (application|text)\/javascript[^]*script of one$/,
      '--head /static/app-one.js': /^HTTP\/1\.1 200 [^]*Content-Length: 14/,
      '--range 0-5 /static/app-one.js': /^HTTP\/1\.1 206 [^]*script$/,
      '--request POST /static/app-one.js': /^HTTP\/1\.1 404 [^]*posted to two$/,
      // The application has the first word about what it has, and about what it answers for.
      '/static/app-two.js?x=1': /^HTTP\/1\.1 200 [^]*X-App: two[^]*X-Asked: \/static\/app-two\.js\?x=1[^]*script of two$/,
      '/static/app.css': /X-App: two[^]*style of two$/,
      '/static/deep/a%20b.txt': /X-App: two\r\nX-Asked: \/static\/deep\/a%20b\.txt[^]*text of two$/,
      '/static/broken.js': /^HTTP\/1\.1 500 [^]*the application is broken$/,
      '/static/app-none.js': none,
      '/static/': none,
      '/static/deep/': none,
      '/static/deep': none,
      '/static/shadow': none,
      '/static/etc/passwd': none,
      '/static/.env': none,
      '/static/link.txt': /^HTTP\/1\.1 404 (?![^]*root:)/,
      '/static/links/passwd': /^HTTP\/1\.1 404 (?![^]*root:)/,
      '/static/../../../../etc/passwd': nowhere,
      '/static/..%2f..%2f..%2f..%2f..%2fetc/passwd': nowhere,
      '/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd': nowhere,
      '/static/..%5c..%5c/etc/passwd': nowhere,
      '/static//etc/passwd': nowhere,
      '/static/../release': nowhere,
      '/static/..%2f..%2frelease': nowhere,
      '/.launchway/x/asset': nowhere,
    })
    expect(await host.ask(`stat -c '%a %F' ${files} ${files}/app-one.js ${files}/deep`)).toBe(
      '755 directory\n644 regular file\n755 directory',
    )

    const scripts = ['one', 'two'].map((of) => host.traffic({ path: `/static/app-${of}.js`, method: 'GET', connections: 10 }))
    const people = visitors(host, suite)
    await rollBack(host, [withAssets(host, 'one')])
    await rollBack(host, [withAssets(host, 'two')])
    for (const [index, of] of ['one', 'two'].entries()) {
      const tally = await scripts[index]?.stop()
      expect(Object.fromEntries(tally?.failures ?? []), of).toEqual({})
      expect([...(tally?.versions.keys() ?? [])]).toEqual([`script of ${of}`])
      expect(tally?.requests).toBeGreaterThan(50)
    }
    const current = host.traffic({ path: '/static/app-two.js', method: 'GET', connections: 10 })
    await deploy(host, 'three')
    expect(Object.fromEntries((await current.stop()).failures)).toEqual({})
    const { visits, failed } = await people.stop()
    expect(failed).toEqual([])
    expect([...visits.keys()].toSorted()).toEqual(['one', 'three', 'two'])
    // What the slot had is of the version before the one before.
    expect(await keptIn(host)).toBe('a app-three.js broken.js \nb app-two.js broken.js')
    await expectAnswers(host, {
      '/static/app-one.js': /^HTTP\/1\.1 404 [^]*X-App: three/,
      '/static/up': /^HTTP\/1\.1 404 [^]*X-App: three/,
    })
  })
})

describe('with the rest of what nginx is told', () => {
  test('below a stripped prefix: headers, JSON errors and maintenance hold, and a service beside it has none', async () => {
    expect.hasAssertions()
    await using host = siteHost('forky')
    const nginx: Nginx = { serverNames: [host.name], errors: 'json', headers: { 'X-Frame-Options': 'DENY', 'X-App': '' } }
    const services = (version: string) => [
      site(host, {
        nginx: { ...nginx, path: '/shop', stripPrefix: true },
        assets: [{ path: '/shop/static', folder: `/app/${version}` }],
      }),
      site(host, { name: 'rest', nginx }),
    ]
    await deployTo(host, image, { version: 'one', services: services('one') })
    await deployTo(host, image, { version: 'two', services: services('two') })
    await expectAnswers(host, {
      '/shop/static/app-one.js': /^HTTP\/1\.1 200 (?![^]*X-Asked)[^]*X-Frame-Options: DENY[^]*script of one$/,
      '/shop/static/app-two.js': /^HTTP\/1\.1 200 (?![^]*X-App)[^]*X-Asked: \/static\/app-two\.js[^]*script of two$/,
      '/shop/static/none.js': /^HTTP\/1\.1 404 [^]*X-Frame-Options: DENY[^]*the application has no \/static\/none\.js$/,
      '/shop/static/broken.js': /^HTTP\/1\.1 500 [^]*the application is broken$/,
      '/static/app-one.js': /^HTTP\/1\.1 404 [^]*the application has no \/static\/app-one\.js$/,
    })
    const { maintenance } = pathsOf(host)
    await host.ask(`echo somebody > ${maintenance}`)
    await expectAnswers(host, {
      '/shop/static/app-one.js': /^HTTP\/1\.1 503 [^]*Retry-After: 300[^]*\{"error":\{"code":503/,
    })
    await host.ask(`rm ${maintenance}; docker stop -t 0 $(docker ps --quiet --filter label=launchway.app=${host.app})`)
    await expectAnswers(host, {
      // Nobody answers: what is there is given, all else is the error that it always was.
      '/shop/static/app-two.js': /^HTTP\/1\.1 200 [^]*script of two$/,
      '/shop/static/none.js': /^HTTP\/1\.1 502 [^]*\{"error":\{"code":502,"message":"Bad Gateway"\}\}$/,
    })
  })

  test("in a server of the user's: its error pages, its headers and its own locations stay", async () => {
    expect.hasAssertions()
    await using host = siteHost('bookworm')
    const nginx = { serverNames: [host.name], existing: { https: false, port: 80 } }
    const server = `server { listen 80; server_name ${host.name}; add_header X-Mine yes always;
  error_page 404 500 502 = @mine; location @mine { return 418 "my page\\n"; } location /static/own/ { return 200 "mine\\n"; }
  include /etc/nginx/launchway.d/servers/${host.name}/*.conf; }`
    await using _ = await configured(host, `/etc/nginx/sites-enabled/${host.app}`, server)
    await deploy(host, 'one', { nginx })
    await deploy(host, 'two', { nginx, env: { MODE: 'blind' } })
    await expectAnswers(host, {
      '/static/app-one.js': /^HTTP\/1\.1 200 [^]*X-Mine: yes[^]*script of one$/,
      // Where the application gives none of its files, nginx gives them, those of the version that serves first.
      '/static/app.css': /^HTTP\/1\.1 200 [^]*Content-Type: text\/css[^]*X-Mine: yes[^]*style of two$/,
      '/static/none.js': /^HTTP\/1\.1 404 [^]*X-Mine: yes[^]*the application has no \/static\/none\.js$/,
      '/static/broken.js': /^HTTP\/1\.1 500 [^]*the application is broken$/,
      '/static/own/x.js': /mine$/,
    })
    await rollBack(host, [withAssets(host, 'one', { nginx })])
    await expectAnswers(host, {
      '/static/app.css': /X-App: one[^]*style of one$/,
    })
    await host.ask(`docker stop -t 0 $(docker ps --quiet --filter label=launchway.app=${host.app})`)
    await expectAnswers(host, {
      '/static/none.js': /^HTTP\/1\.1 418 [^]*my page$/,
    })
  })
})

/** A deploy whose disk is full while the files are copied. */
async function onFullDisk(host: SiteHost): Promise<LaunchwayError> {
  await using _ = await tinyDisk(host, `${pathsOf(host).home}/assets`)
  return await failureOf(deploy(host, 'three', { assets: [{ path: '/static', folder: '/usr/lib' }] }))
}

describe.each(['dash', 'busybox'])('what an attempt leaves of files, with %s', (shell) => {
  test('that fails is nothing, and those before it are back; a rollback copies what is gone; prune and remove clean up', async ({
    skip,
  }) => {
    skip(!isCampaign && shell === 'dash', 'by busybox; the campaign has it by both')
    const container = inject('lab').hosts['trixie']?.container ?? ''
    const bin = shell === 'busybox' ? await docker('exec', container, 'mktemp', '-d', '/tmp/launchway-busybox-XXXXXX') : ''
    const tools =
      'sh awk basename cat chmod date dd df dirname find flock grep id ls mkdir mv rm rmdir sed setsid sleep tail tar timeout tr'
    if (bin !== '')
      await docker(
        'exec',
        container,
        'sh',
        '-euc',
        `for tool in ${tools}; do ! busybox --list | grep -qx $tool || ln -s /bin/busybox ${bin}/$tool; done`,
      )
    try {
      await using host = siteHost('trixie', { bin })
      const files = pathsOf(host).assets('web')
      const missing = await failureOf(deployTo(host, image, { version: 'one', services: [withAssets(host, 'four')] }))
      expect(missing).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: 'web: assets failed on host; none was running before' })
      expect(missing.hint).toContain('the image has no folder /app/four, which assets of web names for what visitors ask for below /static')
      expect(await host.ask(`ls ${pathsOf(host).home}`)).not.toContain('assets')
      const file = await failureOf(deployTo(host, image, { version: 'one', services: [withAssets(host, 'one/app.css')] }))
      expect(file.hint).toContain('the image has no folder /app/one/app.css')
      await deploy(host, 'one')
      await deploy(host, 'two')
      const health = { kind: 'http', path: '/health', intervalMs: 100, timeoutMs: 1000, settleMs: 0 } as const
      const error = await failureOf(deploy(host, 'three', { env: { MODE: 'sick' }, health }))
      expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('web: healthy failed') })
      expect(await keptIn(host)).toBe('a app-one.js broken.js \nb app-two.js broken.js')
      await expectAnswers(host, {
        '/static/app-one.js': /^HTTP\/1\.1 200 /,
      })
      const full = await onFullDisk(host)
      expect(full).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('web: assets failed') })
      expect(full.hint).toMatch(/kB of disk are free[^]*no space left on device/)
      expect(await host.page()).toBe('two')
      // Somebody has tidied up.
      await host.ask(`rm -r ${files}`)
      await rollBack(host, [withAssets(host, 'one')])
      expect(await keptIn(host)).toBe('a app-one.js broken.js')
      await host.ask(`mkdir -p ${files}/b.old/files ${pathsOf(host).assets('gone')}/a/files`)
      const wish = { version: 'as configured now', services: [withAssets(host, 'one')] }
      const { environment } = releaseFor(host, image, wish).plan
      if (environment === undefined) throw new Error('no environment')
      const ports = portsFor(() => host.remote(), wish)
      expect((await prune({ app: host.app, environment }, { host: undefined }, ports)).exit).toBeUndefined()
      expect(await host.ask(`ls ${files} ${files}/..`)).not.toMatch(/old|gone/)
      const all = { service: undefined, host: undefined, yes: true, isTerminal: false }
      expect((await remove({ app: host.app, environment }, all, ports)).exit).toBeUndefined()
      expect(await host.ask(`ls ${pathsOf(host).home}`)).not.toContain('assets')
    } finally {
      if (bin !== '') await docker('exec', container, 'rm', '-r', bin)
    }
  })
})
