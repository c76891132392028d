import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache } from '../paths.ts'
import { rows } from './rows.ts'

const sources = ['main.go', 'go.mod', 'go.sum'].map((name) => join(import.meta.dirname, name))

/** The files that the program is made from. A change of them makes it anew, and nothing else does. */
export const writerSources: readonly string[] = sources

/** The program that writes a database, by its name in the folder of tools. */
export function databaseWriter(): string {
  return `trivy-db-writer-${digest(...sources.map((path) => readFileSync(path, 'utf8')))}`
}

/** The folder with the database that the rows of this version make. */
export function databaseFolder(): string {
  return join(cache, `vulnerabilities-${digest(databaseWriter(), JSON.stringify(rows))}`)
}

function digest(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12)
}
