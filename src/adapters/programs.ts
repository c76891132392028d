import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The path of a program: that of PATH, else that of a folder of ours. */
export function findProgram(name: string, env: Record<string, string | undefined>, folder: string): string | undefined {
  return [...(env['PATH'] ?? '').split(delimiter).filter((part) => part !== ''), folder].map((part) => join(part, name)).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
