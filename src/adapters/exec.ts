import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Command } from '../core/command.ts'
import type { Exec, Output, Streams } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'
import { failed, lastLines, notStarted, timedOut } from './call-errors.ts'
import { followLines, Kept } from './lines.ts'

/** How long a program that was asked to end may take before it is made to. */
const graceMs = 5_000

export const processExec: Exec = {
  async read(command) {
    // @actions/exec dies of a program that ends without reading its input, and knows no time limit.
    if (command.stdin !== undefined || command.timeoutMs !== undefined) return (await processExec.run(command)).stdout.trim()
    const { code, stdout, stderr } = await readOutput(command)
    if (code !== 0) throw failed(command, code, lastLines(stderr.trim() === '' ? stdout : stderr))
    return stdout.trim()
  },

  run(command, options = {}) {
    return new Promise<Output>((resolve, reject) => {
      options.signal?.throwIfAborted()
      const started = performance.now()
      const child = spawn(command.file, command.args, { cwd: command.cwd, env: environment(command), stdio: 'pipe', detached: true })
      const output = { stdout: new Kept(), stderr: new Kept() }
      const tail = (): string => lastLines(output.stderr.isEmpty() ? output.stdout.text() : output.stderr.text())

      const { streams } = options
      if (streams !== undefined) connect(child, streams, end)
      for (const name of streams === undefined ? (['stdout', 'stderr'] as const) : []) {
        followLines(child[name], output[name], (line) => {
          try {
            options.onLine?.(line, name)
          } catch (error) {
            end(error)
          }
        })
      }

      let ended: { reason: unknown } | undefined
      let kill: NodeJS.Timeout | undefined
      function end(reason: unknown): void {
        if (ended !== undefined) return
        ended = { reason }
        signalGroup(child.pid, 'SIGTERM')
        kill = setTimeout(() => {
          signalGroup(child.pid, 'SIGKILL')
          // Who left the group may still hold the output: nobody waits for that one.
          child.stdout.destroy()
          child.stderr.destroy()
        }, command.graceMs ?? graceMs)
      }
      const abort = (): void => end(options.signal?.reason)
      options.signal?.addEventListener('abort', abort, { once: true })
      const timer = command.timeoutMs === undefined ? undefined : setTimeout(() => end(timedOut(command, tail())), command.timeoutMs)

      child.once('error', (error: NodeJS.ErrnoException) => {
        cleanUp()
        reject(notStarted(command, error))
      })
      child.once('close', (code, signal) => {
        cleanUp()
        if (ended !== undefined) {
          // What outlived the program that was asked to end would be nobody's.
          signalGroup(child.pid, 'SIGKILL')
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a signal's reason is the caller's own
          return reject(ended.reason)
        }
        const ms = performance.now() - started
        const said = { stdout: output.stdout.text(), stderr: output.stderr.text(), ms }
        const result: Output = code === null ? { code: signalCode(signal), isKilled: true, ...said } : { code, ...said }
        if ((options.accept ?? [0]).includes(result.code)) return resolve(result)
        reject(failed(command, result.code, tail()))
      })
      // A program that ends without reading its input is an answer of its own, seen by its exit code.
      child.stdin.on('error', () => undefined)
      child.stdin.write(reveal(command.stdin ?? ''))
      if (options.input !== undefined) void options.input.then((rest) => child.stdin.end(reveal(rest)))
      else if (streams?.input === undefined) child.stdin.end()
      else streams.input.pipe(child.stdin)

      function cleanUp(): void {
        // Who waits for more of it keeps this process.
        streams?.input?.destroy()
        clearTimeout(timer)
        clearTimeout(kill)
        options.signal?.removeEventListener('abort', abort)
      }
    })
  },
}

/** A reader that has gone, as `head` goes, ends the program. */
function connect(child: ChildProcessWithoutNullStreams, { input, output, errors }: Streams, end: (reason: unknown) => void): void {
  child.stdout.pipe(output, { end: false })
  child.stderr.pipe(errors, { end: false })
  for (const stream of [output, errors]) stream.on('error', end)
  input?.on('error', end)
}

/**
 * A short call through @actions/exec, for programs that do not read their input: given none it leaves the pipe open,
 * and given some it dies of a program that ends without reading it.
 */
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
    throw error instanceof Error ? notStarted(command, error) : error
  }
}

function environment({ drops, ...command }: Command): Record<string, string> {
  const isDropped = (name: string): boolean => drops !== undefined && name.startsWith(drops.prefix) && !drops.but.includes(name)
  const inherited = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || isDropped(name) ? [] : [[name, value] as const],
  )
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

/** As a shell has it. */
function signalCode(signal: NodeJS.Signals | null): number {
  return 128 + (signal === null ? 0 : constants.signals[signal])
}
