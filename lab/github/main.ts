/**
 * The lab's GitHub as a process of its own:
 *
 *     LAB_GITHUB_TOKEN=… node lab/github/main.ts READY_FILE
 *
 * Its address stands in READY_FILE as soon as it answers.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { startLabGitHub } from './server.ts'

const [readyFile] = process.argv.slice(2)
const token = process.env['LAB_GITHUB_TOKEN']
if (readyFile === undefined || token === undefined || token === '')
  throw new Error('usage: LAB_GITHUB_TOKEN=… node lab/github/main.ts READY_FILE')

const server = await startLabGitHub({ token })
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close())

// Renamed into place: who waits for the file never reads half of it.
writeFileSync(`${readyFile}.new`, `${server.url}\n`)
renameSync(`${readyFile}.new`, readyFile)
