import type { Readable } from 'node:stream'

/** Characters of a stream that are kept: a log flood must not take the memory of the run. */
const keptChars = 8_000_000

/** Characters of a line that are waited for: what goes on without an end is handed on in pieces. */
const lineChars = 1_000_000

/** What a program wrote, as it wrote it; of a flood the end, which tells why a program failed. */
export class Kept {
  readonly #chunks: string[] = []
  #chars = 0
  #cut = false

  add(chunk: string): void {
    this.#chunks.push(chunk)
    this.#chars += chunk.length
    while (this.#chars > keptChars && this.#chunks.length > 1) {
      this.#chars -= this.#chunks.shift()?.length ?? 0
      this.#cut = true
    }
  }

  /** Begins with a whole line. */
  text(): string {
    const text = this.#chunks.join('')
    return this.#cut ? text.slice(text.indexOf('\n') + 1) : text
  }

  isEmpty(): boolean {
    return this.#chars === 0
  }
}

/**
 * Hands on each line as soon as it is complete, without its end, and at last what has none. A line ends at LF, CRLF or
 * a lone CR (progress bars), and nowhere else: not readline, which also ends one at U+2028, a character like any other
 * in JSON. A line that is longer than a program can mean is handed on in pieces.
 */
export function followLines(stream: Readable, kept: Kept, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    kept.add(chunk)
    const cut = /[\r\n]/.test(chunk) || rest.endsWith('\r')
    rest += chunk
    if (!cut && rest.length < lineChars) return
    // A CR at the end may be half of a CRLF: it waits for what follows.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
    if (rest.length < lineChars) return
    onLine(rest)
    rest = ''
  })
  stream.once('end', () => {
    if (rest !== '') onLine(rest.replace(/\r$/, ''))
  })
}
