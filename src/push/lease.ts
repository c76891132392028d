import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'

/**
 * How long a set of tags may move before others take the run that moves it for ended. It is extended while tags go on
 * moving; each by itself takes a second.
 */
export const leaseMs = 90_000
/** It stops by itself before others begin to put back what it moved. */
const marginMs = 15_000
/** A run that is cancelled lets what it has asked already come to its answer. */
const graceMs = 2_000

/** A time in which tags move, whatever becomes of the run: half of a set is nobody's wish. */
export class Lease implements Disposable {
  readonly #ports: Pick<Ports, 'clock' | 'signal'>
  readonly #end = new AbortController()
  #timer = new AbortController()

  constructor(ports: Pick<Ports, 'clock' | 'signal'>, ms: number) {
    this.#ports = ports
    const cancelled = (): void => this.#endIn(graceMs, () => ports.signal.reason)
    if (ports.signal.aborted) cancelled()
    else ports.signal.addEventListener('abort', cancelled, { once: true, signal: this.#end.signal })
    this.extend(ms)
  }

  /** For what moves under it. */
  get signal(): AbortSignal {
    return this.#end.signal
  }

  extend(ms: number): void {
    this.#timer.abort()
    this.#timer = new AbortController()
    this.#endIn(ms - marginMs, () => {
      return new LaunchwayError('REGISTRY_UNAVAILABLE', `moving the tags took longer than ${(ms - marginMs) / 1000} s`, {
        hint: 'The registry is very slow, or answers only now and then. Run it again once it is well.',
      })
    })
  }

  #endIn(ms: number, reason: () => unknown): void {
    this.#ports.clock.sleep(ms, AbortSignal.any([this.#timer.signal, this.#end.signal])).then(
      () => this.#end.abort(reason()),
      () => undefined,
    )
  }

  [Symbol.dispose](): void {
    this.#end.abort()
  }
}
