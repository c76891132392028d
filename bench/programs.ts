/** The programs that `bench start` starts: the actions on real input, an empty script, other people's actions. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { root } from '../lab/paths.ts'
import { parseRelease, type Release } from '../src/core/release.ts'
import { type ActionDefinition, actions, inputOf } from '../src/inputs.ts'
import type { StageName } from '../src/core/stages.ts'

/** A program as it is started, again and again. */
export interface Program {
  name: string
  file: string
  env: Record<string, string>
  /** The exit code that it must end with. Default: 0. */
  exit?: number
  /** Whether it keeps a compile cache: ours and the floor do, other people's as they are shipped. */
  caches: boolean
  /** Makes its surroundings as they were before. Not timed. */
  before(this: void): void
  /** Throws unless it did what it should. Not timed. */
  after(this: void): void
}

const configuration = `image: registry.example.org/team/shop
scan: false
branches: { master: production, docker: {}, docker_dev: development }
tags: { "v*": production }
environments:
  production:  { host: deploy@shop.example.org, url: https://shop.example.org, port: 5000, publish: 80, health: /healthz }
  development: { host: deploy@shop.example.org, port: 5000, publish: 6000 }
`

/** Loaded before a program, it says at its end how much memory that held at most, in KiB. */
const peakMemory = `process.once('exit', () => {
  const { maxRSS } = process.resourceUsage()
  process.stderr.write('peak-memory ' + maxRSS + '\\n')
})
`

export interface Repository {
  folder: string
  sha: string
}

/** A small repository, committed, as a user would have it. */
export function makeRepository(folder: string): Repository {
  mkdirSync(folder)
  writeFileSync(join(folder, 'launchway.yml'), configuration)
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY launchway.yml /\n')
  const git = (...args: string[]): string => {
    const own = [
      '-c',
      'user.name=Bench',
      '-c',
      'user.email=bench@example.org',
      '-c',
      'core.hooksPath=/dev/null',
      '-c',
      'commit.gpgSign=false',
    ]
    const { status, stdout, stderr } = spawnSync('git', ['-C', folder, ...own, ...args], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`git ${args[0]}: ${stderr}`)
    return stdout.trim()
  }
  git('init', '--quiet', '--initial-branch', 'master')
  git('add', '--all')
  git('commit', '--quiet', '--message', 'A shop')
  return { folder, sha: git('rev-parse', 'HEAD') }
}

/**
 * Each action does all that it does before its own work begins, and nothing outside:
 * plan decides on a push to master; the whole release reads a branch that launchway.yml does not name; build, smoke, scan,
 * push and deploy read the record of that push, in which their own stage is switched off, as a plan does that skips it; what moves hosts
 * refuses an environment that launchway.yml does not name, when it would ask a host next.
 */
export function actionPrograms(repository: Repository, scratch: string): Program[] {
  const master = 'refs/heads/master'
  const program = (action: ActionDefinition, rest: Omit<Setting, 'repository' | 'scratch'>): Program =>
    actionProgram(action, { repository, scratch, ...rest })
  const planning = actions.find(({ stage }) => stage === 'plan')
  if (planning === undefined) throw new Error('no action plans')
  const plan = program(planning, { ref: master, verdict: 'passed' })
  const planned = recordOf(plan, repository, mkdtempSync(join(scratch, 'cache-')))
  return actions.map((action) => {
    if (action === planning) return plan
    if (action.stage === undefined) return program(action, { ref: 'refs/heads/elsewhere', verdict: 'nothing-to-do' })
    if (action.inputs.includes('config')) return program(action, { ref: master, verdict: 'failed', environment: 'elsewhere' })
    return program(action, { ref: master, verdict: 'passed', record: leavingTo(action.stage === 'deploy' ? 'push' : 'deploy', planned) })
  })
}

interface Setting {
  repository: Repository
  scratch: string
  ref: string
  /** The output `verdict` that it must end with. */
  verdict: string
  /** What an earlier stage handed on. */
  record?: Release
  /** One that launchway.yml does not have: the action refuses it. */
  environment?: string
}

function actionProgram(action: ActionDefinition, { repository, scratch, ref, verdict, record, environment }: Setting): Program {
  const temp = mkdtempSync(join(scratch, `${action.entry}-`))
  const release = join(temp, 'launchway/release.json')
  const [output, summary] = [join(temp, 'output'), join(temp, 'summary')]
  const file = join(root, 'dist', `${action.entry}.js`)
  if (!existsSync(file)) throw new Error(`there is no dist/${action.entry}.js: npm run build`)
  return {
    name: action.entry,
    file,
    env: {
      ...eventOf(ref, repository, temp),
      ...Object.fromEntries(
        action.inputs.map((name) => [`INPUT_${name.toUpperCase()}`, (inputOf(name).default ?? '').replace('${{ github.token }}', 'none')]),
      ),
      ...(environment === undefined ? {} : { INPUT_ENVIRONMENT: environment }),
      GITHUB_OUTPUT: output,
      GITHUB_STEP_SUMMARY: summary,
    },
    ...(environment === undefined ? {} : { exit: 2 }),
    caches: true,
    before() {
      for (const path of [output, summary]) writeFileSync(path, '')
      rmSync(dirname(release), { recursive: true, force: true })
      if (record === undefined) return
      mkdirSync(dirname(release))
      writeFileSync(release, JSON.stringify(record, null, 2))
    },
    after() {
      const outputs = readFileSync(output, 'utf8').split('\n')
      for (const line of [`verdict=${verdict}`, ...(environment === undefined ? [`release=${release}`] : [])]) {
        if (!outputs.includes(line)) throw new Error(`${action.entry} did not write the output ${line}`)
      }
      if (environment !== undefined) return
      if (!readFileSync(summary, 'utf8').includes('| stage ')) throw new Error(`${action.entry} wrote no summary`)
      parseRelease(readFileSync(release, 'utf8'), release)
    },
  }
}

