import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { issueCommand } from '../../node_modules/@actions/core/lib/command.js'
import { addSummary, maskOnRunner, runnerSink, setOutput } from '../../src/adapters/log/runner.ts'
import type { Entry } from '../../src/adapters/log/stages.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { Secret } from '../../src/core/secret.ts'
import { runs } from './support/runs.ts'

const output = vi.hoisted(() => ({ text: '' }))
// Standard output is the test runner's own here; test/contract/log.test.ts writes to a real one.
vi.mock('../../src/adapters/log/output.ts', () => ({ printNow: (text: string) => void (output.text += text) }))

/** What a function writes to standard output, which is where a runner reads. */
function written(work: () => void): string {
  output.text = ''
  work()
  return output.text
}

const say = (entry: Entry): string => written(() => runnerSink(entry, undefined))
const line = (text: string): string => say({ kind: 'line', text })

/**
 * The runner's own reading of a line: which command it takes it for. After ActionCommand.cs: `::` at the start, white
 * space and all that a comparison of text overlooks left aside; `##[` anywhere.
 */
function commandIn(text: string): string | undefined {
  const visible = text.replaceAll(/[\p{Cf}\p{Cc}\p{Mn}]/gu, '').replace(/^[\s\u0085]+/, '')
  return /^::([\w-]+).*?::/.exec(visible)?.[1] ?? /##\[([\w-]+)[^\]]*\]/.exec(visible)?.[1]
}

const attacks = [
  '::set-output name=digest::evil',
  '  ::add-mask::a',
  '\u200B::error::hidden',
  '\u0085\u00A0::stop-commands::x',
  ':\u200B:error::x',
  '##[set-output name=digest]evil',
  'progress 10% ##[stop-commands]x',
  '#\u00AD#[error]x',
  '###[group]x',
  'done\r::add-path::/tmp',
  'done\n::add-path::/tmp',
  '\u2028::warning::x',
]

describe('what other programs say on a runner', () => {
  it.each(attacks)('%j is not taken for a command', (attack) => {
    expect(attack.split(/[\r\n]/).some((one) => commandIn(one) !== undefined)).toBe(true)
    for (const one of line(attack).split(/[\r\n]/)) expect(commandIn(one)).toBeUndefined()
    const close = say({ kind: 'close', stage: 'build', outcome: attack })
    for (const one of close.split(/[\r\n]/).slice(1)) expect(commandIn(one)).toBeUndefined()
  })

  it('nothing that is put together from the marks is a command either', () => {
    const marks = fc.string({
      unit: fc.constantFrom(':', '#', '[', ']', ' ', '\t', '\u200B', '\u0085', '\r', '\n', 'error', '\\'),
      maxLength: 14,
    })
    fc.assert(
      fc.property(marks, (text) => {
        for (const one of line(text).split(/[\r\n]/)) expect(commandIn(one)).toBeUndefined()
      }),
      { numRuns: runs(300) },
    )
  })

  it.each([
    ['Step 1/3 : FROM debian'],
    ['std::vector<int> was not declared'],
    ['at http://[::1]:80/'],
    ['## heading [1]'],
    ['# comment'],
    ['100% [####]'],
    ['C:\\x'],
    [''],
  ])('%j is shown as it is', (text) => {
    expect(line(text)).toBe(`${text}\n`)
  })

  it('the marks stay readable', () => {
    expect(line('::error::x')).toBe(':\\:error::x\n')
    expect(line('a ##[group]x')).toBe('a #\\#[group]x\n')
  })
})

