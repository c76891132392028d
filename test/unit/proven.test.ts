import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../../lab/paths.ts'
import { provenPage } from '../../scripts/generate/proven.ts'
import { eventNames } from '../../src/core/stages.ts'
import { claims } from '../support/proven.ts'
import { namedTests } from './support/named-tests.ts'

const all = Object.values(claims).flat()

/** Each file is read once. */
const read = new Map<string, Set<string>>()

function testsOf(file: string): Set<string> {
  const known = read.get(file) ?? namedTests(readFileSync(join(root, 'test', file), 'utf8'))
  read.set(file, known)
  return known
}

describe('docs/reference/proven.md', () => {
  test.each(all.flatMap(({ by }) => by.map(([, file, name]) => [file, name] as const)))('names a test that runs: %s, %s', (file, name) => {
    expect(testsOf(file)).toContain(name)
  })

  test('names what of the ways in is not run under act', () => {
    const ways = claims['What sets a release off'] ?? []
    const page = provenPage().text
    for (const { says, by } of ways) expect([says, page.includes(`\n- ${says}\n`)]).toEqual([says, by.every(([how]) => how !== 'act')])
    expect(ways.filter(({ by }) => by.every(([how]) => how !== 'act')).length).toBeGreaterThan(3)
  })

  test('has something shown under act for each event, and for the one that is refused', () => {
    const shown = new Set(all.flatMap(({ event, by }) => (event !== undefined && by.some(([how]) => how === 'act') ? [event] : [])))
    expect(shown).toEqual(new Set([...eventNames.filter((name) => name !== 'local'), 'pull_request_target']))
  })

  test.each([
    ["it('a test', () => {})", true],
    ['test("a test", () => {})', true],
    ["it.each([1])('a test', (_, x) => {})", true],
    ["it.for(all)(\n  'a test', (x) => {})", true],
    ["it.concurrent('a test', check)", true],
    ["it('a test', { timeout: 1, skip: false }, () => {})", true],
    ["describe('x', () => { describe.each([1])('%s', () => { it('a test', () => {}) }) })", true],
    ["for (const one of all) it('a test', () => {})", true],
    ["it.each`a\n${1}`('a test', () => {})", true],
    ["describe('a test', () => {})", false],
    ["it.skip('a test', () => {})", false],
    ["it.skip.each([1])('a test', () => {})", false],
    ["it.each([1]).skip('a test', () => {})", false],
    ["it.concurrent.skip('a test', () => {})", false],
    ["it.fails('a test', () => {})", false],
    ["test.runIf(false)('a test', () => {})", false],
    ["test.skipIf(process.env.CI)('a test', () => {})", false],
    ["test.todo('a test')", false],
    ["test('a test')", false],
    ["test('a test', { skip: true }, () => {})", false],
    ["test('a test', { todo: true }, () => {})", false],
    ["test.each([])('a test', () => {})", false],
    ["describe.skip('x', () => { it('a test', () => {}) })", false],
    ["describe('x', () => { describe.todo('y', () => { it('a test', () => {}) }) })", false],
    ["describe.skipIf(true)('x', () => { it('a test', () => {}) })", false],
    ["describe('x', { skip: true }, () => { it('a test', () => {}) })", false],
    ["describe.each([])('x', () => { it('a test', () => {}) })", false],
    ["if (process.env.CI) it('a test', () => {})", false],
    ["process.env.CI && it('a test', () => {})", false],
    ["it('a test more', () => {})", false],
    ["// it('a test', () => {})", false],
    ["/* it('a test', () => {}) */", false],
    ['const text = "it(\'a test\', () => {})"', false],
    ["expect('a test', () => {})", false],
  ])('a test is found by its name where it runs: %j', (text, found) => {
    expect(namedTests(text).has('a test')).toBe(found)
  })
})
