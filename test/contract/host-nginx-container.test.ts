import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import type { Service } from '../../src/core/deployment.ts'
import { maintain } from '../../src/deploy/maintenance.ts'
import { remove } from '../../src/deploy/operate/remove.ts'
import { start } from '../../src/deploy/operate/stop.ts'
import { type Edge, edgeOn } from './support/edge.ts'
import { failureOf, pathsOf } from './support/hosts.ts'
import { deployTo, portsFor, type PushedImage, releaseFor, removeImage, type Wish } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { certified, killerOn, rollBack, site, siteHost, type SiteHost } from './support/site.ts'

const lab = inject('lab')
let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushServer(lab.registry.address)
})
afterAll(() => removeImage(image))

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

const usual = ['--network', 'host', '--restart', 'unless-stopped']
const stateMount = ['--volume', '/var/lib/launchway:/var/lib/launchway:ro']

/** A service that the nginx in the container leads to. */
function boxed(host: SiteHost, edge: Edge, more: Partial<Service> = {}): Partial<Service> & { name: string } {
  return site(host, { ...more, nginx: { serverNames: [host.name], ...more.nginx, container: edge.name } })
}

/** What a verb works on. */
function targetOf(host: SiteHost, wish: Wish): Parameters<typeof remove>[0] {
  const { environment } = releaseFor(host, image, wish).plan
  if (environment === undefined) throw new Error('no environment')
  return { app: host.app, environment }
}

/** Two ways to run it: a shell above nginx and two folders of the host, at other paths; nginx alone, and its files where they are. */
const ways = [
  ['bookworm', 'shell', (edge: Edge) => ['--volume', `${edge.sites}:/etc/nginx/conf.d:ro`, '--volume', '/var/lib/launchway:/state:ro']],
  ['forky', 'nginx', () => ['--volume', '/etc/nginx:/etc/nginx:ro', ...stateMount]],
] as const

