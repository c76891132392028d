import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Environment } from '../../src/core/deployment.ts'
import { unwell } from '../../src/deploy/still-well.ts'
import { asOne, atOnce, sideBySide, turnsOf, waitFor, widthOf, withUntouched } from '../../src/deploy/turns.ts'
import { fakeClock } from '../fakes/clock.ts'
import { fakeLog } from '../fakes/log.ts'
import { container, environment, first, host, second, service } from './support/deploy.ts'

const step = { service: 'web', command: ['migrate'], timeoutMs: 1 }
const never = new AbortController().signal
const hosts = ['a', 'b', 'c', 'd', 'e']

describe('the order of a deploy', () => {
  const order = (of: Partial<Environment>, services = [service()]): string[] =>
    turnsOf(environment(services, { hosts, ...of })).map(
      (turn) => `${turn.name === '' ? '' : `${turn.name}: `}${turn.hosts.join(' ')}${turn.waitMs === 0 ? '' : `, after ${turn.waitMs}`}`,
    )

  it.each<[string, Partial<Environment>, string[]]>([
    ['one host after the other where nothing is said', {}, ['a', 'b', 'c', 'd', 'e']],
    [
      'batch by batch, with the time between two',
      { batch: { sizes: [1, 3], waitMs: 9 } },
      ['batch 1 of 3: a', 'batch 2 of 3: b c d, after 9', 'batch 3 of 3: e, after 9'],
    ],
    ['all at once', { batch: { sizes: [5] } }, ['batch 1 of 1: a b c d e']],
    [
      'a command before the switch has passed on the first host before another one begins',
      { batch: { sizes: [3], waitMs: 9 }, beforeSwitch: [step] },
      ['batch 1 of 2: a', 'batch 1 of 2: b c', 'batch 2 of 2: d e, after 9'],
    ],
    [
      'and where the first is alone, it is',
      { batch: { sizes: [1, 4] }, beforeSwitch: [step] },
      ['batch 1 of 2: a', 'batch 2 of 2: b c d e'],
    ],
    ['one host has nobody to go with', { hosts: ['a'], batch: { sizes: [1], waitMs: 9 }, beforeSwitch: [step] }, ['a']],
  ])('%s', (_, of, expected) => {
    expect(order(of)).toEqual(expected)
  })

  it('what runs once has ended on the first host before another one begins', () => {
    expect(order({ batch: { sizes: [5] } }, [service(), service({ name: 'migrate', once: true })])).toEqual([
      'batch 1 of 1: a',
      'batch 1 of 1: b c d e',
    ])
  })

  it('many hosts are not all at work at the same time, and fewer where a large file goes to each', () => {
    const entry = (size: number) => ({ path: '', kind: 'file', mode: 0o644, size, hash: '' }) as const
    const mounted = (size: number) => ({
      here: new Map([['x', { source: 'x', from: '/x', hash: 'x', bytes: size, entries: [entry(1), entry(size)] }]]),
    })
    expect([atOnce(3), atOnce(30), atOnce(30, mounted(1e6)), atOnce(30, mounted(100e6)), atOnce(30, mounted(1e9))]).toEqual([3, 8, 8, 2, 1])
  })

  it('as many go back at once as the largest batch has, and one where nothing is said', () => {
    expect([{}, { batch: { sizes: [1, 4, 2] } }, { batch: { sizes: [30] } }].map(widthOf)).toEqual([1, 4, 8])
  })
})

describe('hosts side by side', () => {
  const later = (turns: number): Promise<void> => (turns === 0 ? Promise.resolve() : Promise.resolve().then(() => later(turns - 1)))

  it('when one fails the others come to their end, nothing more is begun, and both failures are told', async () => {
    const told: string[] = []
    const failed = await sideBySide(3, hosts, { signal: never }, async (one) => {
      told.push(`${one} begins`)
      await later(one === 'b' ? 20 : 200)
      if (one === 'b') throw new LaunchwayError('PULL_FAILED', 'b could not pull', { hint: 'b said so' })
      if (one === 'c') throw new LaunchwayError('DEPLOY_ROLLED_BACK', 'c is not well', { hint: 'c said so' })
      told.push(`${one} ends`)
    }).catch((error: unknown) => error)
    expect(told).toEqual(['a begins', 'b begins', 'c begins', 'a ends'])
    expect(failed).toMatchObject({
      code: 'PULL_FAILED',
      message: 'b could not pull',
      hint: 'b said so\nDEPLOY_ROLLED_BACK: c is not well\nc said so',
    })
  })

  it('a run that is cancelled begins nothing', async () => {
    const stop = new AbortController()
    const begun: string[] = []
    const work = sideBySide(1, hosts, stop, async (one) => {
      begun.push(one)
      stop.abort(new LaunchwayError('CANCELLED', 'cancelled by SIGTERM'))
      await later(1)
    })
    await expect(work).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(begun).toEqual(['a'])
  })

  const [pull, unknown, broken, cancelled] = (['PULL_FAILED', 'DEPLOY_UNKNOWN', 'ROLLBACK_FAILED', 'CANCELLED'] as const).map(
    (code) => new LaunchwayError(code, `it is ${code}`),
  )
  const bug = new TypeError('a bug')
  it.each<[string, unknown[], unknown]>([
    ['the only one', [pull], pull],
    ['the first, among equals', [pull, new LaunchwayError('SSH_UNREACHABLE', 'x')], pull],
    ['that a host is broken', [pull, broken], broken],
    ['that nobody knows what a host runs', [pull, broken, unknown], unknown],
    ['that somebody has cancelled', [unknown, cancelled], cancelled],
    ['a bug', [cancelled, bug], bug],
  ])('of several failures one is told first: %s', (_, failures, expected) => {
    const one = asOne(failures)
    const isSame = one === expected || (one instanceof Error && one.cause === expected)
    expect(isSame).toBe(true)
    // The same failure of each host is told once.
    expect(asOne([...failures, ...failures])).toMatchObject({ message: one instanceof Error ? one.message : '' })
  })

  it('the same failure of several hosts is told once', () => {
    expect(asOne([cancelled, cancelled])).toBe(cancelled)
  })

  it('those whose turn had not come are named; a bug stays a bug', () => {
    expect(withUntouched(pull, ['d', 'e'])).toMatchObject({ hint: 'Untouched, since their turn had not come: d, e' })
    expect(withUntouched(pull, [])).toBe(pull)
    expect(withUntouched(bug, ['d'])).toBe(bug)
  })
})

