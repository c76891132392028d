import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { load, releasesOn, replaced, runs, some } from './support/carried.ts'
import { failureOf, isCampaign, pathsOf } from './support/hosts.ts'
import { type PushedImage, removeImage } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { siteHost } from './support/site.ts'
import { suites } from './support/ssh.ts'

// Several services each time, several times each.
vi.setConfig({ testTimeout: 600_000 })

let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushServer(inject('lab').registry.address)
})
afterAll(() => removeImage(image))

const current = (host: ReturnType<typeof siteHost>): Promise<string> => host.ask(`cat ${pathsOf(host).current}`)

/** Every other test here has one of the three hosts; what all three show alike is the campaign's. */
const met = isCampaign ? suites : ['bookworm']

describe.each(met)('services of four kinds on %s', (suite) => {
  test(
    'of which one changes: that one is replaced, and nobody notices; then none, one that fails, and the ways back',
    { tags: ['traffic', 'exact-versions'] },
    async () => {
      await using host = siteHost(suite)
      const { deploy, back, notes } = releasesOn(host, image)
      // Behind nginx, at a port of its own, one that must not overlap, and one that may.
      const services = (changed?: Parameters<typeof some>[2]): ReturnType<typeof some> =>
        some(['web', 'cache', 'beat', 'worker'], host, changed)
      const one = await deploy('one', services())
      const first = await runs(host)
      expect(Object.keys(first)).toEqual(['beat', 'cache', 'web', 'worker'])
      const traffic = host.traffic(load)
      await traffic.seen('one')

      const newWorker = services({ worker: { env: { VERSION: 'two' } } })
      const two = await deploy('two', newWorker)
      const second = await runs(host)
      expect(replaced(first, second)).toEqual(['worker'])
      expect(two).toMatchObject({ previous: one.release, downtimeMs: 0, slot: one.slot })
      expect(two.stopped).toEqual([`${host.app}.test.worker.${one.release}`])
      expect(two.services.map(({ name, since }) => [name, since])).toEqual(
        ['web', 'cache', 'beat', 'worker'].map((name) => [name, name === 'worker' ? undefined : one.release]),
      )
      expect(notes).toContain(`web: unchanged, left running since release ${one.release}`)
      expect(notes).toContain('worker: started beside the old one, which is stopped afterwards')

      const three = await deploy('three', newWorker)
      expect(replaced(second, await runs(host))).toEqual([])
      expect(three).toMatchObject({ previous: two.release, stopped: [] })
      expect(notes).toContain(`worker: unchanged, left running since release ${two.release}`)
      expect(await current(host)).toBe(three.release)

      // What fails touches nothing of what it would have left running. Longer than it takes to end on a busy machine:
      const health = { kind: 'container' as const, timeoutMs: 30_000, settleMs: 20_000 }
      const carried = `ls ${pathsOf(host).home}/releases/*/carried`
      const listed = await host.ask(carried)
      const error = await failureOf(deploy('bad', services({ worker: { command: ['sh', '-c', 'echo boom; exit 3'], health } })))
      expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('worker') })
      expect(replaced(second, await runs(host))).toEqual([])
      expect(await current(host)).toBe(three.release)
      expect(await host.ask(carried)).toBe(listed)

      expect(await back(newWorker)).toMatchObject({ release: two.release, version: 'two' })
      expect(replaced(second, await runs(host))).toEqual([])
      expect(notes).toContain(`web: the same in that release, left running since release ${one.release}`)
      // Further back: the worker of then is woken, and is the same container.
      await back(newWorker, 'one')
      const again = await runs(host)
      expect(replaced(first, again)).toEqual(['worker'])
      expect(again['worker']?.split(' ')[0]).toBe(first['worker']?.split(' ')[0])
      expect(again['worker']).toMatch(/ unless-stopped$/)

      const tally = await traffic.stop()
      expect(Object.fromEntries(tally.failures)).toEqual({})
      expect([...tally.versions.keys()]).toEqual(['one'])
      expect(tally.requests).toBeGreaterThan(100)
    },
  )
})

