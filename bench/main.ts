/**
 * Measurements: `npm run bench NAME`, options after `--`.
 *
 *   --rounds N         how many rounds count (each bench has its own default)
 *   --peer NAME=FILE   compare with somebody else's program too; may stand several times
 *   --json             the figures as JSON on standard output, instead of the table
 *   --write            put the table into bench/README.md
 */
import { read, UsageError } from './asked.ts'
import { writeToReadme } from './report.ts'

const print = (line: string): void => void process.stdout.write(`${line}\n`)
const say = (line: string): void => void process.stderr.write(`${line}\n`)

try {
  const { name, bench, options, json, write } = read(process.argv.slice(2))
  const { text, figures } = await bench.run(options)
  print(json ? JSON.stringify(figures, null, 2) : text)
  if (write) writeToReadme(name, text)
} catch (error) {
  say(error instanceof UsageError ? error.message : `The bench failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
