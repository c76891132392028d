import { expect, it } from 'vitest'
import { columns, page, type Row } from '../../scripts/examples/page.ts'

const rows = (system: string, ms: number): Row[] =>
  columns.map((column) => ({ system, column, result: `${column} of ${ms}`, ms, stages: column === 'rollback' ? {} : { deploy: ms / 2 } }))
const empty = 'before\n<!-- begin: written by npm run examples -->\n\n<!-- end -->\nafter\n'

it('the page of the examples keeps what it says of those that were not released now', () => {
  const both = page(empty, [...rows('one', 4000), ...rows('another', 2000)])
  expect(page(page(empty, rows('one', 4000)), rows('another', 2000))).toBe(both)
  expect(page(both, rows('another', 2000))).toBe(both)
  const again = page(both, rows('one', 6000))
  expect(again).toContain('| **one** | first of 6000 | next of 6000 | broken of 6000 | rollback of 6000 |\n| build |')
  expect(again).toContain('| deploy | 1.0 | 1.0 | 1.0 | – |\n| in all | 2.0 | 2.0 | 2.0 | 2.0 |')
  expect([again.includes('4000'), again.startsWith('before\n'), again.endsWith('-->\nafter\n')]).toEqual([false, true, true])
})
