import { systemClock } from '../../src/adapters/clock.ts'
import type { Clock } from '../../src/core/ports.ts'

export interface FakeClock extends Clock {
  /** How long each sleep was asked to be, in order. */
  readonly slept: readonly number[]
}

/** Time that passes only in sleeps, and there at once: who is due first wakes first, with all that runs between done. */
export function fakeClock(start = new Date('2025-03-01T12:00:00Z')): FakeClock {
  const slept: number[] = []
  const sleepers = new Set<{ due: number; wake: () => void }>()
  let elapsed = 0

  function wakeFirst(): void {
    const [first] = [...sleepers].toSorted((a, b) => a.due - b.due)
    if (first === undefined) return
    elapsed = Math.max(elapsed, first.due)
    sleepers.delete(first)
    first.wake()
  }

  return {
    slept,
    now: () => new Date(start.getTime() + elapsed),
    elapsed: () => elapsed,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        slept.push(ms)
        const sleeper = { due: elapsed + ms, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener(
          'abort',
          () => {
            sleepers.delete(sleeper)
            // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a signal's reason is the caller's own
            reject(signal.reason)
          },
          { once: true },
        )
        setImmediate(wakeFirst)
      })
    },
  }
}

/**
 * The clock of this machine without the pauses between two tries, of up to half a second: they are over at once, and have
 * taken their time all the same. What is asked for real answers as it does, and whoever gives up after some seconds need
 * not wait for them.
 */
export function impatientClock(): Clock {
  let skipped = 0
  return {
    now: () => new Date(Date.now() + skipped),
    elapsed: () => systemClock.elapsed() + skipped,
    async sleep(ms, signal) {
      if (ms > 500) return systemClock.sleep(ms, signal)
      await systemClock.sleep(0, signal)
      skipped += ms
    },
  }
}

/** The clock of this machine, running so many times as fast: who gives up after half a minute does so after a few seconds. */
export function fastClock(times: number): Clock {
  return {
    now: () => new Date(),
    elapsed: () => systemClock.elapsed() * times,
    sleep: (ms, signal) => systemClock.sleep(ms / times, signal),
  }
}
