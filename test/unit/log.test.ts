import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { addSummary, maskOnRunner, runnerSink, setOutput } from '../../src/adapters/log/runner.ts'
import { type Entry, groupedLog, liveLog } from '../../src/adapters/log/stages.ts'
import { terminalSink } from '../../src/adapters/log/terminal.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { Secret } from '../../src/core/secret.ts'

/** What a function writes to standard output, which is where a runner reads. */
function written(work: () => void): string {
  let text = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  try {
    work()
  } finally {
    write.mockRestore()
  }
  return text
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
      { numRuns: 2_000 },
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
      '::error title=CONFIG_INVALID,file=a%2Cb%3Ac.yml::not valid%0Adid you mean "image"?\n',
    ],
  ])('%s', (_, entry, expected) => {
    expect(say(entry)).toBe(expected)
  })

  it('a program’s words inside an annotation cannot end it', () => {
    const text = say({ kind: 'error', error: new LaunchwayError('BUILD_FAILED', 'x', { hint: 'a\r\n::stop-commands::t\n##[error]x' }) })
    expect(text.split(/[\r\n]/).filter((one) => one !== '')).toHaveLength(1)
    expect(commandIn(text)).toBe('error')
  })

  it('an annotation is cut where GitHub would cut it', () => {
    expect(say({ kind: 'warning', text: 'x'.repeat(9_000), place: undefined })).toHaveLength('::warning::\n'.length + 4_000)
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

describe('stages side by side', () => {
  type Act = { stage: string; act: 'open' | 'line' | 'close' }

  /** Every stage opens, speaks and closes, in any order that stages beside each other can have. */
  const histories = fc
    .uniqueArray(fc.tuple(fc.constantFrom('build', 'smoke', 'scan', 'upload'), fc.nat(4)), { minLength: 1, selector: ([name]) => name })
    .chain(interleaved)

  function interleaved(stages: [string, number][]): fc.Arbitrary<Act[]> {
    const total = stages.reduce((sum, [, lines]) => sum + lines + 2, 0)
    return fc.array(fc.nat(), { minLength: total, maxLength: total }).map((picks) => {
      const queues = stages.map(([stage, lines]): Act[] => [
        { stage, act: 'open' },
        ...Array.from({ length: lines }, (): Act => ({ stage, act: 'line' })),
        { stage, act: 'close' },
      ])
      return picks.flatMap((pick) => {
        const waiting = queues.filter((queue) => queue.length > 0)
        const act = waiting[pick % Math.max(1, waiting.length)]?.shift()
        return act === undefined ? [] : [act]
      })
    })
  }

  it('never mix inside a group, lose nothing, and keep their order', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const out: string[] = []
        const log = groupedLog(
          (entry, stage) => void out.push(`${entry.kind} ${stage ?? ''} ${entry.kind === 'line' ? entry.text : ''}`.trim()),
        )
        const logs = new Map<string, ReturnType<typeof log.stage>>()
        const said = new Map<string, string[]>()
        for (const [index, { stage, act }] of history.entries()) {
          if (act === 'open') logs.set(stage, log.stage(stage))
          else if (act === 'line') logs.get(stage)?.info(String(index))
          else logs.get(stage)?.end('done')
          const words = act === 'line' ? `line ${stage} ${index}` : `${act} ${stage}`
          said.set(stage, [...(said.get(stage) ?? []), words])
        }
        const opened = history.filter(({ act }) => act === 'open').map(({ stage }) => stage)
        expect(out).toEqual(opened.flatMap((stage) => said.get(stage) ?? []))
      }),
    )
  })

  it('the oldest is shown live, the others once it has ended', () => {
    const out: string[] = []
    const log = groupedLog((entry) => void out.push(entry.kind === 'line' ? entry.text : entry.kind))
    const [build, smoke] = [log.stage('build'), log.stage('smoke')]
    build.info('b1')
    smoke.info('s1')
    expect(out).toEqual(['open', 'b1'])
    build.end('done')
    expect(out).toEqual(['open', 'b1', 'close', 'open', 's1'])
    smoke.info('s2')
    smoke.end('done')
    log.info('the run')
    expect(out.slice(5)).toEqual(['s2', 'close', 'the run'])
  })
})

describe('a terminal', () => {
  function terminal(options: { debug?: boolean; secrets?: Secret[] } = {}) {
    let text = ''
    const stream = new Writable({ write: (chunk, _, done) => ((text += String(chunk)), done()) })
    const log = liveLog(terminalSink(stream, { debug: options.debug ?? false, secrets: () => options.secrets ?? [] }))
    return { log, text: () => text }
  }

  it('shows each line as it comes, with the stage it belongs to', () => {
    const { log, text } = terminal()
    const [build, smoke] = [log.stage('build'), log.stage('smoke')]
    build.info('one\ntwo')
    smoke.warning('three')
    build.end('done in 4 s')
    log.info('the run')
    expect(text()).toBe(
      'build  │ ── build\nsmoke  │ ── smoke\nbuild  │ one\nbuild  │ two\nsmoke  │ warning: three\nbuild  │ done in 4 s\nthe run\n',
    )
  })

  it('shows an error with its code, place and hint, and debug lines when asked', () => {
    const { log, text } = terminal({ debug: true })
    log.debug('detail')
    log.error(new LaunchwayError('CONFIG_INVALID', 'not valid', { hint: 'why', place: { file: 'launchway.yml', line: 3 } }))
    expect(text()).toBe('detail\nCONFIG_INVALID: launchway.yml:3: not valid\nwhy\n')
    const quiet = terminal()
    quiet.log.debug('detail')
    expect(quiet.text()).toBe('')
  })

  it('writes no colours to what is no terminal, whatever standard output is', () => {
    const was = { tty: process.stdout.isTTY, color: process.env['NO_COLOR'] }
    delete process.env['NO_COLOR']
    process.stdout.isTTY = true
    const { log, text } = terminal()
    log.error(new LaunchwayError('USAGE', 'x'))
    process.stdout.isTTY = was.tty
    if (was.color !== undefined) process.env['NO_COLOR'] = was.color
    expect(text()).toBe('USAGE: x\n')
  })

  it('never shows a secret in any form, also line by line', () => {
    const value = 'BEGIN KEY\nabc+/def==\nEND KEY'
    const { log, text } = terminal({ secrets: [new Secret(value)] })
    for (const form of [value, Buffer.from(value).toString('base64'), encodeURIComponent(value)]) log.info(`x ${form} y`)
    for (const part of value.split('\n')) log.stage('build').info(part)
    log.error(new LaunchwayError('COMMAND_FAILED', value, { hint: value }))
    for (const form of ['BEGIN KEY', 'abc+', 'END KEY', 'abc%2B', Buffer.from(value).toString('base64')]) expect(text()).not.toContain(form)
    expect(text()).toContain('x *** y')
  })
})
