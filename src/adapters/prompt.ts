import { createInterface } from 'node:readline/promises'
import { LaunchwayError } from '../core/error.ts'
import type { Prompt } from '../core/ports.ts'

/** Asks whoever sits at the terminal. The question goes where the log goes: the answer of a verb stands alone on standard output. */
export function terminalPrompt(signal: AbortSignal): Prompt {
  return async (text) => {
    // A line editor can redraw one line: what stands before the question is written as it is.
    const cut = text.lastIndexOf('\n') + 1
    const question = text.slice(cut)
    process.stderr.write(text.slice(0, cut))
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    const ended = new AbortController()
    terminal.once('close', () => ended.abort())
    try {
      return await terminal.question(question, { signal: AbortSignal.any([signal, ended.signal]) })
    } catch (cause) {
      throw new LaunchwayError('CANCELLED', 'the question was not answered', { hint: 'Nothing was written.', cause })
    } finally {
      terminal.close()
    }
  }
}
