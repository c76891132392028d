import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { choose, matches } from '../../src/plan/glob.ts'
import { anyText } from '../support/text.ts'

describe('a pattern', () => {
  test.each([
    ['main', 'main', true],
    ['main', 'main2', false],
    ['main', 'Main', false],
    ['v*', 'v1.2.3', true],
    ['v*', 'v1/2', false],
    ['v*', 'v', true],
    ['v**', 'v1/2', true],
    ['**', 'a/b\nc', true],
    ['*', 'ветка', true],
    ['release/*', 'release/', true],
    ['release/**/x', 'release/a/b/x', true],
    ['v1.2', 'v1x2', false],
    ['(a|b)+[c]?', 'a', false],
    ['(a|b)+[c]?', '(a|b)+[c]?', true],
    ['a\\d', 'a1', false],
    ['', '', true],
  ])('"%s" and "%s": %s', (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected)
  })

  test('without a star it is the name itself, whatever it holds', () => {
    const text = anyText().filter((one) => !one.includes('*'))
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect([matches(a, a), matches(a, b), matches(a, `${a}b`)]).toEqual([true, a === b, false])
      }),
    )
  })

  test('a star stands for any text without a slash, two stars for any text', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '.', '/', '$', '\n', 'é') })
    fc.assert(
      fc.property(text, text, text, (before, middle, after) => {
        expect(matches(`${before}**${after}`, `${before}${middle}${after}`)).toBe(true)
        expect(matches('[*]', `[${middle}]`)).toBe(!middle.includes('/'))
        expect(matches(`${before}*${after}`, `${before}${middle.replaceAll('/', '-')}${after}`)).toBe(true)
      }),
    )
  })

  test.each([
    [['*', 'main'], 'main', 'main'],
    [['release/*', '**'], 'release/1', 'release/*'],
    [['**', 'release/*'], 'release/1', '**'],
    [['v*'], 'main', undefined],
    [[], 'main', undefined],
  ])('of %j, "%s" is spoken for by %s', (patterns, name, expected) => {
    expect(choose(patterns, name)).toBe(expected)
  })
})
