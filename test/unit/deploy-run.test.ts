import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import { JournalLine, states, steps } from '../../src/core/journal.ts'
import type { Ports } from '../../src/core/ports.ts'
import { DeploySection } from '../../src/core/release.ts'
import { collide, parsePublish } from '../../src/deploy/address.ts'
import { failedOnOne, type Ran, ranBefore, wayBack, whyItStays } from '../../src/deploy/fleet.ts'
import type { Kept } from '../../src/deploy/kept.ts'
import type { Observation } from '../../src/deploy/observation.ts'
import { applyProgram } from '../../src/deploy/program.ts'
import { withHostsBefore } from '../../src/deploy/rollback.ts'
import { environment, failureIn, first, host, second, service, third } from './support/deploy.ts'

const keptAs = (label: string): Kept => ({
  version: 1,
  release: first,
  app: 'shop',
  label,
  images: {},
  repositories: ['registry.example.org/shop'],
  environment: environment([service()]),
})

describe('hosts that have the new version when another fails', () => {
  const hosts = ['a', 'b'].map((host) => ({ host, slot: 'a' as const, previous: first, services: [], downtimeMs: 0, stopped: [], ms: 1 }))
  const done: DeploySection = { environment: 'production', hosts, ms: 2 }
  const fleet = (way = {}) => ({
    app: 'shop',
    environment: environment([service()], way),
    release: second,
    registries: [],
    ran: new Map<string, Ran>(),
  })
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

  it.each<[string, Observation, 'nothing' | 'same' | 'other']>([
    ['nothing', host({}), 'nothing'],
    ['this release alone', host({ current: second }), 'same'],
    ['this release, after another', host({ current: second, previous: first }), 'other'],
    ['another', host({ current: first }), 'other'],
  ])('are told from what they had before: %s', (_, seen, expected) => {
    expect(ranBefore(seen, second)).toBe(expected)
  })

  it.each<[string, (string | undefined)[], [string, Ran][], string | undefined]>([
    ['go back where all had a version', [first, first], [], undefined],
    ['go back where one was new to the environment', [first, undefined], [['b', 'nothing']], undefined],
    [
      'go back where all of them were new, and the one that failed is not',
      [undefined, undefined],
      [
        ['a', 'nothing'],
        ['b', 'nothing'],
        ['c', 'other'],
      ],
      undefined,
    ],
    [
      'stay where the environment is new',
      [undefined, undefined],
      [
        ['a', 'nothing'],
        ['b', 'nothing'],
        ['c', 'nothing'],
      ],
      'this deploy replaced no version on a, b',
    ],
    [
      'stay where they had this release already',
      [undefined, undefined],
      [
        ['a', 'same'],
        ['b', 'same'],
        ['c', 'other'],
      ],
      'this deploy replaced no version on a, b',
    ],
  ])('%s', (_, previous, ran, why) => {
    const so = {
      ...done,
      hosts: hosts.map(({ previous: _was, ...one }, at) => ({ ...one, ...(previous[at] === undefined ? {} : { previous: previous[at] }) })),
    }
    expect(whyItStays({ ...fleet(), ran: new Map(ran) }, so)).toBe(why)
  })

  it.each<[string, string | undefined, Ran | undefined, Partial<Observation>, object]>([
    ['returns to what it ran', first, 'other', { current: second }, { kind: 'return', target: { release: first } }],
    ['has been taken back by somebody', first, 'other', { current: first }, { kind: 'there', label: 'v1' }],
    ['runs what somebody else has brought', first, 'other', { current: third }, { kind: 'left', why: expect.stringContaining(third) }],
    ['runs nothing any more', first, 'other', {}, { kind: 'left', why: expect.stringContaining('runs nothing by now') }],
    ['was new: it has nothing again', undefined, 'nothing', { current: second }, { kind: 'empty', runs: true }],
    ['was new, and somebody has emptied it', undefined, 'nothing', {}, { kind: 'empty', runs: false }],
    [
      'was new, and has what somebody else has brought',
      undefined,
      'nothing',
      { current: third },
      { kind: 'left', why: expect.stringContaining(third) },
    ],
  ])('each finds its way: one that %s', (_, previous, ran, seen, way) => {
    const releases = new Map([[first, keptAs('v1')]])
    expect(wayBack(previous === undefined ? {} : { previous }, ran, second, host({ releases, ...seen }))).toMatchObject(way)
  })

  it.each<[string, string | undefined, Ran | undefined, string]>([
    ['has not kept what it takes', first, 'other', 'was kept without what it takes'],
    ['had this release before the deploy: its visitors keep it', undefined, 'same', 'replaced no version here'],
    ['nobody had looked at', undefined, undefined, 'replaced no version here'],
  ])('one that %s stays', (_, previous, ran, why) => {
    const seen = host({ current: second })
    expect(failureIn(() => wayBack(previous === undefined ? {} : { previous }, ran, second, seen))).toMatchObject({
      code: 'VERSION_UNKNOWN',
      message: expect.stringContaining(why),
    })
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
