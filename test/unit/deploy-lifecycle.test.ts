import { describe, expect, it, test } from 'vitest'
import { toAbort, toConfirm } from '../../src/deploy/confirm.ts'
import { type Kept, parseKept } from '../../src/deploy/kept.ts'
import { type Observation, parseObservation } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { declared } from '../../src/deploy/returning.ts'
import { byArrival, namedTarget } from '../../src/deploy/version.ts'
import { waitOf } from '../../src/deploy/waiting.ts'
import { container, environment, failureIn, first, host, nameOf, second, service, third, wanted } from './support/deploy.ts'
import { names, seen as seenBehindNginx, story, web } from './support/nginx.ts'

const worker = service({ name: 'worker' })
const running = host({ current: first, containers: [container('worker', first)] })
const nameIs = (calls: readonly (readonly string[])[], name: string) => calls.filter(([one]) => one === name)
const at = (seconds: number): Date => new Date(seconds * 1000)
const waiting = (release: string, isOver = false): NonNullable<Observation['waits']> => ({
  release,
  since: at(1000),
  by: 'ada@laptop',
  isOver,
})

describe('what a host says of a wait', () => {
  it.each<[string, string, boolean | undefined]>([
    ['until somebody decides', `${second} 1000 - ada@laptop`, true],
    ['until a time that is to come', `${second} 1000 2001 ada@laptop of the team`, true],
    ['until a time that has come', `${second} 1000 2000 ada@laptop`, false],
    ['of a release that is not current', `${first} 1000 - ada@laptop`, false],
    ['half a line', `${second} 10`, undefined],
  ])('%s', (_, line, waits) => {
    const seen = parseObservation('a', `current\t${second}\nwaits\t${line}\nnow\t2000\nseen\tyes`)
    expect(waitOf(seen) !== undefined).toBe(waits ?? false)
    expect(seen.waits === undefined).toBe(waits === undefined)
  })
})

describe('a deploy where a release waits', () => {
  const waits = host({ current: first, previous: third, containers: [container('worker', first)], waits: waiting(first) })
  const confirm = { withinMs: 90_000 }

  it('is refused before anything else is asked of the host', () => {
    const error = failureIn(() => planHost(wanted([worker]), { ...waits, tools: new Set() }, 'a'))
    expect(error).toMatchObject({ code: 'DEPLOY_WAITS', message: `${first} waits for a confirmation on a` })
    for (const part of ['ada@laptop', '1970-01-01 00:16 UTC', 'launchway confirm -e production', 'launchway abort -e production'])
      expect(error.hint).toContain(part)
  })

  it.each<[string, Parameters<typeof wanted>[1], Observation, string[][]]>([
    ['the same release again goes on, and the wait with it', { release: first }, waits, []],
    ['a rollback goes', { isReturn: true, release: third }, waits, []],
    ['once the time has passed it goes, and waits itself', {}, { ...waits, waits: waiting(first, true) }, [['await', '90']]],
    ['the first release of all has nothing to wait for', {}, host(), []],
    ['a second one has', {}, running, [['await', '90']]],
  ])('%s', (_, of, seen, expected) => {
    const { calls } = planHost({ ...wanted([worker], of), environment: environment([worker], { confirm }) }, seen, 'a')
    expect(nameIs(calls, 'await')).toEqual(expected)
    const order = calls.map(([name]) => name)
    expect(order[order.indexOf('record') - 1] === 'await').toBe(expected.length > 0)
  })
})

describe('what a host keeps of a release', () => {
  it('is read also where a later launchway has added to it, at whatever depth', () => {
    const { environment: of, ...rest } = kept(first, 'v1')
    const services = of.services.map((one) => ({ ...one, later: 1 }))
    expect(parseKept(JSON.stringify({ ...rest, later: true, environment: { ...of, later: {}, services } }))).toEqual(kept(first, 'v1'))
    expect(parseKept(JSON.stringify({ ...rest, environment: {} }))).toBe(undefined)
  })
})

