import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { placesOf } from '../support/places.ts'
import { pathsOf } from './support/hosts.ts'
import { siteAt } from './support/place.ts'
import { deployTo, type PushedImage, removeImage } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { killerOn, rollBack, site, siteHost, type SiteHost } from './support/site.ts'
import { suites } from './support/ssh.ts'

const lab = inject('lab')
let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushServer(lab.registry.address)
})
afterAll(() => removeImage(image))

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

/** When, at which step of the journal, and at which call that it makes there the program is killed. */
type Point = readonly ['before' | 'after', string, string]

/** One that is undone, one that is finished. */
const sample: readonly Point[] = [
  ['after', 'switch', 'mv *slot.?'],
  ['before', 'drain', 'cat /proc/net/tcp'],
]
/** The campaign takes these as well. */
const others: readonly Point[] = [
  ['after', 'probe', 'curl *Launchway-Slot: live*'],
  ['after', 'record', 'mv *current'],
  ['after', 'probe', 'curl *Launchway-Slot: [ab]*'],
  ['before', 'switch', 'mv *slot.?'],
  ['before', 'probe', 'curl *Launchway-Slot: live*'],
  ['before', 'keep', 'docker update --restart unless-stopped*'],
  ['after', 'keep', 'docker update --restart unless-stopped*'],
  ['before', 'record', 'mv *current'],
  ['before', 'stop', 'docker stop*'],
  ['after', 'stop', 'docker stop*'],
]
const points = isCampaign ? [...sample, ...others] : sample

async function lastLine(host: SiteHost): Promise<string> {
  return host.ask(`tail -n 1 ${pathsOf(host).journal}`)
}

test.for(placesOf('forky, docker group'))(
  'a program that is killed on $name at any step leaves a version serving, and the next deploy goes on from there: no request fails',
  { tags: ['leftovers', 'bikeindex#4313'], timeout: 900_000 },
  async (place) => {
    await using killer = await killerOn(lab.hosts[place.suite]?.container ?? '')
    await using host = await siteAt(place, { bin: killer.bin })
    await deployTo(host, image, { version: 'first', services: [site(host)], keep: 2 })
    const running = host.traffic({ seconds: 600 })
    await running.seen('first')
    let before = 'first'
    for (const [when, step, call] of points) {
      const at = `${when} ${step}: ${call}`
      await killer.arm(when, call)
      await deployTo(host, image, { version: `killed ${at}`, services: [site(host)], keep: 2 }).catch(() => undefined)
      expect(await lastLine(host), at).not.toContain('"step":"end"')
      expect([before, `killed ${at}`]).toContain(await host.page())
      before = `after ${at}`
      await deployTo(host, image, { version: before, services: [site(host)], keep: 2 })
      expect(await host.page()).toBe(before)
      expect(Object.fromEntries(running.tally.failures), at).toEqual({})
    }
    // A rollback is undone and finished the same way.
    for (const [when, step, call] of points.slice(0, isCampaign ? undefined : 1)) {
      const at = `rollback, ${when} ${step}: ${call}`
      await killer.arm(when, call)
      await rollBack(host, [site(host)]).catch(() => undefined)
      expect(await lastLine(host), at).not.toContain('"step":"end"')
      await deployTo(host, image, { version: at, services: [site(host)], keep: 2 })
      expect(await host.page()).toBe(at)
      expect(Object.fromEntries(running.tally.failures), at).toEqual({})
    }
    const tally = await running.stop()
    process.stdout.write(`${place.name}: killed at ${points.length} points, ${tally.requests} requests, ${tally.failed} failed\n`)
    expect(tally.failed).toBe(0)
    expect((await host.containers()).filter(({ state }) => state === 'running')).toHaveLength(1)
  },
)

describe.each(isCampaign ? suites : ['forky'])('a program that is killed on %s', (suite) => {
  test('in its first deploy leaves nothing in nginx once the next one has failed as well', async () => {
    await using killer = await killerOn(lab.hosts[suite]?.container ?? '')
    await using host = siteHost(suite, { bin: killer.bin })
    // One that fails before nginx was changed for it, and one that fails after.
    const kinds = [
      ['after', 'mv *.conf', 'crash'],
      ['before', 'mv *current', 'brittle'],
      ['before', 'nginx -s reload', 'crash'],
      ['after', 'nginx -s reload', 'brittle'],
    ] as const
    for (const [when, call, mode] of kinds.slice(0, isCampaign ? undefined : 2)) {
      await killer.arm(when, call)
      await deployTo(host, image, { version: 'one', services: [site(host)] }).catch(() => undefined)
      await expect(deployTo(host, image, { version: 'two', services: [site(host, { env: { MODE: mode } })] })).rejects.toMatchObject({
        code: 'DEPLOY_ROLLED_BACK',
      })
      expect((await host.ask('nginx -T 2> /dev/null')).includes(host.name), `${when} ${call}`).toBe(false)
      expect(await host.page(), 'the default server answers again').toContain('nginx')
      expect(await host.containers()).toEqual([])
    }
  }, 300_000)
})

test.for(placesOf('bookworm, sudo only'))(
  'a host that starts anew, $name, brings the same version back: after a reboot, a restart of nginx and one of the engine',
  { tags: ['reboot'], timeout: 300_000 },
  async (place) => {
    await using host = await siteAt(place)
    const service = [site(host)]
    await deployTo(host, image, { version: 'one', services: service })
    const second = await deployTo(host, image, { version: 'two', services: service })
    const serves = async (version: string): Promise<void> => {
      await expect.poll(() => host.page().catch(() => ''), { timeout: 90_000, interval: 250 }).toBe(version)
    }
    const reboot = (): Promise<string> => docker('restart', '--time', '30', host.container)
    for (const anew of [
      ...(isCampaign ? [reboot] : []),
      () => host.ask('lab-service nginx restart'),
      () => host.ask('lab-service docker restart'),
    ]) {
      await anew()
      await serves('two')
    }
    expect((await host.containers()).filter(({ state }) => state === 'running')).toMatchObject([{ release: second.release }])
    // Also one that a rollback has woken.
    expect((await rollBack(host, service)).version).toBe('one')
    await reboot()
    await serves('one')
  },
)
