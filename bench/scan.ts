/**
 * A scan with everything that it writes, against Trivy called by hand with one format: the floor. The image is a Debian
 * with Python, the database is the lab's and is there before anything is measured.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { down } from '../lab/down.ts'
import type { Lab } from '../lab/lab.ts'
import { ask, call, docker } from '../lab/run.ts'
import { newLabName, up } from '../lab/up.ts'
import { liveLog } from '../src/adapters/log/stages.ts'
import { resolveScan } from '../src/config/scan.ts'
import type { ReportKind } from '../src/core/gates.ts'
import { keyTag } from '../src/core/names.ts'
import { byKey } from '../src/core/objects.ts'
import type { Release } from '../src/core/release.ts'
import { stageNames } from '../src/core/stages.ts'
import { openPorts } from '../src/ports.ts'
import { scan } from '../src/scan/index.ts'
import type { Options } from './asked.ts'
import { type Contender, inTurns, spread } from './measure.ts'
import { machine, range, type Report, table } from './report.ts'

const three: ReportKind[] = ['sarif', 'table', 'cyclonedx']
const images = 5

export async function benchScan({ rounds = 5, say }: Options): Promise<Report> {
  const before = machine()
  const lab = await up({ name: newLabName(), hosts: [] })
  const folder = mkdtempSync(join(tmpdir(), 'launchway-bench-scan-'))
  try {
    const built = await buildImages(lab, folder)
    const [one] = built
    if (one === undefined) throw new Error('no image was built')
    // What is measured begins with a database and without a look at any image.
    await launchway('warm', [one], [], lab, folder)
    const contenders: Contender[] = [
      { name: 'trivy by hand, one format', run: () => byHand(one, ['sarif'], folder) },
      { name: 'trivy by hand, three formats', run: () => byHand(one, three, folder) },
      { name: 'launchway scan, one format', run: () => fresh([one], ['sarif'], lab, folder) },
      { name: 'launchway scan, three formats', run: () => fresh([one], three, lab, folder) },
      { name: 'launchway scan, the same image again', run: () => launchway('warm', [one], [], lab, folder) },
      { name: 'launchway scan, five images on one base', run: () => fresh(built, ['sarif'], lab, folder) },
    ]
    const series = await inTurns(contenders, {
      count: rounds,
      warmUp: 1,
      onRound: (round, of) => say(`bench scan: round ${round} of ${of} …`),
    })
    const lines = series.map(({ name, values, ratios }) => ({ name, seconds: spread(values), ratio: spread(ratios) }))
    const figures = { bench: 'scan', date: new Date().toISOString().slice(0, 10), machine: before, rounds, lines }
    const { cpu, processors, memoryGB, system, node, load } = before
    const text = [
      `${figures.date}; ${cpu}, ${processors} processors, ${memoryGB} GB; ${system}, Node ${node}; load ${load} before the first round; ${rounds} rounds.`,
      table(
        ['scan', 'seconds', '× by hand'],
        lines.map(({ name, seconds, ratio }) => [name, range(seconds, 2), range(ratio, 2)]),
      ),
    ].join('\n\n')
    return { text, figures }
  } finally {
    await ask('docker', ['image', 'rm', '--force', ...Array.from({ length: images }, (_, index) => referenceOf(lab, index))])
    rmSync(folder, { recursive: true, force: true })
    await down(lab.name)
  }
}

interface Built {
  name: string
  key: string
  repository: string
  config: string
}

const keyOf = (index: number): string => `be7c5ca0${index}`.padEnd(32, '0')
const repositoryOf = ({ registry }: Lab): string => `${registry.address}/bench-scan`
const referenceOf = (lab: Lab, index: number): string => `${repositoryOf(lab)}:${keyTag(keyOf(index))}`

async function buildImages(lab: Lab, folder: string): Promise<Built[]> {
  const built: Built[] = []
  for (let index = 0; index < images; index += 1) {
    const context = join(folder, `context-${index}`)
    mkdirSync(context)
    writeFileSync(join(context, 'METADATA'), `Metadata-Version: 2.1\nName: httpx\nVersion: 0.22.${index}\n`)
    writeFileSync(join(context, 'Dockerfile'), 'FROM python:3\nCOPY METADATA /usr/lib/python3/dist-packages/httpx.dist-info/METADATA\n')
    const reference = referenceOf(lab, index)
    await call('docker', ['buildx', 'build', '--quiet', '--load', '--provenance=false', '--tag', reference, context])
    const config = await docker('image', 'inspect', '--format', '{{.Id}}', reference)
    built.push({ name: `app-${index}`, key: keyOf(index), repository: repositoryOf(lab), config })
  }
  return built
}

/** Seconds of one call a format, as a workflow has it that wants several; the first looks at the image, the others find its layers. */
async function byHand({ repository, key }: Built, formats: readonly ReportKind[], folder: string): Promise<number> {
  const cache = mkdtempSync(join(folder, 'hand-'))
  cpSync(join(folder, 'warm/launchway/trivy/db'), join(cache, 'db'), { recursive: true })
  const began = performance.now()
  for (const format of formats)
    await call('trivy', [
      ...['--cache-dir', cache, '--quiet', 'image', '--skip-db-update', '--scanners', 'vuln'],
      ...['--format', format, '--output', join(cache, format), `${repository}:${keyTag(key)}`],
    ])
  const seconds = (performance.now() - began) / 1000
  rmSync(cache, { recursive: true })
  return seconds
}

