import { failed, lastLines, notStarted, timedOut } from '../../src/adapters/call-errors.ts'
import { type Command, display } from '../../src/core/command.ts'
import type { Exec, Output, RunOptions } from '../../src/core/ports.ts'

/** What a program says, and how it ends. */
export interface Said {
  code?: number
  stdout?: string
  stderr?: string
  /** It never ends by itself. */
  hangs?: boolean
}
export type Answer = Said | ((command: Command) => Said)

export interface FakeExec extends Exec {
  /** Every command that was asked for, in order. */
  readonly calls: readonly Command[]
}

/**
 * Programs that answer from a script.
 * @param answers by the beginning of the command line, as a person would write it; the longest that fits answers
 */
export function fakeExec(answers: Readonly<Record<string, Answer>>): FakeExec {
  const calls: Command[] = []

  async function run(command: Command, options: RunOptions = {}): Promise<Output> {
    options.signal?.throwIfAborted()
    calls.push(command)
    const said = find(answers, command)
    const { code = 0, stdout = '', stderr = '' } = said
    for (const line of linesOf(stdout)) options.onLine?.(line, 'stdout')
    for (const line of linesOf(stderr)) options.onLine?.(line, 'stderr')
    const tail = lastLines(stderr === '' ? stdout : stderr)
    if (said.hangs === true) await ending(command, tail, options.signal)
    if ((options.accept ?? [0]).includes(code)) return { code, stdout, stderr, ms: 0 }
    throw failed(command, code, tail)
  }
  return { calls, run, read: async (command) => (await run(command)).stdout.trim() }
}

/** What a program wrote, line by line. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/)
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

function find(answers: Readonly<Record<string, Answer>>, command: Command): Said {
  const line = display(command)
  const [key] = Object.keys(answers)
    .filter((start) => line === start || line.startsWith(`${start} `))
    .toSorted((a, b) => b.length - a.length)
  const answer = key === undefined ? undefined : answers[key]
  if (answer !== undefined) return typeof answer === 'function' ? answer(command) : answer
  if (Object.keys(answers).some((start) => start.split(' ')[0] === command.file)) throw new Error(`the script has no answer to: ${line}`)
  throw notStarted(command, new Error(`spawn ${command.file} ENOENT`))
}

/** Rejects when the program is ended from outside: at once where it has a time limit, as a test waits for nothing. */
async function ending(command: Command, tail: string, signal: AbortSignal | undefined): Promise<never> {
  signal?.throwIfAborted()
  if (command.timeoutMs !== undefined) throw timedOut(command, tail)
  return new Promise((_, reject) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a signal's reason is the caller's own
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
