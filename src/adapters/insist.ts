import type { Clock } from '../core/ports.ts'

/** What came of one try: an answer, or what may pass by itself. What will not pass is thrown. */
export type Tried<Answer> =
  | { answer: Answer }
  | {
      /** In words, for who watches. */
      why: string
      /** How long it wants to be left alone. */
      asksMs?: number | undefined
      /** What is thrown when there is no other try. */
      failure(this: void): Promise<Error>
    }

export interface Patience {
  /** In all. */
  attempts: number
  /** Doubled before each try: the second comes after twice as long. */
  pauseMs: number
  /** Who asks for more patience than this is asked again in another run. */
  longestPauseMs: number
  clock: Clock
  signal: AbortSignal | undefined
  /** Told of each pause before another try. */
  onPause?: ((line: string) => void) | undefined
}

/** Tries again what failed in passing, with longer and longer pauses. @param of what is asked, for who watches */
export async function insist<Answer>(of: string, attempt: () => Promise<Tried<Answer>>, patience: Patience): Promise<Answer> {
  const { attempts, pauseMs, longestPauseMs, clock, signal } = patience
  for (let count = 1; ; count += 1) {
    signal?.throwIfAborted()
    const tried = await attempt()
    if ('answer' in tried) return tried.answer
    const asked = tried.asksMs ?? 0
    if (count === attempts || asked > longestPauseMs) throw await tried.failure()
    const wait = Math.max(pauseMs * 2 ** count, asked)
    patience.onPause?.(`${of}: ${tried.why}; tried again in ${wait / 1000} s (${count + 1} of ${attempts})`)
    await clock.sleep(wait, signal)
  }
}

/** Of a Retry-After: in seconds, or as a date. */
export function retryAfterMs(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now.getTime()
  return ms > 0 ? ms : undefined
}