const kept = (release: string, label: string, noReturn?: string): Kept => ({
  version: 1,
  release,
  app: 'addie',
  label,
  images: {},
  repositories: ['r'],
  environment: environment([worker], noReturn === undefined ? {} : { noReturn }),
})
type Looked = { host: string; seen: Observation }
const on = (name: string, current: string | undefined, of: Partial<Observation> = {}): Looked => ({
  host: name,
  seen: host({ current, releases: new Map([first, second, third].map((id, index) => [id, kept(id, `v${index + 1}`)])), ...of }),
})

describe('which release a rollback means', () => {
  const branch = new Map([first, second, third].map((id) => [id, kept(id, 'main')]))
  it.each<[string, string, Looked[], string, string[], string?]>([
    ['a label', 'v1', [on('x', third)], first, ['x']],
    ['a label without its v', '2', [on('x', third)], second, ['x']],
    ['an id', first, [on('x', third)], first, ['x']],
    ['the beginning of an id', '20261120', [on('x', third)], second, ['x']],
    ['the beginning of a commit', 'aaaa', [on('x', third)], first, ['x']],
    ['a whole commit', 'b'.repeat(40), [on('x', third)], second, ['x']],
    ['the tag of a commit', 'sha-bbbbbbb', [on('x', third)], second, ['x']],
    ['what a summary calls it', 'main@bbbbbbb', [on('x', third)], second, ['x']],
    ['what some hosts run already', 'v1', [on('x', third), on('y', first)], first, ['x']],
    [
      'of several of that name the newest that does not run',
      'main',
      [on('x', third, { releases: branch })],
      second,
      ['x'],
      '3 releases are called main',
    ],
  ])('%s', (_, version, hosts, id, from, note) => {
    const target = namedTarget(version, hosts)
    expect(target.target.release).toBe(id)
    expect(target.from.map((one) => one.host)).toEqual(from)
    expect(target.note ?? '').toContain(note ?? '')
  })

  it.each<[string, string, Looked[], string]>([
    ['none has that name', 'v9', [on('x', third)], 'no host keeps a version "v9"'],
    ['it is the beginning of several', '2026112', [on('x', third)], 'fits several versions'],
    [
      'one host does not keep it',
      'v1',
      [on('x', third), on('y', third, { releases: new Map([[third, kept(third, 'v3')]]) })],
      'is not kept on y',
    ],
    ['it cannot be read', first, [on('x', third, { releases: new Map([[first, undefined]]) })], 'without what it takes'],
  ])('is unknown when %s, and each host tells what it keeps', (_, version, hosts, why) => {
    const error = failureIn(() => namedTarget(version, hosts))
    expect(error).toMatchObject({ code: 'VERSION_UNKNOWN', message: expect.stringContaining(why) })
    expect(error.hint).toContain('2026-11-')
    for (const one of hosts) expect(error.hint).toContain(`${one.host}: runs`)
  })

  it('that runs in the slot of the current one is made again in the other, since ports belong to slots', () => {
    const returning = wanted([web], { release: first, isReturn: true })
    const seen = seenBehindNginx({
      current: third,
      previous: second,
      containers: [container('web', first), container('web', second, 'b', 'exited'), container('web', third)],
    })
    const { calls, slot } = planHost(returning, seen, 'a')
    expect(slot).toBe('b')
    expect(story(calls)).toContain(`create ${nameOf('web', first)} 127.0.0.1:20101:5000`)
    expect(story(calls)).toContain('pull')
    expect(names).toEqual(['addie.example.org'])
  })

  it('without nginx is woken where it is', () => {
    const returning = wanted([worker], { release: first, isReturn: true })
    const { calls } = planHost(
      returning,
      host({ current: third, containers: [container('worker', first), container('worker', third)] }),
      'a',
    )
    expect(story(calls)).toContain(`wake worker ${nameOf('worker', first)}`)
  })
})

