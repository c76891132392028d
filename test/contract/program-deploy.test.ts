import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { JournalLine } from '../../src/core/journal.ts'
import { hostPaths } from '../../src/core/names.ts'
import { Secret } from '../../src/core/secret.ts'
import type { HostCall } from '../../src/deploy/call.ts'
import { containerArgs } from '../../src/deploy/container.ts'
import { type Attempt, applyProgram, launchProgram, observeProgram, secretsFile } from '../../src/deploy/program.ts'
import { anyText, hostile } from '../support/text.ts'
import { first, second, service } from '../unit/support/deploy.ts'
import { runs } from '../unit/support/runs.ts'

const owner = { app: 'addie', environment: 'production', release: second, slot: 'b' as const }
const image = 'registry.example.org/addie@sha256:0'

const scratch = mkdtempSync(join(tmpdir(), 'launchway-program-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** Folders with nothing in them but the shell under test, and a docker that writes down how it was called. */
const shells = ['dash', 'busybox'].filter(
  (shell) => spawnSync(shell, ['-c', 'true'].slice(shell === 'busybox' ? 2 : 0)).error === undefined,
)

function place(shell: string): { sh: string; path: string; attempt: Attempt; called: string; secret: string } {
  const root = mkdtempSync(join(scratch, `${shell}-`))
  const bin = join(root, 'bin')
  const [called, secret] = [join(root, 'called'), join(root, 'secret')]
  mkdirSync(bin)
  const found = spawnSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' }).stdout.trim()
  symlinkSync(found, join(bin, 'sh'))
  writeFileSync(
    join(bin, 'docker'),
    `#!/bin/sh\n[ "$1" = create ] || exit 0\nprintf '%s\\0' "$@" > ${called}\nprintf '%s' "\${TOKEN-}" > ${secret}\necho id\n`,
  )
  chmodSync(join(bin, 'docker'), 0o755)
  const attempt = {
    app: 'addie',
    environment: 'production',
    stateRoot: root,
    release: second,
    attempt: '0f',
    slot: 'a',
    keep: 5,
    by: 'ada',
  } as const
  return { sh: join(bin, 'sh'), path: `${bin}:${process.env['PATH'] ?? ''}`, attempt, called, secret }
}

function runShell(sh: string, path: string, program: string): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(sh, ['-s'], { input: program, encoding: 'utf8', env: { PATH: path } })
}

/** Any text that a program can be given: no NUL, and no half of a character. */
const text = anyText().filter((value) => !value.includes('\0'))

describe.each(shells)('what arrives on a host with %s', (shell) => {
  it('every word of a call arrives as it was', () => {
    const { sh, path, attempt } = place(shell)
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), (others) => {
        const words = [...hostile, ...others]
        const { stdout, stderr } = runShell(sh, path, applyProgram(attempt, [['printf', String.raw`%s\0`, ...words]]))
        expect({ words: stdout.split('\0').slice(0, -1), stderr }).toEqual({ words, stderr: '' })
      }),
      { numRuns: runs(4) },
    )
  })

  it('who deploys and where arrive as they are', () => {
    const { sh, path, attempt } = place(shell)
    fc.assert(
      fc.property(text, text, (by, stateRoot) => {
        const program = applyProgram({ ...attempt, by, stateRoot }, [['eval', String.raw`printf '%s\0' "$LW_BY" "$LW_ROOT" "$LW_HOME"`]])
        expect(runShell(sh, path, program).stdout.split('\0').slice(0, -1)).toEqual([by, stateRoot, `${stateRoot}/addie/production`])
      }),
      { numRuns: runs(3) },
    )
  })

  it('the words of docker create and the value of a secret arrive as they were, the secret by the environment alone', () => {
    const { sh, path, attempt, called, secret } = place(shell)
    fc.assert(
      fc.property(fc.constantFrom(...hostile), text, fc.array(text, { maxLength: 3 }), text, (label, env, others, value) => {
        const command = [...hostile, ...others]
        const token = `T0KEN-${value}`
        const args = containerArgs(service({ labels: { label }, env: { E: env }, command, secrets: ['TOKEN'] }), owner, image)
        const apply = applyProgram(attempt, [
          ['begin'],
          ['expect', ''],
          ['recover'],
          ['create', 'web', 'the-container', ...args],
          ['end', 'done'],
        ])
        expect(apply).not.toContain('T0KEN')
        const program = launchProgram(attempt, [
          { name: 'apply.sh', mode: '0644', body: apply },
          { name: 'images', mode: '0644', body: image },
          { name: 'secrets', mode: '0600', body: secretsFile(new Map([['TOKEN', new Secret(token)]])) },
        ])
        const { status, stdout, stderr } = runShell(sh, path, program.reveal())
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
        expect(stdout).not.toContain('T0KEN')
        const none = ['--label', 'launchway.accessory=', '--label', 'launchway.cron=']
        const run = ['create', '--name', 'the-container', '--restart', 'no', ...none, ...args]
        expect(readFileSync(called, 'utf8').split('\0').slice(0, -1)).toEqual(run)
        expect(readFileSync(secret, 'utf8')).toBe(token)
      }),
      { numRuns: runs(2) },
    )
  })

  it.each<[string, string, HostCall[], string]>([
    ['the lock of the application', 'mkdir lock', [['begin']], 'cannot write in'],
    ['the lock of the host', 'mkdir ../../host.lock', [['begin'], ['take_ports', 'web', '1', '2']], 'cannot write'],
    ['the file of the slot', 'ln -s /nowhere/slot slot.a', [['begin'], ['switch', 'b']], 'cannot write in'],
    [
      'the lock of the host, when a server shall go',
      'mkdir ../../host.lock; echo "server {}" > launchway.addie.production.web.conf',
      [['begin'], ['eval', 'unsite "$LW_HOME" "$LW_HOME/servers"']],
      'launchway.addie.production.web.conf stays: cannot write',
    ],
    [
      'the lock of the host while it undoes',
      `mkdir ../../host.lock; mkdir -p releases/${first}; echo 'site web /nowhere/x.conf .' > releases/${first}/undo`,
      [['begin'], ['recover']],
      'could not undo: site web',
    ],
  ])('a file that cannot be opened ends no program without a word: %s', (_, spoil, calls, why) => {
    const { sh, path, attempt } = place(shell)
    const { home, journal } = hostPaths(attempt.stateRoot, attempt.app, attempt.environment)
    execFileSync('sh', ['-euc', `mkdir -p "$1/attempts/0f"; cd "$1"; : > journal.jsonl; ${spoil}`, 'sh', home])
    runShell(sh, path, applyProgram(attempt, [...calls, ['finish']]))
    const lines = readFileSync(journal, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JournalLine.parse(JSON.parse(line)))
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: expect.stringMatching(/^(done|failed|undone|broken)$/) })
    expect(lines.map(({ note }) => note).join('\n')).toContain(why)
  })

  it('what is noted is what was said, without control characters', () => {
    const { sh, path, attempt } = place(shell)
    const { home, journal } = hostPaths(attempt.stateRoot, attempt.app, attempt.environment)
    // oxlint-disable-next-line no-control-regex -- those it is about
    const kept = (note: string): string => note.replaceAll(/[\0-\x08\x0b-\x1f\x7f]/g, '').replace(/\n$/, '')
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), (others) => {
        const plain = ['hello.production.web (1), a/b@c=d+e; f', 'x'.repeat(300), '0', '-n', "it's", '[!a]*', 'a\\b', '"', 'one\ntwo']
        const notes = [...plain, ...hostile, ...others].filter((note) => kept(note) !== '')
        execFileSync('sh', ['-euc', 'mkdir -p "$1/attempts/0f"; : > "$1/journal.jsonl"', 'sh', home])
        const calls = notes.map((note): HostCall => ['journal', 'stop', 'done', 'web', note])
        expect(runShell(sh, path, applyProgram(attempt, calls)).stderr).toBe('')
        const lines = readFileSync(journal, 'utf8').trim().split('\n')
        const now = Date.now() / 1000
        expect(lines.map((line) => JournalLine.parse(JSON.parse(line)).note)).toEqual(notes.map(kept))
        for (const line of lines) expect(Math.abs(JournalLine.parse(JSON.parse(line)).at - now)).toBeLessThan(3600)
      }),
      { numRuns: runs(2) },
    )
  })

  it('the looking program is whole, and changes nothing', () => {
    const { sh, path, attempt } = place(shell)
    const { stdout } = runShell(
      sh,
      path,
      observeProgram(attempt, {
        ports: [80, 6000],
        nginx: true,
        cron: false,
        definitions: false,
        asked: [],
        files: ['/etc/x'],
        certificates: ['a.example.org'],
      }),
    )
    expect(stdout.trim().split('\n').at(-1)).toBe('seen\tyes')
    expect(spawnSync('ls', [attempt.stateRoot], { encoding: 'utf8' }).stdout.split('\n')).not.toContain('addie')
  })
})
