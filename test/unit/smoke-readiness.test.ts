import { describe, expect, it } from 'vitest'
import type { EngineContainer } from '../../src/core/ports.ts'
import { allNeeds, startable, startsByItself, waitsInVain } from '../../src/smoke/order.ts'
import { knowsStartInterval, patienceOf, quicken } from '../../src/smoke/readiness.ts'
import { ComposeProject, type ComposeService, durationMs } from '../../src/tools/compose.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { seenContainer } from './support/container.ts'

const withHealth = (healthcheck: unknown): ComposeProject =>
  ComposeProject.parse({ services: { web: healthcheck === undefined ? {} : { healthcheck } } })
const healthOf = ({ services }: ComposeProject): ComposeService['healthcheck'] => services['web']?.healthcheck

describe('a health check while a stack is tested', () => {
  it.each<[string, unknown, unknown]>([
    ['of the image alone is asked for often', undefined, { start_interval: '75ms', start_period: '60000ms' }],
    [
      'keeps its test, timeout, interval and retries',
      { test: ['CMD', 'true'], timeout: '5s', interval: '30s', retries: 7, start_period: '10s' },
      { test: ['CMD', 'true'], timeout: '5s', interval: '30s', retries: 7, start_interval: '75ms', start_period: '60000ms' },
    ],
    [
      'that says itself how often at the start stays as it is',
      { test: ['CMD', 'true'], start_interval: '5s', start_period: '1m' },
      { test: ['CMD', 'true'], start_interval: '5s', start_period: '1m' },
    ],
    ['that is switched off stays so', { disable: true }, { disable: true }],
    ['of which the file says that there is none stays none', { test: ['NONE'] }, { test: ['NONE'] }],
  ])('%s', (_, given, expected) => {
    expect(healthOf(quicken(withHealth(given), true, 60_000).file)).toEqual(expected)
  })

  it.each<[string, unknown, unknown]>([
    ['of the image alone stays as it is', undefined, undefined],
    [
      'may fail for as long as before',
      { test: ['CMD', 'true'], interval: '10s', retries: 5, start_period: '7s' },
      { test: ['CMD', 'true'], interval: '500ms', retries: 100, start_period: '7s' },
    ],
    ['with no numbers has those of the engine', { test: ['CMD', 'true'] }, { test: ['CMD', 'true'], interval: '500ms', retries: 180 }],
    ['that is asked for oftener stays so', { test: ['CMD', 'true'], interval: '200ms' }, { test: ['CMD', 'true'], interval: '200ms' }],
  ])('%s, where the engine has one interval for all of a life', (_, given, expected) => {
    expect(healthOf(quicken(withHealth(given), false, 60_000).file)).toEqual(expected)
  })

  it.each([
    ['1.44', '2.20.0', true],
    ['1.45', 'v2.26.1', true],
    ['2.0', '3.1', true],
    ['1.43', '2.26.1', false],
    ['1.45', '2.19.1', false],
    ['1.45', 'something else', false],
  ])('with API %s and compose %s has an interval for the start: %s', (apiVersion, compose, knows) => {
    expect(knowsStartInterval({ apiVersion }, compose)).toBe(knows)
  })
})

describe('how long a container may take until it is healthy', () => {
  const settings = { intervalMs: 10_000, timeoutMs: 5_000, retries: 3 }
  const starting = (ms?: number): EngineContainer =>
    seenContainer('web', { image: 'app:1', health: { status: 'starting', output: '', settings, ...(ms === undefined ? {} : { ms }) } })
  const image = { id: 'sha256:1', platform: 'linux/amd64', size: 1, layers: 1, repoDigests: [], startPeriodMs: 40_000 }
  const allowed = async (healthcheck: unknown, one = starting()): Promise<number | undefined> => {
    const quick = quicken(withHealth(healthcheck), true, 3_600_000)
    return (await patienceOf([one], quick, { engine: fakeEngine({ 'app:1': image }) }))(one)
  }

  it('is what the file says: its start, and then so many failures', async () => {
    expect(await allowed({ test: ['CMD', 'true'], start_period: '1m30s' })).toBe(90_000 + 3 * 10_000)
  })
  it('counts the time that a check itself takes', async () => {
    expect(await allowed({ test: ['CMD', 'true'], start_period: '1s' }, starting(2_000))).toBe(1_000 + 3 * 12_000)
  })
  it('is what the image says where the file does not', async () => {
    expect(await allowed(undefined)).toBe(40_000 + 30_000)
  })
  it('is for the engine to tell where the file was left alone', async () => {
    expect(await allowed({ test: ['CMD', 'true'], start_interval: '1s', start_period: '1s' })).toBeUndefined()
  })
})

