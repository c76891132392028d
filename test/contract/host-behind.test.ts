import { docker } from '../../lab/run.ts'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { failureOf, isCampaign } from './support/hosts.ts'
import { hardened, nginxOn, type OwnHost, ownHost, projectOn, pushNginx, webOn } from './support/own-nginx.ts'
import { deployTo, type PushedImage, removeImage, type Wish } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { killerOn, rollBack } from './support/site.ts'

const lab = inject('lab')
const nowhere: PushedImage = { repository: '', digest: '' }
let image = nowhere
let nginx = nowhere
let oldNginx = nowhere
beforeAll(async () => {
  image = await pushServer(lab.registry.address)
  nginx = await pushNginx(lab.registry.address, lab.hosts['forky']?.container ?? '')
  if (isCampaign) oldNginx = await pushNginx(lab.registry.address, lab.hosts['bookworm']?.container ?? '')
}, 120_000)
afterAll(async () => {
  for (const one of isCampaign ? [image, nginx, oldNginx] : [image, nginx]) await removeImage(one)
})

const of = ({ repository, digest }: PushedImage): string => `${repository}:latest@${digest}`

/** The project, one release after the other. */
function shop(host: OwnHost, proxy: PushedImage) {
  const notes: string[] = []
  const wish = (services: NonNullable<Wish['services']>): Partial<Wish> => ({
    services,
    project: projectOn(host, { nginx: of(proxy) }),
    onInfo: (line) => notes.push(line),
  })
  return {
    notes,
    deploy: (version: string, services = [webOn(host), nginxOn(host)]) => deployTo(host, image, { version, ...wish(services) }),
    back: (services = [webOn(host), nginxOn(host)]) => rollBack(host, services, wish(services)),
  }
}

const hostsFile = (host: OwnHost): Promise<string> =>
  host.ask(
    `docker exec $(docker ps --quiet --filter label=launchway.app=${host.app} --filter label=launchway.service=proxy) cat /etc/hosts`,
  )

const sinceWhen = (host: OwnHost): Promise<string> =>
  host.ask(
    `docker inspect --format '{{.State.StartedAt}}' $(docker ps --quiet --filter label=launchway.app=${host.app} --filter label=launchway.service=proxy)`,
  )

/** On the oldest engine another one rolls below, with less that it may do. */
describe.each(isCampaign ? ['bookworm', 'forky'] : ['forky'])('behind the nginx of the project, on %s', (suite) => {
  test(
    'docker/compose#734, docker-rollout#23: a service rolls without a failed request, there and back, while nginx runs on; another nginx is stopped first, once the new service is there',
    { tags: ['docker/compose#734', 'docker-rollout#23'], timeout: 600_000 },
    async () => {
      await using host = ownHost(suite)
      const project = shop(host, nginx)
      await project.deploy('one')
      const running = host.traffic({ connections: 50 })
      await running.seen('one')
      const since = await sinceWhen(host)
      const second = await project.deploy('two')
      await running.seen('two')
      expect(second).toMatchObject({ downtimeMs: 0 })
      expect(project.notes.join('\n')).toMatch(/switch proxy: done .*nginx reloaded/)
      await project.back()
      const tally = await running.stop()
      expect(await host.answer()).toBe('one')
      expect(Object.fromEntries(tally.failures)).toEqual({})
      expect(tally.requests).toBeGreaterThan(500)
      expect([...tally.versions.keys()].toSorted()).toEqual(['one', 'two'])
      expect(await sinceWhen(host)).toBe(since)
      expect(await hostsFile(host)).not.toContain('launchway')
      process.stdout.write(`${JSON.stringify({ suite, requests: tally.requests, failed: tally.failed, reconnects: tally.reconnects })}\n`)

      const changed = [webOn(host), nginxOn(host, { env: { VERSION: 'another' } })]
      const { downtimeMs } = await project.deploy('three', changed)
      expect(downtimeMs).toBeGreaterThan(0)
      expect(await host.answer()).toBe('three')
      const after = host.traffic()
      await after.seen('three')
      await project.deploy('four', changed)
      await after.seen('four')
      expect(Object.fromEntries((await after.stop()).failures)).toEqual({})
    },
  )
})

