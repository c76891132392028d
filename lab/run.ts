import { processExec } from '../src/adapters/exec.ts'
import { command } from '../src/core/command.ts'
import type { Output } from '../src/core/ports.ts'

/** How the lab calls programs: through the product's own adapter. */
export interface CallOptions {
  cwd?: string
  env?: Record<string, string>
  stdin?: string
  timeoutMs?: number
  onLine?: (line: string) => void
}

/** Runs a program to its end. Throws with its last lines when it fails. */
export function call(file: string, args: readonly string[], { onLine, ...rest }: CallOptions = {}): Promise<Output> {
  return processExec.run(command(file, args, rest), onLine === undefined ? {} : { onLine })
}

/** Its standard output, trimmed; undefined when it fails or is not there. */
export async function ask(file: string, args: readonly string[], options: CallOptions = {}): Promise<string | undefined> {
  try {
    return (await call(file, args, options)).stdout.trim()
  } catch {
    return undefined
  }
}

export async function docker(...args: string[]): Promise<string> {
  return (await call('docker', args)).stdout.trim()
}
