import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Clock, Ports, Registries, Repository } from '../../src/core/ports.ts'
import { Status } from '../../src/core/registry-refusal.ts'
import type { PlanSection, Release } from '../../src/core/release.ts'
import { push } from '../../src/push/run.ts'
import { type FakeLog, fakeLog } from '../fakes/log.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { record } from './support/deploy.ts'

const mediaType = 'application/vnd.oci.image.manifest.v1+json'
const repositories = ['ghcr.io/team/web', 'docker.io/team/web']

/** Two registries with an old and a new image, and a release that moves three tags in both. */
async function world() {
  const registries = fakeRegistries()
  const opened = await Promise.all(repositories.map((name) => registries.repository(name, { host: '', plainHttp: false })))
  const put = async (text: string, ...tags: string[]): Promise<string> => {
    const body = Buffer.from(JSON.stringify({ annotations: { text } }))
    const digests = await Promise.all(
      opened.flatMap((one) => tags.map(async (tag) => (await one.putManifest(tag, mediaType, body)).digest)),
    )
    return digests[0] ?? ''
  }
  const before = await put('old', 'main', 'latest')
  const digest = await put('new', 'launchway-key')
  const of = record()
  const [first] = of.plan.images
  if (first === undefined) throw new Error('a release without an image')
  const tags = ['main', 'latest', '1.4.0']
  const plan: PlanSection = { ...of.plan, images: [{ ...first, name: 'web', repositories }], tags, immutable: ['1.4.0'] }
  const images = [{ name: 'web', key: '0'.repeat(32), how: 'built' as const, config: {}, size: 1, layers: 1, ms: 1, registries: {} }].map(
    (image) => ({ ...image, registries: Object.fromEntries(repositories.map((name) => [name, { digest, mediaType }])) }),
  )
  const release: Release = { ...of, plan, build: { builder: 'default', images } }
  const state = async (): Promise<Record<string, string | undefined>> =>
    Object.fromEntries(
      (
        await Promise.all(
          opened.map(async (one) => {
            const own = (await one.tags()).filter((tag) => !tag.startsWith('launchway-'))
            return Promise.all(own.map(async (tag) => [`${one.name}:${tag}`, (await one.resolve(tag))?.digest] as const))
          }),
        )
      ).flat(),
    )
  const all = (digests: (string | undefined)[]): Record<string, string | undefined> =>
    Object.fromEntries(
      repositories.flatMap((name) => tags.flatMap((tag, n) => (digests[n] === undefined ? [] : [[`${name}:${tag}`, digests[n]]]))),
    )
  return {
    registries,
    opened,
    release,
    state,
    before,
    digest,
    asBefore: all([before, before, undefined]),
    asWanted: all([digest, digest, digest]),
  }
}

/** Every question to a registry counts; what `act` throws is its answer. */
function watched(registries: Registries, act: (call: string, count: number) => void, after: typeof act = () => undefined): Registries {
  let count = 0
  return {
    ...registries,
    async repository(...asked) {
      const opened = await registries.repository(...asked)
      return new Proxy(opened, {
        get(target, key: keyof Repository) {
          const value = target[key]
          if (typeof value !== 'function') return value
          return async (...args: never[]) => {
            const [n, call] = [++count, `${key} ${opened.name} ${String(args[0])}`]
            act(call, n)
            const answer = await Reflect.apply(value, target, args)
            after(call, n)
            // oxlint-disable-next-line typescript/no-unsafe-return -- whatever the method answers
            return answer
          }
        },
      })
    },
  }
}

/** Half an hour later. */
const later: Clock = { ...systemClock, now: () => new Date(Date.now() + 1_800_000) }
const impatient: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms > 1000 ? ms : 0, signal) }

function portsOf(registry: Registries, clock: Clock = impatient, signal = new AbortController().signal): Ports {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a push reaches
  return { registry, clock, log: fakeLog(), signal } as unknown as Ports
}

async function failure(call: Promise<unknown>): Promise<LaunchwayError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof LaunchwayError) return error
  throw new Error('it did not fail as a user would see it', { cause: error })
}

