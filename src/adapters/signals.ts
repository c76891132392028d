import { cancelled, exitCodeOf } from '../core/error.ts'

/** npx and the like hand on the signal that the terminal has sent already. */
const echoMs = 300

/**
 * The first signal asks all that runs to end. The same one again comes from somebody who will not wait for that: the
 * process ends at once, but not without cleaning up. A runner sends two different ones, and its second changes nothing.
 * @param onFirst says so to who sent it
 * @param cleanUp what must not be left behind
 */
export function onSignals(cancel: AbortController, onFirst: (signal: string) => void, cleanUp: () => void): void {
  // Whatever ends it, if it is only that nobody reads any more what it says.
  process.once('exit', cleanUp)
  // The last is that of a terminal that was closed: without an ear for it the process ends, and leaves what it wrote.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    let first: number | undefined
    process.on(signal, () => {
      if (first === undefined) {
        first = performance.now()
        if (cancel.signal.aborted) return
        onFirst(signal)
        return cancel.abort(cancelled(signal))
      }
      if (performance.now() - first < echoMs) return
      cleanUp()
      process.exit(exitCodeOf(cancel.signal.reason))
    })
  }
}
