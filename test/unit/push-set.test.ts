import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Change, decide, type Move, planRepair, planUndo, referenceOf } from '../../src/push/plan.ts'

const [old, older, fresh, foreign] = ['1', '2', '3', '4'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string, string, string]

describe('what moves', () => {
  const to = (repository: string, ...tags: string[]): Move[] => tags.map((tag) => ({ image: 'web', repository, digest: fresh, tag }))
  const shown = (rounds: readonly Change[][]): string[] => rounds.map((round) => round.map(referenceOf).join(' '))
  const both = [...to('hub/web', 'main', 'sha-1'), ...to('ghcr/web', 'main', 'sha-1')]

  test.each<[string, Move[], Record<string, string>, string[]]>([
    [
      'nothing, when all is there',
      both,
      { 'hub/web:main': fresh, 'hub/web:sha-1': fresh, 'ghcr/web:main': fresh, 'ghcr/web:sha-1': fresh },
      [],
    ],
    ['what is new, a tag in all registries before the next', both, {}, ['hub/web:main ghcr/web:main', 'hub/web:sha-1 ghcr/web:sha-1']],
    [
      'first what can be put back for certain',
      both,
      { 'hub/web:sha-1': old, 'ghcr/web:main': old },
      ['ghcr/web:main', 'hub/web:sha-1', 'hub/web:main', 'ghcr/web:sha-1'],
    ],
    [
      'only what is not there yet',
      both,
      { 'hub/web:main': fresh, 'ghcr/web:main': old, 'hub/web:sha-1': fresh, 'ghcr/web:sha-1': fresh },
      ['ghcr/web:main'],
    ],
  ])('%s', (_, moves, seen, rounds) => {
    expect(shown(decide(moves, new Map(Object.entries(seen)), [], new Map()).rounds)).toEqual(rounds)
  })

  test.each<[string, Record<string, string>, Record<string, string>, string[]]>([
    ['a version that is not there is made', {}, {}, []],
    ['a version that is there, and the same, stays', { 'hub/web:1.4.0': fresh }, {}, []],
    ['a version that is another image is refused', { 'hub/web:1.4.0': old }, {}, ['hub/web:1.4.0']],
    ['a tag that may move is not', { 'hub/web:main': old }, {}, []],
    ['a version that a release left over which was never finished is made anew', { 'hub/web:1.4.0': old }, { 'hub/web:1.4.0': old }, []],
    ['but not when somebody has changed it since', { 'hub/web:1.4.0': older }, { 'hub/web:1.4.0': old }, ['hub/web:1.4.0']],
  ])('%s', (_, seen, left, refused) => {
    const moves = to('hub/web', '1.4.0', 'main')
    const decision = decide(moves, new Map(Object.entries(seen)), ['1.4.0'], new Map(Object.entries(left)))
    expect(decision.refused.map(referenceOf)).toEqual(refused)
  })
})

describe('what is put back', () => {
  const moved: Change = { repository: 'hub/web', tag: 'main', to: fresh, was: old }
  const made: Change = { repository: 'hub/web', tag: '1.4.0', to: fresh }
  const at = (main: string | undefined, version: string | undefined) =>
    new Map([
      ['hub/web:main', main],
      ['hub/web:1.4.0', version],
    ])

  test.each<[string, string | undefined, string | undefined, string[], string[]]>([
    ['nothing has moved', old, undefined, ['nothing', 'nothing'], ['nothing', 'nothing']],
    ['the first has', fresh, undefined, ['restore', 'nothing'], ['restore', 'nothing']],
    ['both have: a run that failed puts them back, one that ended there had finished', fresh, fresh, ['restore', 'remove'], []],
    ['the new one has', old, fresh, ['nothing', 'remove'], ['nothing', 'remove']],
    ['somebody else has moved one since', foreign, fresh, ['leave', 'remove'], ['leave', 'remove']],
    ['somebody else has removed one since', undefined, fresh, ['leave', 'remove'], ['leave', 'remove']],
  ])('when %s', (_, main, version, undone, repaired) => {
    const changes = [moved, made]
    expect(planUndo(changes, at(main, version)).map(({ how }) => how)).toEqual(undone)
    expect(planRepair(changes, at(main, version)).map(({ how }) => how)).toEqual(repaired)
  })

  test('after a repair the set is whole, as it was or as it should be, wherever the run ended and in whatever order', () => {
    const tags = fc.uniqueArray(fc.constantFrom('main', 'latest', '1.4.0', 'sha-1', 'v1'), { minLength: 1 })
    fc.assert(
      fc.property(tags, fc.infiniteStream(fc.option(fc.constantFrom(old, older), { nil: undefined })), fc.nat(), (names, was, reached) => {
        const before = new Map(names.map((tag) => [`hub/web:${tag}`, was.next().value as string | undefined]))
        const moves = names.map((tag): Move => ({ image: 'web', repository: 'hub/web', digest: fresh, tag }))
        const changes = decide(moves, before, [], new Map()).rounds.flat()
        const now = new Map(before)
        for (const change of changes.slice(0, reached % (changes.length + 1))) now.set(referenceOf(change), change.to)
        for (const { change, how } of planRepair(changes, now)) {
          if (how === 'restore' || how === 'remove') now.set(referenceOf(change), change.was)
        }
        const wanted = new Map(names.map((tag) => [`hub/web:${tag}`, fresh]))
        expect([before, wanted]).toContainEqual(now)
      }),
    )
  })
})
