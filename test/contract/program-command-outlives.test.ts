import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { HostCall } from '../../src/deploy/call.ts'
import { applyProgram } from '../../src/deploy/program.ts'
import { first } from '../unit/support/deploy.ts'
import { type Box, box } from './support/box.ts'
import { eventually, isRunning } from './support/processes.ts'

/**
 * Has one container, whose state is a file: it runs from its start until `stop`, or until it was looked at some times once there is the
 * file `ends`. What it was in when it was removed is written down.
 */
const docker = `state=$(cat "$BOX/is" 2> /dev/null)
case $1 in
  start) echo running > "$BOX/is" ;;
  stop) echo "$*" >> "$BOX/stopped"; echo exited > "$BOX/is" ;;
  rm) [ -z "$state" ] || { echo "$state" >> "$BOX/removed"; rm -f "$BOX/is"; } ;;
  logs) echo 'altering the table' ;;
  inspect)
    [ -n "$state" ] || { echo 'no such object' >&2; exit 1; }
    if [ "$state" = running ] && [ -e "$BOX/ends" ]; then
      echo . >> "$BOX/ends"
      [ "$(wc -l < "$BOX/ends")" -lt 4 ] || echo exited > "$BOX/is"
    fi
    case $3 in
      *OOMKilled*) echo "$state 0 false " ;;
      *ExitCode*) echo "$state 0" ;;
      *Running*) if [ "$state" = running ]; then echo true; else echo false; fi ;;
      *) echo "$state" ;;
    esac ;;
esac`
const container = 'addie.production.web.before-switch-1'
const command = (seconds: number): HostCall => ['before_switch', 'web', container, String(seconds), '', '--name', container, 'image']

/** The program of an earlier release is killed while its command runs. */
async function killDuring(host: Box, seconds: number): Promise<void> {
  const attempt = { ...host.attempt, release: first, attempt: '0e' }
  const folder = join(host.home, 'attempts', attempt.attempt)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(host.home, 'journal.jsonl'), '')
  const program = join(folder, 'apply.sh')
  writeFileSync(program, applyProgram({ ...attempt, did: 'deploy' }, [['begin'], command(seconds)]))
  const killed = spawn(host.sh, [program], { stdio: 'ignore', env: host.env })
  const ended = once(killed, 'exit')
  await eventually(() => host.journal().some(({ state }) => state === 'says'))
  killed.kill('SIGKILL')
  await ended
}

const read = (host: Box, name: string): string => (existsSync(join(host.root, name)) ? readFileSync(join(host.root, name), 'utf8') : '')

describe.each(['dash', 'busybox'])('a command before the switch whose program was killed, with %s,', (shell) => {
  it('ends by itself before whatever comes next undoes anything, which says that it waits', async () => {
    using host = box(shell, { docker })
    await killDuring(host, 300)
    writeFileSync(join(host.root, 'ends'), '')
    const lines = host.apply([['recover']]).filter(({ attempt }) => attempt === host.attempt.attempt)
    expect(read(host, 'removed')).toBe('exited\n')
    expect(read(host, 'stopped')).toBe('')
    expect(lines.flatMap(({ step, state, note }) => (step === 'recover' && state === 'says' ? [note] : []))).toEqual([
      expect.stringMatching(
        new RegExp(
          `^waits until the before-switch command of the interrupted release ${first} has ended, for 29\\d s at most\n.*docker logs --follow ${container} `,
        ),
      ),
      `the before-switch command of the interrupted release ${first} ended with exit code 0\naltering the table`,
    ])
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'done' })
  })

  it('is ended once its own time is over', async () => {
    using host = box(shell, { docker })
    await killDuring(host, 1)
    const lines = host.apply([['recover']])
    expect(read(host, 'stopped')).toBe(`stop -t 10 ${container}\n`)
    expect(read(host, 'removed')).toBe('exited\n')
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'done' })
  })
})

describe.each(['dash', 'busybox'])('a command before the switch that has ended, with %s,', (shell) => {
  it('is done also where docker does not stop following its log', () => {
    const follows = docker.replace('logs) ', `logs) echo $$ >> "$BOX/follows"; [ "$2" != --follow ] || exec sleep 300; `)
    using host = box(shell, { docker: follows })
    writeFileSync(join(host.root, 'ends'), '')
    // A clock that passes with each pause.
    const clock: HostCall = ['eval', 'passed=0; uptime_cs() { echo $((100000 + passed)); }; nap() { passed=$((passed + $1)); }']
    const lines = host.apply([clock, command(300)])
    expect(lines.find(({ step, state }) => step === 'before-switch' && state !== 'start')).toMatchObject({ state: 'done' })
    expect(isRunning(Number(read(host, 'follows').split('\n')[0]))).toBe(false)
  })
})
