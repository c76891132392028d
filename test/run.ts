/**
 * Everything that must hold, in the order in which it is cheapest to learn: style, types, what is generated, then the
 * tests, the real ones against one lab. The last line is `N passed, N failed`.
 *
 *   npm test                  all of it, with a sample of each long campaign
 *   npm run test:campaign     the campaigns in full: every fault at every step
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { down } from '../lab/down.ts'
import { root } from '../lab/paths.ts'
import { allSuites, newLabName, up } from '../lab/up.ts'
import type { Counts } from './support/counts.ts'

const checks: readonly (readonly [string, ...string[]])[] = [
  ['format', 'oxfmt', '--check'],
  ['lint', 'oxlint', '--deny-warnings'],
  ['shell', 'shellcheck', '--shell', 'sh', ...shellFiles()],
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['dead code', 'knip'],
  ['generated files', 'node', 'scripts/generate.ts', '--check'],
  ['dist', 'node', 'scripts/bundle.ts', '--check'],
]
const suites = ['unit', 'contract', 'e2e'] as const

const total = { passed: 0, failed: [] as string[], skipped: [] as string[] }
const scratch = mkdtempSync(join(tmpdir(), 'launchway-test-'))
const began = performance.now()

/** Every shell program of ours: those that a user's host runs, those of the lab, the hooks. dist/ has copies. */
function shellFiles(): string[] {
  const programs = ['*.sh', '.ci/run', '.githooks/*', 'lab/images/host/lab-*', 'lab/images/services/*-server', ':!dist', ':!*.service']
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...programs], { cwd: root, encoding: 'utf8' })
  return listed.stdout.split('\n').filter((path) => path !== '')
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}

/** Runs a program with what it prints shown. True when it ended well. */
function passes(file: string, args: readonly string[], env: Record<string, string> = {}): boolean {
  const ended = spawnSync(file, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
  return ended.status === 0
}

function check([name, file = '', ...args]: (typeof checks)[number]): void {
  if (stopped) return
  const started = performance.now()
  const passed = passes(file, args)
  console.log(`${passed ? 'passed' : 'FAILED'}: ${name} (${seconds(started)})`)
  if (passed) total.passed += 1
  else total.failed.push(name)
}

/** A suite that ran nothing has failed: a wrong pattern must not look like a green run. */
function suite(name: (typeof suites)[number], env: Record<string, string>): void {
  if (stopped) return void total.failed.push(`${name}: stopped`)
  const started = performance.now()
  const file = join(scratch, `${name}.json`)
  const reporters = ['--reporter=default', `--reporter=${join(root, 'test/support/counts.ts')}`]
  const ended = passes('vitest', ['run', '--project', name, ...reporters], { ...env, LAUNCHWAY_COUNTS: file })
  const counts = readCounts(file)
  const failed = [...counts.failed]
  if (counts.passed === 0) failed.push(`${name}: no test ran`)
  else if (!ended && failed.length === 0) failed.push(`${name}: vitest ended with an error`)
  total.passed += counts.passed
  total.failed.push(...failed)
  total.skipped.push(...counts.skipped)
  console.log(`${failed.length === 0 ? 'passed' : 'FAILED'}: ${name} tests (${seconds(started)})`)
}

function readCounts(file: string): Counts {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Counts
  } catch {
    return { passed: 0, failed: [], skipped: [] }
  }
}

async function withLab(use: (name: string) => void): Promise<void> {
  const name = newLabName()
  try {
    const started = performance.now()
    await up({ name, hosts: allSuites })
    console.log(`the lab ${name} is up after ${seconds(started)}`)
    use(name)
  } catch (error) {
    total.failed.push(`the lab: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await down(name)
  }
}

// A signal ends the program that runs just now; what is left is skipped, and the lab goes down all the same.
let stopped = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (stopped = true))

const campaign: Record<string, string> = process.argv.includes('--campaign') ? { LAUNCHWAY_CAMPAIGN: '1' } : {}
for (const one of checks) check(one)
suite('unit', campaign)
await withLab((lab) => {
  for (const name of ['contract', 'e2e'] as const) suite(name, { ...campaign, LAUNCHWAY_LAB: lab })
})
rmSync(scratch, { recursive: true, force: true })

for (const name of total.failed) console.log(`failed: ${name}`)
for (const name of total.skipped) console.log(`skipped: ${name}`)
console.log(`${total.skipped.length} skipped, after ${seconds(began)}`)
console.log(`${total.passed} passed, ${total.failed.length} failed`)
process.exitCode = total.failed.length === 0 ? 0 : 1
