import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import type { SmokeSection } from '../../src/core/release.ts'
import { atOnce, together } from '../../src/smoke/variants.ts'
import { failureIn } from './support/deploy.ts'

const section = (of: Partial<SmokeSection> = {}): SmokeSection => ({
  project: 'p',
  services: [{ name: 'web', image: 'i', state: 'running', ms: 1 }],
  checks: [{ name: 'c', passed: true, ms: 2 }],
  verdict: 'passed',
  ms: 3,
  ...of,
})
const kept = (value: SmokeSection): PromiseSettledResult<SmokeSection> => ({ status: 'fulfilled', value })
const broken = (message: string, part?: SmokeSection): PromiseSettledResult<SmokeSection> => ({
  status: 'rejected',
  reason: new LaunchwayError('SMOKE_UNHEALTHY', message, {
    hint: `why ${message}`,
    ...(part === undefined ? {} : { part: { smoke: part } }),
  }),
})
const earlier = (at: string): Partial<SmokeSection> => ({ earlier: { at, by: 'ada@laptop' } })

describe('several stacks of a release', () => {
  it('are told as one, each part under the name of its stack', () => {
    expect(
      together(
        new Map([
          ['a', kept(section())],
          ['b', kept(section({ project: 'q' }))],
        ]),
        9,
      ),
    ).toEqual({
      project: 'p, q',
      services: ['a/web', 'b/web'].map((name) => ({ name, image: 'i', state: 'running', ms: 1 })),
      checks: ['a/c', 'b/c'].map((name) => ({ name, passed: true, ms: 2 })),
      verdict: 'passed',
      ms: 9,
    })
  })

  it('fail with the first that failed, and what each other one showed', () => {
    const ends = new Map([
      ['a', kept(section())],
      ['b', broken('web died', section({ verdict: 'failed' }))],
      ['c', broken('db died')],
    ])
    const failure = failureIn(() => together(ends, 9))
    expect(failure).toMatchObject({ code: 'SMOKE_UNHEALTHY', message: 'b: web died; 2 of 3 variants failed' })
    expect(failure.hint).toBe('b: web died\nwhy web died\n\nc: db died\nwhy db died')
    expect(failure.part?.smoke).toMatchObject({ verdict: 'failed', services: [{ name: 'a/web' }, { name: 'b/web' }] })
  })

  it('of which one fails say which, with its own words', () => {
    const failure = failureIn(() =>
      together(
        new Map([
          ['a', kept(section())],
          ['b', broken('web died')],
        ]),
        9,
      ),
    )
    expect(failure).toMatchObject({ message: 'b: web died', hint: 'why web died' })
  })

  it('have passed earlier when each of them has, since the oldest', () => {
    const [old, young] = [kept(section(earlier('2026-01-01T00:00:00Z'))), kept(section(earlier('2026-01-02T00:00:00Z')))]
    expect(
      together(
        new Map([
          ['a', young],
          ['b', old],
        ]),
        9,
      ).earlier?.at,
    ).toBe('2026-01-01T00:00:00Z')
    expect(
      together(
        new Map([
          ['a', young],
          ['b', kept(section())],
        ]),
        9,
      ).earlier,
    ).toBeUndefined()
  })

  it.each([
    [undefined, 1],
    [1e9, 1],
    [4e9, 2],
    [64e9, 4],
  ])('on a machine with %s bytes of memory run %d at once', (memory, count) => {
    expect(atOnce(memory === undefined ? {} : { memory })).toBe(count)
  })
})
