/** How long a plan takes of a configuration as large as nobody has, and of multiples of it; nothing is asked of a network. */
import { plan } from '../src/plan/plan.ts'
import { showPlan } from '../src/plan/index.ts'
import { loadConfig } from '../src/config/load.ts'
import type { Options } from './asked.ts'
import { type Contender, inTurns, spread } from './measure.ts'
import { machine, type Report, table } from './report.ts'

const goalMs = 150
const size = { images: 200, environments: 50 }
const factors = [1, 2, 4, 8]
const sha = '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234'

/** launchway.yml with so many times the images and environments, each environment with a branch, a pattern and ten services. */
function configuration(factor: number): string {
  const range = (count: number): number[] => Array.from({ length: count * factor }, (_, index) => index)
  return [
    'images:',
    ...range(size.images).map(
      (index) => `  i${index}: { context: services/i${index}, args: { LEVEL: info }, repositories: [ghcr.io/team/i${index}] }`,
    ),
    'branches:',
    ...range(size.environments).flatMap((index) => [`  b${index}: e${index}`, `  "feature/${index}/**": e${index}`]),
    'tags: { "v*": e0 }',
    'image-tags: ["type=semver,pattern={{version}}", "type=ref,event=branch", "type=raw,value={{date \'YYYYMMDD\'}}", type=sha]',
    'scan: false',
    'environments:',
    ...range(size.environments).flatMap((index) => [
      `  e${index}:`,
      `    host: deploy@h${index}.example.org`,
      '    services:',
      ...Array.from(
        { length: 10 },
        (_, at) =>
          `      s${at}: { image: i${(index * 10 + at) % (size.images * factor)}, port: 80, publish: ${8000 + at}, env: { LEVEL: info }, secrets: [TOKEN] }`,
      ),
    ]),
    '',
  ].join('\n')
}

export async function benchPlan({ rounds = 30, say }: Options): Promise<Report> {
  const before = machine()
  say(`bench plan: ${rounds} rounds of ${factors.length} …`)
  const texts = new Map(factors.map((factor) => [factor, configuration(factor)]))
  const contenders = factors.map((factor): Contender => ({
    name: `× ${factor}`,
    run() {
      const text = texts.get(factor) ?? ''
      const start = process.cpuUsage()
      const section = plan(
        loadConfig(text, 'launchway.yml'),
        { event: 'push', sha, ref: 'refs/heads/feature/7/x' },
        { facts: { now: new Date() } },
      )
      const shown = showPlan({
        version: 1,
        id: `20261121-101500-${sha.slice(0, 7)}`,
        app: 'app',
        created: '',
        outcome: { state: 'running' },
        plan: section,
      })
      const { user, system } = process.cpuUsage(start)
      const ms = (user + system) / 1000
      if (section.environment?.name !== 'e7' || section.images.length !== size.images * factor || shown.length < 100)
        throw new Error('this is not the plan')
      return ms
    },
  }))
  const series = await inTurns(contenders, { count: rounds, warmUp: 3 })
  const lines = factors.map((factor, index) => {
    const { values = [], ratios = [] } = series[index] ?? {}
    return { factor, kB: Math.round((texts.get(factor)?.length ?? 0) / 1000), ms: spread(values), ratio: spread(ratios) }
  })
  const first = lines[0]?.ms.median ?? Number.NaN
  const figures = { bench: 'plan', date: new Date().toISOString().slice(0, 10), machine: before, rounds, goalMs, size, lines }
  const rows = lines.map(({ factor, kB, ms, ratio }) => [
    `${size.images * factor} images, ${size.environments * factor} environments`,
    String(kB),
    `${ms.median.toFixed(1)} (${ms.p10.toFixed(1)}–${ms.p90.toFixed(1)})`,
    ratio.median.toFixed(2),
    (ratio.median / factor).toFixed(2),
  ])
  return {
    text: [
      `${figures.date}; ${before.cpu}, ${before.processors} processors, ${before.memoryGB} GB; ${before.system}, Node ${before.node}; load ${before.load} before the first round; ${rounds} rounds.`,
      table(['', 'kB', 'processor time, ms', '× the first', 'of that by size'], rows),
      `Goal, at most ${goalMs} ms for the first: ${first <= goalMs ? 'reached' : 'missed'}.`,
    ].join('\n\n'),
    figures,
  }
}
