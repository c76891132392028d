import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { cache } from '../../lab/paths.ts'

const file = join(cache, 'took.json')
const Took = z.record(z.string(), z.number())

/** How long each part of the tests took when it last ran on this machine, in ms. It decides on nothing but the order. */
export function readTook(): Map<string, number> {
  try {
    return existsSync(file) ? new Map(Object.entries(Took.parse(JSON.parse(readFileSync(file, 'utf8'))))) : new Map<string, number>()
  } catch {
    return new Map<string, number>()
  }
}

export function keepTook(name: string, ms: number): void {
  mkdirSync(cache, { recursive: true })
  writeFileSync(file, JSON.stringify(Object.fromEntries([...readTook(), [name, Math.round(ms)]])))
}
