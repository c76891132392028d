import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../../lab/paths.ts'
import { eventNames } from '../../src/core/stages.ts'
import { claims } from '../support/proven.ts'

const all = Object.values(claims).flat()

/** Whether a file has a test of this name that runs: what is skipped, or only to do, shows nothing. */
function has(text: string, name: string): boolean {
  const [quoted = ''] = [name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)].map((one) => one.replaceAll("'", String.raw`\\?'`))
  return new RegExp(String.raw`(?<!describe|\.(?:skip|todo|fails)|\.skipIf\(.*\))\(\s*(['"])${quoted}\1`).test(text)
}

describe('docs/reference/proven.md', () => {
  test.each(all.flatMap(({ by }) => by.map(([, file, name]) => [file, name] as const)))(
    'names a test that is there: %s, %s',
    (file, name) => {
      expect(has(readFileSync(join(root, 'test', file), 'utf8'), name)).toBe(true)
    },
  )

  test('has something shown under act for each event, and for the one that is refused', () => {
    const shown = new Set(all.flatMap(({ event, by }) => (event !== undefined && by.some(([how]) => how === 'act') ? [event] : [])))
    expect(shown).toEqual(new Set([...eventNames.filter((name) => name !== 'local'), 'pull_request_target']))
  })

  test.each([
    ["it('a test', () => {", true],
    ['test("a test", () => {', true],
    ["  ])('a test', (_, x) => {", true],
    ["it.each(all)(\n  'a test',", true],
    ["describe('a test', () => {", false],
    ["it.skip('a test', () => {", false],
    ["test.todo('a test')", false],
    ["it('a test more', () => {", false],
    ['// a test', false],
  ])('a test is found by its name where it runs: %j', (text, found) => {
    expect(has(text, 'a test')).toBe(found)
  })
})
