import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { JournalLine } from '../../../src/core/journal.ts'
import { hostPaths } from '../../../src/core/names.ts'
import type { HostCall } from '../../../src/deploy/call.ts'
import { type Attempt, applyProgram, observeProgram } from '../../../src/deploy/program.ts'
import { second } from '../../unit/support/deploy.ts'
import { which } from './host.ts'

/** A folder in which a shell runs what runs on hosts, with programs of the test's own before those of this machine. */
export interface Box extends Disposable {
  root: string
  home: string
  /** Its programs, by path. */
  env: Record<string, string>
  sh: string
  attempt: Attempt
  run(program: string): { stdout: string; stderr: string; status: number | null }
  /** Performs these calls under the lock, and tells what the journal has of them. */
  apply(calls: readonly HostCall[]): JournalLine[]
  journal(): JournalLine[]
  /** What the look at the host prints. */
  observe(): string
}

const nothing = { ports: [], nginx: false, cron: false, definitions: false, asked: [], files: [], certificates: [] }

/**
 * @param programs by name: what each does, as shell text
 * @param tools those that are there, by name, and what each is; without it all of this machine
 */
export function box(shell: string, programs: Record<string, string>, tools?: Readonly<Record<string, string>>): Box {
  const root = mkdtempSync(join(tmpdir(), 'launchway-box-'))
  const bin = join(root, 'bin')
  mkdirSync(bin)
  symlinkSync(which(shell), join(bin, 'sh'))
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  for (const [name, at] of Object.entries(tools ?? {})) symlinkSync(which(at), join(bin, name))
  const attempt = {
    ...{ app: 'addie', environment: 'production', stateRoot: join(root, 'state'), release: second, attempt: '0f' },
    ...{ slot: 'a' as const, keep: 5, by: 'ada' },
  }
  const { home, journal: file } = hostPaths(attempt.stateRoot, attempt.app, attempt.environment)
  const env = { PATH: tools === undefined ? `${bin}${delimiter}${process.env['PATH'] ?? ''}` : bin, BOX: root }
  const sh = join(bin, 'sh')
  const run = (program: string) => spawnSync(sh, ['-s'], { input: program, encoding: 'utf8', env })
  const journal = () =>
    (existsSync(file) ? readFileSync(file, 'utf8') : '')
      .split('\n')
      .filter(Boolean)
      .map((line) => JournalLine.parse(JSON.parse(line)))
  return {
    ...{ root, home, env, sh, attempt, run, journal },
    apply(calls) {
      mkdirSync(join(home, 'attempts', attempt.attempt), { recursive: true })
      writeFileSync(file, '', { flag: 'a' })
      run(applyProgram(attempt, [['begin'], ...calls, ['finish']]))
      return journal()
    },
    observe: () => run(observeProgram(attempt, nothing)).stdout,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  }
}
