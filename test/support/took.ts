import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { cache } from '../../lab/paths.ts'

const file = join(cache, 'took.json')
/** What it was where somebody wrote it down (`--write-took`): a machine that has run nothing yet knows no better. */
const usual = join(import.meta.dirname, 'usual-times.json')
const Took = z.record(z.string(), z.number())

/** How long each part of the tests took when it last ran on this machine, in ms. It decides on nothing but the order. */
export function readTook(): Map<string, number> {
  return new Map([...read(usual), ...read(file)])
}

function read(path: string): Map<string, number> {
  try {
    return existsSync(path) ? new Map(Object.entries(Took.parse(JSON.parse(readFileSync(path, 'utf8'))))) : new Map<string, number>()
  } catch {
    return new Map<string, number>()
  }
}

export function keepTook(name: string, ms: number): void {
  mkdirSync(cache, { recursive: true })
  writeFileSync(file, JSON.stringify(Object.fromEntries([...read(file), [name, Math.round(ms)]])))
}

/** To ten seconds: what differs by less is noise. */
export function writeUsual(): void {
  const rounded = [...read(file)].map(([name, ms]) => [name, Math.ceil(ms / 10_000) * 10_000] as const)
  writeFileSync(usual, `${JSON.stringify(Object.fromEntries(rounded.toSorted(([a], [b]) => a.localeCompare(b))), null, 2)}\n`)
}
