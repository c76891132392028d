/**
 * Everything that must hold, in the order in which it is cheapest to learn: style, types, what is generated, then the
 * tests. Those against the real thing mostly wait for it, so the suites of them run side by side, each with a lab of
 * its own; what failed runs once more, alone. The last line is `N passed, N failed`.
 *
 *   npm test                  all of it, with a sample of each long campaign; what has passed here with the very same files is
 *                             not run again
 *   npm test -- --again       all of it, whatever has passed; so does every run with CI in its environment
 *   npm run test:campaign     the campaigns in full: every fault at every step, and every scenario on every host by every account;
 *                             with -- --write-matrix it writes docs/reference/matrix.md
 *   node test/run.ts --write-scenarios    writes docs/reference/scenarios.md from what passed
 *   node test/run.ts --write-took         writes down how long each part took, for machines that have run none
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { down } from '../lab/down.ts'
import { root } from '../lab/paths.ts'
import { allSuites, newLabName, up, type Wanted } from '../lab/up.ts'
import type { Counts } from './support/counts.ts'
import { type Fell, afterSecond, partsAgain } from './support/second.ts'
import { longestFirst, ofCampaign, type Part, partsOf } from './support/parts.ts'
import { Passed } from './support/passed.ts'
import { commitHere, writeMatrix } from './support/matrix.ts'
import { scenarioPage, untold } from './support/scenarios-page.ts'
import { scenarios } from './support/scenarios.ts'
import { keepTook, readTook, writeUsual } from './support/took.ts'

const checks: readonly (readonly [string, ...string[]])[] = [
  ['format', 'oxfmt', '--check'],
  ['lint', 'oxlint', '--deny-warnings'],
  ['shell', 'shellcheck', '--shell', 'sh', ...shellFiles()],
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['dead code', 'knip'],
  ['generated files', 'node', 'scripts/generate.ts', '--check'],
  ['dist', 'node', 'scripts/bundle.ts', '--check'],
]
const isCampaign = process.argv.includes('--campaign')
const total = {
  passed: 0,
  reused: 0,
  failed: [] as string[],
  skipped: [] as string[],
  told: [] as Counts['told'],
  lost: [] as Counts['told'],
}
/** Parts of the real tests that failed once: each has a second run, alone. */
const fell: Fell[] = []
/** What passed then. */
const atSecond: string[] = []
const scratch = mkdtempSync(join(tmpdir(), 'launchway-test-'))
const began = performance.now()
/** What runs just now: a signal is theirs as well. */
const running = new Set<ChildProcess>()

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
    running.add(child)
    const printed: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => printed.push(part))
    child.once('error', (error) => console.error(error.message))
    child.once('close', (code) => {
      running.delete(child)
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

/** Runs a part, unless it has passed here before, and counts it; one that failed is kept for a second run. */
async function run(part: Part, env: Record<string, string>): Promise<boolean> {
  const { name } = part
  if (stopped) return !total.failed.push(`${name}: stopped`)
  const before = passed?.find(name)
  if (before !== undefined) {
    add(before.counts)
    total.reused += before.counts.passed
    console.log(`reused: ${name} tests, which passed ${Math.round(before.agoMs / 60_000)} min ago`)
    return true
  }
  const started = performance.now()
  const counts = await ran(part, env)
  if (counts.failed.length > 0) {
    fell.push({ part, counts })
    return false
  }
  add(counts)
  passed?.keep(name, counts)
  if (!isCampaign) keepTook(name, performance.now() - started)
  return true
}

/** A part that ran nothing has failed: a wrong pattern must not look like a green run. */
async function ran(
  { name, project, files }: Part,
  env: Record<string, string>,
  show: 'live' | 'at the end' = 'at the end',
): Promise<Counts> {
  const started = performance.now()
  const into = join(scratch, `${name}.json`)
  rmSync(into, { force: true })
  const reporters = ['--reporter=default', `--reporter=${join(root, 'test/support/counts.ts')}`]
  const ended = await passes('vitest', ['run', '--project', project, ...reporters, ...files], { ...env, LAUNCHWAY_COUNTS: into }, show)
  const counts = readCounts(into)
  if (counts.passed === 0) counts.failed.push({ name, why: 'no test ran' })
  else if (!ended && counts.failed.length === 0) counts.failed.push({ name, why: 'vitest ended with an error' })
  console.log(`${counts.failed.length === 0 ? 'passed' : 'FAILED'}: ${name} tests (${seconds(started)})`)
  return counts
}

function add(counts: Counts): void {
  total.passed += counts.passed
  total.failed.push(...counts.failed.map(({ name, why }) => `${name}: ${why}`))
  total.skipped.push(...counts.skipped)
  total.told.push(...counts.told)
  total.lost.push(...counts.lost)
}

function readCounts(file: string): Counts {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Counts
  } catch {
    return { passed: 0, failed: [], skipped: [], told: [], lost: [] }
  }
}

/** One part after the other, in a lab that is made for the first which needs one, and made anew after one that failed. */
async function lane(parts: Part[]): Promise<void> {
  let lab: string | undefined
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const reused = passed?.find(part.name) !== undefined
    try {
      if (lab === undefined && !reused && !stopped) {
        lab = newLabName()
        await up({ name: lab, ...shapeOf(part) })
      }
      const env = { ...campaign, ...(lab === undefined ? {} : { LAUNCHWAY_LAB: lab }) }
      if (await run(part, env)) continue
    } catch (error) {
      total.failed.push(`the lab of ${part.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
    if (lab !== undefined) await takeDown(lab)
    lab = undefined
  }
  if (lab !== undefined) await takeDown(lab)
}

/**
 * What failed while others took the machine's time runs again with nothing beside it, in a lab of its own. What passes then
 * counts, and the last lines name it: it is a race, in a test or in what it tests, and somebody should look.
 */
async function runAgain(): Promise<void> {
  const again = partsAgain(fell)
  for (const { part, counts } of fell) {
    const files = again.find(({ name }) => name === part.name)
    if (files === undefined || stopped) {
      add(counts)
      continue
    }
    console.log(`again, alone: ${files.files.join(', ')}`)
    const after = afterSecond(counts, await inLab(files))
    add(after.counts)
    atSecond.push(...after.mended.map(({ name, why }) => `${name}: ${why}`))
  }
}

async function inLab(part: Part): Promise<Counts> {
  const lab = newLabName()
  try {
    await up({ name: lab, ...shapeOf(part) })
    return await ran(part, { ...campaign, LAUNCHWAY_LAB: lab })
  } catch (error) {
    return {
      passed: 0,
      failed: [{ name: part.name, why: `its lab: ${error instanceof Error ? error.message : String(error)}` }],
      skipped: [],
      told: [],
      lost: [],
    }
  } finally {
    await takeDown(lab)
  }
}

/** A cluster is a lab of another shape. */
function shapeOf({ project }: Part): Omit<Wanted, 'name'> {
  return project === 'swarm' ? { hosts: [], swarm: true } : { hosts: allSuites }
}

/** A lab that does not go down is a failure like any other: the rest runs, and the other labs go down. */
async function takeDown(lab: string): Promise<void> {
  try {
    await down(lab)
  } catch (error) {
    total.failed.push(`the lab ${lab} did not go down: ${error instanceof Error ? error.message : String(error)}`)
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

/** What the campaign has shown at every place. What it read of the tree it read before it ran. */
function keepMatrix(version: ReturnType<typeof commitHere>): void {
  if (isCampaign && process.argv.includes('--write-matrix')) writeMatrix({ told: total.told, lost: total.lost, ...version })
}

// A signal ends the programs that run just now; what is left is skipped, and the labs go down all the same.
let stopped = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopped = true
    for (const child of running) child.kill('SIGTERM')
  })
}

const campaign: Record<string, string> = isCampaign ? { LAUNCHWAY_CAMPAIGN: '1', LAUNCHWAY_MATRIX: 'all' } : {}
const version = commitHere()
const passed = isCampaign || process.env['CI'] !== undefined || process.argv.includes('--again') ? undefined : new Passed()
await Promise.all(checks.map(check))
add(await ran({ name: 'unit', project: 'unit', files: [] }, campaign, 'live'))
// As many at once as two cores bear, each with a lab of its own: what is long first, so that no lane is left with it. A
// cluster is a lab of another shape; that lane goes on with the rest.
const files = globSync(['test/contract/*.test.ts', 'test/e2e/*.test.ts'], { cwd: root })
const parts = longestFirst(partsOf(files.filter((file) => isCampaign || !ofCampaign.includes(file))), readTook())
const [onCluster, others] = [parts.filter(({ project }) => project === 'swarm'), parts.filter(({ project }) => project !== 'swarm')]
await Promise.all([...Array.from({ length: 3 }, () => lane(others)), lane(onCluster).then(() => lane(others))])
await runAgain()
rmSync(scratch, { recursive: true, force: true })
if (process.argv.includes('--write-took')) writeUsual()

keepMatrix(version)
checkScenarios()
for (const name of total.failed) console.log(`failed: ${name}`)
for (const name of atSecond) console.log(`passed the second time, alone: ${name}`)
for (const name of total.skipped) console.log(`skipped: ${name}`)
if (total.reused > 0)
  console.log(`${total.reused} of those that passed did so before, with the very same files; all of it runs with npm test -- --again`)
console.log(`${total.skipped.length} skipped, after ${seconds(began)}`)
console.log(`${total.passed} passed, ${total.failed.length} failed`)
process.exitCode = total.failed.length === 0 ? 0 : 1
