import { z } from 'zod'
import { faultKinds } from './fault-kinds.ts'

/** One fault before one line of the journal, as the campaign tells it once it has ended: a line of its log. */
export const Case = z.object({
  host: z.string(),
  scenario: z.string(),
  fault: z.string(),
  /** From 1 on. */
  line: z.int(),
  /** How many lines an undisturbed run has. */
  of: z.int(),
  /** The line and its name: `17 (record done)`. */
  at: z.string(),
  /** What was found wrong; nothing where all was well. */
  wrong: z.array(z.string()),
  /** `2026-11-23`. */
  date: z.string(),
  /** What was tried: the first digits of its commit. */
  commit: z.string(),
})
export type Case = z.infer<typeof Case>

/** What is known of one fault in one scenario on one host: each line by the run that has met it last. */
const Cell = z.object({
  host: z.string(),
  scenario: z.string(),
  fault: z.string(),
  of: z.int(),
  /** Lines as `1-16 18`; by what was found wrong at one, the words for it. */
  runs: z.array(z.object({ date: z.string(), commit: z.string(), lines: z.string(), wrong: z.record(z.string(), z.string()) })),
})
export const Cells = z.array(Cell)
export type Cell = z.infer<typeof Cell>

/** The cases of a log, in which each line is one. */
export function casesOf(log: string): Case[] {
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Case.parse(JSON.parse(line)))
}

/** What was known, and these cases, the newest last. A journal that has other lines by now begins anew. */
export function merged(cells: readonly Cell[], cases: readonly Case[]): Cell[] {
  const all = new Map(cells.map((cell) => [keyOf(cell), cell]))
  for (const one of cases) {
    const { host, scenario, fault, of, line, at, date, commit } = one
    const known = all.get(keyOf(one))
    const runs = (known?.of === of ? known.runs : []).flatMap((run) => {
      const lines = linesIn(run.lines).filter((met) => met !== line)
      const wrong = Object.fromEntries(Object.entries(run.wrong).filter(([met]) => met !== at))
      return lines.length === 0 ? [] : [{ ...run, lines: asRanges(lines), wrong }]
    })
    const same = runs.find((run) => run.date === date && run.commit === commit)
    const rest = runs.filter((run) => run !== same)
    const lines = asRanges([...linesIn(same?.lines ?? ''), line])
    const wrong = { ...same?.wrong, ...(one.wrong.length === 0 ? {} : { [at]: one.wrong.join('; ') }) }
    all.set(keyOf(one), { host, scenario, fault, of, runs: [...rest, { date, commit, lines, wrong }] })
  }
  return [...all.values()]
}

const keyOf = ({ host, scenario, fault }: Pick<Cell, 'host' | 'scenario' | 'fault'>): string => [host, scenario, fault].join('\n')

function linesIn(ranges: string): number[] {
  return ranges
    .split(' ')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })
}

function asRanges(lines: readonly number[]): string {
  const ranges: [number, number][] = []
  for (const line of lines.toSorted((one, other) => one - other)) {
    const last = ranges.at(-1)
    if (last !== undefined && line === last[1] + 1) last[1] = line
    else ranges.push([line, line])
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(' ')
}

const hosts = ['bookworm', 'trixie', 'forky']

/**
 * docs/reference/campaign.md: nothing stands there but cases that were met.
 * @param scenarios all that the campaign has, by name, in its order
 */
export function campaignPage(cells: readonly Cell[], scenarios: readonly string[]): string {
  const kinds = Object.keys(faultKinds)
  const rows = scenarios.flatMap((scenario) => {
    const of = cells.filter((cell) => cell.scenario === scenario)
    if (of.length === 0) return [`| ${scenario} | not run |${' |'.repeat(kinds.length + 2)}`]
    return hosts.flatMap((host) => {
      const here = of.filter((cell) => cell.host === host)
      if (here.length === 0) return []
      const counts = kinds.map((kind) => countOf(here.find(({ fault }) => fault === kind)))
      return [`| ${scenario} | ${host} | ${here.at(-1)?.of} | ${counts.join(' | ')} | ${whenOf(here)} |`]
    })
  })
  const met = cells.reduce((sum, cell) => sum + linesMet(cell), 0)
  const wrong = cells.flatMap((cell) =>
    wrongIn(cell).map(([at, words]) => `- ${cell.scenario}, ${cell.host}, ${cell.fault}, before line ${at}: ${words}`),
  )
  return [
    '<!-- Made by `node test/campaign.ts LOG…` from what the campaign has logged. Do not edit. -->',
    '',
    '# Every fault at every line of the journal',
    '',
    'Each case is a thing that somebody does to a host, met by one fault just before the program there writes one line of its',
    '[journal](journal.md). It is well when a version serves that may, no request has failed that the fault leaves alone, the next deploy goes',
    'through without a hand, and nothing is left over. How the faults are made: [ADR 0020](../adr/0020-campaign.md).',
    '',
    `${met} cases, ${met - wrong.length} well, ${wrong.length} not. Of each line the newest case counts. \`17\` is 17 lines met, all well; \`12 of 17\`, that the others have not been met;`,
    '`15, 2 not well` is told below the table; – says that this was not run there. The hosts are those of the lab, with Docker 20.10, 26.1 and',
    '28.5 and nginx 1.22, 1.26 and 1.30.',
    '',
    `| | host | lines | ${kinds.join(' | ')} | when, and what |`,
    `|---|---|---|${'---|'.repeat(kinds.length + 1)}`,
    ...rows,
    '',
    '## Not well',
    '',
    ...(wrong.length === 0 ? ['Nothing of the above.'] : wrong),
    '',
    '## Again',
    '',
    'One scenario on one host, with a lab that is up (`npm run lab -- up NAME`), and then this page; without `-t` it is all of them, for many hours:',
    '',
    '```sh',
    'LAUNCHWAY_LAB=NAME LAUNCHWAY_CAMPAIGN=1 LAUNCHWAY_CAMPAIGN_HOST=trixie LAUNCHWAY_CAMPAIGN_LOG=/tmp/cases \\',
    "  vitest run --project hosts test/contract/host-campaign.test.ts -t 'a rollback'",
    'node test/campaign.ts /tmp/cases',
    '```',
    '',
    "`LAUNCHWAY_CAMPAIGN_AT='record done'` repeats it at some lines alone.",
    '',
  ].join('\n')
}

const linesMet = ({ runs }: Cell): number => runs.reduce((sum, run) => sum + linesIn(run.lines).length, 0)
const wrongIn = ({ runs }: Cell): [string, string][] => runs.flatMap((run) => Object.entries(run.wrong))

function countOf(cell: Cell | undefined): string {
  if (cell === undefined) return '–'
  const [met, wrong] = [linesMet(cell), wrongIn(cell).length]
  return `${met}${met < cell.of ? ` of ${cell.of}` : ''}${wrong === 0 ? '' : `, ${wrong} not well`}`
}

function whenOf(cells: readonly Cell[]): string {
  const runs = cells.flatMap((cell) => cell.runs.map(({ date, commit }) => `${date} ${commit}`))
  return [...new Set(runs)].toSorted().join(', ')
}
