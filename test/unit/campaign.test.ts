import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { steps } from '../../src/core/journal.ts'
import { metElsewhere, scenarios } from '../contract/support/campaign-scenarios.ts'
import { campaignPage, type Case, casesOf, Cells, merged } from '../support/campaign-page.ts'

const root = join(import.meta.dirname, '../..')

/** A case as a run logs it. */
function met(line: number, of: Partial<Case> = {}): Case {
  const names = ['lock done', 'record start', 'record done', 'end done']
  const [host, scenario, fault] = ['trixie', 'a rollback', 'the runner is killed']
  return {
    host,
    scenario,
    fault,
    line,
    of: 4,
    at: `${line} (${names[line - 1]})`,
    wrong: [],
    date: '2026-11-23',
    commit: 'aaaaaaaa',
    ...of,
  }
}

const logOf = (cases: readonly Case[]): string => cases.map((one) => `${JSON.stringify(one)}\n`).join('')

const rowsOf = (cases: readonly Case[]): string[] => {
  const page = campaignPage(merged([], casesOf(logOf(cases))), ['a rollback', 'a removal'])
  return page.split('\n').filter((line) => line.startsWith('| a ') || line.startsWith('- ') || line.includes(' cases, '))
}

describe('the page of the campaign', () => {
  it('has what a log has, and no more', () => {
    const whole = [1, 2, 3, 4].map((line) => met(line))
    const wrong = met(3, { host: 'forky', wrong: ['nobody serves', 'left over: undo'], commit: 'bbbbbbbb' })
    expect(rowsOf([...whole, wrong])).toEqual([
      expect.stringMatching(/^5 cases, 4 well, 1 not\./),
      '| a rollback | trixie | 4 | – | 4 | – | – | – | – | 2026-11-23 aaaaaaaa |',
      '| a rollback | forky | 4 | – | 1 of 4, 1 not well | – | – | – | – | 2026-11-23 bbbbbbbb |',
      '| a removal | not run | | | | | | | | |',
      '- a rollback, forky, the runner is killed, before line 3 (record done): nobody serves; left over: undo',
    ])
  })

  it('has of each line the newest case, whichever run it is of', () => {
    const first = [1, 2, 3, 4].map((line) => met(line, line === 3 ? { wrong: ['nobody serves'] } : {}))
    const again = met(3, { date: '2026-11-24', commit: 'bbbbbbbb' })
    expect(rowsOf([...first, again])).toEqual([
      expect.stringMatching(/^4 cases, 4 well, 0 not\./),
      '| a rollback | trixie | 4 | – | 4 | – | – | – | – | 2026-11-23 aaaaaaaa, 2026-11-24 bbbbbbbb |',
      '| a removal | not run | | | | | | | | |',
    ])
    expect(merged(merged([], first), [again])).toEqual(merged([], [...first, again]))
    // Well once, and not the next time.
    expect(rowsOf([again, ...first])[0]).toMatch(/^4 cases, 3 well, 1 not\./)
  })

  it('forgets what was met of a journal that has other lines by now', () => {
    const cells = merged([], [met(1), met(2), met(1, { of: 5, commit: 'bbbbbbbb' })])
    expect(cells).toMatchObject([{ of: 5, runs: [{ lines: '1', commit: 'bbbbbbbb' }] }])
  })

  it('is that of the runs that are written down', () => {
    const cells = Cells.parse(JSON.parse(readFileSync(join(root, 'test/support/campaign.json'), 'utf8')))
    const names = scenarios.map(({ name }) => name)
    expect(readFileSync(join(root, 'docs/reference/campaign.md'), 'utf8')).toBe(campaignPage(cells, names))
    expect(cells.filter(({ scenario }) => !names.includes(scenario))).toEqual([])
  })
})

describe('the scenarios of the campaign', () => {
  // A run throws where its journal has not what is said of it here.
  it.each(steps)('meet the step %s of the journal', (step) => {
    const has = scenarios.some(({ meets }) => meets.includes(step))
    expect(has, `no scenario of support/campaign-scenarios.ts meets ${step}`).toBe(metElsewhere[step] === undefined)
  })
})
