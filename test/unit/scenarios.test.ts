import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { scenarioPage, type Told, untold } from '../support/scenarios-page.ts'
import { type Scenario, scenarios } from '../support/scenarios.ts'

const list: readonly Scenario[] = [
  { name: 'reboot', description: 'A reboot' },
  { name: 'kamal#1', description: 'A pain' },
  { name: 'later', description: 'Something else', toCome: true },
]
const told: readonly Told[] = [
  { tags: ['reboot'], test: 'a.test.ts > on trixie', on: ['trixie', 'root'] },
  { tags: ['reboot', 'kamal#1'], test: 'a.test.ts > decides', on: [] },
]

describe('the page of scenarios', () => {
  it('has a mark where a test ran and passed, and no other', () => {
    const rows = scenarioPage(list, told).split('\n')
    expect(rows).toContain('| A reboot | ✓ | – | ✓ | – | – | – | ✓ | – | – |')
    expect(rows).toContain('| A pain (kamal#1) | ✓ | – | – | – | – | – | – | – | – |')
    expect(rows.find((row) => row.startsWith('| Something else'))).toBe('| Something else | to come | | | | | | | | |')
    expect(rows.filter((row) => row.startsWith('- '))).toEqual([
      '- a.test.ts > decides',
      '- a.test.ts > on trixie',
      '- a.test.ts > decides',
    ])
  })

  it('is refused while a scenario has no test that passed, or one that was to come has', () => {
    expect(untold(list, told)).toEqual([])
    expect(untold(list, told.slice(0, 1))).toEqual(['the scenario kamal#1 has no test that ran and passed'])
    const come = [...told, { tags: ['later'], test: 'b.test.ts > does', on: [] }]
    expect(untold(list, come)).toEqual(['the scenario later is no longer to come: test/support/scenarios.ts'])
  })
})

const tests = ['unit', 'contract', 'e2e'].flatMap((suite) => {
  const folder = join(import.meta.dirname, '..', suite)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts') && name !== 'scenarios.test.ts')
    .map((name) => readFileSync(join(folder, name), 'utf8'))
})
const tagged = new Set(
  tests.flatMap((text) => [...text.matchAll(/tags: \[([^\]]*)\]/g)].flatMap(([, names = '']) => names.match(/[^', ]+/g) ?? [])),
)

it.each(scenarios.map(({ name, toCome }) => [name, toCome === true] as const))(
  'the scenario %s has a test, unless it is to come',
  (name, toCome) => {
    expect(tagged.has(name)).toBe(!toCome)
  },
)
