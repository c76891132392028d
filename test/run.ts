/**
 * Everything that must hold, in the order in which it is cheapest to learn: style, types, what is generated, then the
 * tests. Those against the real thing mostly wait for it, so the suites of them run side by side, each with a lab of
 * its own. The last line is `N passed, N failed`.
 *
 *   npm test                  all of it, with a sample of each long campaign
 *   npm run test:campaign     the campaigns in full: every fault at every step
 *   node test/run.ts --write-scenarios    writes docs/reference/scenarios.md from what passed
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { down } from '../lab/down.ts'
import { root } from '../lab/paths.ts'
import { allSuites, newLabName, up } from '../lab/up.ts'
import type { Counts } from './support/counts.ts'
import { scenarioPage, untold } from './support/scenarios-page.ts'
import { scenarios } from './support/scenarios.ts'

const checks: readonly (readonly [string, ...string[]])[] = [
  ['format', 'oxfmt', '--check'],
  ['lint', 'oxlint', '--deny-warnings'],
  ['shell', 'shellcheck', '--shell', 'sh', ...shellFiles()],
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['dead code', 'knip'],
  ['generated files', 'node', 'scripts/generate.ts', '--check'],
  ['dist', 'node', 'scripts/bundle.ts', '--check'],
]
type Suite = 'unit' | 'contract' | 'hosts' | 'e2e'

const isCampaign = process.argv.includes('--campaign')
const total = { passed: 0, failed: [] as string[], skipped: [] as string[], told: [] as Counts['told'] }
const scratch = mkdtempSync(join(tmpdir(), 'launchway-test-'))
const began = performance.now()

/** Every shell program of ours: those that a user's host runs, those of the lab, the hooks. dist/ has copies; an example's shell is its own. */
function shellFiles(): string[] {
  const programs = [
    '*.sh',
    '.ci/run',
    '.githooks/*',
    'lab/images/host/lab-*',
    'lab/images/services/*-server',
    ':!dist',
    ':!examples',
    ':!*.service',
  ]
  const listed = spawnSync('git', ['-c', 'safe.directory=*', 'ls-files', '--cached', '--others', '--exclude-standard', ...programs], {
    cwd: root,
    encoding: 'utf8',
  })
  return listed.stdout.split('\n').filter((path) => path !== '')
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}

/** Runs a program; what it prints is shown as it comes, or whole at its end. True when it ended well. */
function passes(
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
  show: 'live' | 'at the end' = 'live',
): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: root,
      stdio: show === 'live' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    const printed: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => printed.push(part))
    child.once('error', (error) => console.error(error.message))
    child.once('close', (code) => {
      process.stdout.write(Buffer.concat(printed))
      resolve(code === 0)
    })
  })
}

async function check([name, file = '', ...args]: (typeof checks)[number]): Promise<void> {
  if (stopped) return
  const started = performance.now()
  const passed = await passes(file, args, {}, 'at the end')
  console.log(`${passed ? 'passed' : 'FAILED'}: ${name} (${seconds(started)})`)
  if (passed) total.passed += 1
  else total.failed.push(name)
}

/** A suite that ran nothing has failed: a wrong pattern must not look like a green run. */
async function suite(project: Suite, env: Record<string, string>, show: 'live' | 'at the end' = 'live', shard = ''): Promise<void> {
  const name = shard === '' ? project : `${project} ${shard}`
  if (stopped) return void total.failed.push(`${name}: stopped`)
  const started = performance.now()
  const file = join(scratch, `${name.replaceAll(/\W/g, '-')}.json`)
  const reporters = ['--reporter=default', `--reporter=${join(root, 'test/support/counts.ts')}`]
  const ended = await passes(
    'vitest',
    ['run', '--project', project, ...(shard === '' ? [] : [`--shard=${shard}`]), ...reporters],
    { ...env, LAUNCHWAY_COUNTS: file },
    show,
  )
  const counts = readCounts(file)
  const failed = [...counts.failed]
  if (counts.passed === 0) failed.push(`${name}: no test ran`)
  else if (!ended && failed.length === 0) failed.push(`${name}: vitest ended with an error`)
  total.passed += counts.passed
  total.failed.push(...failed)
  total.skipped.push(...counts.skipped)
  total.told.push(...counts.told)
  console.log(`${failed.length === 0 ? 'passed' : 'FAILED'}: ${name} tests (${seconds(started)})`)
}

function readCounts(file: string): Counts {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Counts
  } catch {
    return { passed: 0, failed: [], skipped: [], told: [] }
  }
}

async function suiteInLab(name: Suite, env: Record<string, string>, show: 'live' | 'at the end', shard = ''): Promise<void> {
  const lab = newLabName()
  try {
    await up({ name: lab, hosts: allSuites })
    await suite(name, { ...env, LAUNCHWAY_LAB: lab }, show, shard)
  } catch (error) {
    total.failed.push(`the lab of ${name}: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await down(lab)
  }
}

/** The page says what this run has shown, or it is not true. */
function checkScenarios(): void {
  const page = join(root, 'docs/reference/scenarios.md')
  const text = scenarioPage(scenarios, total.told)
  if (process.argv.includes('--write-scenarios')) writeFileSync(page, text)
  const lacks = untold(scenarios, total.told)
  // The campaigns run more than the page tells.
  if (!isCampaign && (!existsSync(page) || readFileSync(page, 'utf8') !== text))
    lacks.push('docs/reference/scenarios.md says something else than this run')
  console.log(`${lacks.length === 0 ? 'passed' : 'FAILED'}: scenarios`)
  if (lacks.length === 0) total.passed += 1
  total.failed.push(...lacks)
}

// A signal ends the programs that run just now; what is left is skipped, and the labs go down all the same.
let stopped = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (stopped = true))

const campaign: Record<string, string> = isCampaign ? { LAUNCHWAY_CAMPAIGN: '1' } : {}
await Promise.all(checks.map(check))
await suite('unit', campaign)
// As many at once as two cores bear, each with a lab of its own. What runs on hosts is by far the longest: in parts of
// about two files, which fill the lanes that the others leave.
const parts = 11
const waiting: (() => Promise<void>)[] = [
  () => suiteInLab('contract', campaign, 'live'),
  () => suiteInLab('e2e', campaign, 'at the end'),
  ...Array.from({ length: parts }, (_, part) => () => suiteInLab('hosts', campaign, 'at the end', `${part + 1}/${parts}`)),
]
const lane = async (): Promise<void> => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next()
}
await Promise.all(Array.from({ length: 4 }, lane))
rmSync(scratch, { recursive: true, force: true })

checkScenarios()
for (const name of total.failed) console.log(`failed: ${name}`)
for (const name of total.skipped) console.log(`skipped: ${name}`)
console.log(`${total.skipped.length} skipped, after ${seconds(began)}`)
console.log(`${total.passed} passed, ${total.failed.length} failed`)
process.exitCode = total.failed.length === 0 ? 0 : 1