describe.each(ways)('nginx in a container on %s, with %s as its first process,', (suite, first, mounts) => {
  test(
    'leads every request to a version that serves: a new one, a broken one, the way back, one that is killed',
    { timeout: 300_000 },
    async ({ skip }) => {
      skip(!isCampaign && suite !== 'forky', 'on forky; the campaign has it everywhere')
      await using killer = await killerOn(lab.hosts[suite]?.container ?? '')
      await using host = siteHost(suite, { bin: killer.bin })
      await using edge = await edgeOn(host, [first])
      await edge.run({ first, options: [...usual, ...mounts(edge)] })
      const warned: string[] = []
      const onWarning = (line: string): void => void warned.push(line)
      const one = await deployTo(host, image, { version: 'one', services: [boxed(host, edge)], onWarning })
      expect(await host.page()).toBe('one')
      expect(warned).toEqual([])

      const running = host.traffic({ seconds: 200 })
      await running.seen('one')
      await deployTo(host, image, { version: 'two', services: [boxed(host, edge)], onWarning })
      await running.seen('two')
      const error = await failureOf(deployTo(host, image, { version: 'bad', services: [boxed(host, edge, { env: { MODE: 'brittle' } })] }))
      expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('web: probe failed') })
      expect(await rollBack(host, [boxed(host, edge)])).toMatchObject({ version: 'one', release: one.release })
      await killer.arm('after', 'mv *slot.?')
      await deployTo(host, image, { version: 'killed', services: [boxed(host, edge)] }).catch(() => undefined)
      expect(['one', 'killed']).toContain(await host.page())
      // From 1.27.4 on a reload costs nothing, and that the old workers of the container are waited for is seen.
      const more = suite === 'forky' ? { nginx: { serverNames: [host.name, `www.${host.name}`] } } : {}
      await deployTo(host, image, { version: 'three', services: [boxed(host, edge, more)] })
      await running.seen('three')
      const tally = await running.stop()
      expect(Object.fromEntries(tally.failures)).toEqual({})
      expect([...tally.versions.keys()]).toEqual(expect.arrayContaining(['one', 'two', 'three']))
      expect(tally.versions.has('bad')).toBe(false)
      expect(tally.requests).toBeGreaterThan(200)
    },
  )

  test(
    'undoes what is killed between a changed file and the reload, comes back with its container, shows the maintenance page, and is left without a trace',
    {
      timeout: 300_000,
    },
    async ({ skip }) => {
      skip(!isCampaign && suite !== 'bookworm', 'on bookworm; the campaign has it everywhere')
      await using killer = await killerOn(lab.hosts[suite]?.container ?? '')
      await using host = siteHost(suite, { bin: killer.bin })
      await using edge = await edgeOn(host, [first])
      await edge.run({ first, options: [...usual, ...mounts(edge)] })
      await deployTo(host, image, { version: 'one', services: [boxed(host, edge)] })
      // What is killed between a changed file and the reload is undone by whoever comes next.
      const before = await edge.configuration()
      const other = { nginx: { serverNames: [host.name, `other.${host.name}`] } }
      await killer.arm('before', 'docker exec * -s reload')
      await deployTo(host, image, { version: 'killed as well', services: [boxed(host, edge, other)] }).catch(() => undefined)
      expect(await edge.configuration()).toContain(`other.${host.name}`)
      const wish = { version: 'as configured now', services: [boxed(host, edge)] }
      const target = targetOf(host, wish)
      const ports = portsFor(() => host.remote(), wish)
      await start(target, { service: undefined, host: undefined }, ports)
      expect(await edge.configuration()).toBe(before)

      const version = await host.page()
      await docker('exec', host.container, 'docker', 'restart', '--time', '1', edge.name)
      await expect.poll(() => host.page().catch(() => ''), { timeout: 20_000, interval: 100 }).toBe(version)

      await maintain(target.app, target.environment, 'on', ports)
      expect(await host.page()).toContain('Back soon')
      await maintain(target.app, target.environment, 'off', ports)
      expect(await host.page()).toBe(version)

      // What was written down on the host says where nginx is, also once the configuration has no word of it.
      const unled = targetOf(host, { version: '', services: [{ name: 'web' }] })
      const answer = await remove(unled, { service: undefined, host: undefined, yes: true, isTerminal: true }, ports)
      expect(answer.text).toContain(`nginx ${first === 'shell' ? edge.sites : '/etc/nginx/conf.d'}/launchway.${host.app}.`)
      expect(await edge.configuration()).not.toContain(host.name)
      expect(await host.ask(`find ${edge.sites} /etc/nginx -name '*${host.app}*'; ls ${pathsOf(host).home}`)).not.toMatch(/nginx|launchway/)
    },
  )
})

test(
  'an nginx that moves into a container with its files, and out again, leads on from there: by an account that may sudo and nothing else',
  { tags: ['sudo-only'], timeout: 300_000 },
  async () => {
    await using host = siteHost('forky', { user: 'ops' })
    await deployTo(host, image, { version: 'one', services: [site(host)] })
    const warned: string[] = []
    const onWarning = (line: string): void => void warned.push(line)
    {
      await using edge = await edgeOn(host, ['nginx'])
      await edge.run({ options: ['--network', 'host', '--volume', '/etc/nginx:/etc/nginx:ro', ...stateMount] })
      await deployTo(host, image, { version: 'two', services: [boxed(host, edge)], onWarning })
      expect(await host.page()).toBe('two')
      expect(warned).toEqual([
        expect.stringContaining(`docker update --restart unless-stopped ${edge.name}`),
        expect.stringContaining(`nginx was a program of the host, and is in the container ${edge.name} now`),
      ])
      // The version before knew of no container.
      expect(await rollBack(host, [boxed(host, edge)])).toMatchObject({ version: 'one' })
      expect(await host.page()).toBe('one')
    }
    await deployTo(host, image, { version: 'three', services: [site(host)], onWarning })
    expect(await host.page()).toBe('three')
    expect(warned.at(-1)).toContain('and is a program of the host now')
    expect(await host.ask(`ls ${pathsOf(host).home}`)).not.toContain('nginx.container')
  },
)

