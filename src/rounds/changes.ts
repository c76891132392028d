import type { Clock } from '../core/ports.ts'

/** An editor writes, renames and removes, a checkout writes hundreds of files: so long nothing more must come for it to be one change. */
const quietMs = 150
/** Somebody who never stops writing is answered all the same. */
const longestMs = 2_000

/** What has changed since somebody last asked. */
export class Changes {
  #paths = new Set<string>()
  #count = 0
  #next = Promise.withResolvers<void>()

  add(path: string): void {
    this.#paths.add(path)
    this.#count += 1
    this.#next.resolve()
    this.#next = Promise.withResolvers()
  }

  /** Takes what has come, as soon as it is calm; waits for the first where there is none. Rejects with the signal's reason. */
  async take(clock: Pick<Clock, 'elapsed' | 'sleep'>, signal: AbortSignal): Promise<string[]> {
    await this.calm(clock, signal)
    const paths = [...this.#paths].toSorted()
    this.#paths.clear()
    return paths
  }

  /** What has come so far; it stays for whoever takes it. */
  waiting(): readonly string[] {
    return [...this.#paths]
  }

  /** Kept when something has come, and nothing more comes. */
  async calm(clock: Pick<Clock, 'elapsed' | 'sleep'>, signal: AbortSignal): Promise<void> {
    while (this.#paths.size === 0) await this.more(signal)
    const began = clock.elapsed()
    for (let seen = -1; seen !== this.#count && clock.elapsed() - began < longestMs;) {
      seen = this.#count
      await clock.sleep(quietMs, signal)
    }
  }

  /** Kept with the next change. */
  async more(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const stop = Promise.withResolvers<never>()
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a signal's reason is the caller's own
    const onAbort = (): void => stop.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.race([this.#next.promise, stop.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}