const refused = new LaunchwayError('REGISTRY_UNAVAILABLE', 'docker.io answered 503')

describe('a push', () => {
  test('moves every tag, and a second time says that they were there', async () => {
    const { registries, release, state, asWanted, digest, before } = await world()
    const { references } = await push(release, portsOf(registries))
    expect(references).toHaveLength(6)
    expect(references).toContainEqual({ reference: 'docker.io/team/web:latest', digest, was: before })
    expect(await state()).toEqual(asWanted)
    const written: string[] = []
    await push(release, portsOf(watched(registries, (call) => void written.push(call))))
    expect(written.filter((call) => call.startsWith('put'))).toEqual([])
  })

  test('that fails in the middle puts back what had moved, and says so', async () => {
    const { registries, release, state, asBefore } = await world()
    const registry = watched(registries, (call) => {
      if (call === 'putManifest docker.io/team/web latest') throw refused
    })
    const error = await failure(push(release, portsOf(registry)))
    expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', part: {} })
    expect(error.message).toBe(
      'docker.io answered 503; moved back: ghcr.io/team/web:main, docker.io/team/web:main, ghcr.io/team/web:latest',
    )
    expect(await state()).toEqual(asBefore)
  })

  test('says of a new tag that the registry does not let go, and the next release may take it', async () => {
    const { registries, opened, release, state, asWanted, digest } = await world()
    for (const one of opened) one.untag = async () => 'not permitted'
    const [, hub] = opened
    const registry = watched(registries, (call) => {
      if (call === 'putManifest docker.io/team/web 1.4.0') throw refused
    })
    const error = await failure(push(release, portsOf(registry)))
    expect(error.message).toContain('; new, and this registry lets no tag be removed: ghcr.io/team/web:1.4.0')
    expect(await hub?.resolve('1.4.0')).toBeUndefined()
    const body = Buffer.from(JSON.stringify({ annotations: { text: 'built again' } }))
    for (const one of opened) await one.putManifest('launchway-key', mediaType, body)
    const again = (await hub?.resolve('launchway-key'))?.digest ?? ''
    const text = JSON.stringify(release).replaceAll(digest, again)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same, with another digest
    await push(JSON.parse(text) as Release, portsOf(registries))
    expect(await state()).toEqual(Object.fromEntries(Object.keys(asWanted).map((key) => [key, again])))
  })

  test('moves nothing where a version is another image already', async () => {
    const { registries, release, state, opened, before } = await world()
    const found = await opened[1]?.manifest(before)
    await opened[1]?.putManifest('1.4.0', mediaType, found?.body ?? Buffer.alloc(0))
    const earlier = await state()
    expect(await failure(push(release, portsOf(registries)))).toMatchObject({
      code: 'TAG_IMMUTABLE',
      message: 'docker.io/team/web:1.4.0 is there already, and is another image; nothing was tagged',
      hint: expect.stringContaining('launchway redeploy 1.4.0'),
    })
    expect(await state()).toEqual(earlier)
  })

  test('moves nothing while an image is missing in one of the registries', async () => {
    const { registries, release, state, opened, digest, asBefore } = await world()
    await opened[1]?.remove(digest)
    expect(await failure(push(release, portsOf(registries)))).toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: `docker.io/team/web@${digest} was uploaded, but the registry does not have it`,
    })
    expect(await state()).toEqual(asBefore)
  })

  test.each<[string, LaunchwayError]>([
    ['keeps its tags from being overwritten', new LaunchwayError('TAG_IMMUTABLE', 'ghcr.io answered 400')],
    ['knows no artifacts', new LaunchwayError('REGISTRY_UNAVAILABLE', 'ghcr.io answered 415', { cause: new Status(415) })],
  ])('goes on without its note where a registry %s, and says what that means', async (_, refusal) => {
    const { registries, release, state, asWanted } = await world()
    const ports = portsOf(
      watched(registries, (call) => {
        if (call.includes('putManifest') && call.includes('launchway-moving')) throw refusal
      }),
    )
    await push(release, ports)
    expect(await state()).toEqual(asWanted)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that of portsOf
    expect((ports.log as FakeLog).said('warning')).toContainEqual(expect.stringContaining('cannot be put right by the next one'))
  })

  test('that finds a tag half moved which it may not put back goes on, and says so', async () => {
    const { registries, release, state, asWanted } = await world()
    let dead = false
    const killed = watched(registries, (call) => {
      if (dead) throw new Error('killed')
      dead = call === 'putManifest ghcr.io/team/web latest'
    })
    await push(release, portsOf(killed)).catch(() => undefined)
    const denied = new LaunchwayError('REGISTRY_UNAVAILABLE', 'docker.io answered 405', { cause: new Status(405) })
    let repairing = true
    const forbids = watched(registries, (call) => {
      if (repairing && /^putManifest \S+ (main|latest)$/.test(call)) throw denied
      if (call.startsWith('putManifest') && call.includes('launchway-moving')) repairing = false
    })
    await push(release, portsOf(forbids, later))
    expect(await state()).toEqual(asWanted)
  })

  test('that is cancelled while tags move puts them back', async () => {
    const { registries, release, state, asBefore } = await world()
    const cancel = new AbortController()
    const reason = new LaunchwayError('CANCELLED', 'cancelled by SIGTERM')
    const registry = watched(registries, (call) => {
      if (call === 'putManifest ghcr.io/team/web latest') cancel.abort(reason)
    })
    expect(await failure(push(release, portsOf(registry, impatient, cancel.signal)))).toMatchObject({
      code: 'CANCELLED',
      message: expect.stringContaining('cancelled by SIGTERM; moved back: '),
    })
    expect(await state()).toEqual(asBefore)
  })

  test('waits for another that is moving tags', async () => {
    const { registries, release, state, asWanted } = await world()
    const waited: number[] = []
    let [resume, reach] = [(): void => undefined, (): void => undefined]
    const held = new Promise<void>((go) => (resume = go))
    const reached = new Promise<void>((go) => (reach = go))
    const slow = {
      ...registries,
      repository: async (...asked: Parameters<Registries['repository']>) => slowly(await registries.repository(...asked)),
    }
    const slowly = (opened: Repository): Repository => ({
      ...opened,
      putManifest: async (tag, ...rest) => {
        if (tag === '1.4.0') {
          reach()
          await held
        }
        return opened.putManifest(tag, ...rest)
      },
    })
    const first = push(release, portsOf(slow))
    const patient: Clock = {
      ...impatient,
      sleep: async (ms, signal) => (ms === 2000 ? (waited.push(ms), resume()) : systemClock.sleep(ms, signal)),
    }
    await reached
    await push(release, portsOf(registries, patient))
    await first
    expect(waited.length).toBeGreaterThan(0)
    expect(await state()).toEqual(asWanted)
  })
})

