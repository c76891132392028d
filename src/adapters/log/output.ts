import { writeSync } from 'node:fs'

/** How long a reader that is behind is waited for before the rest is left to the stream. */
const patienceMs = 1_000
const pauseMs = 2

const standardOutput = 1
const sleeper = new Int32Array(new SharedArrayBuffer(4))
let leftToStream = false

/**
 * Writes to standard output without setting up process.stdout, which takes milliseconds. The stream of a pipe that
 * somebody else has set up makes the pipe refuse what does not fit (EAGAIN); then the reader is given some time. When it
 * stays behind, the rest and all that follows goes through the stream, which keeps it in order until there is room.
 */
export function printNow(text: string): void {
  const rest = leftToStream ? text : afterWriting(Buffer.from(text))
  if (rest.length === 0) return
  leftToStream = true
  process.stdout.write(rest)
}

/** What could not be written. */
function afterWriting(bytes: Buffer): Buffer {
  const until = performance.now() + patienceMs
  let rest = bytes
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(standardOutput, rest))
    } catch (error) {
      if (!isFull(error)) throw error
      if (performance.now() > until) return rest
      Atomics.wait(sleeper, 0, 0, pauseMs)
    }
  }
  return rest
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}
