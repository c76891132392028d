import { describe, expect, it } from 'vitest'
import type { Counts, Failure } from '../support/counts.ts'
import type { Part } from '../support/parts.ts'
import { afterSecond, partsAgain } from '../support/second.ts'

const part = (name: string, ...files: string[]): Part => ({ name, project: 'contract', files })
const failure = (name: string, file?: string): Failure => ({ name, why: 'expected 1 to be 2', ...(file === undefined ? {} : { file }) })
const counts = (given: Partial<Counts> = {}): Counts => ({ passed: 0, failed: [], skipped: [], told: [], lost: [], ...given })

describe('a second run, alone', () => {
  it.each<[string, Failure[], string[]]>([
    ['has the files that failed, each once', [failure('x', 'b'), failure('y', 'b')], ['b']],
    ['has them in the order of the part', [failure('x', 'c'), failure('y', 'a')], ['a', 'c']],
    ['has all where a failure is nobody’s', [failure('x', 'b'), failure('unhandled')], ['a', 'b', 'c']],
    ['has all where the file is another part’s', [failure('x', 'elsewhere')], ['a', 'b', 'c']],
  ])('%s', (_, failed, files) => {
    expect(partsAgain([{ part: part('smoke', 'a', 'b', 'c'), counts: counts({ failed }) }])).toEqual([part('smoke', ...files)])
  })

  it('is not made when more failed than chance does', () => {
    const fell = (many: number) =>
      Array.from({ length: many }, (_, at) => ({ part: part(`${at}`, `${at}`), counts: counts({ failed: [failure('x', `${at}`)] }) }))
    expect(partsAgain(fell(5))).toHaveLength(5)
    expect(partsAgain(fell(6))).toEqual([])
  })

  it('counts what failed as passed when all of it passes then', () => {
    const told = { tags: ['broken'], test: 'a > x', on: ['trixie'] }
    const other = { tags: ['broken'], test: 'a > y', on: ['trixie'] }
    const first = counts({ passed: 7, failed: [failure('a > x', 'a')], skipped: ['z'], told: [other] })
    expect(afterSecond(first, counts({ passed: 2, told: [other, told] }))).toEqual({
      counts: counts({ passed: 8, skipped: ['z'], told: [other, told] }),
      mended: [failure('a > x', 'a')],
    })
  })

  it('leaves as failed what fails then, also for the first time', () => {
    const first = counts({ passed: 7, failed: [failure('a > x', 'a'), failure('a > y', 'a')] })
    expect(afterSecond(first, counts({ passed: 1, failed: [failure('a > x', 'a'), failure('a > z', 'a')] }))).toEqual({
      counts: counts({ passed: 8, failed: [failure('a > x', 'a'), failure('a > z', 'a')] }),
      mended: [failure('a > y', 'a')],
    })
  })

  it('of which nothing ran leaves all that had failed', () => {
    const first = counts({ passed: 7, failed: [failure('a > x', 'a')] })
    const lab = failure('a: its lab did not start')
    expect(afterSecond(first, counts({ failed: [lab] }))).toEqual({
      counts: counts({ passed: 7, failed: [failure('a > x', 'a'), lab] }),
      mended: [],
    })
  })
})