describe('the nginx of a project', () => {
  test(
    'that is not root, has no capability and may write nothing leads to the new version all the same, and finds it after the engine was restarted',
    { timeout: 600_000 },
    async () => {
      await using host = ownHost('bookworm')
      const project = shop(host, nginx)
      const services = [webOn(host), nginxOn(host, hardened)]
      await project.deploy('one', services)
      const running = host.traffic()
      await running.seen('one')
      await project.deploy('two', services)
      await running.seen('two')
      expect(Object.fromEntries((await running.stop()).failures)).toEqual({})
      expect(await hostsFile(host)).not.toContain('launchway')

      await docker('exec', host.container, 'lab-service', 'docker', 'restart')
      await expect.poll(() => host.answer().catch(() => ''), { timeout: 60_000, interval: 250 }).toBe('two')
      await project.back(services)
      expect(await host.answer()).toBe('one')
    },
  )

  test(
    'that another program was killed over leads to the old version again before the new one goes; with a file that is broken by then it is not reloaded',
    { timeout: 600_000 },
    async () => {
      await using killer = await killerOn(lab.hosts['forky']?.container ?? '')
      await using host = ownHost('forky', 'root', killer.bin)
      const project = shop(host, nginx)
      const loose = nginxOn(host, {
        command: ['sh', '-c', 'cp /etc/nginx/late.conf /tmp/own.conf; exec nginx -c /tmp/own.conf -g "daemon off;"'],
      })
      await project.deploy('one', [webOn(host), loose])
      const running = host.traffic()
      await running.seen('one')
      await killer.arm('after', 'docker exec*reload')
      expect(await failureOf(project.deploy('two', [webOn(host), loose]))).toMatchObject({ code: 'DEPLOY_UNKNOWN' })
      await running.seen('two')
      const undone = await failureOf(project.deploy('three', [webOn(host, { env: { MODE: 'crash' } }), loose]))
      expect(undone).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
      expect(await host.answer()).toBe('one')
      const tally = await running.stop()
      expect(Object.fromEntries(tally.failures)).toEqual({})
      expect(await hostsFile(host)).not.toContain('launchway')

      await host.ask(
        `docker exec $(docker ps --quiet --filter label=launchway.app=${host.app} --filter label=launchway.service=proxy) sh -c 'echo nonsense >> /tmp/own.conf'`,
      )
      const error = await failureOf(project.deploy('four', [webOn(host), loose]))
      expect(error.message).toContain('proxy: switch failed')
      expect(error.hint).toMatch(/refuses its own configuration, and was not reloaded: .*\/tmp\/own\.conf/)
      expect(await host.answer()).toBe('one')
      expect(await hostsFile(host)).not.toContain('launchway')
    },
  )

  test('may be one that no release replaces', { timeout: 600_000 }, async () => {
    await using host = ownHost('forky')
    const { image: _, env: __, ...proxy } = nginxOn(host)
    const wish = { project: projectOn(host), accessories: [{ ...proxy, image: `${nginx.repository}@${nginx.digest}`, volumes: [] }] }
    await deployTo(host, image, { version: 'one', services: [webOn(host)], ...wish })
    const running = host.traffic()
    await running.seen('one')
    await deployTo(host, image, { version: 'two', services: [webOn(host)], ...wish })
    await running.seen('two')
    expect(Object.fromEntries((await running.stop()).failures)).toEqual({})
  })
})

/** What docs/adr/0039 tells: LAUNCHWAY_CAMPAIGN=1. */
const ways = [
  { way: 'late', version: '1.30', proxy: () => nginx, config: 'late.conf' },
  { way: 'plain', version: '1.30', proxy: () => nginx, config: 'nginx.conf' },
  { way: 'plain', version: '1.22', proxy: () => oldNginx, config: 'nginx.conf' },
  { way: 'resolver', version: '1.30', proxy: () => nginx, config: 'resolver.conf' },
]
describe.each(['bookworm', 'forky'])('five switches on %s', (suite) => {
  test.for(ways)('by nginx $version, $config', { timeout: 900_000 }, async ({ version, proxy, config }, { skip }) => {
    skip(!isCampaign, 'part of the campaign; a switch under traffic is above')
    await using host = ownHost(suite)
    const project = shop(host, proxy())
    const services = [webOn(host), nginxOn(host, { command: ['nginx', '-c', `/etc/nginx/${config}`, '-g', 'daemon off;'] })]
    await project.deploy('one', services)
    await project.deploy('two', services)
    const running = host.traffic({ seconds: 800, requests: 2_000_000 })
    for (let nth = 0; nth < 5; nth += 1) await project.back(services)
    const tally = await running.stop()
    process.stdout.write(
      `${JSON.stringify({ suite, version, config, requests: tally.requests, failed: tally.failed, failures: Object.fromEntries(tally.failures), reconnects: tally.reconnects })}\n`,
    )
    expect(config === 'late.conf' ? tally.failed : 0).toBe(0)
  })
})