describe('a run that is killed at any moment', () => {
  test.each(['before', 'after'] as const)(
    'leaves nothing that the next one does not put right, whichever question it was %s',
    async (moment) => {
      let total = 0
      const probe = await world()
      await push(probe.release, portsOf(watched(probe.registries, () => void (total += 1))))
      expect(total).toBeGreaterThan(20)
      for (let n = 1; n <= total; n += 1) {
        const { registries, release, state, asWanted, asBefore } = await world()
        // Whoever is killed asks nothing more, not even to put back.
        const dead = (_: string, count: number): void => {
          if (moment === 'before' ? count >= n : count > n) throw new Error('killed')
        }
        const die = (_: string, count: number): void => {
          if (moment === 'after' && count >= n) throw new Error('killed')
        }
        await push(release, portsOf(watched(registries, dead, die))).catch(() => undefined)
        // The next release fails before it moves anything of its own: what is seen is what the repair did.
        const next: Release = { ...release, plan: { ...release.plan, tags: ['next'], immutable: [] } }
        const stops = watched(registries, (call) => {
          if (call.endsWith(' next')) throw refused
        })
        await failure(push(next, portsOf(stops, later)))
        const now = await state()
        expect([asBefore, asWanted], `question ${n} of ${total}`).toContainEqual(now)
        await push(release, portsOf(registries, later))
        expect(await state()).toEqual(asWanted)
      }
    },
  )
})