describe('a duration of compose', () => {
  it.each([
    ['1m30s', 90_000],
    ['1.5s', 1_500],
    ['200ms', 200],
    ['1h0m0s', 3_600_000],
    ['500us', 0.5],
    ['0s', 0],
  ])('%s is %d milliseconds', (text, ms) => {
    expect(durationMs(text)).toBe(ms)
  })
})

describe('a container that was made', () => {
  const services = (of: Record<string, unknown>): ComposeProject['services'] =>
    ComposeProject.parse({ services: { db: {}, web: of } }).services
  const made = seenContainer('web', { status: 'created' })
  const needs = (condition: string) => ({ depends_on: { db: { condition } } })
  const health = (status: string): Partial<EngineContainer> => ({ health: { status, output: '' } })

  it.each<[string, Record<string, unknown>, Partial<EngineContainer>, boolean]>([
    ['that waits for nothing', {}, { status: 'created' }, true],
    ['whose needed one was not started', needs('service_started'), { status: 'created' }, false],
    ['whose needed one has started', needs('service_started'), {}, true],
    ['whose needed one is not healthy yet', needs('service_healthy'), health('starting'), false],
    ['whose needed one is healthy', needs('service_healthy'), health('healthy'), true],
    ['whose needed one was healthy and died', needs('service_healthy'), { status: 'exited', ...health('healthy') }, false],
    ['whose needed one has not ended yet', needs('service_completed_successfully'), {}, false],
    ['whose needed one ended well', needs('service_completed_successfully'), { status: 'exited' }, true],
    ['whose needed one failed', needs('service_completed_successfully'), { status: 'exited', exitCode: 1 }, false],
    ['that joins the network of one that was not started', { network_mode: 'service:db' }, { status: 'created' }, false],
    ['that has the files of one that has started', { volumes_from: ['db:ro'] }, {}, true],
    ['that needs a service of a profile that is left out', { depends_on: { elsewhere: { required: false } } }, { status: 'created' }, true],
  ])('%s', (_, of, db, starts) => {
    const { startedAt: _at, ...rest } = seenContainer('db', db)
    const needed = db.status === 'created' ? rest : { ...rest, startedAt: '2026-01-01T00:00:00Z' }
    const ids = startable([made, needed], services(of)).map(({ id }) => id)
    expect(ids.includes('web')).toBe(starts)
  })

  it('needs all that is needed by what it needs', () => {
    const all = ComposeProject.parse({ services: { a: { depends_on: { b: {} } }, b: { network_mode: 'service:c' }, c: {} } })
    expect(Object.fromEntries(allNeeds(all.services))).toEqual({ a: new Set(['b', 'c']), b: new Set(['c']), c: new Set() })
  })

  it('with several needed waits for each of them', () => {
    const two = [seenContainer('db', { id: 'db-1', ...health('healthy') }), seenContainer('db', { id: 'db-2', ...health('starting') })]
    expect(startable([made, ...two], services(needs('service_healthy')))).toEqual([])
  })

  it('is not waited for in vain: nobody asks for the health that it waits for', () => {
    expect(waitsInVain([made, seenContainer('db')], services(needs('service_healthy')))?.why).toBe(
      'web waits until db is healthy, which has no health check',
    )
    expect(waitsInVain([made, seenContainer('db')], services(needs('service_started')))).toBeUndefined()
  })

  it('is not waited for in vain: who it waits for has ended, and will not be healthy any more', () => {
    const ended = seenContainer('db', { status: 'exited', ...health('starting') })
    expect(waitsInVain([made, ended], services(needs('service_healthy')))).toEqual({
      why: 'web waits until db is healthy, which has ended with code 0',
      hint: 'If it is meant to end, wait for service_completed_successfully.',
    })
    expect(waitsInVain([seenContainer('web'), ended], services(needs('service_healthy')))).toBeUndefined()
    const failing = seenContainer('db', { status: 'restarting', exitCode: 1, ...health('starting') })
    expect(waitsInVain([made, failing], services(needs('service_healthy')))).toBeUndefined()
  })

  it.each<[string, Record<string, unknown>, boolean]>([
    ['with a secret in a file', { secrets: { a: { file: '/srv/a' } } }, true],
    ['with a secret of the environment', { secrets: { a: { environment: 'A' } } }, false],
    ['with a config that stands in the compose file', { configs: { a: { content: 'x' } } }, false],
    ['with a command after the start', { services: { web: { post_start: [] } } }, false],
  ])('in a project %s can be started without compose: %j', (_, of, alone) => {
    expect(startsByItself(ComposeProject.parse({ services: {}, ...of }))).toBe(alone)
  })
})
