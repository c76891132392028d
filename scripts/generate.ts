/**
 * Writes everything that is made from one definition: every action.yml, the JSON Schema of launchway.yml, the pages
 * of docs/reference/, the starter workflows.
 *
 *   node scripts/generate.ts            write the files
 *   node scripts/generate.ts --check    compare with what is there, write nothing
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generated } from './generate/all.ts'
import { isGenerated } from './generate/page.ts'

const root = join(import.meta.dirname, '..')

const files = generated()

function current(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

/** What an earlier definition made, and this one no longer does. */
function leftOver(): string[] {
  const made = new Set(files.map(({ path }) => path))
  const found = globSync(['actions/*/action.yml', 'docs/reference/*.md', 'schema/*.json'], { cwd: root })
  return found.filter((path) => !made.has(path) && isGenerated(current(path) ?? '')).toSorted()
}

const drifted = files.filter(({ path, text }) => current(path) !== text)
const surplus = leftOver()
if (process.argv.includes('--check')) {
  const wrong = [...drifted.map(({ path }) => path), ...surplus.map((path) => `${path} (no longer made)`)]
  if (wrong.length > 0) {
    console.error(`Not what the definitions make; run npm run generate and commit it:\n${wrong.map((path) => `  ${path}`).join('\n')}`)
    process.exitCode = 1
  }
} else {
  for (const { path, text } of drifted) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const path of surplus) rmSync(join(root, path))
  console.log(`${files.length} generated files, ${drifted.length + surplus.length} changed`)
}
