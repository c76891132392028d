import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { placesOf } from '../support/places.ts'
import { failureOf, pathsOf, running, useHosts } from './support/hosts.ts'
import { hostAt, journalAt, siteAt } from './support/place.ts'
import { deployTo, type PushedImage, removeImage, web, worker } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { rollBack, site, siteHost } from './support/site.ts'

const { image } = useHosts()
let server: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  server = await pushServer(inject('lab').registry.address)
})
afterAll(() => removeImage(server))

test.for(placesOf('trixie, docker group', 'forky, sudo only'))(
  'on $name, the same release again keeps its containers; the same version as a new release gets new ones',
  { tags: ['same-version'] },
  async (place) => {
    await using host = await hostAt(place)
    const services = [web(host), worker]
    const first = await deployTo(host, image(), { version: 'one', services })
    const started = (): Promise<string> => host.ask(`docker inspect --format '{{.State.StartedAt}}' ${first.services[0]?.container}`)
    const before = await started()
    const again = await deployTo(host, image(), { version: 'one', services, id: first.release })
    expect(again).toMatchObject({ stopped: [], downtimeMs: 0 })
    expect(await started()).toBe(before)
    const other = await deployTo(host, image(), { version: 'one', services })
    expect(await running(host)).toEqual([`web ${other.release}`, `worker ${other.release}`])
    expect(await host.answer()).toBe('one')
    expect(await rollBack(host, services)).toMatchObject({ release: first.release })
    expect(await running(host)).toEqual([`web ${first.release}`, `worker ${first.release}`])
  },
)

test.for(placesOf('bookworm, docker group', 'trixie, busybox', 'forky, root'))(
  'on $name, a service that is ready and then dies within the settle time fails the deploy',
  { tags: ['ready-then-dies'] },
  async (place) => {
    await using host = await hostAt(place)
    const { release } = await deployTo(host, image(), { version: 'one' })
    const health = { kind: 'http' as const, path: '/', intervalMs: 100, timeoutMs: 20_000, settleMs: 10_000 }
    const script = '/serve & while [ ! -e /www/index.html ]; do sleep 0.1; done; sleep 1; echo gone >&2; exit 5'
    const dies = web(host, { health, entrypoint: ['/bin/sh', '-c', script] })
    const error = await failureOf(deployTo(host, image(), { version: 'two', services: [dies] }))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('web: healthy failed') })
    expect(error.hint).toContain('exit code 5')
    expect(error.hint).toContain('gone')
    expect(await host.answer()).toBe('one')
    expect(await running(host)).toEqual([`web ${release}`])
  },
)

test('a version that its first visitor brings down is undone, and the old one takes over at once', async () => {
  await using host = siteHost('bookworm')
  await deployTo(host, server, { version: 'one', services: [site(host)] })
  // Seldom enough that none comes twice before the engine has noticed: until then its proxy takes what nobody answers.
  const visitors = host.traffic({ path: '/visit', connections: 5, pauseMs: 300 })
  await visitors.seen('one')
  const frail = site(host, { env: { MODE: 'frail' } })
  const error = await failureOf(deployTo(host, server, { version: 'two', services: [frail] }))
  expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringMatching(/web: (probe|linger) failed/) })
  expect(error.hint).toContain('exit code 9')
  const { failed, versions } = await visitors.stop()
  // What each had asked the version that went down.
  expect(failed).toBeLessThanOrEqual(5)
  expect([...versions.keys()]).toEqual(['one'])
  expect(await host.answer()).toBe('one')
})

test.for(placesOf('trixie, sudo only', 'bookworm, docker group', 'forky, busybox'))(
  'on $name, an image that somebody has pruned with its containers is pulled again by a rollback',
  { tags: ['pruned-image'] },
  async (place) => {
    await using host = await hostAt(place)
    const services = [web(host)]
    const reference = `${image().repository}@${image().digest}`
    for (const version of ['one', 'two']) await deployTo(host, image(), { version, services })
    for (const { name } of await host.containers()) await host.ask(`docker rm --force ${name}`)
    await host.ask(`docker image rm --force ${reference}`)
    expect(await host.ask(`docker image inspect --format there ${reference} 2> /dev/null || echo gone`)).toMatch(/gone$/)
    const pulls = async (): Promise<number> =>
      (await journalAt(host)).filter(({ step, note }) => step === 'pull' && note === reference).length
    const before = await pulls()
    await rollBack(host, services)
    expect(await host.answer()).toBe('one')
    expect(await pulls()).toBeGreaterThan(before)
  },
)

test.for(placesOf('trixie, docker group', 'forky, sudo only'))(
  'on $name, requests that overrun the time to stop are cut then, and the deploy goes on',
  { tags: ['overrunning'] },
  async (place) => {
    await using host = await siteAt(place)
    const services = (env: Record<string, string>): ReturnType<typeof site>[] => [site(host, { stopTimeoutMs: 1000, env })]
    await deployTo(host, server, { version: 'one', services: services({ SLOW: '600' }) })
    const quick = host.traffic({ connections: 5, pauseMs: 20 })
    const slow = host.traffic({ path: '/slow', connections: 3, answerWithinMs: 600_000 })
    await quick.seen('one')
    const second = await deployTo(host, server, { version: 'two', services: services({ SLOW: '0' }) })
    expect(second.stopped).toHaveLength(1)
    await slow.seen('two')
    // Each of the three was cut once, and asked the new version then.
    expect((await slow.stop()).failed).toBe(3)
    expect(Object.fromEntries((await quick.stop()).failures)).toEqual({})
    expect(await host.ask(`cat ${pathsOf(host).journal}`)).toContain('requests are still under way after 1 s')
  },
)
