import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { root } from '../../lab/paths.ts'
import { placeOf, places } from './places.ts'
import type { Told } from './scenarios-page.ts'
import { type Scenario, scenarios } from './scenarios.ts'

/** What the tests that run at every place have come to, each when it last ran: file and name, and then of which scenarios, where, and at which commit. */
export const Matrix = z.record(
  z.string(),
  z.strictObject({ tags: z.array(z.string()), place: z.string(), passed: z.boolean(), commit: z.string(), date: z.string() }),
)
export type Matrix = z.infer<typeof Matrix>

/** Of a run: what passed and what did not, of which commit and on which day. */
export interface MatrixRun {
  told: readonly Told[]
  lost: readonly Told[]
  commit: string
  date: string
}

/** A run says what it has shown of each test that ran; of all others what is known stays. */
export function merged(matrix: Matrix, { told, lost, commit, date }: MatrixRun): Matrix {
  const of = (passed: boolean, tests: readonly Told[]): [string, Matrix[string]][] =>
    tests.flatMap(({ tags, test, on }) => {
      const place = placeOf(on)?.name
      // A test that does not run everywhere is told by scenarios.md.
      return place === undefined || !test.includes(place) ? [] : [[test, { tags, place, passed, commit, date }]]
    })
  const all = [...Object.entries(matrix), ...of(true, told), ...of(false, lost)]
  return Object.fromEntries([...new Map(all)].toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** docs/reference/matrix.md: a mark stands for tests that ran there, all of them with what they say. */
export function matrixPage(list: readonly Scenario[], matrix: Matrix): string {
  const ran = Object.values(matrix)
  const cell = (scenario: string, place: string): string => {
    const here = ran.filter((one) => one.place === place && one.tags.includes(scenario))
    if (here.length === 0) return '–'
    return here.every(({ passed }) => passed) ? '✓' : '✗'
  }
  const rows = list
    .filter(({ name }) => ran.some(({ tags }) => tags.includes(name)))
    .map(({ name, description }) => {
      const label = name.includes('#') ? `${description} (${name})` : description
      return `| ${label} | ${places.map((place) => cell(name, place.name)).join(' | ')} |`
    })
  const runs = new Map<string, number>()
  for (const { date, commit } of ran) runs.set(`${date} | ${commit}`, (runs.get(`${date} | ${commit}`) ?? 0) + 1)
  return [
    '<!-- Made by `npm run test:campaign -- --write-matrix`, or test/matrix.ts, from the tests that ran. Do not edit. -->',
    '',
    '# Every scenario on every host',
    '',
    'The scenarios of [what has been tried](scenarios.md) that a host, an account or a shell could decide, at each of twelve',
    'places: on hosts of three ages, by root, by an account that may use docker (and sudo, where nginx leads to it, which',
    'is for root to configure), by one that may sudo and nothing else, and by root where busybox is the shell and all',
    'the tools. ✓: each test of the scenario that has run there passed when it last ran; ✗: one did not; –: none has run.',
    '`npm test` runs a sample of these; the campaign all of them.',
    '',
    `| | ${places.map(({ name }) => name.replace(', ', '<br>')).join(' | ')} |`,
    `|---|${places.map(() => '---|').join('')}`,
    ...rows,
    '',
    '## When they ran',
    '',
    '| day | commit | tests |',
    '|---|---|---|',
    ...[...runs].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([run, tests]) => `| ${run} | ${tests} |`),
    '',
  ].join('\n')
}

const file = join(import.meta.dirname, 'matrix.json')
const page = join(root, 'docs/reference/matrix.md')

export function readMatrix(): Matrix {
  return Matrix.parse(JSON.parse(readFileSync(file, 'utf8')))
}

export function writeMatrix(run: MatrixRun): void {
  const matrix = merged(readMatrix(), run)
  writeFileSync(file, `${JSON.stringify(matrix, null, 2)}\n`)
  writeFileSync(page, matrixPage(scenarios, matrix))
}

/** What a run is of. A tree with changes that nobody has committed is none that anybody could look at. */
export function commitHere(): { commit: string; date: string } {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'safe.directory=*', ...args], { cwd: root, encoding: 'utf8' }).trim()
  const changed = git(
    'status',
    '--porcelain',
    '--untracked-files=no',
    '--',
    '.',
    ':!docs/reference/matrix.md',
    ':!test/support/matrix.json',
  )
  return {
    commit: `${git('rev-parse', '--short=8', 'HEAD')}${changed === '' ? '' : ', changed'}`,
    date: new Date().toISOString().slice(0, 10),
  }
}
