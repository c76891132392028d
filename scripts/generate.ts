/**
 * Writes everything that is made from one definition: every action.yml, the JSON Schema of launchway.yml, the pages
 * of docs/reference/.
 *
 *   node scripts/generate.ts            write the files
 *   node scripts/generate.ts --check    compare with what is there, write nothing
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { actionFiles, actionsPage } from './generate/actions.ts'
import { cliPage, errorsPage } from './generate/cli.ts'
import { configurationPage } from './generate/configuration.ts'
import { journalPage, namesPage } from './generate/host.ts'
import type { GeneratedFile } from './generate/page.ts'
import { recordPage } from './generate/record.ts'
import { schemaFile } from './generate/schema.ts'

const root = join(import.meta.dirname, '..')

const files: readonly GeneratedFile[] = [
  ...actionFiles(),
  schemaFile(),
  configurationPage(),
  cliPage(),
  actionsPage(),
  errorsPage(),
  namesPage(),
  journalPage(),
  recordPage(),
]

function current(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

const drifted = files.filter(({ path, text }) => current(path) !== text)
if (process.argv.includes('--check')) {
  if (drifted.length > 0) {
    console.error(
      `These files are not what their definitions make; run npm run generate and commit them:\n${drifted.map(({ path }) => `  ${path}`).join('\n')}`,
    )
    process.exitCode = 1
  }
} else {
  for (const { path, text } of drifted) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}
console.log(`${files.length} generated files, ${drifted.length} ${process.argv.includes('--check') ? 'drifted' : 'written'}`)
