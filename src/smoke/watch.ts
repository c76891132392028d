import { LaunchwayError } from '../core/error.ts'
import { smokeLabels } from '../core/names.ts'
import type { EngineChange, EngineContainer, Ports } from '../core/ports.ts'
import type { Patience } from './readiness.ts'
import { type Death, type Fates, isUp, removed, type Seen, serviceOf, type Verdict, verdictOf } from './verdict.ts'

/** Between two looks at what the containers use of the memory. */
const memoryMs = 500

/** An event, and what the container says of it afterwards, are no farther apart. */
const sameMs = 50

/** The containers of a project, kept up to date by what the engine tells. */
export interface Watch extends Disposable {
  containers(this: void): readonly EngineContainer[]
  verdict(): Verdict
  /** When a container was first up, in milliseconds of the clock. */
  upAt(id: string): number | undefined
  /** When its present life was first seen. */
  bornAt(id: string): number | undefined
  /** The most memory that a container was seen to use, in bytes. */
  memoryOf(id: string): number | undefined
  /** Resolves as soon as the verdict is one that is asked for; at once when it is. Rejects when the engine falls silent. */
  until(isIt: (verdict: Verdict) => boolean, signal?: AbortSignal): Promise<Verdict>
  /** Asks for every container again. */
  refresh(): Promise<void>
  /** Whether a container lives again whose end the engine has yet to tell: how it ended is not known. */
  isBehind(): boolean
  /** What is to be said instead of an error that came of the engine's own end. */
  goneBy(error: unknown): LaunchwayError | undefined
  /** All of it is made: from now on who is not healthy after so long is unhealthy, and who is not there was taken away. */
  allow(patience: Patience): void
}

