import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import { JournalLine, states, steps } from '../../src/core/journal.ts'
import type { DeploySection } from '../../src/core/release.ts'
import { collide, parsePublish } from '../../src/deploy/address.ts'
import { withHostsBefore } from '../../src/deploy/failure.ts'
import { applyProgram } from '../../src/deploy/program.ts'
import { second } from './support/deploy.ts'

describe('hosts that were done before another failed', () => {
  const done: DeploySection = {
    environment: 'production',
    hosts: ['a', 'b'].map((host) => ({ host, slot: 'a', services: [], downtimeMs: 0, stopped: [], ms: 1 })),
    ms: 2,
  }
  const error = new LaunchwayError('PULL_FAILED', 'c could not pull the image', { hint: 'manifest unknown' })

  it('stay in the record, and the message names them', () => {
    expect(withHostsBefore(error, done)).toMatchObject({
      code: 'PULL_FAILED',
      message: 'c could not pull the image; on the new release already: a, b',
      hint: 'manifest unknown',
      part: { deploy: done },
      cause: error,
    })
  })

  it('are not made up where there are none, and a bug stays a bug', () => {
    expect(withHostsBefore(error, { ...done, hosts: [] })).toBe(error)
    const bug = new TypeError('x')
    expect(withHostsBefore(bug, done)).toBe(bug)
  })
})

describe('two sockets', () => {
  it.each([
    ['80', '80', true],
    ['80', '81', false],
    ['127.0.0.1:80', '80', true],
    ['0.0.0.0:80', '10.0.0.7:80', true],
    ['[::]:80', '10.0.0.7:80', true],
    ['10.0.0.8:80', '10.0.0.7:80', false],
    ['[::1]:80', '[0:0:0:0:0:0:0:1]:80', true],
    ['[::1]:80', '127.0.0.1:80', false],
  ])('%s and %s collide: %s', (one, other, expected) => {
    expect(collide(parsePublish(one), parsePublish(other))).toBe(expected)
    expect(collide(parsePublish(other), parsePublish(one))).toBe(expected)
  })
})

describe('a journal outlives versions', () => {
  it('a line of another version is read, its step and state as text', () => {
    const line = { v: 1, at: 1, release: second, attempt: '0f', step: 'warm-up', state: 'postponed', later: true }
    expect(JournalLine.parse(line)).toMatchObject({ step: 'warm-up', state: 'postponed' })
  })

  it('the program writes no step and no state but those that are known', () => {
    const attempt = { app: 'a', environment: 'e', stateRoot: '/s', release: second, attempt: '0f', slot: 'a', keep: 5, by: 'ada' } as const
    const program = applyProgram(attempt, [])
    const found = (pattern: RegExp): string[] => [...new Set([...program.matchAll(pattern)].map(([, word = '']) => word))]
    const writtenSteps = found(/\b(?:start_step|end_step|fail|journal) ([a-z][a-z-]*)\b/g)
    const writtenStates = [
      ...found(/\bend_step [a-z-]+ '?([a-z]+)'?/g),
      ...found(/\bjournal \S+ '?([a-z]+)'?/g),
      ...found(/(?:^|[;&|] | {2})end '?([a-z]+)'?/gm),
    ]
    expect(writtenSteps).toEqual(expect.arrayContaining(['lock', 'pull', 'run', 'downtime', 'record']))
    expect(writtenSteps.filter((step) => !steps.some((known) => known === step))).toEqual([])
    expect(writtenStates).toEqual(expect.arrayContaining(['done', 'failed', 'undone', 'broken', 'skipped']))
    expect(writtenStates.filter((state) => !states.some((known) => known === state))).toEqual([])
  })
})
