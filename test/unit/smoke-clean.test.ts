import { describe, expect, it } from 'vitest'
import { smokeLabels, watchedBy } from '../../src/core/names.ts'
import type { Labelled } from '../../src/core/ports.ts'
import { leftBehind, takeDown } from '../../src/smoke/clean.ts'
import { tellKept } from '../../src/smoke/keep.ts'
import { fakeClock } from '../fakes/clock.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { fakeLog } from '../fakes/log.ts'

const now = new Date('2026-03-01T12:00:00Z')

function found(kind: Labelled['kind'], hoursOld: number | undefined, owner?: string): Labelled {
  const created = hoursOld === undefined ? undefined : new Date(now.getTime() - hoursOld * 3_600_000)
  return { kind, created, labels: { [smokeLabels.project]: 'stack', ...(owner === undefined ? {} : { [smokeLabels.owner]: owner }) } }
}

describe('a stack of another run', () => {
  it.each<[string, Labelled[], boolean]>([
    ['whose process is at work', [found('container', 0, 'here'), found('image', 0, 'here')], false],
    ['whose process is gone', [found('container', 0, 'gone')], true],
    ['whose process is gone, of which an image alone is left', [found('image', undefined, 'gone')], true],
    ['whose process is at work since three hours', [found('container', 3, 'here')], false],
    ['of another machine, with a container of three hours ago', [found('container', 3, 'elsewhere')], true],
    ['of another machine, with a container of an hour ago', [found('container', 1, 'elsewhere')], false],
    ['of another machine, which is watched since three hours', [found('container', 3, watchedBy('elsewhere'))], false],
    ['of another machine, which was watched a day ago', [found('network', 25, watchedBy('elsewhere'))], true],
    ['that is watched by a process at work, since a day', [found('network', 25, watchedBy('here'))], false],
    ['that was watched by a process that is gone', [found('container', 0, watchedBy('gone'))], true],
    ['with a network of three hours ago', [found('network', 3)], true],
    ['with images of last year: they were in the cache', [found('container', 1, 'here'), found('image', 9000, 'here')], false],
    ['with a volume of last year', [found('container', 1, 'here'), found('volume', 9000, 'here')], false],
    ['of which the engine does not say when it was made', [found('container', undefined, 'here')], false],
    ['that somebody keeps to look around, since three hours', [found('container', 3, 'kept:/srv/gone')], false],
  ])('%s', (_, stack, isLeft) => {
    expect(leftBehind([...stack, ...stack], now, (owner) => (owner === 'elsewhere' ? undefined : owner === 'gone'))).toEqual(
      isLeft ? ['stack'] : [],
    )
  })

  it('is told from one of something else, which is left alone', () => {
    expect(leftBehind([{ kind: 'container', labels: {}, created: new Date(0) }], now, () => true)).toEqual([])
  })
})

describe('taking a stack down', () => {
  /** What is left after each round; a text is what the engine says instead of removing it. */
  async function down(rounds: (number | string)[], signal = new AbortController().signal) {
    const [clock, log] = [fakeClock(), fakeLog()]
    const left = [...rounds]
    const engine = {
      ...fakeEngine(),
      remove: async () => {
        const [next] = left
        if (typeof next !== 'string') return
        left.shift()
        throw Object.assign(new Error(next), { statusCode: 409 })
      },
      labelled: async () => Array.from({ length: Number(left.shift() ?? 0) }, () => found('container', 0, 'here')),
    }
    await takeDown('stack', { engine, clock, log, signal })
    return {
      slept: clock.slept.filter((ms) => ms < 10_000),
      said: log.entries.map((entry) => ('text' in entry ? entry.text : '')).join('\n'),
    }
  }

  it.each<[string, (number | string)[], number[]]>([
    ['is over when nothing is left', [0], []],
    ['waits a moment where something is still listed', [1, 0], [100]],
    ['waits longer where a removal is under way', ['removal is already in progress', 1, 0], [100, 500]],
  ])('%s', async (_, rounds, slept) => {
    expect(await down(rounds)).toEqual({ slept, said: '' })
  })

  it('says what is left in the end, and takes its time also after a cancel', async () => {
    const { slept, said } = await down(['in use', 'in use', 'in use'], AbortSignal.abort())
    expect(slept).toEqual([100, 500])
    expect(said).toContain('not all of stack could be removed: in use; docker ps')
  })
})

describe('an engine that hangs', () => {
  it.each([
    ['some seconds where the run was cancelled', AbortSignal.abort(), 20_000],
    ['some minutes else', new AbortController().signal, 900_000],
  ])('is waited for %s, and the stack that is left is told', async (_, signal, ms) => {
    const [clock, log] = [fakeClock(), fakeLog()]
    const engine = { ...fakeEngine(), remove: () => new Promise<void>(() => undefined) }
    await takeDown('stack', { engine, clock, log, signal })
    expect(clock.elapsed()).toBe(ms)
    const said = log.entries.map((entry) => ('text' in entry ? entry.text : '')).join('\n')
    expect(said).toContain('not all of stack could be removed: the engine does not answer')
  })
})

describe('a stack that is kept', () => {
  it('is told also where the engine does not answer any more, so that why the test failed is not lost', async () => {
    const log = fakeLog()
    await tellKept('stack', { engine: { ...fakeEngine(), containers: () => Promise.reject(new Error('no engine')) }, log })
    const said = log.entries.map((entry) => ('text' in entry ? entry.text : '')).join('\n')
    expect(said).toContain('what became of stack cannot be seen: no engine')
    expect(said).toContain('down:  launchway smoke --down')
  })
})