describe('what launchway says on a runner', () => {
  const place = { file: 'launchway.yml', line: 3, column: 7 }

  it.each<[string, Entry, string]>([
    ['a stage opens a group', { kind: 'open', stage: 'build' }, '::group::build\n'],
    [
      'a stage closes it, and its end stands outside',
      { kind: 'close', stage: 'build', outcome: 'done in 4 s' },
      '::endgroup::\nbuild: done in 4 s\n',
    ],
    ['debug', { kind: 'debug', text: '50%\n::x' }, '::debug::50%25%0A::x\n'],
    ['a notice', { kind: 'notice', text: 'nothing to do', place: undefined }, '::notice::nothing to do\n'],
    ['a warning has its place', { kind: 'warning', text: 'a\nb', place }, '::warning file=launchway.yml,line=3,col=7::a%0Ab\n'],
    [
      'an error has its code, its hint and its place',
      {
        kind: 'error',
        error: new LaunchwayError('CONFIG_INVALID', 'not valid', { hint: 'did you mean "image"?', place: { file: 'a,b:c.yml' } }),
      },
      'did you mean "image"?\n::error title=CONFIG_INVALID,file=a%2Cb%3Ac.yml::not valid%0Adid you mean "image"?\n',
    ],
  ])('%s', (_, entry, expected) => {
    expect(say(entry)).toBe(expected)
  })

  it('a program’s words inside an annotation cannot end it', () => {
    const text = say({ kind: 'error', error: new LaunchwayError('BUILD_FAILED', 'x', { hint: 'a\r\n::stop-commands::t\n##[error]x' }) })
    const lines = text.split(/[\r\n]/).filter((one) => one !== '')
    expect(lines.map(commandIn)).toEqual([undefined, undefined, undefined, 'error'])
  })

  it('an annotation is cut where GitHub would cut it', () => {
    const text = say({ kind: 'warning', text: 'x'.repeat(9_000), place: undefined }).replaceAll('%0A', '\n')
    expect(text).toHaveLength('::warning::\n'.length + 4_000)
  })

  describe('of long evidence', () => {
    const lines = Array.from({ length: 2_000 }, (_, index) => `line ${index} of the log`)
    const hint = [...lines, 'Error: the cause'].join('\n')
    const text = say({ kind: 'error', error: new LaunchwayError('SMOKE_UNHEALTHY', 'web was not healthy', { hint }) })
    const [annotation = '', ...before] = text.trimEnd().split('\n').toReversed()

    it('shows every line in the log', () => {
      expect(before.toReversed().join('\n')).toBe(hint)
    })

    it('puts its first and its last lines into the annotation, whole', () => {
      const shown = annotation.replace('::error title=SMOKE_UNHEALTHY::', '').split('%0A')
      expect(shown.slice(0, 3)).toEqual(['web was not healthy', 'line 0 of the log', 'line 1 of the log'])
      expect(shown.slice(-2)).toEqual(['line 1999 of the log', 'Error: the cause'])
      expect(shown.filter((one) => !hint.split('\n').includes(one))).toEqual(['web was not healthy', '…'])
      expect(annotation.replaceAll('%0A', '\n').length).toBeLessThanOrEqual('::error title=SMOKE_UNHEALTHY::'.length + 4_000)
    })
  })

  it('whatever the message and the evidence are, an annotation keeps the end of both, and stays in its limit', () => {
    const long = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 9_000, size: 'max' })
    fc.assert(
      fc.property(long, long, (message, hint) => {
        const error = new LaunchwayError('BUILD_FAILED', `${message}!`, { hint: `${hint}?` })
        const annotation = say({ kind: 'error', error }).trimEnd().split('\n').at(-1) ?? ''
        const shown = annotation.replace('::error title=BUILD_FAILED::', '').replaceAll('%0A', '\n')
        expect(shown.length).toBeLessThanOrEqual(4_000)
        expect(shown).toContain('!\n')
        expect(shown.at(-1)).toBe('?')
      }),
    )
  })

  it('a command is written as @actions/core writes it', () => {
    const theirs: string[] = []
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => theirs.push(String(chunk)) > 0)
    const text = fc.string({ unit: fc.constantFrom('%', ':', ',', '=', '\r', '\n', ' ', 'a', '😀'), maxLength: 12 })
    try {
      fc.assert(
        fc.property(
          text,
          text.map((file) => `a${file}`),
          fc.nat(3),
          (message, file, line) => {
            theirs.length = 0
            issueCommand('warning', { file, line, col: undefined }, message)
            expect(say({ kind: 'warning', text: message, place: { file, line } })).toBe(theirs.join(''))
          },
        ),
      )
    } finally {
      write.mockRestore()
    }
  })

  it('a secret is masked whole, line by line, in base64 and URL-encoded', () => {
    const key = 'BEGIN KEY\nabc+/def==\nEND KEY\n'
    const masks = written(() => maskOnRunner(new Secret(key))).split('\n')
    const unescaped = masks.map((mask) => mask.replace('::add-mask::', '').replaceAll('%0A', '\n').replaceAll('%25', '%'))
    expect(masks.filter((mask) => mask !== '').every((mask) => mask.startsWith('::add-mask::'))).toBe(true)
    for (const form of ['BEGIN KEY', 'abc+/def==', 'END KEY', key, Buffer.from(key).toString('base64'), 'abc%2B%2Fdef%3D%3D']) {
      expect(unescaped).toContain(form)
    }
  })

  describe('through files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'launchway-log-'))
    const file = join(folder, 'file')
    beforeEach(() => {
      writeFileSync(file, '')
      vi.stubEnv('GITHUB_OUTPUT', file)
      vi.stubEnv('GITHUB_STEP_SUMMARY', file)
    })
    afterEach(() => vi.unstubAllEnvs())
    afterAll(() => rmSync(folder, { recursive: true }))

    it('an output of one line', async () => {
      await setOutput('url', 'https://a=b')
      expect(readFileSync(file, 'utf8')).toBe('url=https://a=b\n')
    })

    it('an output of several lines cannot set another', async () => {
      await setOutput('tags', 'a\nurl=https://evil.example\nEOF\nb')
      const [head = '', ...rest] = readFileSync(file, 'utf8').split('\n')
      const [, mark = ''] = /^tags<<(.+)$/.exec(head) ?? []
      expect(mark.length).toBeGreaterThan(20)
      expect(rest).toEqual(['a', 'url=https://evil.example', 'EOF', 'b', mark, ''])
    })

    it('a summary is added to what is there, and nobody minds where there is no such file', () => {
      addSummary('# one\n')
      addSummary('# two\n')
      expect(readFileSync(file, 'utf8')).toBe('# one\n# two\n')
      vi.stubEnv('GITHUB_STEP_SUMMARY', '')
      expect(() => addSummary('x')).not.toThrow()
    })
  })
})
