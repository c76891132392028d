/**
 * What visitors see of switches: fifty connections that never ask for anything twice, with slow uploads and requests of 3 s
 * beside them, on each nginx that the lab has, plain and over TLS. How long answers take while nothing happens, during a
 * rollback and around the moment of its switch is of the same minutes.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { down } from '../lab/down.ts'
import { authorityOf, makeCertificate } from '../lab/keys.ts'
import { type Lab, readLab } from '../lab/lab.ts'
import { root } from '../lab/paths.ts'
import { call, docker } from '../lab/run.ts'
import { traffic, type Load } from '../lab/traffic.ts'
import { allSuites, newLabName, up } from '../lab/up.ts'
import type { Suite } from '../lab/versions.ts'
import type { Options } from './asked.ts'
import { nextVersion } from './deployers.ts'
import { quantile } from './measure.ts'
import { machine, type Report, table } from './report.ts'

/** Between two switches, in milliseconds. */
const steadyMs = 2_000

/** Around the moment in which the new version answers first, in milliseconds. */
const around = { before: 100, after: 1_000 }

/** Others than the fifty: they are asked for nothing but that none of theirs fails. */
const beside: readonly Partial<Load>[] = [
  { path: '/slow', connections: 5 },
  { uploadMs: 2_000, bytes: 4_000, connections: 5 },
]

interface Answer {
  version: string
  began: number
  ms: number
}

interface Line {
  nginx: string
  way: 'HTTP' | 'HTTPS'
  requests: number
  failed: number
  /** Medians and 99th percentiles of answers, in milliseconds. */
  steady: Times
  around: Times
  whole: Times
}
interface Times {
  answers: number
  p50: number
  p99: number
}

export async function benchTraffic({ rounds = 20, say }: Options): Promise<Report> {
  const before = machine()
  const kept = readLab(process.env['LAUNCHWAY_LAB'] ?? '')
  const lab = kept ?? (await up({ name: newLabName(), hosts: allSuites }))
  try {
    const lines: Line[] = []
    for (const suite of allSuites.filter((one) => lab.hosts[one] !== undefined)) {
      for (const way of ['HTTP', 'HTTPS'] as const) {
        const line = await switched(lab, suite, way, rounds, say)
        say(`bench traffic: ${suite}, ${way}: ${JSON.stringify(line)}`)
        lines.push(line)
      }
    }
    const figures = { bench: 'traffic', date: new Date().toISOString().slice(0, 10), machine: before, rounds, lines }
    const heading = `${figures.date}; ${before.cpu}, ${before.processors} processors, ${before.memoryGB} GB; ${before.system}, Node ${before.node}; load ${before.load} before the first round; ${rounds} switches each.`
    const ms = ({ p50, p99 }: Times): string => `${p50.toFixed(0)}, ${p99.toFixed(0)}`
    const rows = lines.map(({ nginx, way, requests, failed, steady, around: near, whole }) => [
      `${nginx}, ${way}`,
      ...[String(requests), String(failed), ms(steady), ms(near), (near.p99 / steady.p99).toFixed(2), ms(whole)],
      (whole.p99 / steady.p99).toFixed(2),
    ])
    const head = ['', 'requests', 'failed', 'steady, ms', 'at the switch', '× p99', 'whole rollback', '× p99']
    return { text: [heading, table(head, rows)].join('\n\n'), figures }
  } finally {
    if (kept === undefined) await down(lab.name)
  }
}

