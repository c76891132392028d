import { describe, expect, it } from 'vitest'
import type { EngineContainer } from '../../src/core/ports.ts'
import { condensed } from '../../src/smoke/evidence.ts'
import { type Fates, type Seen, shownState, verdictOf } from '../../src/smoke/verdict.ts'
import { seenContainer } from './support/container.ts'

const container = seenContainer
/** Nothing is said of what services become. */
const free: Fates = { mustEnd: new Set(), mustRun: new Map() }
const health = (status: string): Partial<EngineContainer> => ({ health: { status, output: '' } })

describe('a container', () => {
  it.each<[string, Partial<EngineContainer>, string]>([
    ['that runs and has no HEALTHCHECK', {}, 'up'],
    ['that is healthy', health('healthy'), 'up'],
    ['that is not healthy yet', health('starting'), 'waiting: web is not healthy yet'],
    ['that is unhealthy', health('unhealthy'), 'dead: web is unhealthy'],
    ['that was made', { status: 'created' }, 'waiting: web was not started yet'],
    ['that could not be started', { status: 'created', error: 'no such program' }, 'dead: web could not be started: no such program'],
    ['that ended well', { status: 'exited' }, 'up'],
    ['that ended well after it was unhealthy', { status: 'exited', ...health('unhealthy') }, 'up'],
    ['that died', { status: 'exited', exitCode: 3 }, 'dead: web exited with code 3'],
    ['that died again and again', { status: 'exited', exitCode: 1, restarts: 5 }, 'dead: web exited with code 1, after 5 restarts'],
    ['that died once more', { status: 'exited', exitCode: 1, restarts: 1 }, 'dead: web exited with code 1, after 1 restart'],
    ['that was killed', { status: 'exited', exitCode: 137 }, 'dead: web exited with code 137, killed'],
    [
      'that was killed and has a limit of memory, of which the engine noticed nothing',
      { status: 'exited', exitCode: 137, memoryLimit: 2 ** 24 },
      'dead: web exited with code 137, killed, most likely for having used up its memory',
    ],
    [
      'that ran out of memory',
      { status: 'exited', exitCode: 137, outOfMemory: true },
      'dead: web exited with code 137, having used up its memory',
    ],
    ['that the engine could not remove', { status: 'dead' }, 'dead: web exited with code 0'],
    ['that is about to run again', { status: 'restarting', exitCode: 2 }, 'waiting: web exited with code 2 and is restarted'],
    ['that somebody takes away', { status: 'removing', exitCode: 137 }, 'dead: web is removed by somebody else'],
    ['that is paused', { status: 'paused' }, 'waiting: web is paused'],
  ])('%s', (_, of, expected) => {
    const verdict = verdictOf([container('web', of)], free)
    const said = verdict.kind === 'dead' ? `dead: ${verdict.why}` : verdict.kind === 'waiting' ? `waiting: ${verdict.on.join()}` : 'up'
    expect(said).toBe(expected)
  })

  it('that others wait for to end is not up while it runs', () => {
    expect(verdictOf([container('migrate')], { ...free, mustEnd: new Set(['migrate']) })).toMatchObject({ kind: 'waiting' })
    expect(verdictOf([container('migrate', { status: 'exited' })], { ...free, mustEnd: new Set(['migrate']) })).toEqual({ kind: 'up' })
  })

  it('that is meant to stay is dead when it has ended, however well', () => {
    const fates = { ...free, mustRun: new Map([['web', 'restart: always']]) }
    expect(verdictOf([container('web', { status: 'exited' })], fates)).toMatchObject({
      kind: 'dead',
      why: 'web exited with code 0, and is meant to stay: restart: always',
    })
    expect(verdictOf([container('web')], fates)).toEqual({ kind: 'up' })
  })

  it('that ran a single command does not count', () => {
    expect(verdictOf([container('web', { status: 'exited', exitCode: 1 }, { 'com.docker.compose.oneoff': 'True' })], free)).toEqual({
      kind: 'up',
    })
  })
})

