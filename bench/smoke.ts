/**
 * A stack of Flask and Redis started, asked and gone again: `docker compose up --wait`, curl and `down --volumes`, which is
 * what hoverkraft-tech/compose-action does underneath, is the floor.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { freePorts } from '../lab/free-ports.ts'
import { root } from '../lab/paths.ts'
import { ask, call, docker } from '../lab/run.ts'
import { keyTag } from '../src/core/names.ts'
import { byKey } from '../src/core/objects.ts'
import { parseRelease } from '../src/core/release.ts'
import { stageNames } from '../src/core/stages.ts'
import { resolveSmoke } from '../src/config/gates.ts'
import { loadConfig } from '../src/config/load.ts'
import type { Options } from './asked.ts'
import { inTurns, type Spread, spread } from './measure.ts'
import { machine, range, type Report, table } from './report.ts'

const repository = 'launchway-bench/flask-redis'
const key = '6'.repeat(32)
const stacks = {
  'without health checks': ['compose.yaml'],
  'health checks every 5 s': ['compose.yaml', 'compose.healthy.yaml'],
} satisfies Record<string, string[]>
const floor = 'compose up --wait, curl, down'

interface Line {
  stack: string
  name: string
  seconds: Spread
  ratio: Spread
}

export async function benchSmoke({ rounds = 5, say }: Options): Promise<Report> {
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-bench-smoke-'))
  const tags = [repository, `${repository}:${keyTag(key)}`, 'launchway-bench/redis']
  try {
    const before = machine()
    say('bench smoke: the image …')
    const folder = join(root, 'bench/flask-redis')
    await call('docker', ['build', '--quiet', ...tags.flatMap((tag) => ['--tag', tag]), folder], { timeoutMs: 600_000 })
    const lines: Line[] = []
    for (const [stack, files] of Object.entries(stacks)) {
      const place = await placeOf(scratch, files)
      const contenders = [
        { name: floor, run: () => timed(() => byCompose(place)) },
        { name: 'launchway smoke --fresh', run: () => timed(() => launchway(place, ['--fresh'])) },
        { name: 'launchway smoke, again', run: () => timed(() => launchway(place, [])) },
      ]
      const series = await inTurns(contenders, {
        count: rounds,
        warmUp: 1,
        onRound: (round, of) => say(`bench smoke: ${stack}, round ${round} of ${of} …`),
      })
      lines.push(...series.map(({ name, values, ratios }) => ({ stack, name, seconds: spread(values), ratio: spread(ratios) })))
    }
    const delays: number[] = []
    const started: Started[] = []
    for (let round = 0; round < rounds; round += 1) {
      say(`bench smoke: a failure and a start, round ${round + 1} of ${rounds} …`)
      delays.push(await delayOfFailure(scratch))
      started.push(await startOf(scratch))
    }
    const figures = {
      ...{ bench: 'smoke', date: new Date().toISOString().slice(0, 10), machine: before, rounds, lines },
      failure: spread(delays),
      ready: spread(started.flatMap(({ seen }) => seen)),
      up: spread(started.map(({ up }) => up)),
      gone: spread(started.map(({ gone }) => gone)),
    }
    return { text: show(figures), figures }
  } finally {
    await docker('image', 'rm', '--force', ...tags)
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

interface Place {
  folder: string
  files: readonly string[]
  record: string
  port: number
}

/** A folder with the stack, on a port of its own for compose, and the record of a build of it. */
async function placeOf(scratch: string, files: readonly string[], checks?: string): Promise<Place> {
  const folder = mkdtempSync(join(scratch, 'stack-'))
  cpSync(join(root, 'bench/flask-redis'), folder, { recursive: true })
  const [port = 0] = await freePorts(1)
  writeFileSync(join(folder, 'compose.port.yaml'), `services: { web: { ports: !override ["127.0.0.1:${port}:8000"] } }\n`)
  const record = join(mkdtempSync(join(scratch, 'record-')), 'release.json')
  writeFileSync(record, await recordOf(files, checks))
  return { folder, files, record, port }
}

const asking = 'checks: [{ http: "http://web:8000/healthz", contains: ok }, { http: "http://web:8000/", contains: visits }]'

async function recordOf(files: readonly string[], checks = asking): Promise<string> {
  const text = `image: ${repository}\nbranches: { master: {} }\nsmoke:\n  compose: [${files.join(', ')}]\n  ${checks}\n`
  const smoke = resolveSmoke(loadConfig(text, 'launchway.yml'), {})
  if (typeof smoke === 'string') throw new Error(smoke)
  const config = await docker('image', 'inspect', '--format', '{{.Id}}', repository)
  const image = { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: [repository] }
  const built = { name: 'app', key, how: 'built', config: { 'linux/amd64': config }, registries: {}, size: 1, layers: 1, ms: 1 }
  const release = {
    version: 1,
    id: '20260101-000000-0000000',
    app: 'bench',
    created: '2026-01-01T00:00:00Z',
    outcome: { state: 'running' },
    plan: {
      event: 'push',
      sha: '0'.repeat(40),
      version: 'bench',
      images: [image],
      tags: [],
      registries: [],
      smoke,
      stages: byKey(stageNames, () => ({ run: true, reason: 'the bench' })),
    },
    build: { builder: 'default', images: [built] },
  }
  return JSON.stringify(parseRelease(JSON.stringify(release), 'the record of the bench'))
}

