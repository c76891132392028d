import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Command } from '../core/command.ts'
import { display } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Exec, Output } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'

/** How long a program that was asked to end may take before it is made to. */
const graceMs = 5_000
/** Lines of output that an error shows. */
const evidenceLines = 20
/** Characters of each stream that are kept: a log flood must not take the memory of the run. */
const keptChars = 8_000_000

export const processExec: Exec = {
  async read(command) {
    // @actions/exec dies of a program that ends without reading its input.
    if (command.stdin !== undefined) return (await processExec.run(command)).stdout.trim()
    const { code, stdout, stderr } = await readOutput(command)
    if (code !== 0) throw failed(command, code, stderr || stdout)
    return stdout.trim()
  },

  run(command, options = {}) {
    return new Promise<Output>((resolve, reject) => {
      options.signal?.throwIfAborted()
      const started = performance.now()
      const child = spawn(command.file, command.args, { cwd: command.cwd, env: environment(command), stdio: 'pipe', detached: true })
      const output = { stdout: new Kept(), stderr: new Kept() }
      const closed = [follow(child.stdout, 'stdout'), follow(child.stderr, 'stderr')]

      function follow(stream: Readable, name: 'stdout' | 'stderr'): Promise<void> {
        const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
        lines.on('line', (line) => {
          output[name].add(line)
          options.onLine?.(line, name)
        })
        return new Promise((done) => lines.once('close', done))
      }

      let ended: Error | undefined
      const end = (reason: Error): void => {
        if (ended !== undefined) return
        ended = reason
        signalGroup(child.pid, 'SIGTERM')
        setTimeout(() => signalGroup(child.pid, 'SIGKILL'), graceMs).unref()
      }
      const abort = (): void => end(options.signal?.reason instanceof Error ? options.signal.reason : new Error('aborted'))
      options.signal?.addEventListener('abort', abort, { once: true })
      const timer =
        command.timeoutMs === undefined
          ? undefined
          : setTimeout(() => end(timedOut(command, output.stderr.tail() || output.stdout.tail())), command.timeoutMs)

      child.once('error', (error: NodeJS.ErrnoException) => {
        cleanUp()
        reject(error.code === 'ENOENT' ? missing(command, error) : error)
      })
      child.once('close', (code, signal) => {
        void Promise.all(closed).then(() => {
          cleanUp()
          if (ended !== undefined) return reject(ended)
          const ms = performance.now() - started
          const result = { code: code ?? signalCode(signal), stdout: output.stdout.text(), stderr: output.stderr.text(), ms }
          if ((options.accept ?? [0]).includes(result.code)) return resolve(result)
          reject(failed(command, result.code, output.stderr.tail() || output.stdout.tail()))
        })
      })
      // A program that ends without reading its input is an answer of its own, seen by its exit code.
      child.stdin.on('error', () => undefined)
      child.stdin.end(reveal(command.stdin ?? ''))

      function cleanUp(): void {
        clearTimeout(timer)
        options.signal?.removeEventListener('abort', abort)
      }
    })
  },
}

async function readOutput(command: Command): Promise<{ code: number; stdout: string; stderr: string }> {
  const { getExecOutput } = await import('@actions/exec')
  try {
    // @actions/exec splits its first argument at spaces, unless it is quoted.
    const { exitCode, stdout, stderr } = await getExecOutput(`"${command.file}"`, [...command.args], {
      silent: true,
      ignoreReturnCode: true,
      env: environment(command),
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    })
    return { code: exitCode, stdout, stderr }
  } catch (error) {
    if (error instanceof Error && /Unable to locate executable file|ENOENT/.test(error.message)) throw missing(command, error)
    throw error
  }
}

/** The last lines of a stream, and all of it up to a bound. */
class Kept {
  readonly #lines: string[] = []
  #chars = 0

  add(line: string): void {
    this.#lines.push(line)
    this.#chars += line.length + 1
    // The end tells why a program failed: what goes is the beginning.
    while (this.#chars > keptChars && this.#lines.length > evidenceLines) this.#chars -= (this.#lines.shift()?.length ?? 0) + 1
  }

  text(): string {
    return this.#lines.length === 0 ? '' : `${this.#lines.join('\n')}\n`
  }

  tail(): string {
    return this.#lines.slice(-evidenceLines).join('\n')
  }
}

function environment(command: Command): Record<string, string> {
  const inherited = Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  const extra = Object.entries(command.env ?? {}).map(([name, value]) => [name, reveal(value)] as const)
  return Object.fromEntries([...inherited, ...extra])
}

function reveal(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value
}

/** The program and its children: a shell or `docker` that is ended alone would leave them running. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended already.
  }
}

function signalCode(signal: NodeJS.Signals | null): number {
  return signal === 'SIGKILL' ? 137 : 143
}

function missing(command: Command, cause: unknown): LaunchwayError {
  return new LaunchwayError('TOOL_MISSING', `${command.file} is not installed, or not in PATH`, {
    cause,
    hint: `launchway calls: ${command.secret === true ? command.file : display(command)}`,
  })
}

function failed(command: Command, code: number, tail: string): LaunchwayError {
  const shown = command.secret === true ? `${command.file} …` : display(command)
  const lines = tail.trim().split('\n').slice(-evidenceLines).join('\n')
  return new LaunchwayError('COMMAND_FAILED', `${shown} ended with exit code ${code}`, {
    hint: command.secret === true || lines === '' ? 'It said nothing that can be shown.' : lines,
  })
}

function timedOut(command: Command, tail: string): LaunchwayError {
  const shown = command.secret === true ? `${command.file} …` : display(command)
  return new LaunchwayError('COMMAND_FAILED', `${shown} was ended after ${command.timeoutMs} ms`, {
    hint: command.secret === true || tail === '' ? 'It said nothing that can be shown.' : tail,
  })
}