test('a container that cannot be the way in is refused before anything is touched', async () => {
  await using host = siteHost('bookworm')
  await using edge = await edgeOn(host, ['nginx', 'shell'])
  const sites = ['--volume', `${edge.sites}:/etc/nginx/conf.d:ro`]
  const file = `${edge.sites}/own.conf`
  await host.ask(`: > ${file}`)
  const refusal = async (): Promise<string> => {
    const error = await failureOf(deployTo(host, image, { version: 'one', services: [boxed(host, edge)] }))
    expect(error.code).toBe('HOST_UNFIT')
    return `${error.message}\n${error.hint ?? ''}`
  }
  expect(await refusal()).toContain(`there is no container ${edge.name}`)

  await edge.run({ options: ['--volume', `${file}:/etc/nginx/conf.d/own.conf:ro`] })
  const alone = await refusal()
  expect(alone).toContain('is in the network bridge')
  expect(alone).toContain('-v /var/lib/launchway/')
  expect(alone).toContain('-v /etc/nginx/conf.d:/etc/nginx/conf.d:ro')
  expect(alone).toContain('Mounted alone is /etc/nginx/conf.d/own.conf')

  await using over = await certified(host, { days: -1 })
  await edge.run({
    options: [
      ...usual,
      ...sites,
      ...stateMount,
      '--volume',
      `${over.certificate}:/srv/over.pem:ro`,
      '--volume',
      `${over.key}:/srv/over.key:ro`,
    ],
  })
  const ended = { serverNames: [host.name], tls: { certificate: '/srv/over.pem', key: '/srv/over.key' } }
  const late = await failureOf(deployTo(host, image, { version: 'one', services: [boxed(host, edge, { nginx: ended })] }))
  expect(late.message).toContain(`/srv/over.pem, the certificate of ${host.name}, ended on`)
  const tls = { certificate: '/etc/ssl/only-on-the-host.pem', key: '/etc/nginx/nginx.conf' }
  const absent = await failureOf(
    deployTo(host, image, { version: 'one', services: [boxed(host, edge, { nginx: { serverNames: [host.name], tls } })] }),
  )
  expect(absent.message).toContain(`${tls.certificate}, the certificate or key of`)
  expect(absent.message).not.toContain(tls.key)
  await host.ask(`mv ${edge.sites} ${edge.sites}.old && mkdir ${edge.sites} && rm -r ${edge.sites}.old`)
  expect(await refusal()).toContain(`${edge.sites} has been replaced since`)
  await docker('exec', host.container, 'docker', 'stop', '--time', '1', edge.name)
  expect(await refusal()).toContain(`the container ${edge.name} is exited`)

  await edge.run({
    options: ['--network', 'host', '--restart', 'always', ...sites, ...stateMount],
    command: ['nginx', '-t', '-c', '/nowhere'],
  })
  await expect
    .poll(() => docker('exec', host.container, 'docker', 'inspect', '--format', '{{.RestartCount}}', edge.name), { timeout: 20_000 })
    .not.toBe('0')
  expect(await refusal()).toContain(`the container ${edge.name} ends again and again`)

  await edge.run({ first: 'shell', options: [...usual, ...sites, ...stateMount], command: ['busybox', 'sleep', '600'] })
  expect(await refusal()).toContain(`nginx is not running in the container ${edge.name}`)
  await edge.run({ options: [...usual, ...sites, ...stateMount], command: ['nginx', '-c', '/etc/nginx/nginx.conf', '-g', 'daemon off;'] })
  expect(await refusal()).toContain('with a configuration of its own')
  expect(await host.containers()).toEqual([])
  expect(await host.ask(`ls ${host.stateRoot} 2> /dev/null; ls -A ${edge.sites}`)).toBe('')
})
