import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import { JournalLine, states, steps } from '../../src/core/journal.ts'
import type { Ports } from '../../src/core/ports.ts'
import { DeploySection } from '../../src/core/release.ts'
import { collide, parsePublish } from '../../src/deploy/address.ts'
import { failedOnOne } from '../../src/deploy/fleet.ts'
import { applyProgram } from '../../src/deploy/program.ts'
import { withHostsBefore } from '../../src/deploy/rollback.ts'
import { environment, first, second, service } from './support/deploy.ts'

describe('hosts that have the new version when another fails', () => {
  const hosts = ['a', 'b'].map((host) => ({ host, slot: 'a' as const, previous: first, services: [], downtimeMs: 0, stopped: [], ms: 1 }))
  const done: DeploySection = { environment: 'production', hosts, ms: 2 }
  const fleet = (way = {}) => ({ app: 'shop', environment: environment([service()], way), release: second, registries: [] })
  const error = new LaunchwayError('PULL_FAILED', 'c could not pull the image', { hint: 'manifest unknown' })
  // What goes back does so over SSH: a test that gets there has no such port.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing is asked of a port
  const ports = {} as Ports

  it.each([
    ['it cannot be left', error, fleet({ noReturn: 'the schema has moved' }), done, 'the schema has moved'],
    [
      'there is nothing to return to',
      error,
      fleet(),
      { ...done, hosts: hosts.map((one) => ({ ...one, previous: undefined })) },
      'replaced no version on a, b',
    ],
    ['nobody knows what the other runs', new LaunchwayError('DEPLOY_UNKNOWN', 'c did not say'), fleet(), done, 'may yet finish'],
    ['somebody has cancelled the run', new LaunchwayError('CANCELLED', 'SIGINT'), fleet(), done, 'once a run is cancelled'],
  ])('stay where %s, which the message says, and the record keeps them', async (_, failed, of, so, why) => {
    const told = await failedOnOne(failed, of, DeploySection.parse(JSON.parse(JSON.stringify(so))), ports)
    expect(told).toMatchObject({ code: failed.code, cause: failed, part: { deploy: { environment: 'production' } } })
    expect(told instanceof Error ? told.message : '').toMatch(/^.*; on the new release already, and staying there: a(, b)? \(/)
    expect(told instanceof Error ? told.message : '').toContain(why)
  })

  it('are not made up where there are none, and a bug stays a bug', async () => {
    expect(await failedOnOne(error, fleet(), { ...done, hosts: [] }, ports)).toBe(error)
    const bug = new TypeError('x')
    expect(await failedOnOne(bug, fleet(), done, ports)).toBe(bug)
    expect(withHostsBefore(error, [])).toBe(error)
  })

  it('are named when a return breaks off, which the same words finish', () => {
    expect(withHostsBefore(error, hosts)).toMatchObject({
      code: 'PULL_FAILED',
      message: 'c could not pull the image; back already: a, b; the same again takes the others back',
      hint: 'manifest unknown',
    })
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
