import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { hostPaths } from '../../src/core/names.ts'
import type { HostCall } from '../../src/deploy/call.ts'
import { type Attempt, applyProgram, observeProgram, receiveProgram } from '../../src/deploy/program.ts'
import { second } from '../unit/support/deploy.ts'
import { which } from './support/host.ts'
import { eventually } from './support/processes.ts'

const scratch = mkdtempSync(join(tmpdir(), 'launchway-lock-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const nothing = { ports: [], nginx: false, cron: false, definitions: false, asked: [], files: [], certificates: [] }

/** A host whose lock a child holds for a while. @param named who is said to have it; the child itself without */
async function lockedHost(shell: string, seconds: number, named?: number) {
  const root = mkdtempSync(join(scratch, `${shell}-`))
  const bin = join(root, 'bin')
  mkdirSync(bin)
  symlinkSync(which(shell), join(bin, 'sh'))
  const { home } = hostPaths(root, 'addie', 'production')
  mkdirSync(home, { recursive: true })
  const holder: ChildProcess = spawn('sh', ['-c', `exec 9> ${home}/lock; flock 9; echo held; sleep ${seconds} 9>&9; :`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await new Promise((held) => holder.stdout?.once('data', held))
  writeFileSync(join(home, 'lock.pid'), `${named ?? holder.pid ?? 0}\n`)
  writeFileSync(join(home, 'lock.holder'), 'ada, release one\n')
  const attempt = { app: 'addie', environment: 'production', stateRoot: root, release: second, slot: 'a', keep: 5, by: 'bob' } as const
  const path = `${bin}:${process.env['PATH'] ?? ''}`
  const run = (program: string) => spawnSync(join(bin, 'sh'), ['-s'], { input: program, encoding: 'utf8', env: { PATH: path } })
  return {
    home,
    /** What takes an archive on its standard input. */
    receiving: (name: string) => receiveProgram(attempt, name),
    deploy: () => run(applyProgram({ ...attempt, attempt: '0f' }, [['begin'], ['close']])),
    journal: () => readFileSync(join(home, 'journal.jsonl'), 'utf8'),
    /** Whether whoever looks is told that somebody deploys. */
    isLocked: () =>
      run(observeProgram(attempt, nothing))
        .stdout.split('\n')
        .some((fact) => fact.startsWith('locked')),
  }
}

describe.each(['dash', 'busybox'])('a lock that is held, with %s', (shell) => {
  it('by a program that runs ends the next one after a second, which names it', async () => {
    const host = await lockedHost(shell, 20)
    expect(host.isLocked()).toBe(true)
    host.deploy()
    expect(host.journal()).toContain('"step":"lock","state":"failed"')
    expect(host.journal()).toContain('held by ada, release one')
  })

  it('by the last call of one that was killed is waited for, though its number is that of another by now', async () => {
    const host = await lockedHost(shell, 5, process.pid)
    expect(host.isLocked()).toBe(false)
    host.deploy()
    expect(host.journal()).toMatch(/"step":"lock","state":"done"/)
  })

  it('is given back with what programs have left that were killed; one that still runs keeps what is its own', async () => {
    const host = await lockedHost(shell, 0)
    const attempt = (name: string, pid: number): string => {
      const folder = join(host.home, 'attempts', name)
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'config.json'), 'a login')
      writeFileSync(join(folder, 'pid'), `${pid}\n`)
      return folder
    }
    // A number that is another program's by now: this one's.
    const [taken, gone] = [attempt('0a', process.pid), attempt('0b', 4_000_000)]
    const brought = join(host.home, 'attempts', '0c')
    const running = spawn(which(shell), [...(shell === 'busybox' ? ['sh'] : []), '-c', host.receiving('0c')], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    try {
      await eventually(() => existsSync(join(brought, 'pid')) && readFileSync(join(brought, 'pid'), 'utf8') !== '')
      host.deploy()
      expect(host.journal()).toMatch(/"step":"lock","state":"done"/)
      expect([taken, gone, brought].map((folder) => existsSync(folder))).toEqual([false, false, true])
    } finally {
      running.kill()
    }
  })
})

/** A host on which a program waits, under its lock, for as long as docker says the same of the container. */
async function waitingHost(shell: string, state: string, calls: readonly HostCall[]) {
  const root = mkdtempSync(join(scratch, `${shell}-`))
  const bin = join(root, 'bin')
  mkdirSync(bin)
  symlinkSync(which(shell), join(bin, 'sh'))
  writeFileSync(join(bin, 'docker'), `#!/bin/sh\n[ "$1" != inspect ] || echo '${state}'\n`, { mode: 0o755 })
  const { home, journal } = hostPaths(root, 'addie', 'production')
  const attempt = (name: string): Attempt => ({
    ...{ app: 'addie', environment: 'production', stateRoot: root, release: second, slot: 'a', keep: 5, by: 'ada' },
    attempt: name,
  })
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` }
  const folder = join(home, 'attempts', '0a')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'apply.sh'), applyProgram(attempt('0a'), [['begin'], ...calls]))
  const waiting = spawn(join(bin, 'sh'), [join(folder, 'apply.sh')], { stdio: 'ignore', env })
  const read = (): string => (existsSync(journal) ? readFileSync(journal, 'utf8') : '')
  const step = calls.at(-1)?.[0] === 'watch' ? 'healthy' : 'before-switch'
  await eventually(() => read().includes(`"step":"${step}","state":"start"`))
  const run = (program: string) => spawnSync(join(bin, 'sh'), ['-s'], { input: program, encoding: 'utf8', env })
  return {
    journal: read,
    /** What whoever looks is told, so many times. */
    looks: (times: number) =>
      Array.from({ length: times }, () =>
        run(observeProgram(attempt('0c'), nothing))
          .stdout.split('\n')
          .includes('locked\tyes'),
      ),
    deploy: () => run(applyProgram(attempt('0b'), [['begin'], ['close']])),
    [Symbol.dispose]: () => void waiting.kill('SIGKILL'),
  }
}

describe.each(['dash', 'busybox'])('a program that waits under its lock, with %s', (shell) => {
  it.each<[string, string, HostCall]>([
    ['a container to become well', 'running starting', ['watch', 'web', 'the-container', 'docker', '3000', '0', '100']],
    ['a command before the switch', 'running', ['before_switch', 'web', 'the-container', '30', '']],
  ])('for %s is seen by all who look, and ends the next deploy after a second', async (_, state, call) => {
    using host = await waitingHost(shell, state, [call])
    expect(host.looks(6)).toEqual([true, true, true, true, true, true])
    host.deploy()
    expect(host.journal()).toMatch(/"attempt":"0b","step":"lock","state":"failed"/)
  })
})