describe('a version that declares that it cannot be rolled back', () => {
  const releases = new Map([
    [first, kept(first, 'v1')],
    [second, kept(second, 'v2', 'it drops a column')],
    [third, kept(third, 'v3')],
  ])
  it.each([
    ['is not left for the one before', second, first, `v2 (${second}) cannot be rolled back: it drops a column`],
    ['is not passed by', third, first, `v2 (${second}) cannot be rolled back: it drops a column`],
    ['may be returned to', third, second, undefined],
    ['may be gone on to', first, second, undefined],
  ])('%s', (_, current, target, why) => {
    expect(declared({ current, releases }, target)).toBe(why)
  })

  it('is not left by the clock of whoever planned it, which was behind', () => {
    const arrived = new Map([third, second, first].map((id) => [id, releases.get(id)]))
    expect(declared({ current: second, releases: arrived }, third)).toContain('it drops a column')
    expect(declared({ current: first, releases: arrived }, third)).toContain('it drops a column')
    expect(declared({ current: second, releases: arrived }, first)).toBe(undefined)
    // Of a host that keeps other releases, by their names.
    expect(['b', 'c', 'a'].toSorted(byArrival([{ seen: { releases: new Map([[first, undefined]]) } }]))).toEqual(['a', 'b', 'c'])
  })

  it('is read in the order in which the host names releases', () => {
    const seen = parseObservation('a', `release\t${third}\t{}\nrelease\t${first}\t{}\nseen\tyes`)
    expect([third, first].toSorted(byArrival([{ seen }]))).toEqual([third, first])
  })
})

describe('who is to be confirmed, and who aborted', () => {
  const waits = (name: string): Looked => on(name, second, { previous: first, waits: waiting(second) })
  const done = (name: string): Looked => on(name, second, { previous: first })
  const gone = (name: string): Looked => on(name, first, { previous: second })
  const hostsOf = (hosts: Looked[]): string[] => hosts.map((one) => one.host)

  test.each([
    ['all that wait', [waits('x'), waits('y')], ['x', 'y']],
    ['the one that a cut connection left', [done('x'), waits('y')], ['y']],
    ['none, a second time', [done('x'), done('y')], []],
  ])('confirmed: %s', (_, hosts, expected) => {
    expect(hostsOf(toConfirm(hosts).waiting)).toEqual(expected)
  })

  test.each([
    ['all that wait', [waits('x'), waits('y')], ['x', 'y']],
    ['the one that a cut connection left', [gone('x'), waits('y')], ['y']],
  ])('aborted: %s', (_, hosts, expected) => {
    const found = toAbort(hosts)
    expect(hostsOf(found.from)).toEqual(expected)
    expect(found).toMatchObject({ target: { release: first }, takesBack: second })
  })

  it('an older version that was deployed once more, and rejected, stays one that was there before', () => {
    expect(toAbort([on('x', first, { previous: second, waits: waiting(first) })])).not.toHaveProperty('takesBack')
  })

  test.each([
    ['confirm where nothing runs', () => toConfirm([on('x', undefined)]), 'nothing runs'],
    ['confirm where an abort broke off', () => toConfirm([gone('x'), waits('y')]), 'and not on x'],
    ['abort where nothing waits', () => toAbort([done('x')]), 'no version waits'],
    ['abort where a confirmation broke off', () => toAbort([done('x'), waits('y')]), 'is confirmed on x already'],
    ['abort once the time has passed', () => toAbort([on('x', second, { waits: waiting(second, true) })]), 'no version waits'],
  ])('%s is refused with what each host has', (_, call, why) => {
    const error = failureIn(call)
    expect(error).toMatchObject({ code: 'NOTHING_WAITS', message: expect.stringContaining(why) })
    expect(error.hint).toContain('x: ')
  })
})
