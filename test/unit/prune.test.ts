import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { removeImage } from '../../src/push/prune/look.ts'
import { type Found, planPrune, type Wish } from '../../src/push/prune/plan.ts'
import { fakeRegistries } from '../fakes/registry.ts'

const now = Date.parse('2026-11-21T12:00:00Z')
const days = (count: number): number => now - count * 86_400_000

/** An image by its tags, made some days ago, and released to environments so many days ago. */
function image(
  digest: string,
  tags: string[],
  age: number | undefined,
  released: Record<string, number> = {},
  parts: string[] = [],
): Found {
  const times = new Map(Object.entries(released).map(([environment, count]) => [environment, days(count)]))
  return { digest, tags, parts, released: times, ...(age === undefined ? {} : { created: days(age) }) }
}

const nothing: Wish = { running: new Map(), moving: new Set(), keep: new Map(), unknown: new Set(), more: 0, now }

describe('of a registry', () => {
  const candidate = ['launchway-k', 'sha-1234567']
  test.each<[string, Found, Partial<Wish>, string | undefined]>([
    ['a candidate goes that nobody needs', image('a', candidate, 30), {}, undefined],
    ['the tag of a commit with changes keeps nothing either', image('a', ['sha-1234567-dirty'], 30), {}, undefined],
    [
      'what an environment runs stays, however old',
      image('a', candidate, 900),
      { running: new Map([['a', ['production']]]) },
      'runs in production',
    ],
    ['what somebody has named stays', image('a', [...candidate, '1.4.0'], 900), {}, 'is called 1.4.0'],
    ['a branch is a name', image('a', ['main'], 900), {}, 'is called main'],
    ['what was uploaded today may belong to a run', image('a', candidate, 0.5), {}, 'is younger than a day'],
    ['what has no age stays', image('a', candidate, undefined), {}, 'its age is not known'],
    ['what tags are moving to stays', image('a', candidate, 30), { moving: new Set(['a']) }, 'tags are being moved'],
    ['what a rollback may need stays', image('a', candidate, 30, { production: 20 }), {}, 'a rollback in production may need it'],
    [
      'what may run stays where nobody knows what runs',
      image('a', candidate, 30, { production: 20 }),
      { unknown: new Set(['production']), keep: new Map([['production', -1]]) },
      'may run in production, of which that is not known',
    ],
    ['some more stay on request', image('a', candidate, 30), { more: 1 }, 'is one of the newest'],
  ])('%s', (_, one, wish, why) => {
    const { stays, goes } = planPrune([one], { ...nothing, ...wish }, new Set())
    expect({ why: stays[0]?.why, goes: goes.length }).toEqual({ why, goes: why === undefined ? 1 : 0 })
  })

  test('a rollback needs as many as hosts keep, and one more, by when they were released', () => {
    const images = [1, 2, 3, 4, 5].map((n) => image(`r${n}`, [`launchway-${n}`], 50, { production: 10 * n }))
    const { goes } = planPrune(images, { ...nothing, keep: new Map([['production', 2]]) }, new Set())
    expect(goes.map(({ digest }) => digest)).toEqual(['r4', 'r5'])
  })

  test('what stays in one repository stays in the others', () => {
    const { stays } = planPrune([image('b', ['launchway-k'], 30), image('c', ['launchway-l'], 30)], nothing, new Set(['launchway-k']))
    expect(stays).toEqual([{ digest: 'b', tags: ['launchway-k'], why: 'is kept in another repository' }])
  })

  test('the platforms of an index stay with it, also where another that goes has them too', () => {
    const images = [image('new', ['main'], 30, {}, ['amd64', 'arm64']), image('old', ['launchway-k'], 30, {}, ['amd64', 'arm-old'])]
    expect(planPrune(images, nothing, new Set()).goes).toMatchObject([{ digest: 'old', parts: ['arm-old'] }])
  })

  test('nothing goes that has a name, runs, is part of what stays, or is young; and with more of them more stay', () => {
    const tags = fc.uniqueArray(fc.constantFrom('main', '1.0.0', 'sha-1234567', 'launchway-k'), { minLength: 1 })
    const some = fc.array(
      fc.record({
        digest: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        tags,
        age: fc.option(fc.nat(60), { nil: undefined }),
        released: fc.dictionary(fc.constantFrom('production', 'test'), fc.nat(60)),
        parts: fc.array(fc.constantFrom('a', 'b', 'x')),
      }),
      { maxLength: 5 },
    )
    fc.assert(
      fc.property(some, fc.nat(3), fc.constantFrom('a', 'b', 'c'), (raw, more, runs) => {
        const images = [...new Map(raw.map((one) => [one.digest, image(one.digest, one.tags, one.age, one.released, one.parts)])).values()]
        const wish = {
          ...nothing,
          more,
          running: new Map([[runs, ['production']]]),
          keep: new Map([
            ['production', 1],
            ['test', 0],
          ]),
        }
        const { stays, goes } = planPrune(images, wish, new Set())
        const kept = new Set(stays.map(({ digest }) => digest))
        expect(stays.length + goes.length).toBe(images.length)
        for (const one of goes) {
          expect(one.digest).not.toBe(runs)
          expect(one.tags.some((tag) => tag === 'main' || tag === '1.0.0')).toBe(false)
          expect(now - (one.created ?? now)).toBeGreaterThanOrEqual(86_400_000)
          for (const part of one.parts) expect(kept.has(part)).toBe(false)
        }
        expect(planPrune(images, { ...wish, more: more + 1 }, new Set()).goes.length).toBeLessThanOrEqual(goes.length)
      }),
    )
  })
})

test('with an image go its referrers, the list of them and its signature, and those of others stay', async () => {
  const repository = await fakeRegistries().repository('r.example.org/app', { host: 'r.example.org', plainHttp: false })
  const put = (reference: string, n: string) =>
    repository.putManifest(reference, 'application/vnd.oci.image.manifest.v1+json', Buffer.from(JSON.stringify({ layers: [], n })))
  const [gone, stays] = [await put('launchway-k', '1'), await put('launchway-l', '2')]
  const [goneTag = '', staysTag = ''] = [gone, stays].map(({ digest }) => digest.replace(':', '-'))
  for (const tag of [goneTag, `${goneTag}.sig`, staysTag, `${staysTag}.sig`]) await put(tag, tag)
  const record = await repository.attach(gone, 'a/b', Buffer.from('{}'))
  expect(await removeImage(repository, { ...image(gone.digest, ['launchway-k'], 30) })).toBe(true)
  expect(await repository.tags()).toEqual(['launchway-l', staysTag, `${staysTag}.sig`].toSorted())
  expect(await repository.resolve(record.digest)).toBeUndefined()
})
