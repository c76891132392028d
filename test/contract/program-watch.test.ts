import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { JournalLine } from '../../src/core/journal.ts'
import { hostPaths } from '../../src/core/names.ts'
import { applyProgram } from '../../src/deploy/program.ts'
import { second } from '../unit/support/deploy.ts'
import { which } from './support/host.ts'

const scratch = mkdtempSync(join(tmpdir(), 'launchway-watch-'))
afterAll(() => rmSync(scratch, { recursive: true }))

interface Container {
  /** How many questions it leaves without an answer. */
  deaf: number
  /** Seconds from its first answer to its end. */
  ends?: number
  /** It is not there any more when it is asked first. */
  isOver?: true
}

/** The last line but one of the journal of a program that watches a container for so many hundredths of a second. */
function watched(shell: string, { deaf, ends, isOver }: Container, settle: number, timeout: number): JournalLine | undefined {
  const root = mkdtempSync(join(scratch, `${shell}-`))
  const bin = join(root, 'bin')
  mkdirSync(bin)
  symlinkSync(which(shell), join(bin, 'sh'))
  const program = (name: string, text: string): void => writeFileSync(join(bin, name), `#!/bin/sh\ncd ${root}\n${text}\n`, { mode: 0o755 })
  program('docker', `[ "$1" = inspect ] || exit 0; if [ -e ended ]; then echo 'exited none'; else echo 'running none'; fi`)
  program(
    'curl',
    `echo asked >> questions
if [ -e ended ] || [ "$(wc -l < questions)" -le ${deaf} ]; then printf '000 '; exit 7; fi
${ends === undefined ? '' : `[ -e answered ] || { : > answered; (sleep ${ends}; : > ended) > /dev/null 2>&1 & }`}
printf '200 '`,
  )
  if (isOver === true) writeFileSync(join(root, 'ended'), '')
  const { home, journal } = hostPaths(root, 'addie', 'production')
  mkdirSync(join(home, 'attempts/0a'), { recursive: true })
  const attempt = {
    app: 'addie',
    environment: 'production',
    stateRoot: root,
    release: second,
    slot: 'a',
    keep: 5,
    by: 'ada',
    attempt: '0a',
  } as const
  const watch = ['watch', 'web', 'the-container', 'http', String(timeout), String(settle), '50', 'http://127.0.0.1:1/'] as const
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` }
  spawnSync(join(bin, 'sh'), ['-s'], { input: applyProgram(attempt, [['begin'], watch, ['end', 'done']]), env })
  return readFileSync(journal, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JournalLine.parse(JSON.parse(line)))
    .findLast(({ step }) => step === 'healthy')
}

describe.each(['dash', 'busybox'])('a container that is asked over HTTP, with %s', (shell) => {
  it.each<[string, Container, number, number, Partial<JournalLine>]>([
    ['answers and stays is well', { deaf: 0 }, 50, 3000, { state: 'done', note: 'http://127.0.0.1:1/ 200' }],
    ['answers at the eighth question is well', { deaf: 7 }, 10, 3000, { state: 'done', note: 'http://127.0.0.1:1/ 200' }],
    ['ends 0.3 s after its answer is not well', { deaf: 2, ends: 0.3 }, 100, 3000, { state: 'failed', note: 'the container ended' }],
    ['has ended is not waited for', { deaf: 0, isOver: true }, 50, 600_000, { state: 'failed', note: 'the container ended' }],
    ['answers nobody has its time', { deaf: 1000 }, 50, 100, { state: 'failed', note: 'not healthy after 1 s' }],
  ])('and %s', (_, container, settle, timeout, { state, note = '' }) => {
    const line = watched(shell, container, settle, timeout)
    expect({ state: line?.state, note: line?.note?.split(/[\n;]/)[0] }).toEqual({ state, note })
  })
})