describe('between two batches', () => {
  const turn = { name: 'batch 2 of 3', hosts, waitMs: 150_000 }

  it('the time that is left is told each minute', async () => {
    const [clock, log] = [fakeClock(), fakeLog()]
    await waitFor(turn, { clock, log, signal: never })
    expect(clock.slept).toEqual([60_000, 60_000, 30_000])
    expect(log.said('line')).toEqual([
      'batch 2 of 3 begins in 2 min 30 s',
      'batch 2 of 3 begins in 1 min 30 s',
      'batch 2 of 3 begins in 30 s',
    ])
  })

  it('ends at once when the run is cancelled', async () => {
    const [clock, log, stop] = [fakeClock(), fakeLog(), new AbortController()]
    const waiting = waitFor(turn, { clock, log, signal: stop.signal })
    stop.abort(new LaunchwayError('CANCELLED', 'cancelled by SIGTERM'))
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(clock.slept).toEqual([60_000])
  })

  const kept = { web: container('web', second), worker: container('worker', second, 'a') }
  it.each<[string, Parameters<typeof host>[0], string[]]>([
    ['all is well', { containers: [kept.web, kept.worker, container('web', first, 'b', 'exited')] }, []],
    [
      'one has ended',
      { containers: [kept.web, { ...kept.worker, state: 'restarting', status: 'Restarting (1) 3 seconds ago' }] },
      ['worker is not well any more (Restarting (1) 3 seconds ago)'],
    ],
    [
      'its health check says no',
      { containers: [{ ...kept.web, status: 'Up 3 minutes (unhealthy)' }] },
      ['web is not well any more (Up 3 minutes (unhealthy))'],
    ],
    [
      'one has ended and was started again',
      { containers: [{ ...kept.web, status: 'Up 4 seconds' }] },
      ['web has been started again (Up 4 seconds)'],
    ],
    [
      'one has just been started again',
      { containers: [{ ...kept.web, status: 'Up Less than a second (healthy)' }] },
      ['web has been started again (Up Less than a second (healthy))'],
    ],
    ['one is as old as the wait', { containers: [{ ...kept.web, status: 'Up 31 seconds (healthy)' }] }, []],
    [
      'a scheduled command need not run',
      { containers: [kept.web, { ...kept.worker, cron: '* * * * *', state: 'exited', status: 'Exited (0)' }] },
      [],
    ],
    ['somebody else has changed it', { current: first }, [`runs ${first} by now`]],
    ['nothing runs there', { current: undefined }, ['runs nothing by now']],
  ])('a release is looked at once more: %s', (_, seen, expected) => {
    expect(unwell(host({ current: second, ...seen }), second, 30_000)).toEqual(expected)
  })

  it.each<[string, number, boolean]>([
    ['Up About a minute', 120_000, false],
    ['Up About a minute (healthy)', 180_000, true],
    ['Up 9 minutes', 600_000, false],
    ['Up 8 minutes', 600_000, true],
    ['Up About an hour', 5_400_000, false],
    ['Up About an hour', 7_200_000, true],
    ['Up 2 hours', 7_200_000, false],
    ['Up 3 days', 7_200_000, false],
  ])('docker says %s after %i ms: started again is %s', (status, sinceMs, isAgain) => {
    const seen = host({ current: second, containers: [{ ...kept.web, status }] })
    expect(unwell(seen, second, sinceMs)).toEqual(isAgain ? [`web has been started again (${status})`] : [])
  })
})
