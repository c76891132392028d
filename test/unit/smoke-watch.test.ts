import { describe, expect, it } from 'vitest'
import type { EngineChange, EngineContainer } from '../../src/core/ports.ts'
import { watch } from '../../src/smoke/watch.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { seenContainer } from './support/container.ts'

/** An engine that answers when it is told to, and the events that it sends. */
function slowEngine() {
  const events: ((change: EngineChange) => void)[] = []
  const lists: ((found: EngineContainer[]) => void)[] = []
  const looks: ((found: EngineContainer | undefined) => void)[] = []
  async function* changes(): AsyncGenerator<EngineChange> {
    for (;;) yield await new Promise<EngineChange>((resolve) => events.push(resolve))
  }
  const engine = {
    ...fakeEngine(),
    changes: async () => changes(),
    containers: () => new Promise<EngineContainer[]>((resolve) => lists.push(resolve)),
    container: () => new Promise<EngineContainer | undefined>((resolve) => looks.push(resolve)),
    memory: () => Promise.resolve(undefined),
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  /** Answers the oldest question of a kind, as soon as there is one. */
  async function next<T>(of: ((value: T) => void)[], value: T): Promise<void> {
    while (of.length === 0) await turn()
    of.shift()?.(value)
    await turn()
  }
  const event = (died?: EngineChange['died']): Promise<void> => next(events, { id: 'web', ...(died === undefined ? {} : { died }) })
  return { engine, event, list: lists, look: looks, next, turn }
}

/** Time that does not pass. */
const clock = { now: () => new Date(0), elapsed: () => 0, sleep: () => new Promise<void>(() => undefined) }
const free = { mustEnd: new Set<string>(), mustRun: new Map<string, string>() }
const dead = seenContainer('web', { status: 'exited', exitCode: 3 })

describe('an answer of the engine that comes late', () => {
  it.each<[string, EngineContainer | undefined, string[]]>([
    ['does not bring back what has died', dead, ['exited']],
    ['does not bring back what is gone', undefined, []],
  ])('%s', async (_, now, expected) => {
    const { engine, event, list, look, next, turn } = slowEngine()
    const watching = watch('stack', free, { engine, clock })
    await next(list, [seenContainer('web')])
    using seen = await watching
    const refreshed = seen.refresh()
    await turn()
    await event()
    await next(look, now)
    expect(seen.containers().map(({ status }) => status)).toEqual(expected)
    await next(list, [seenContainer('web')])
    await refreshed
    expect(seen.containers().map(({ status }) => status)).toEqual(expected)
  })

  it('still says that somebody has died who lives again by now, and took another along', async () => {
    const { engine, event, list, look, next, turn } = slowEngine()
    const gone = { status: 'exited', exitCode: 4, startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:03Z' }
    const alive = [seenContainer('web', { startedAt: '2026-01-01T00:00:02Z' }), seenContainer('app', gone)]
    const watching = watch('stack', free, { engine, clock })
    await next(list, alive)
    using seen = await watching
    await event()
    while (look.length === 0) await turn()
    const refreshed = seen.refresh()
    await next(list, alive)
    await next(look, { ...dead, startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:01Z' })
    await refreshed
    expect(seen.containers().map(({ status }) => status)).toEqual(['running', 'exited'])
    expect(seen.verdict()).toMatchObject({ kind: 'dead', why: 'web exited with code 3 and is restarted' })
  })

  it('is known to be missing where somebody lives again whose end was not told', async () => {
    const { engine, event, list, look, next, turn } = slowEngine()
    const watching = watch('stack', free, { engine, clock })
    await next(list, [seenContainer('web')])
    using seen = await watching
    expect(seen.isBehind()).toBe(false)
    const again = seenContainer('web', { restarts: 1, startedAt: '2026-01-01T00:00:02Z' })
    const app = seenContainer('app', { status: 'exited', exitCode: 4, finishedAt: '2026-01-01T00:00:03Z' })
    const refreshed = seen.refresh()
    await turn()
    await next(list, [again, app])
    await refreshed
    expect(seen.verdict()).toMatchObject({ why: 'app exited with code 4' })
    expect(seen.isBehind()).toBe(true)
    await event({ at: '2026-01-01T00:00:01Z', exitCode: 3 })
    await next(look, again)
    expect(seen.isBehind()).toBe(false)
    expect(seen.verdict()).toMatchObject({ why: 'web exited with code 3 and is restarted' })
  })
})

describe('a container that is not there any more', () => {
  const running = seenContainer('web', { startedAt: '2026-01-01T00:00:00Z' })
  const oneOff = seenContainer('web', {}, { 'com.docker.compose.oneoff': 'True' })
  it.each<[string, EngineContainer, boolean, object, string[]]>([
    ['while the stack is made is none of it', running, false, { kind: 'up' }, []],
    ['and ran was taken away', running, true, { kind: 'dead', why: 'web was removed by somebody else' }, ['removed']],
    ['and had ended well is as it was', seenContainer('web', { status: 'exited' }), true, { kind: 'up' }, ['exited']],
    ['and ran a single command is forgotten', oneOff, true, { kind: 'up' }, []],
  ])('%s', async (_, before, isMade, verdict, states) => {
    for (const isTold of [true, false]) {
      const { engine, event, list, look, next, turn } = slowEngine()
      const watching = watch('stack', free, { engine, clock })
      await next(list, [before])
      using seen = await watching
      if (isMade) seen.allow(() => undefined)
      if (isTold) {
        await event()
        await next(look, undefined)
      } else {
        const refreshed = seen.refresh()
        await turn()
        await next(list, [])
        await refreshed
      }
      expect(seen.verdict()).toMatchObject(verdict)
      expect(seen.containers().map(({ status }) => status)).toEqual(states)
    }
  })
})
