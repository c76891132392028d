import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { root } from '../../lab/paths.ts'
import { type Matrix, matrixPage, merged, readMatrix } from '../support/matrix.ts'
import { placeOf, places, placesOf } from '../support/places.ts'
import { type Scenario, scenarios } from '../support/scenarios.ts'

const list: readonly Scenario[] = [
  { name: 'reboot', description: 'A reboot' },
  { name: 'kamal#1', description: 'A pain' },
  { name: 'later', description: 'Something else' },
]
const at = { commit: 'aaaaaaaa', date: '2026-01-01' }
const test = (name: string, on: string[], ...tags: string[]) => ({ tags, test: `a.test.ts > ${name}`, on })

describe('what ran at which place', () => {
  const first = test('on trixie, root', ['dash', 'root', 'trixie'], 'reboot')
  const second = test('on trixie, root, again', ['dash', 'root', 'trixie'], 'reboot', 'kamal#1')

  it('is a mark where all tests that ran there passed, a cross where one did not, and nothing where none ran', () => {
    const rows = (matrix: Matrix): string[] =>
      matrixPage(list, matrix)
        .split('\n')
        .filter((line) => line.startsWith('| A '))
        .map((line) => line.split(' | ').at(1 + places.findIndex(({ name }) => name === 'trixie, root')) ?? '')
    const both = merged({}, { told: [first, second], lost: [], ...at })
    expect(rows(both)).toEqual(['✓', '✓'])
    const worse = merged(both, { told: [], lost: [first], commit: 'bbbbbbbb', date: '2026-01-02' })
    expect(rows(worse)).toEqual(['✗', '✓'])
    expect(rows(merged(worse, { told: [first], lost: [], ...at }))).toEqual(['✓', '✓'])
    expect(matrixPage(list, worse)).toContain('| 2026-01-01 | aaaaaaaa | 1 |\n| 2026-01-02 | bbbbbbbb | 1 |')
    expect(matrixPage(list, both)).not.toContain('Something else')
    expect(matrixPage(list, both).match(/✓/g)).toHaveLength(3)
  })

  it('is of no test that does not run everywhere, or ran on more than one host', () => {
    const told = [
      test('elsewhere', ['dash', 'root', 'trixie'], 'reboot'),
      test('on trixie, root', ['dash', 'forky', 'root', 'trixie'], 'reboot'),
    ]
    expect(merged({}, { told, lost: [], ...at })).toEqual({})
  })
})

describe('the places', () => {
  it('are told from each other by what a test ran on', () => {
    for (const place of places) expect(placeOf([place.suite, place.account, place.shell])).toEqual(place)
    expect(placeOf(['trixie', 'dash'])).toBeUndefined()
    expect(placeOf(['trixie', 'busybox', 'sudo only'])).toBeUndefined()
  })

  it('of a test are its sample, and all or those with a word where somebody wants them', () => {
    vi.stubEnv('LAUNCHWAY_MATRIX', undefined)
    expect(placesOf('forky, root', 'trixie, busybox').map(({ name }) => name)).toEqual(['trixie, busybox', 'forky, root'])
    vi.stubEnv('LAUNCHWAY_MATRIX', 'all')
    expect(placesOf('forky, root')).toEqual(places)
    vi.stubEnv('LAUNCHWAY_MATRIX', 'sudo; bookworm; ')
    expect(placesOf('forky, root')).toHaveLength(6)
    vi.stubEnv('LAUNCHWAY_MATRIX', 'trixie, sudo only')
    expect(placesOf('forky, root').map(({ name }) => name)).toEqual(['trixie, sudo only'])
    vi.unstubAllEnvs()
  })
})

describe('docs/reference/matrix.md', () => {
  const matrix = readMatrix()

  it('is what test/support/matrix.json makes', () => {
    expect(readFileSync(join(root, 'docs/reference/matrix.md'), 'utf8')).toBe(matrixPage(scenarios, matrix))
  })

  it('knows of no test, scenario or place that is no more', () => {
    const names = new Set(scenarios.map(({ name }) => name))
    for (const [test, { tags, place }] of Object.entries(matrix)) {
      const [file = '', ...words] = test.split(' > ')
      expect(places.map(({ name }) => name)).toContain(place)
      expect(
        tags.filter((tag) => !names.has(tag)),
        test,
      ).toEqual([])
      expect(existsSync(join(root, file)), file).toBe(true)
      expect(readFileSync(join(root, file), 'utf8'), test).toContain(words.at(-1)?.replace(place, '$name'))
    }
  })
})