test('one behind nginx takes the others behind it along, and leaves the rest; the way back wakes both', { tags: ['traffic'] }, async () => {
  await using host = siteHost('trixie')
  const { deploy, back, notes } = releasesOn(host, image)
  const services = (changed?: Parameters<typeof some>[2]): ReturnType<typeof some> => some(['web', 'api', 'beat', 'mailer'], host, changed)
  const one = await deploy('one', services())
  const first = await runs(host)
  // At a reload before 1.27.4 a connection may end under a request; so seldom that requests alone would not tell of one.
  const workers = async (): Promise<string[]> => (await host.ask('pgrep -P "$(cat /run/nginx.pid)"')).split('\n')
  const before = await workers()
  const traffic = host.traffic(load)
  await traffic.seen('one')
  const newWeb = services({ web: { env: { VERSION: 'two' } } })
  const two = await deploy('two', newWeb)
  const second = await runs(host)
  expect(replaced(first, second)).toEqual(['api', 'web'])
  expect(two.slot).not.toBe(one.slot)
  await traffic.seen('two')
  // What serves in the other slot since is left running by the next, and nothing is switched.
  const three = await deploy('three', services({ web: { env: { VERSION: 'two' } }, mailer: { env: { VERSION: 'two' } } }))
  expect(replaced(second, await runs(host))).toEqual(['mailer'])
  expect(three).toMatchObject({ slot: two.slot, downtimeMs: 0 })
  expect(three.switchMs).toBeUndefined()
  const back1 = await back(newWeb, 'one')
  expect(back1.hosts[0]).toMatchObject({ slot: one.slot })
  expect(notes).toContain(`beat: the same in that release, left running since release ${one.release}`)
  const ids = (of: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(of).map(([name, words]) => [name, words.split(' ')[0] ?? '']))
  expect(ids(await runs(host))).toEqual(ids(first))
  await traffic.seen('one')
  expect(await host.page()).toBe('one')
  const tally = await traffic.stop()
  const since = (await workers()).filter((worker) => !before.includes(worker))
  expect({ workers: since, failures: tally.told }).toEqual({ workers: [], failures: [] })
})

test('a secret that has changed replaces whom it is given to, and the host tells nobody its value', async () => {
  await using host = siteHost('forky')
  const { deploy } = releasesOn(host, image)
  const services = some(['beat', 'mailer'], host, {
    mailer: { secrets: ['TOKEN', 'OTHER'] },
    beat: { secrets: ['OTHER'] },
  })
  const [before, after] = ['swordfish-one', "swordfish\n'two'"]
  await deploy('one', services, { secrets: { TOKEN: before, OTHER: 'same' } })
  const first = await runs(host)
  await deploy('two', services, { secrets: { TOKEN: after, OTHER: 'same' } })
  expect(replaced(first, await runs(host))).toEqual(['mailer'])
  expect(await host.ask(`docker exec $(docker ps --quiet --filter name=${host.app}.test.mailer) printenv TOKEN`)).toBe(after)
  const { home, journal } = pathsOf(host)
  expect(await host.ask(`grep -l swordfish -r ${home} || :`)).toMatch(/^(\S+\/secrets\s*)+$/)
  expect(await host.ask(`cat ${journal}; docker ps --all --no-trunc --format '{{.Labels}}'`)).not.toContain('swordfish')
  expect(await host.ask(`stat -c %a ${home}/releases/*/definitions | sort -u`)).toBe('600')
})

test('what has ended, ails, or was stopped by somebody is made anew though it has not changed', async () => {
  await using host = siteHost('trixie')
  const { deploy } = releasesOn(host, image)
  const healthy = ['--health-cmd', 'test ! -e /tmp/ill', '--health-interval', '200ms', '--health-retries', '1']
  const services = some(['cache', 'beat', 'worker', 'mailer'], host, { mailer: { options: healthy } })
  await deploy('one', services)
  const first = await runs(host)
  await host.ask(`docker stop -t 0 $(docker ps --quiet --filter name=${host.app}.test.worker)`)
  // It runs, and answers nobody.
  await host.ask(`docker kill --signal STOP $(docker ps --quiet --filter name=${host.app}.test.cache)`)
  const mailer = await host.ask(`docker ps --quiet --filter name=${host.app}.test.mailer`)
  await host.ask(
    `docker exec ${mailer} touch /tmp/ill; until [ "$(docker inspect --format '{{.State.Health.Status}}' ${mailer})" = unhealthy ]; do sleep 0.1; done`,
  )
  await deploy('two', services)
  const second = await runs(host)
  expect(replaced(first, second)).toEqual(['cache', 'mailer', 'worker'])
  expect(Object.keys(second)).toEqual(Object.keys(first))
})

