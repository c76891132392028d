import { existsSync } from 'node:fs'
import { type Command, display } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import { redact, Secret } from '../core/secret.ts'

/** Lines of output that an error shows. */
const evidenceLines = 20

/** What to do about a program that is not there. */
const installs = new Map([
  ['docker', 'Install Docker with its buildx plugin: https://docs.docker.com/engine/install/'],
  ['git', 'Install git: https://git-scm.com/downloads'],
  ['ssh', 'Install the OpenSSH client (on Debian, Ubuntu and Alpine the package openssh-client).'],
])

/** What kept a program from being started, in words. */
export function notStarted(command: Command, cause: Error): Error {
  // An error of spawn names the program also when it is the folder that is not there.
  if (command.cwd !== undefined && !existsSync(command.cwd)) {
    return new LaunchwayError('COMMAND_FAILED', `${command.file} cannot run in ${command.cwd}`, { cause, hint: 'There is no such folder.' })
  }
  if (!/Unable to locate executable file|ENOENT|EACCES/.test(cause.message)) return cause
  return new LaunchwayError('TOOL_MISSING', `${command.file} is not installed, or not in PATH`, {
    cause,
    hint: [installs.get(command.file), `launchway calls: ${shown(command)}`].filter((line) => line !== undefined).join('\n'),
  })
}

export function failed(command: Command, code: number, tail: string): LaunchwayError {
  return new LaunchwayError('COMMAND_FAILED', `${shown(command)} ended with exit code ${code}`, { hint: evidence(command, tail) })
}

export function timedOut(command: Command, tail: string): LaunchwayError {
  return new LaunchwayError('COMMAND_FAILED', `${shown(command)} was ended after ${command.timeoutMs} ms`, {
    hint: evidence(command, tail),
  })
}

function shown(command: Command): string {
  return command.secret === true ? `${command.file} …` : display(command)
}

/** A program may print what it was given; what it was given in secret is taken out again. */
function evidence(command: Command, tail: string): string {
  if (command.secret === true || tail === '') return 'It said nothing that can be shown.'
  return redact(
    tail,
    [command.stdin, ...Object.values(command.env ?? {})].filter((value) => value instanceof Secret),
  )
}

export function lastLines(text: string): string {
  return text
    .trim()
    .split(/\r\n?|\n/)
    .slice(-evidenceLines)
    .join('\n')
}
