/** What a run of the examples has shown, as people read it. */

export const columns = ['first', 'next', 'broken', 'rollback'] as const
export type Column = (typeof columns)[number]
export const stages = ['build', 'smoke', 'scan', 'push', 'deploy'] as const

export interface Row {
  system: string
  column: Column
  /** In words. */
  result: string
  /** From the call of launchway to its end. */
  ms: number
  /** What each stage took; they overlap. */
  stages: Partial<Record<(typeof stages)[number], number>>
}

const seconds = (ms: number | undefined): string => (ms === undefined ? '–' : (ms / 1000).toFixed(1))

/** A system's lines: stage by first, next, broken, rollback; in seconds. */
function block(rows: readonly Row[]): string {
  const row = (title: string, cell: (of: Row) => string): string => {
    const cells = columns.map((column) => rows.find((one) => one.column === column))
    return `| ${title} | ${cells.map((one) => (one === undefined ? '–' : cell(one))).join(' | ')} |`
  }
  return [
    row(`**${rows[0]?.system}**`, ({ result }) => result),
    ...stages.map((stage) => row(stage, ({ stages: times }) => seconds(times[stage]))),
    row('in all', ({ ms }) => seconds(ms)),
  ].join('\n')
}

/** The systems of these rows, under each other. */
export function table(rows: readonly Row[]): string {
  return framed([...Map.groupBy(rows, ({ system }) => system).values()].map(block))
}

const framed = (blocks: readonly string[]): string =>
  [`| seconds | ${columns.join(' | ')} |`, `|---|${columns.map(() => '---').join('|')}|`, ...blocks].join('\n')

const [begin, end] = ['<!-- begin: written by npm run examples -->', '<!-- end -->']

/** The page with what this run has shown; of systems that it has not released, what stands there stays. By name. */
export function page(text: string, rows: readonly Row[]): string {
  const [before = '', rest = ''] = text.split(begin)
  const [old = '', after = ''] = rest.split(end)
  const blocks = new Map([...old.matchAll(/^\| \*\*(.+?)\*\* .*(?:\n\| [^*].*)*/gm)].map(([lines, system = '']) => [system, lines]))
  for (const [system, of] of Map.groupBy(rows, (row) => row.system)) blocks.set(system, block(of))
  const sorted = [...blocks].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, lines]) => lines)
  return `${before}${begin}\n\n${framed(sorted)}\n\n${end}${after}`
}
