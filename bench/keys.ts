/**
 * The content key of a hundred thousand files, against asking the file system once for each of them; and the build stage of
 * a small application of which nothing has changed.
 */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { down } from '../lab/down.ts'
import { readLab } from '../lab/lab.ts'
import { ask, call, docker } from '../lab/run.ts'
import { newLabName, up } from '../lab/up.ts'
import type { Options } from './asked.ts'
import { type Contender, inTurns, spread } from './measure.ts'
import { machine, range, type Report, table } from './report.ts'

const [folders, inEach] = [1000, 100]
const program = join(import.meta.dirname, 'keys-program.ts')

export async function benchKeys({ rounds = 10, say }: Options): Promise<Report> {
  const before = machine()
  const folder = mkdtempSync(join(tmpdir(), 'launchway-bench-keys-'))
  const kept = readLab(process.env['LAUNCHWAY_LAB'] ?? '')
  const lab = kept ?? (await up({ name: newLabName(), hosts: [] }))
  const repository = `${lab.registry.address}/bench-keys-${process.pid}`
  try {
    say(`bench keys: ${folders * inEach} files …`)
    const [large, small] = [await treeOf(join(folder, 'large'), folders), await treeOf(join(folder, 'small'), 3)]
    writeFileSync(join(small, 'launchway.yml'), `image: ${repository}\nbranches: { main: {} }\nsmoke: false\nscan: false\n`)
    await call('node', [program, 'stage', small, 'first'], { timeoutMs: 600_000 })
    const peaks = new Map<string, number>()
    const contender = (name: string, ...words: string[]): Contender => ({
      name,
      async run() {
        const [ms = Number.NaN, peak = Number.NaN] = (await call('node', [program, ...words])).stdout.split(' ').map(Number)
        peaks.set(name, Math.max(peak, peaks.get(name) ?? 0))
        return ms
      },
    })
    const touched = contender('key, one file changed', 'key', large, 'git')
    const contenders: Contender[] = [
      contender('lstat of each file', 'key', large, 'stat'),
      contender('key, by what git knows', 'key', large, 'git'),
      {
        ...touched,
        run() {
          writeFileSync(join(large, 'src/module-7/part-7/file-7.txt'), String(Math.random()))
          return touched.run()
        },
      },
      contender('key, every file read', 'key', large, 'disk'),
      contender('build stage of 300 files, nothing changed', 'stage', small),
    ]
    const series = await inTurns(contenders, {
      count: rounds,
      warmUp: 1,
      onRound: (round, of) => say(`bench keys: round ${round} of ${of} …`),
    })
    const lines = series.map(({ name, values, ratios }) => ({
      name,
      ms: spread(values),
      ratio: spread(ratios),
      peakMB: Math.round(peaks.get(name) ?? 0),
    }))
    const figures = { bench: 'keys', date: new Date().toISOString().slice(0, 10), machine: before, rounds, lines }
    const { cpu, processors, memoryGB, system, node, load } = before
    const text = [
      `${figures.date}; ${cpu}, ${processors} processors, ${memoryGB} GB; ${system}, Node ${node}; load ${load} before the first round; ${rounds} rounds.`,
      table(
        ['100,000 files', 'ms', '× lstat', 'peak MB'],
        lines.map(({ name, ms, ratio, peakMB }) => [name, range(ms, 0), range(ratio, 2), String(peakMB)]),
      ),
    ].join('\n\n')
    return { text, figures }
  } finally {
    const made = (await docker('image', 'ls', '--quiet', repository)).split('\n').filter((id) => id !== '')
    if (made.length > 0) await ask('docker', ['image', 'rm', '--force', ...made])
    rmSync(folder, { recursive: true, force: true })
    if (kept === undefined) await down(lab.name)
  }
}

/** A committed tree as a fresh checkout has it, some time ago. */
async function treeOf(root: string, count: number): Promise<string> {
  for (let folder = 0; folder < count; folder += 1) {
    const path = join(root, `src/module-${folder % 50}/part-${folder}`)
    mkdirSync(path, { recursive: true })
    for (let file = 0; file < inEach; file += 1) {
      writeFileSync(join(path, `file-${file}.txt`), `${folder} ${file}\n`.repeat(10))
      utimesSync(join(path, `file-${file}.txt`), 1_000_000_000, 1_000_000_000)
    }
  }
  writeFileSync(join(root, 'Dockerfile'), 'FROM scratch\nCOPY src /src\n')
  writeFileSync(join(root, '.dockerignore'), '.git\nnode_modules\n**/*.pyc\n**/__pycache__\n*.md\n!README.md\n.env\nlaunchway.yml\n')
  const git = (...words: string[]): Promise<unknown> =>
    call('git', ['-C', root, '-c', 'user.name=bench', '-c', 'user.email=bench@example.org', ...words], { timeoutMs: 600_000 })
  await git('init', '--quiet')
  await git('add', '--all')
  await git('commit', '--quiet', '--message', 'all')
  return root
}
