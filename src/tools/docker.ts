import { type Command, command } from '../core/command.ts'
import type { Secret } from '../core/secret.ts'

/** A folder that DOCKER_CONFIG names; the user's own when undefined. */
type ConfigFolder = string | undefined

function withConfig(folder: ConfigFolder): { env?: Record<string, string> } {
  return folder === undefined ? {} : { env: { DOCKER_CONFIG: folder } }
}

/** The password goes on standard input: an argument would stand in the process list. */
export function login(host: string, username: string, password: Secret, folder: string): Command {
  return command('docker', ['login', '--username', username, '--password-stdin', host], { stdin: password, ...withConfig(folder) })
}

export function push(reference: string, folder: ConfigFolder): Command {
  return command('docker', ['push', reference], withConfig(folder))
}
