import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { cache } from '../../../lab/paths.ts'
import type { Release } from '../../../src/core/release.ts'
import { digest, environment, record, service } from '../../unit/support/deploy.ts'

export const root = join(import.meta.dirname, '../../..')
export const scratch = mkdtempSync(join(tmpdir(), 'launchway-doors-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

export interface Ended {
  code: number | null
  out: string
  err: string
}

/** The arguments of a Node that opens a door. */
export function through(door: string, args: readonly string[]): string[] {
  const script = `const door = await import(${JSON.stringify(join(root, 'src', `${door}.ts`))}); await door[${JSON.stringify(door)}](${door === 'cli' ? 'process.argv.slice(1)' : 'process.argv[1]'})`
  return ['--input-type=module', '-e', script, '--', ...args]
}

/** Two thirds of a start are the reading of our own sources: what a Node has made of them is kept for the next. */
const compiled = join(cache, 'compiled')

/** Nothing of this machine's user. */
export function bare(env: Record<string, string>): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: scratch, NODE_COMPILE_CACHE: compiled, NO_COLOR: '1', ...env }
}

/** Opens a door in a process of its own. */
export function open(door: string, args: readonly string[], cwd: string, env: Record<string, string> = {}): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, through(door, args), { cwd, encoding: 'utf8', env: bare(env) })
  return { code: status, out: stdout, err: stderr }
}

export const config =
  'image: registry.example.org/addie\nbranches: { master: production }\nscan: false\nenvironments:\n  production: { host: h, port: 1, publish: 80 }\n  other: { host: h, port: 1, publish: 81 }\n'

/** A working tree with one commit, on a branch. */
export function repository(branch: string): string {
  const folder = mkdtempSync(join(scratch, 'tree-'))
  writeFileSync(join(folder, 'launchway.yml'), config)
  writeFileSync(join(folder, 'second.yml'), config.replace('addie', 'second'))
  git(folder, 'init', '-q', '-b', branch)
  commit(folder)
  return folder
}

export function commit(folder: string): void {
  git(folder, 'add', '.')
  git(folder, '-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-q', '--allow-empty', '-m', 'x')
}

export function git(cwd: string, ...args: string[]): void {
  const { status, stderr } = spawnSync('git', args, { cwd, encoding: 'utf8', env: bare({}) })
  if (status !== 0) throw new Error(stderr)
}

/** A release that is built and pushed, for a host that nobody can reach. */
export function unreachable(): Release {
  const deployed = environment([service({ secrets: ['TOKEN'] })], { hosts: ['deploy@127.0.0.1:1'], url: 'https://addie.example.org' })
  const { plan } = record()
  const built = { name: 'app', key: '0'.repeat(32), how: 'built' as const, config: { 'linux/amd64': digest }, size: 1, layers: 1, ms: 1 }
  return record({
    plan: {
      ...plan,
      environment: deployed,
      registries: [{ host: 'registry.example.org', plainHttp: false, generalLogin: ['registry.example.org'] }],
      stages: { ...plan.stages, smoke: { run: false, reason: 'smoke: false' }, scan: { run: false, reason: 'scan: false' } },
    },
    build: { builder: 'b', images: [{ ...built, registries: { 'registry.example.org/addie': { digest, mediaType: 'm' } } }] },
    push: { references: [{ reference: 'registry.example.org/addie:master', digest }], ms: 1 },
  })
}

/** A record of which nothing is left to do, but for one stage: all others are switched off. */
export function withoutWork(left?: string): Release {
  const { plan } = record()
  const stages = Object.fromEntries(Object.keys(plan.stages).map((stage) => [stage, { run: stage === left, reason: 'off' }]))
  return record({ plan: { ...plan, stages: { ...plan.stages, ...stages } }, outcome: { state: 'running' } })
}