let copies = 0
/** Seconds of a scan that finds a database, and nothing that was known of the images. */
async function fresh(of: readonly Built[], reports: ReportKind[], lab: Lab, folder: string): Promise<number> {
  copies += 1
  const name = `fresh-${copies}`
  cpSync(join(folder, 'warm/launchway/trivy/db'), join(folder, name, 'launchway/trivy/db'), { recursive: true, preserveTimestamps: true })
  const seconds = await launchway(name, of, reports, lab, folder)
  rmSync(join(folder, name), { recursive: true })
  return seconds
}

async function launchway(cache: string, of: readonly Built[], reports: ReportKind[], lab: Lab, folder: string): Promise<number> {
  const { close, ...ports } = openPorts({
    env: { ...process.env, RUNNER_TEMP: join(folder, 'temp'), XDG_CACHE_HOME: join(folder, cache) },
    log: liveLog(() => undefined),
    root: join(folder, 'context-0'),
    evidence: join(folder, 'evidence'),
    who: 'bench',
    signal: new AbortController().signal,
    onSecret: () => undefined,
    github: false,
  })
  try {
    const began = performance.now()
    await scan(releaseOf(of, reports, lab), ports)
    return (performance.now() - began) / 1000
  } finally {
    close()
  }
}

function releaseOf(of: readonly Built[], reports: ReportKind[], { registry, vulnerabilities }: Lab): Release {
  const plan = resolveScan({ scan: { 'fail-on': [], reports, databases: [vulnerabilities] } }, {})
  if (typeof plan === 'string') throw new TypeError(plan)
  const image = { context: '.', dockerfile: 'Dockerfile', platforms: [], args: {} }
  return {
    ...{ version: 1, id: '20261121-101500-4f2a9c1', app: 'bench', created: '2026-11-21T10:15:00Z', outcome: { state: 'running' } },
    plan: {
      ...{ event: 'local', sha: '4f2a9c1', version: 'main', tags: [], scan: plan },
      images: of.map(({ name, repository }) => ({ ...image, name, repositories: [repository] })),
      registries: [{ host: registry.address, plainHttp: true }],
      stages: byKey(stageNames, () => ({ run: true, reason: 'bench' })),
    },
    build: {
      builder: 'bench',
      images: of.map(({ name, key, config }) => ({
        ...{ name, key, how: 'built', registries: {}, size: 0, layers: 1, ms: 0 },
        config: { 'linux/amd64': config },
      })),
    },
  }
}
