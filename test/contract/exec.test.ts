import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { processExec } from '../../src/adapters/exec.ts'
import { type Command, command } from '../../src/core/command.ts'
import type { Exec } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { fakeExec, type Said } from '../fakes/exec.ts'
import { anyText } from '../support/text.ts'
import { failureOf } from './support/errors.ts'
import { eventually, isRunning } from './support/processes.ts'

/** A program that says what it is told to, here and in the script of the fake. */
const speaker = `printf %s "$1"; printf %s "$2" >&2; [ "$4" = false ] || exec sleep 1000; exit "$3"`

function speak({ stdout = '', stderr = '', code = 0, hangs = false }: Said): Command {
  return command('sh', ['-c', speaker, 'speaker', stdout, stderr, String(code), String(hangs)])
}

const worlds: { name: string; open: (said: Said) => Exec }[] = [
  { name: 'programs of this machine', open: () => processExec },
  { name: 'the fake', open: (said) => fakeExec({ sh: said }) },
]

describe.each(worlds)('exec: $name', ({ open }) => {
  it('gives back both streams as they were written, and the exit code', async () => {
    const said = { stdout: 'one\r\ntwo', stderr: 'hm\n', code: 3 }
    expect(await open(said).run(speak(said), { accept: [0, 3] })).toMatchObject(said)
  })

  it('reads an answer without the space around it', async () => {
    const said = { stdout: '  v1.2\n\n', stderr: 'a warning\n' }
    expect(await open(said).read(speak(said))).toBe('v1.2')
  })

  it.each([
    ['lines that end', 'one\ntwo\n', ['one', 'two']],
    ['a last line without an end', 'one\ntwo', ['one', 'two']],
    ['lines of Windows', 'one\r\ntwo\r\n', ['one', 'two']],
    ['a progress bar', '10 %\r100 %\rdone\n', ['10 %', '100 %', 'done']],
    ['empty lines', '\n\none\n', ['', '', 'one']],
    ['a line separator of Unicode, which ends no line', '{"a":"\u2028"}\n', ['{"a":"\u2028"}']],
    ['nothing', '', []],
  ])('follows %s, on both streams', async (_, text, lines) => {
    const said = { stdout: text, stderr: text }
    const seen: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] }
    await open(said).run(speak(said), { onLine: (line, stream) => seen[stream].push(line) })
    expect(seen).toEqual({ stdout: lines, stderr: lines })
  })

  it.each(['run', 'read'] as const)('fails with the exit code and the last lines of the error stream (%s)', async (way) => {
    const said = { stdout: 'fine so far\n', stderr: Array.from({ length: 30 }, (_, n) => `line ${n}`).join('\n'), code: 17 }
    const { code, message, hint } = await failureOf(open(said)[way](speak(said)))
    expect({ code, message }).toEqual({ code: 'COMMAND_FAILED', message: expect.stringMatching(/ended with exit code 17$/) })
    expect(hint?.split('\n')).toEqual(Array.from({ length: 20 }, (_, n) => `line ${n + 10}`))
  })

  it.each(['run', 'read'] as const)('shows the output of a program that fails without a word of error (%s)', async (way) => {
    const said = { stdout: 'no space left\n', code: 1 }
    expect(await failureOf(open(said)[way](speak(said)))).toMatchObject({ hint: 'no space left' })
  })

  it.each(['run', 'read'] as const)('shows neither arguments nor output of a secret command (%s)', async (way) => {
    const said = { stderr: 'the password is tr0ub4dor', code: 1 }
    const error = await failureOf(open(said)[way]({ ...speak(said), secret: true }))
    expect(`${error.message}\n${error.hint}`).not.toContain('tr0ub4dor')
    expect(error.message).toBe('sh … ended with exit code 1')
  })

  it.each(['run', 'read'] as const)('takes what was given in secret out of the evidence (%s)', async (way) => {
    const said = { stderr: 'cannot log in with tr0ub4dor', code: 1 }
    const error = await failureOf(
      open(said)[way]({
        ...command('sh', ['-c', 'printf "cannot log in with %s" "$PASSWORD" >&2; exit 1']),
        env: { PASSWORD: new Secret('tr0ub4dor') },
      }),
    )
    expect(error.hint).toBe('cannot log in with ***')
  })

  it.each(['run', 'read'] as const)('says which program is missing (%s)', async (way) => {
    expect(await failureOf(open({})[way](command('no-such-program', ['--version'])))).toMatchObject({
      code: 'TOOL_MISSING',
      message: 'no-such-program is not installed, or not in PATH',
      hint: 'launchway calls: no-such-program --version',
    })
  })

  it('does not start what is cancelled already', async () => {
    await expect(open({}).run(speak({}), { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late')
  })

  it('ends with the reason of the signal', async () => {
    const cancel = new AbortController()
    const said = { stdout: 'ready\n', hangs: true }
    const run = open(said).run(speak(said), { signal: cancel.signal, onLine: () => cancel.abort(new Error('cancelled by SIGTERM')) })
    await expect(run).rejects.toThrow('cancelled by SIGTERM')
  })

  it('is ended at its time limit, and says so with its last lines, run or read', async () => {
    const said = { stderr: 'waiting for the database\n', hangs: true }
    const ended = (way: 'run' | 'read'): Promise<unknown> => failureOf(open(said)[way]({ ...speak(said), timeoutMs: 2500 }))
    for (const failure of await Promise.all([ended('run'), ended('read')])) {
      expect(failure).toMatchObject({
        code: 'COMMAND_FAILED',
        message: expect.stringMatching(/was ended after 2500 ms$/),
        hint: 'waiting for the database',
      })
    }
  })
})

describe('programs of this machine', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'launchway-exec-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const argument = anyText({ maxLength: 30 }).map((text) => text.replaceAll(/[\0\ud800-\udfff]/g, ''))
  const hostile = fc.constantFrom(
    '$(id)',
    '`id`',
    '; rm -rf /',
    "it's",
    '"',
    '\\',
    '\\\\"',
    '',
    ' ',
    '*',
    '-n',
    '--',
    '\n',
    '\t',
    '${x}',
    '%s',
    'é\u2028',
    '!!',
    '~',
  )
  /** Each with an end that no argument can hold. */
  const echo = `for one; do printf '%s\\0' "$one"; done; printf '|'`

  it('are given every argument intact', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(argument, hostile), { maxLength: 6 }), async (args) => {
        const echoed = command('sh', ['-c', echo, 'echo', '<', ...args])
        const expected = `${['<', ...args].map((one) => `${one}\0`).join('')}|`
        expect([await processExec.read(echoed), (await processExec.run(echoed)).stdout]).toEqual([expected, expected])
      }),
      { numRuns: 40 },
    )
  })

  it('are found where a path has spaces and quotes', async () => {
    const tool = join(folder, `a "tool" it's`)
    writeFileSync(tool, '#!/bin/sh\necho "$1"\n', { mode: 0o755 })
    expect((await processExec.run(command(tool, ['a b']))).stdout).toBe('a b\n')
  })

  it('are given their input whole, and what they write comes back whole', async () => {
    const text = 'zażółć 🚀\n'.repeat(300_000)
    expect((await processExec.run(command('cat', [], { stdin: text }))).stdout === text).toBe(true)
    expect(await processExec.read(command('cat', [], { stdin: new Secret(text) }))).toBe(text.trim())
  })

  it('have an empty input when they are given none', async () => {
    expect((await processExec.run(command('sh', ['-c', 'cat; echo read']))).stdout.trim()).toBe('read')
  })

  it('may end without reading their input', async () => {
    const stdin = 'x'.repeat(5_000_000)
    expect((await processExec.run(command('sh', ['-c', 'exec <&-; echo enough'], { stdin }))).stdout).toBe('enough\n')
    expect(await processExec.read(command('echo', ['enough'], { stdin }))).toBe('enough')
  })

  it('may cut a character in two, or a CRLF', async () => {
    const lines: string[] = []
    const script = `printf '\\303'; sleep 0.2; printf '\\251t\\303\\251\\r'; sleep 0.2; printf '\\nnext\\r\\n'`
    const { stdout } = await processExec.run(command('sh', ['-c', script]), { onLine: (line) => lines.push(line) })
    expect({ stdout, lines }).toEqual({ stdout: 'été\r\nnext\r\n', lines: ['été', 'next'] })
  })

  it('are followed while they run, not when they have ended', async () => {
    const cancel = new AbortController()
    const run = processExec.run(command('sh', ['-c', 'echo first; exec sleep 1000']), {
      signal: cancel.signal,
      onLine: (line) => cancel.abort(new Error(`saw ${line}`)),
    })
    await expect(run).rejects.toThrow('saw first')
  })

  it('may write more than is kept: the end is kept, from the start of a line', async () => {
    let lines = 0
    const { stdout } = await processExec.run(command('seq', ['3000000']), { onLine: () => (lines += 1) })
    expect(lines).toBe(3_000_000)
    expect(stdout.length).toBeLessThan(9_000_000)
    expect(stdout.endsWith('\n2999999\n3000000\n')).toBe(true)
    const first = stdout.slice(0, stdout.indexOf('\n'))
    expect(stdout.startsWith(`${first}\n${Number(first) + 1}\n`)).toBe(true)
  })

  it('get their environment from ours, and what is added to it', async () => {
    const script = 'printf "%s|%s|%s" "$HOME" "$ADDED" "$HIDDEN"'
    const env = { ADDED: 'a "b" $c', HIDDEN: new Secret('s3cret') }
    expect(await processExec.read(command('sh', ['-c', script], { env }))).toBe(`${process.env['HOME']}|a "b" $c|s3cret`)
    expect((await processExec.run(command('sh', ['-c', script], { env }))).stdout).toBe(`${process.env['HOME']}|a "b" $c|s3cret`)
  })

  it.each([
    ['TERM', 143],
    ['KILL', 137],
    ['SEGV', 139],
  ])('that die of SIG%s end as a shell would have it, with %i', async (signal, code) => {
    expect((await processExec.run(command('sh', ['-c', `kill -${signal} $$`]), { accept: [code] })).code).toBe(code)
  })

  it.each(['run', 'read'] as const)('that a folder is missing for are not called missing (%s)', async (way) => {
    expect(await failureOf(processExec[way](command('git', ['status'], { cwd: join(folder, 'gone') })))).toMatchObject({
      code: 'COMMAND_FAILED',
      message: `git cannot run in ${join(folder, 'gone')}`,
      hint: 'There is no such folder.',
    })
  })

  it.each([
    ['docker', /https:\/\/docs\.docker\.com\/engine\/install\/\nlaunchway calls: docker info$/],
    ['git', /Install git: .*\nlaunchway calls: git info$/],
    ['ssh', /openssh-client.*\nlaunchway calls: ssh info$/],
  ])('when %s is missing, the error says where it comes from', async (file, hint) => {
    const path = process.env['PATH']
    process.env['PATH'] = folder
    try {
      for (const way of ['run', 'read'] as const) {
        expect(await failureOf(processExec[way](command(file, ['info'])))).toMatchObject({
          code: 'TOOL_MISSING',
          hint: expect.stringMatching(hint),
        })
      }
    } finally {
      process.env['PATH'] = path
    }
  })

  it('are ended with their children, also those that will not go', async () => {
    const cancel = new AbortController()
    const pids: number[] = []
    // The second child overlooks the request to end; the third has left the group, but still holds the output.
    const script = `sleep 1000 & echo $!; (trap '' TERM; sleep 1000; sleep 1000) & echo $!; setsid sleep 1000 & echo $!; wait`
    const run = processExec.run(command('sh', ['-c', script]), {
      signal: cancel.signal,
      onLine: (line) => pids.push(Number(line)),
    })
    await eventually(() => pids.length === 3 && leadsSession(pids[2] ?? 0))
    try {
      cancel.abort(new Error('cancelled'))
      await expect(run).rejects.toThrow('cancelled')
      await eventually(() => !pids.slice(0, 2).some(isRunning))
    } finally {
      if (pids[2] !== undefined) process.kill(pids[2])
    }
  })

  it('are ended when the reader of their lines fails, with its error', async () => {
    let pid = 0
    const run = processExec.run(command('sh', ['-c', 'echo $$; exec sleep 1000']), {
      onLine(line) {
        pid = Number(line)
        throw new Error('a bug of the reader')
      },
    })
    await expect(run).rejects.toThrow('a bug of the reader')
    await eventually(() => !isRunning(pid))
  })

  it('leave nothing behind on the signal that cancelled them', async () => {
    const cancel = new AbortController()
    const added: string[] = []
    const signal = cancel.signal
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
    signal.addEventListener = (...[type, listener, options]: Parameters<typeof add>) => (added.push(type), add(type, listener, options))
    signal.removeEventListener = (...[type, listener, options]: Parameters<typeof remove>) => (added.pop(), remove(type, listener, options))
    await processExec.run(command('true', []), { signal })
    await failureOf(processExec.run(command('false', []), { signal }))
    await failureOf(processExec.run(command('no-such-program', []), { signal }))
    expect(added).toEqual([])
  })
})

/** Whether a process has left the session that it was started in for one of its own. */
function leadsSession(pid: number): boolean {
  // pid (name) state parent group session: the name may have blanks.
  const [, , , session] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return session === String(pid)
}
