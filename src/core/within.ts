import type { Ports } from './ports.ts'

/**
 * Work that may take so long, and is asked to end after that.
 * @returns undefined when it took longer
 * @throws the reason of the signal as soon as that is aborted, and whatever the work throws
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  { clock }: Pick<Ports, 'clock'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const timer = clock.sleep(ms, both).then(
    () => undefined,
    () => undefined,
  )
  try {
    const done = await Promise.race([work(both), timer])
    signal.throwIfAborted()
    return done
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    stop.abort()
  }
}