/** What a runner tells every step. */
function eventOf(ref: string, { sha, folder }: Repository, temp: string): Record<string, string> {
  const event = join(temp, 'event.json')
  writeFileSync(event, JSON.stringify({ ref, after: sha, deleted: false, head_commit: { id: sha, timestamp: '2026-11-20T12:00:00Z' } }))
  return {
    GITHUB_ACTIONS: 'true',
    GITHUB_EVENT_NAME: 'push',
    GITHUB_EVENT_PATH: event,
    GITHUB_REF: ref,
    GITHUB_SHA: sha,
    GITHUB_REPOSITORY: 'team/shop',
    GITHUB_ACTOR: 'octocat',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_RUN_ID: '42',
    GITHUB_WORKSPACE: folder,
    RUNNER_TEMP: temp,
  }
}

function recordOf(plan: Program, repository: Repository, cache: string): Release {
  start(plan, { cwd: repository.folder, cache })
  const path = join(plan.env['RUNNER_TEMP'] ?? '', 'launchway/release.json')
  return parseRelease(readFileSync(path, 'utf8'), path)
}

/** All stages but one are switched off. */
function leavingTo(other: StageName, record: Release): Release {
  const stages = Object.fromEntries(
    Object.keys(record.plan.stages).map((stage) => [stage, { run: stage === other, reason: 'its start alone is measured' }]),
  )
  return parseRelease(JSON.stringify({ ...record, plan: { ...record.plan, stages } }), 'the record without stages')
}

export function emptyScript(scratch: string): Program {
  const file = join(scratch, 'empty.cjs')
  writeFileSync(file, '')
  return { name: 'empty script', file, env: {}, caches: true, before() {}, after() {} }
}

/** An action of others, in its post step with nothing left to do: it loads what it always loads, and ends. */
export function peerProgram(name: string, file: string, repository: Repository, scratch: string): Program {
  const env = { ...eventOf('refs/heads/master', repository, mkdtempSync(join(scratch, 'peer-'))), STATE_isPost: 'true' }
  return { name, file: resolve(file), env, caches: false, before() {}, after() {} }
}

export function peakMemoryPreload(scratch: string): string {
  const file = join(scratch, 'peak-memory.cjs')
  writeFileSync(file, peakMemory)
  return file
}

/** What that preload said, in MB. */
export function peakMB(stderr: string): number {
  const kib = /^peak-memory (\d+)$/m.exec(stderr)?.[1]
  if (kib === undefined) throw new Error(`no peak memory was said:\n${stderr}`)
  return (Number(kib) * 1024) / 1e6
}

export interface Start {
  cwd: string
  /** Folder of the compile cache. */
  cache: string
  /** Loaded before it, for measurements that are not of time. */
  preload?: string
}

/** Starts a program and waits for its end. @returns its time in milliseconds, and what it said on standard error */
export function start(
  { name, file, env, exit = 0, caches, before, after }: Program,
  { cwd, cache, preload }: Start,
): { ms: number; stderr: string } {
  before()
  const { PATH = '', HOME = '' } = process.env
  const surroundings = { PATH, HOME, ...env, ...(caches ? { NODE_COMPILE_CACHE: cache } : {}) }
  // A child's peak counts from the size of who started it, here the bench; the shell between the two is small.
  const [program, ...args] =
    preload === undefined ? [process.execPath, file] : ['sh', '-c', '"$@"; exit $?', 'sh', process.execPath, '--require', preload, file]
  const began = performance.now()
  const { status, stdout, stderr, error } = spawnSync(program ?? '', args, { cwd, env: surroundings, encoding: 'utf8' })
  const ms = performance.now() - began
  if (error !== undefined) throw error
  if (status !== exit) throw new Error(`${name} ended with ${status}:\n${lastWords(stdout + stderr)}`)
  after()
  return { ms, stderr }
}

/** A program in a bundle quotes lines of a whole file's length when it breaks. */
function lastWords(output: string): string {
  const lines = output.trimEnd().split('\n').slice(-20)
  return lines.map((line) => (line.length > 200 ? `${line.slice(0, 200)}…` : line)).join('\n')
}
