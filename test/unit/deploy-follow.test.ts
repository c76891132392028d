import { describe, expect, it } from 'vitest'
import type { JournalLine } from '../../src/core/journal.ts'
import { follow } from '../../src/deploy/follow.ts'
import { Secret } from '../../src/core/secret.ts'
import { fakeLog } from '../fakes/log.ts'
import { fakeSsh } from '../fakes/ssh.ts'
import { second } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

type Line = Pick<JournalLine, 'step' | 'state' | 'service' | 'note'>

/** Follows a program that writes these lines: what is told, and how loud. */
async function told(lines: readonly Line[]): Promise<string[]> {
  const written = lines.map((line) => JSON.stringify({ v: 1, at: 1_795_256_100, release: second, attempt: '0f', ...line }))
  const ssh = fakeSsh({ a: () => ({ stdout: written.join('\n') }) })
  const { ports } = localPorts(temporaryFolder())
  const log = fakeLog()
  const settings = { key: 'SSH_KEY', connectTimeoutMs: 1000 }
  const connect = () => ssh.connect('a', settings, { key: new Secret('key'), signal: ports.signal })
  await using remote = await connect()
  const of = { host: 'a', attempt: '0f', sudo: false, launch: new Secret('launch'), attach: 'attach', reconnect: connect }
  expect(await follow(remote, of, { ...ports, log })).toHaveLength(lines.length)
  return log.entries.flatMap((entry) => ('text' in entry ? [`${entry.kind} ${entry.text}`] : []))
}

const stop = (state: string, note = ''): Line => ({ step: 'stop', state, service: 'worker', note })
const end = (state: string): Line => ({ step: 'end', state })
const record: Line = { step: 'record', state: 'done' }

describe('what a host program tells while it is followed', () => {
  it.each<[string, Line[], string[]]>([
    [
      'that an old container goes on running is a warning, though all is well in the end',
      [record, stop('failed', 'no such container'), { step: 'prune', state: 'done' }, end('done')],
      ['line a: record: done', 'warning a: stop worker: failed, no such container', 'line a: prune: done'],
    ],
    [
      'so it is when it is the last that is told',
      [record, stop('done'), stop('failed', 'no such container'), end('done')],
      ['line a: record: done', 'line a: stop worker: done', 'warning a: stop worker: failed, no such container'],
    ],
    [
      'that one was killed is a warning',
      [stop('says', 'it was killed'), stop('done'), end('done')],
      ['warning a: stop worker | it was killed', 'line a: stop worker: done'],
    ],
    [
      'what ends the attempt is told by its error: undone',
      [stop('failed', 'no'), { step: 'undo', state: 'start' }, { step: 'undo', state: 'done' }, end('undone')],
      ['line a: stop worker: failed, no', 'line a: undo: done'],
    ],
    [
      'what ends the attempt is told by its error: nothing was changed',
      [stop('failed', 'no'), end('failed')],
      ['line a: stop worker: failed, no'],
    ],
    [
      'what ends the attempt is told by its error: the program was killed, and what it did is undone',
      [stop('failed', 'killed'), { step: 'recover', state: 'start' }, { step: 'recover', state: 'done' }, end('undone')],
      ['line a: stop worker: failed, killed', 'line a: recover: done'],
    ],
    ['and where nothing follows, since the program was killed', [stop('failed', 'no')], ['line a: stop worker: failed, no']],
  ])('%s', async (_, lines, expected) => {
    expect(await told(lines)).toEqual(expected)
  })
})
