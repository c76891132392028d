import { smokeLabels } from '../core/names.ts'
import type { EngineContainer, Ports } from '../core/ports.ts'
import { isUp, type Verdict, verdictOf } from './verdict.ts'

/** The containers of a project, kept up to date by what the engine tells. */
export interface Watch extends Disposable {
  containers(this: void): readonly EngineContainer[]
  verdict(): Verdict
  /** When a container was first up, in milliseconds of the clock. */
  upAt(id: string): number | undefined
  /** Resolves as soon as the verdict is one that is asked for; at once when it is. Rejects when the engine falls silent. */
  until(isIt: (verdict: Verdict) => boolean, signal?: AbortSignal): Promise<Verdict>
  /** Asks for every container again. */
  refresh(): Promise<void>
}

/** Listens first and lists then, so that nothing falls between the two. */
export async function watch(
  project: string,
  mustEnd: ReadonlySet<string>,
  { engine, clock }: Pick<Ports, 'engine' | 'clock'>,
): Promise<Watch> {
  const stop = new AbortController()
  const label = `${smokeLabels.project}=${project}`
  const seen = new Map<string, EngineContainer>()
  const upAt = new Map<string, number>()
  const waiting = new Set<() => void>()
  let broken: Error | undefined
  const tell = (): void => {
    for (const container of seen.values()) if (!upAt.has(container.id) && isUp(container, mustEnd)) upAt.set(container.id, clock.elapsed())
    for (const wake of waiting) wake()
  }
  const changes = await engine.changes(label, stop.signal)
  const refresh = async (): Promise<void> => {
    for (const container of await engine.containers(label)) seen.set(container.id, container)
    tell()
  }

  /** An event says that something happened; what is so now is asked for, since the next may be on its way. */
  const follow = async (): Promise<void> => {
    for await (const id of changes) {
      const container = await engine.container(id)
      if (container === undefined) seen.delete(id)
      else seen.set(id, container)
      tell()
    }
    if (!stop.signal.aborted) throw new Error('the Docker engine ended its stream of events')
  }
  const verdict = (): Verdict => verdictOf([...seen.values()], mustEnd)
  follow().catch((error: unknown) => {
    broken = error instanceof Error ? error : new Error(String(error))
    tell()
  })
  await refresh()

  return {
    containers: () => [...seen.values()],
    verdict,
    refresh,
    upAt: (id) => upAt.get(id),
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