/** Two versions that take turns, and what is asked of them meanwhile. */
async function switched(lab: Lab, suite: Suite, way: Line['way'], rounds: number, say: Options['say']): Promise<Line> {
  const host = lab.hosts[suite]
  if (host === undefined) throw new Error(`the lab ${lab.name} has no ${suite}`)
  const name = `traffic-${way.toLowerCase()}`
  const project = await projectOn(lab, suite, name, way)
  try {
    for (const version of [1, 2]) {
      say(`bench traffic: ${suite}, ${way}, version ${version} is deployed …`)
      nextVersion(project.folder, version)
      await project.git('add', '--all')
      await project.git('commit', '--quiet', '--allow-empty', '--message', `Version ${version}`)
      for (const stage of ['plan', 'build', 'push', 'deploy']) await project.launchway(stage)
    }
    const answers: Answer[] = []
    const load = {
      port: host.ports[way === 'HTTP' ? '80' : '443'] ?? 0,
      serverName: project.serverName,
      ...(way === 'HTTP' ? {} : { ca: readFileSync(authorityOf(lab.folder), 'utf8') }),
      seconds: 1_800,
    }
    const running = [
      traffic({ ...load, pauseMs: 200, onAnswer: (version, began, ms) => void answers.push({ version, began, ms }) }),
      ...beside.map((other) => traffic({ ...load, ...other })),
    ]
    const spans: { from: number; to: number }[] = []
    // The first seconds are those of the connections.
    await pause(steadyMs)
    const began = performance.now()
    for (let nth = 1; nth <= rounds; nth += 1) {
      say(`bench traffic: ${suite}, ${way}, switch ${nth} of ${rounds} …`)
      await pause(steadyMs)
      const from = performance.now()
      await project.launchway('rollback')
      spans.push({ from, to: performance.now() })
      await pause(around.after)
    }
    const tallies = await Promise.all(running.map((one) => one.stop()))
    const lost = tallies.flatMap(({ told }) => told)
    if (lost.length > 0) say(`bench traffic: ${suite}, ${way}, failed: ${lost.join('; ')}`)
    const moments = spans.map((span) => switchedAt(answers, span))
    const within = (from: number, to: number) => (one: Answer) => one.began >= from && one.began <= to
    const near = moments.map((at) => within(at - around.before, at + around.after))
    const whole = spans.map(({ from, to }) => within(from, to))
    const any = (of: readonly ((one: Answer) => boolean)[]): Answer[] => answers.filter((one) => of.some((is) => is(one)))
    const busy = [...near, ...whole]
    return {
      nginx: await nginxOf(host.container),
      way,
      requests: tallies.reduce((sum, { requests }) => sum + requests, 0),
      failed: tallies.reduce((sum, { failed }) => sum + failed, 0),
      steady: timesOf(answers.filter((one) => one.began >= began && !busy.some((is) => is(one)))),
      around: timesOf(any(near)),
      whole: timesOf(any(whole)),
    }
  } finally {
    // Why it failed is worth more than what is left.
    await project.launchway('remove', '--yes').catch(() => undefined)
  }
}

/** When the version that did not answer at the beginning answered first. */
function switchedAt(answers: readonly Answer[], { from, to }: { from: number; to: number }): number {
  const end = ({ began, ms }: Answer): number => began + ms
  const old = answers.findLast((one) => end(one) < from)?.version
  const first = answers.find((one) => end(one) >= from && end(one) <= to + around.after && one.version !== old)
  if (first === undefined) throw new Error('nobody was given to another version: there was no switch')
  return end(first)
}

function timesOf(answers: readonly Answer[]): Times {
  const sorted = answers.map(({ ms }) => ms).toSorted((a, b) => a - b)
  return { answers: sorted.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) }
}

async function nginxOf(container: string): Promise<string> {
  const { stderr } = await call('docker', ['exec', container, 'nginx', '-v'])
  return `nginx ${/nginx\/(\d+\.\d+)/.exec(stderr)?.[1] ?? 'of unknown age'}`
}

interface Project {
  folder: string
  serverName: string
  git(this: void, ...args: string[]): Promise<unknown>
  launchway(this: void, ...args: string[]): Promise<unknown>
}

async function projectOn(lab: Lab, suite: Suite, name: string, way: Line['way']): Promise<Project> {
  const host = lab.hosts[suite]
  const folder = join(lab.folder, 'bench', `${name}-${suite}`)
  mkdirSync(folder, { recursive: true })
  cpSync(join(root, 'bench/visited'), folder, { recursive: true })
  const serverName = `${name}.example.org`
  const git = (...args: string[]): Promise<unknown> =>
    call('git', ['-c', 'user.name=Bench', '-c', 'user.email=bench@example.org', '-c', 'core.hooksPath=/dev/null', ...args], { cwd: folder })
  await git('init', '--quiet', '--initial-branch', 'main')
  writeFileSync(
    join(folder, 'launchway.yml'),
    `app: ${name}
image: ${lab.registry.address}/${name}/${suite}
branches: { main: production }
scan: false
environments:
  production:
    host: 'root@127.0.0.1:${host?.ports['22']}'
    port: 8000
    health: /
    url: '${way.toLowerCase()}://${serverName}'
    ssh: { known-hosts: ${lab.knownHosts} }
${way === 'HTTP' ? '' : `    nginx: { tls: { certificate: /etc/ssl/${name}.pem, key: /etc/ssl/${name}.key } }\n`}`,
  )
  if (way === 'HTTPS') {
    const { certificate, key } = await makeCertificate(lab.folder, name, `DNS:${serverName}`)
    for (const file of [certificate, key]) await docker('cp', file, `${host?.container}:/etc/ssl/`)
  }
  const env = { SSH_KEY: readFileSync(lab.key, 'utf8'), XDG_STATE_HOME: join(folder, '.git', 'state') }
  return { folder, serverName, git, launchway: (...args) => call(join(root, 'bin/launchway'), args, { cwd: folder, env }) }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