async function byCompose({ folder, files, port }: Place): Promise<void> {
  const compose = ['compose', ...[...files, 'compose.port.yaml'].flatMap((file) => ['--file', file])]
  try {
    await call('docker', [...compose, 'up', '--detach', '--wait'], { cwd: folder })
    for (const [path, text] of [
      ['healthz', 'ok'],
      ['', 'visits'],
    ] as const) {
      const stdout = await answerOf(`http://127.0.0.1:${port}/${path}`)
      if (!stdout.includes(text)) throw new Error(`${path} answered ${stdout}`)
    }
  } finally {
    await call('docker', [...compose, 'down', '--volumes'], { cwd: folder })
  }
}

/** As somebody writes it who does not want to wait a second too long. */
async function answerOf(url: string): Promise<string> {
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await ask('curl', ['--fail', '--silent', url])
    if (answer !== undefined) return answer
    await setTimeout(100)
  }
  throw new Error(`${url} does not answer`)
}

const launchwayEnv = ({ record }: Place): Record<string, string> => ({ XDG_CACHE_HOME: join(record, '../cache') })

async function launchway(place: Place, flags: readonly string[]): Promise<void> {
  await call(join(root, 'bin/launchway'), ['smoke', '--release', place.record, ...flags], { cwd: place.folder, env: launchwayEnv(place) })
}

const Containers = z.array(z.looseObject({ name: z.string(), finishedAt: z.string().optional() }))

/** What launchway adds to services that take a time of their own, which they write down by the clock that they share with us. */
interface Started {
  /** From the moment when each was ready until that was seen, in milliseconds. */
  seen: number[]
  /** Beyond what the slowest of them took itself, in seconds: until the stack was up, and until all of it was gone and launchway had ended. */
  up: number
  gone: number
}

async function startOf(scratch: string): Promise<Started> {
  const names = ['a', 'b', 'c', 'd']
  const services = names.map((name, index) => {
    const command = `[sh, -c, 'touch /own/${name}.begun; sleep ${1 + 0.53 * index}; touch /own/${name}.up; exec sleep 1000']`
    const health = `{ test: [CMD, test, -f, /own/${name}.up], interval: 5s }`
    return `  ${name}: { image: ${repository}, user: '0', volumes: [./own:/own], command: ${command}, healthcheck: ${health} }\n`
  })
  const place = await placeOf(scratch, ['slow.yaml'], 'checks: [{ exec: a, command: ["true"] }]')
  const own = join(place.folder, 'own')
  mkdirSync(own)
  writeFileSync(join(place.folder, 'slow.yaml'), `services:\n${services.join('')}`)
  const begun = Date.now()
  const told = await toldAt(place, 'up in')
  const ended = Date.now()
  const at = (name: string, what: string): number => statSync(join(own, `${name}.${what}`)).mtimeMs
  const slowest = Math.max(...names.map((name) => at(name, 'up') - at(name, 'begun')))
  const section = parseRelease(readFileSync(place.record, 'utf8'), place.record).smoke?.services ?? []
  const last = Math.max(...section.map(({ ms }) => ms))
  return {
    seen: section.map(({ name, ms }) => told - (last - ms) - at(name, 'up')),
    up: (told - begun - slowest) / 1000,
    gone: (ended - begun - slowest) / 1000,
  }
}

/** When `launchway smoke` has said a line with that text, by the clock of the machine; it has ended by then. */
async function toldAt(place: Place, text: string): Promise<number> {
  const env = { ...process.env, ...launchwayEnv(place) }
  const args = ['smoke', '--release', place.record]
  const child = spawn(join(root, 'bin/launchway'), args, { cwd: place.folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise((resolve) => child.on('exit', resolve))
  let told: number | undefined
  for await (const line of createInterface({ input: child.stderr })) if (line.includes(text)) told ??= Date.now()
  await ended
  if (told === undefined) throw new Error(`launchway smoke has not said "${text}"`)
  return told
}

/** Milliseconds from the end of a service until somebody who reads along knows of it. */
async function delayOfFailure(scratch: string): Promise<number> {
  const place = await placeOf(scratch, ['compose.yaml', 'dying.yaml'])
  writeFileSync(join(place.folder, 'dying.yaml'), "services: { web: { command: [sh, -c, 'sleep 2; exit 3'] } }\n")
  const told = await toldAt(place, 'failed: web exited')
  const kept = readFileSync(join(place.record, '../launchway-evidence/smoke/containers.json'), 'utf8')
  const finishedAt = Containers.parse(JSON.parse(kept)).find(({ name }) => name === 'web')?.finishedAt
  if (finishedAt === undefined) throw new Error('nobody was told that web had ended')
  return told - Date.parse(finishedAt)
}

interface Shown {
  date: string
  machine: ReturnType<typeof machine>
  rounds: number
  lines: readonly Line[]
  failure: Spread
  ready: Spread
  up: Spread
  gone: Spread
}

function show({ date, machine, rounds, lines, failure, ready, up, gone }: Shown): string {
  return [
    `${date}; ${machine.cpu}, ${machine.processors} processors, ${machine.memoryGB} GB; ${machine.system}, Node ${machine.node}; load ${machine.load} before the first round; ${rounds} rounds.`,
    table(
      ['stack', 'by', 'seconds', '× compose'],
      lines.map(({ stack, name, seconds, ratio }) => [stack, name, range(seconds, 2), range(ratio, 2)]),
    ),
    `From the end of a service until it is told: ${range(failure, 0)} ms (goal: 500).`,
    `From the moment when a service is ready until it is seen: ${range(ready, 0)} ms (goal: 200).`,
    `Beyond what the slowest service takes itself, from the start of Node until the stack is up: ${range(up, 2)} s (goal: 0.5); until all of it is gone: ${range(gone, 2)} s.`,
  ].join('\n\n')
}
