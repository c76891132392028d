/**
 * The start of every action: all that it does until its own work would begin, to its end, against an empty script on the
 * same Node.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../lab/paths.ts'
import type { Options } from './asked.ts'
import { type Contender, inTurns, type Series, type Spread, spread } from './measure.ts'
import { actionPrograms, emptyScript, makeRepository, peakMB, peakMemoryPreload, peerProgram, type Program, start } from './programs.ts'
import { machine, type Report, table } from './report.ts'

/** At most so many times the empty script. */
const goal = 2
const goalMB = 4

interface Line {
  name: string
  ours: boolean
  cold: Figures
  warm: Figures
  memory: Figures
}

interface Figures {
  value: Spread
  ratio: Spread
}

export async function benchStart({ rounds = 40, peers, say }: Options): Promise<Report> {
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-bench-'))
  try {
    const before = machine()
    const repository = makeRepository(join(scratch, 'repository'))
    const ours = actionPrograms(repository, scratch)
    const others = [...peers].map(([name, file]) => peerProgram(name, file, repository, scratch))
    const all = [emptyScript(scratch), ...ours, ...others]
    const cwd = repository.folder
    const told = (what: string) => (round: number, of: number) => {
      if (round === 1) say(`bench start: ${what}, ${of} rounds of ${all.length} …`)
    }

    const contend = (run: (program: Program) => number): Contender[] =>
      all.map((program) => ({ name: program.name, run: () => run(program) }))
    const cold = contend((program) => inFreshFolder(scratch, (cache) => start(program, { cwd, cache }).ms))
    const caches = new Map(all.map((program) => [program, mkdtempSync(join(scratch, 'cache-'))]))
    const cacheOf = (program: Program): string => caches.get(program) ?? scratch
    const warm = contend((program) => start(program, { cwd, cache: cacheOf(program) }).ms)
    const preload = peakMemoryPreload(scratch)
    const memory = contend((program) => peakMB(start(program, { cwd, cache: cacheOf(program), preload }).stderr))

    const found = {
      cold: await inTurns(cold, { count: rounds, warmUp: 1, onRound: told('empty compile cache') }),
      warm: await inTurns(warm, { count: rounds, warmUp: 2, onRound: told('warm compile cache') }),
      memory: await inTurns(memory, { count: Math.min(rounds, 7), warmUp: 1, onRound: told('memory') }),
    }
    const own = new Set(ours.map(({ name }) => name))
    const lines = all.map(({ name }): Line => ({
      name,
      ours: own.has(name),
      cold: figuresOf(found.cold, name),
      warm: figuresOf(found.warm, name),
      memory: figuresOf(found.memory, name),
    }))
    const figures = {
      bench: 'start',
      date: new Date().toISOString().slice(0, 10),
      machine: before,
      rounds,
      goal,
      lines,
      size: bundleSize(),
    }
    return { text: show(figures), figures }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function inFreshFolder<T>(scratch: string, run: (folder: string) => T): T {
  const folder = mkdtempSync(join(scratch, 'cold-'))
  try {
    return run(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function figuresOf(series: readonly Series[], name: string): Figures {
  const own = series.find((one) => one.name === name)
  return { value: spread(own?.values ?? []), ratio: spread(own?.ratios ?? []) }
}

function bundleSize(): { mb: number; files: number; allMB: number; allFiles: number } {
  const dist = readdirSync(join(root, 'dist')).map((name) => ({ name, bytes: statSync(join(root, 'dist', name)).size }))
  const scripts = dist.filter(({ name }) => name.endsWith('.js'))
  const mb = (files: typeof dist): number => files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6
  return { mb: mb(scripts), files: scripts.length, allMB: mb(dist), allFiles: dist.length }
}

interface Shown {
  date: string
  machine: ReturnType<typeof machine>
  rounds: number
  lines: readonly Line[]
  size: ReturnType<typeof bundleSize>
}

function show({ date, machine, rounds, lines, size }: Shown): string {
  const range = ({ value }: Figures, digits: number): string =>
    `${value.median.toFixed(digits)} (${value.p10.toFixed(digits)}–${value.p90.toFixed(digits)})`
  const times = ({ ratio }: Figures): string => `${ratio.median.toFixed(2)} (${ratio.p10.toFixed(2)}–${ratio.p90.toFixed(2)})`
  const rows = lines.map(({ name, cold, warm, memory }) => [
    name,
    range(cold, 1),
    times(cold),
    range(warm, 1),
    times(warm),
    memory.value.median.toFixed(0),
    memory.ratio.median.toFixed(2),
  ])
  const hasPeers = lines.some(({ ours }, index) => !ours && index > 0)
  return [
    `${date}; ${machine.cpu}, ${machine.processors} processors, ${machine.memoryGB} GB; ${machine.system}, Node ${machine.node}; load ${machine.load} before the first round; ${rounds} rounds.`,
    table(['', 'empty cache, ms', '× floor', 'warm cache, ms', '× floor', 'peak MB', '× floor'], rows),
    [
      `Goal, at most ${goal} × the floor. Empty cache: ${reached(lines, 'cold')}. Warm cache: ${reached(lines, 'warm')}.`,
      `Size of all bundles: ${size.mb.toFixed(2)} MB in ${size.files} files (goal: at most ${goalMB} MB, ${size.mb <= goalMB ? 'reached' : 'missed'}); dist/ in all ${size.allMB.toFixed(2)} MB in ${size.allFiles} files.`,
      hasPeers ? 'Peers run without a compile cache in both halves: as shipped they keep none.' : 'Peers: not measured in this run.',
    ].join('\n'),
  ].join('\n\n')
}

function reached(lines: readonly Line[], cache: 'cold' | 'warm'): string {
  const ours = lines.filter((line) => line.ours)
  const part = (names: readonly Line[], word: string): string[] =>
    names.length === 0 ? [] : [`${word} by ${names.map(({ name }) => name).join(', ')}`]
  return [
    ...part(
      ours.filter((line) => line[cache].ratio.median <= goal),
      'reached',
    ),
    ...part(
      ours.filter((line) => line[cache].ratio.median > goal),
      'missed',
    ),
  ].join('; ')
}