/** Listens first and lists then, so that nothing falls between the two. */
export async function watch(project: string, fates: Fates, { engine, clock }: Pick<Ports, 'engine' | 'clock'>): Promise<Watch> {
  const stop = new AbortController()
  const label = `${smokeLabels.project}=${project}`
  const seen = new Map<string, EngineContainer>()
  const upAt = new Map<string, number>()
  /** Looks are numbered as they begin; by container, the one that is noted. An older look may come back later. */
  let looks = 0
  const noted = new Map<string, number>()
  const isNewer = (id: string, look: number): boolean => look > (noted.get(id) ?? 0)
  const lives = new Map<string, { startedAt: string; at: number; death?: Death }>()
  const memory = new Map<string, number>()
  /** How many ends of a container were told. */
  const ends = new Map<string, number>()
  const waiting = new Set<() => void>()
  let broken: Error | undefined
  let patience: Patience = () => undefined
  let isMade = false
  let alarm = new AbortController()
  /** Lives that had long enough, by container and start. */
  const overdue = new Set<string>()
  const lifeOf = ({ id, startedAt = '' }: EngineContainer): string => `${id} ${startedAt}`

  /** When a container has to be healthy; undefined when it is, or need not be. */
  const dueAt = (container: EngineContainer): number | undefined => {
    const [allowed, born] = [patience(container), lives.get(container.id)?.at]
    const isStarting = container.status === 'running' && container.health?.status === 'starting'
    return isStarting && allowed !== undefined && born !== undefined ? born + allowed : undefined
  }
  const judged = (container: EngineContainer): EngineContainer => {
    const { health } = container
    if (!overdue.has(lifeOf(container)) || health?.status !== 'starting') return container
    return { ...container, health: { ...health, status: 'unhealthy' } }
  }
  const containers = (): Seen[] =>
    [...seen.values()].map((one) => {
      const death = lives.get(one.id)?.death
      return { ...judged(one), ...(death === undefined ? {} : { death }) }
    })
  const note = (container: EngineContainer, look: number): void => {
    const { id, startedAt } = container
    const before = lives.get(id)
    const death = deathOf(container, before?.death)
    if (!isNewer(id, look)) {
      // How it is now is known better; that it died in between may be known by this look alone.
      if (before !== undefined && death !== undefined) lives.set(id, { ...before, death })
      return
    }
    noted.set(id, look)
    seen.set(id, container)
    if (startedAt === undefined) return
    const at = before?.startedAt === startedAt ? before.at : clock.elapsed()
    lives.set(id, { startedAt, at, ...(death === undefined ? {} : { death }) })
  }
  /** Until all of it is made, compose may make a container anew; afterwards nobody has to take one away that has not ended well. */
  const noteGone = (id: string, look: number): void => {
    const before = seen.get(id)
    if (before === undefined || !isNewer(id, look)) return
    noted.set(id, look)
    if (!isMade || serviceOf(before) === undefined) seen.delete(id)
    else if (before.status !== 'exited') seen.set(id, { ...before, status: removed })
  }
  /** An end of which there is nothing to be seen any more: the container lives again. */
  const noteDeath = (id: string, { at, exitCode }: NonNullable<EngineChange['died']>): void => {
    const life = lives.get(id)
    if (life === undefined || (life.death !== undefined && Date.parse(life.death.last) >= Date.parse(at) - sameMs)) return
    lives.set(id, { ...life, death: { first: life.death?.first ?? at, last: at, exitCode, outOfMemory: false } })
  }
  const tell = (): void => {
    for (const container of seen.values()) if (!upAt.has(container.id) && isUp(container, fates)) upAt.set(container.id, clock.elapsed())
    for (const wake of waiting) wake()
    setAlarm()
  }
  /** No event says that somebody has taken too long. What the last check took counts, so it is asked for first. */
  const lookAtLate = async (): Promise<void> => {
    await refresh()
    for (const container of seen.values()) if ((dueAt(container) ?? Infinity) <= clock.elapsed()) overdue.add(lifeOf(container))
    tell()
  }
  const setAlarm = (): void => {
    alarm.abort()
    const dues = [...seen.values()].flatMap((one) => (overdue.has(lifeOf(one)) ? [] : (dueAt(one) ?? [])))
    if (dues.length === 0 || stop.signal.aborted) return
    alarm = new AbortController()
    const { signal } = alarm
    const wait = Math.max(0, Math.min(...dues) - clock.elapsed()) + 1
    clock
      .sleep(wait, AbortSignal.any([signal, stop.signal]))
      .then(lookAtLate)
      .catch(() => undefined)
  }
  const changes = await engine.changes(label, stop.signal)
  const refresh = async (): Promise<void> => {
    looks += 1
    const look = looks
    const found = await engine.containers(label)
    for (const container of found) note(container, look)
    for (const id of seen.keys()) if (!found.some((one) => one.id === id)) noteGone(id, look)
    tell()
  }

  /** An event says that something happened; what is so now is asked for, since the next may be on its way. */
  const follow = async (): Promise<void> => {
    for await (const { id, died } of changes) {
      looks += 1
      const look = looks
      const container = await engine.container(id)
      if (container !== undefined) note(container, look)
      else noteGone(id, look)
      if (died !== undefined) ends.set(id, (ends.get(id) ?? 0) + 1)
      if (died !== undefined && died.exitCode !== 0) noteDeath(id, died)
      tell()
    }
    if (!stop.signal.aborted) throw engineGone()
  }
  /** The engine keeps no peak: what is seen at each look has to do. What it cannot say is no reason to fail. */
  const measure = async (): Promise<void> => {
    const running = [...seen.values()].filter(({ status }) => status === 'running')
    await Promise.all(
      running.map(async ({ id }) => {
        const now = await engine.memory(id).catch(() => undefined)
        if (now !== undefined) memory.set(id, Math.max(now, memory.get(id) ?? 0))
      }),
    )
  }
  const sample = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await clock.sleep(memoryMs, stop.signal)
      await measure()
    }
  }
  const verdict = (): Verdict => verdictOf(containers(), fates)
  follow().catch((error: unknown) => {
    broken = isCutOff(error) ? engineGone(error) : error instanceof Error ? error : new Error(String(error))
    tell()
  })
  sample().catch(() => undefined)
  await refresh()

  return {
    containers,
    verdict,
    refresh: async () => {
      await Promise.all([refresh(), measure()])
    },
    isBehind: () => [...seen.values()].some(({ id, restarts }) => restarts > (ends.get(id) ?? 0)),
    goneBy: (error) => (isCutOff(error) ? engineGone(error) : broken instanceof LaunchwayError ? broken : undefined),
    upAt: (id) => upAt.get(id),
    bornAt: (id) => lives.get(id)?.at,
    memoryOf: (id) => memory.get(id),
    allow(given) {
      patience = given
      isMade = true
      tell()
    },
    until: (isIt, signal) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const now = verdict()
          const failure: unknown = signal?.aborted === true ? signal.reason : broken
          if (!isIt(now) && failure === undefined) return
          waiting.delete(look)
          signal?.removeEventListener('abort', look)
          if (failure === undefined) return resolve(now)
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a signal's reason is the caller's own
          reject(failure)
        }
        waiting.add(look)
        signal?.addEventListener('abort', look)
        look()
      }),
    [Symbol.dispose]: () => stop.abort(),
  }
}

function isCutOff(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false
  // A file that is not there is another matter than a socket.
  return /^E(CONN|PIPE)/.test(error.code) || (error.code === 'ENOENT' && 'syscall' in error && error.syscall === 'connect')
}

function engineGone(cause?: unknown): LaunchwayError {
  if (cause instanceof LaunchwayError) return cause
  return new LaunchwayError('SMOKE_UNHEALTHY', 'the Docker engine ended or was restarted while it ran the stack', {
    hint: 'This says nothing about the images: run the test again. Why the engine ended, its own log says: journalctl --unit docker',
    ...(cause === undefined ? {} : { cause }),
  })
}

function deathOf({ status, exitCode, outOfMemory, finishedAt }: EngineContainer, before: Death | undefined): Death | undefined {
  if (status === 'running' || exitCode === 0 || finishedAt === undefined) return before
  return { first: before?.first ?? finishedAt, last: finishedAt, exitCode, outOfMemory }
}