describe('of several containers', () => {
  it('the first that died is the cause, and not what it took with it', () => {
    const echo = container('web', { status: 'exited', exitCode: 1, finishedAt: '2026-01-01T00:00:02Z' })
    const cause = container('db', { status: 'exited', exitCode: 9, finishedAt: '2026-01-01T00:00:01Z' })
    const sick = container('proxy', health('unhealthy'))
    expect(verdictOf([sick, echo, cause], free)).toMatchObject({ kind: 'dead', container: { id: 'db' } })
  })

  /** Seconds after noon at which a container first died, and died last. */
  const died = (first: number, last: number, exitCode = 1): Pick<Seen, 'death'> => {
    const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 12) + second * 1000).toISOString()
    return { death: { first: at(first), last: at(last), exitCode, outOfMemory: false } }
  }
  const gone = (first: number): Partial<Seen> => {
    const { death } = died(first, first)
    return { status: 'exited', exitCode: 1, ...(death === undefined ? {} : { death, finishedAt: death.last }) }
  }
  it.each<[string, Partial<Seen>, string, string[]]>([
    [
      'one that is being restarted had died before it',
      { status: 'restarting', exitCode: 9, restarts: 2, ...died(1, 3, 9) },
      'db exited with code 9 and is restarted',
      ['web exited with code 1'],
    ],
    [
      'one that lives again had died shortly before it',
      { restarts: 1, ...died(1, 1, 9) },
      'db exited with code 9 and is restarted',
      ['web exited with code 1'],
    ],
    ['another had died long before, and lives', { restarts: 1, ...died(-20, -20) }, 'web exited with code 1', []],
    ['another died only after it', { status: 'restarting', exitCode: 9, ...died(3, 3) }, 'web exited with code 1', []],
    ['another had died before, and is healthy by now', { ...health('healthy'), ...died(1, 1) }, 'web exited with code 1', []],
    ['another died for good after it', gone(3), 'web exited with code 1', ['db exited with code 1']],
    ['another died for good before it', gone(1), 'db exited with code 1', ['web exited with code 1']],
  ])('the cause of one that died for good, when %s', (_, db, why, echoes) => {
    const seen: Seen[] = [
      { ...container('web'), ...gone(2) },
      { ...container('db'), ...db },
    ]
    expect(verdictOf(seen, free)).toMatchObject({ kind: 'dead', why, echoes })
  })

  it('the cause is what the first one needs, where both ended at the same time', () => {
    const seen: Seen[] = [
      { ...container('web'), ...gone(2) },
      { ...container('db'), status: 'restarting', exitCode: 9, ...died(2.4, 2.4, 9) },
    ]
    const needs = new Map([['web', new Set(['db'])]])
    expect(verdictOf(seen, { ...free, needs })).toMatchObject({
      why: 'db exited with code 9 and is restarted',
      echoes: ['web exited with code 1'],
    })
    expect(verdictOf(seen, free)).toMatchObject({ why: 'web exited with code 1', echoes: [] })
    const late: Seen[] = [
      { ...container('web'), ...gone(2) },
      { ...container('db'), ...gone(8) },
    ]
    expect(verdictOf(late, { ...free, needs })).toMatchObject({ why: 'web exited with code 1' })
  })

  it.each<[string, Partial<Seen>, string, string[]]>([
    ['that has died', gone(2), 'db exited with code 1', ['side could not be started: cannot join network of a non running container: 0a']],
    [
      'that is being restarted',
      { status: 'restarting', exitCode: 9, ...died(2, 3, 9) },
      'db exited with code 9 and is restarted',
      ['side could not be started: cannot join network of a non running container: 0a'],
    ],
    ['that runs again', {}, 'side could not be started: cannot join network of a non running container: 0a', []],
  ])('who could not join one %s is an echo of that', (_, db, why, echoes) => {
    const side = container('side', { status: 'created', error: 'cannot join network of a non running container: 0a' })
    const needs = new Map([['side', new Set(['db'])]])
    expect(verdictOf([side, { ...container('db'), ...db }], { ...free, needs })).toMatchObject({ kind: 'dead', why, echoes })
  })

  it('one that died ends the wait for the others', () => {
    expect(verdictOf([container('web', health('starting')), container('db', { status: 'exited', exitCode: 1 })], free).kind).toBe('dead')
  })

  it('every one that is not up is waited for', () => {
    expect(verdictOf([container('a', health('starting')), container('b'), container('c', { status: 'created' })], free)).toEqual({
      kind: 'waiting',
      on: ['a is not healthy yet', 'c was not started yet'],
    })
  })
})

describe('in a list', () => {
  it.each<[Partial<EngineContainer>, string]>([
    [{}, 'running'],
    [health('healthy'), 'healthy'],
    [{ ...health('unhealthy'), restarts: 1 }, 'unhealthy after 1 restart'],
    [{ status: 'exited', exitCode: 3, restarts: 5 }, 'exited 3 after 5 restarts'],
    [{ status: 'created' }, 'created'],
    [{ status: 'created', error: 'x' }, 'not started'],
  ])('%j is %s', (of, shown) => {
    expect(shownState(container('web', of))).toBe(shown)
  })
})

describe('a log as evidence', () => {
  it('has no colours, tells what repeats once, and cuts what is long', () => {
    const nothing = { redact: (text: string): string => text }
    expect(condensed('\u001B[31mred\u001B[0m\r\nagain\nagain\nagain\nend', nothing)).toBe('red\nagain (3 times)\nend')
    expect(condensed('x'.repeat(1000), nothing)).toHaveLength(401)
    expect(condensed('\na\nb\nc\n', nothing, 2)).toBe('b\nc')
  })
})