test('what is kept: a container goes when no release that stays has it, and its folder with it', async () => {
  await using host = siteHost('bookworm')
  const { deploy, back } = releasesOn(host, image)
  const { home } = pathsOf(host)
  const keep = { keep: 1 }
  const services = (changed?: Parameters<typeof some>[2]): ReturnType<typeof some> => some(['web', 'worker'], host, changed)
  const versions = ['one', 'two', 'three']
  const ids: string[] = []
  for (const version of versions) ids.push((await deploy(version, services({ worker: { env: { VERSION: version } } }), keep)).release)
  const [one = '', two = '', three = ''] = ids
  const made = async (): Promise<string[]> =>
    (await host.containers()).map(({ service, release, state }) => `${service} ${versions[ids.indexOf(release)]} ${state}`).toSorted()
  expect(await made()).toEqual(['web one running', 'worker three running', 'worker two exited'])
  // Of the first there is only what its containers need; nobody returns to it.
  expect(await host.ask(`ls ${home}/releases; ls ${home}/releases/${one}; ls ${home}/releases/*/recorded`)).toBe(
    [one, two, three, 'definitions', `${home}/releases/${two}/recorded`, `${home}/releases/${three}/recorded`].join('\n'),
  )
  const error = await failureOf(back(services(), one, keep))
  expect(error).toMatchObject({ code: 'VERSION_UNKNOWN' })
  const before = await runs(host)
  await back(services(), undefined, keep)
  expect(replaced(before, await runs(host))).toEqual(['worker'])

  // All of it changes: what was left running so long is kept for a rollback by the one before, and then goes.
  const all = (version: string): Record<string, { env: { VERSION: string } }> =>
    Object.fromEntries(Object.keys(before).map((name) => [name, { env: { VERSION: version } }]))
  ids.push((await deploy('five', services(all('four')), keep)).release)
  versions.push('four')
  expect((await made()).filter((line) => line.includes(' one '))).toHaveLength(1)
  ids.push((await deploy('six', services(all('five')), keep)).release)
  versions.push('five')
  expect(await made()).toEqual(['web', 'worker'].flatMap((name) => [`${name} five running`, `${name} four exited`]))
  expect((await host.ask(`ls ${home}/releases`)).split('\n')).toEqual(ids.slice(-2))
})

test('the same release once more, before and after a later one that has left containers of it running', async () => {
  await using host = siteHost('trixie')
  const { deploy, notes } = releasesOn(host, image)
  const secret = { worker: { secrets: ['TOKEN'] } }
  const services = (changed?: Parameters<typeof some>[2]): ReturnType<typeof some> =>
    some(['web', 'worker', 'mailer'], host, { ...secret, ...changed })
  const one = await deploy('one', services(), { secrets: { TOKEN: 'first' } })
  const two = await deploy('two', services({ mailer: { env: { VERSION: 'two' } } }), { secrets: { TOKEN: 'first' } })
  const second = await runs(host)
  // A job that is run again has the same record. What it had left running is looked at, as what it has made.
  const again = await deploy('two', services({ mailer: { env: { VERSION: 'two' } } }), {
    secrets: { TOKEN: 'first' },
    id: two.release,
  })
  expect(replaced(second, await runs(host))).toEqual([])
  expect(again.services.find(({ name }) => name === 'web')?.container).toBe(`${host.app}.test.web.${one.release}`)
  await host.ask(`docker stop -t 0 $(docker ps --quiet --filter name=${host.app}.test.worker)`)
  await deploy('two', services({ mailer: { env: { VERSION: 'two' } } }), { secrets: { TOKEN: 'first' }, id: two.release })
  const third = await runs(host)
  expect(replaced(second, third)).toEqual(['worker'])
  expect(third['worker']?.split(' ')[0]).toBe(second['worker']?.split(' ')[0])
  // The first release once more: what of it still runs goes on, and the mailer is made again.
  await deploy('one', services(), { secrets: { TOKEN: 'first' }, id: one.release })
  const fourth = await runs(host)
  expect(replaced(third, fourth)).toEqual(['mailer'])
  expect(notes).toContain(`worker: unchanged, left running since release ${one.release}`)
  // With another secret its worker would have to be made under the name of the one that serves: refused, and nothing touched.
  await deploy('three', services({ mailer: { env: { VERSION: 'three' } } }), { secrets: { TOKEN: 'first' } })
  const fifth = await runs(host)
  const error = await failureOf(deploy('one', services(), { secrets: { TOKEN: 'second' }, id: one.release }))
  expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('made for worker') })
  expect(replaced(fifth, await runs(host))).toEqual([])
})

test('a version that waits is aborted or confirmed, with what it has left running', async () => {
  await using host = siteHost('forky')
  const { deploy, back } = releasesOn(host, image)
  const services = (changed?: Parameters<typeof some>[2]): ReturnType<typeof some> => some(['web', 'worker'], host, changed)
  const one = await deploy('one', services())
  const first = await runs(host)
  const waiting = { confirm: {} }
  const two = await deploy('two', services({ worker: { env: { VERSION: 'two' } } }), { more: waiting })
  expect(two.waits).toEqual({})
  expect(await failureOf(deploy('three', services(), { more: waiting }))).toMatchObject({ code: 'DEPLOY_WAITS' })
  expect(await back(services())).toMatchObject({ release: one.release })
  const again = await runs(host)
  expect(replaced(first, again)).toEqual(['worker'])
  expect(again['worker']?.split(' ')[0]).toBe(first['worker']?.split(' ')[0])
})
