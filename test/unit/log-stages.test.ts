import { Writable } from 'node:stream'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { groupedLog, liveLog } from '../../src/adapters/log/stages.ts'
import { terminalSink } from '../../src/adapters/log/terminal.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { Secret } from '../../src/core/secret.ts'

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
