import { stripVTControlCharacters } from 'node:util'
import type { EngineContainer, Ports } from '../core/ports.ts'

/** Lines of a log, and characters of each, that a failure shows. */
const lines = 30
const lineChars = 400
/** A program may write before the engine has noted its start; between two lives there is at least this. */
const startMs = 100

/** What a container shows for itself: how it is, what its last health check said, what it wrote in its last life. */
export async function evidenceOf(container: EngineContainer, ports: Ports): Promise<string> {
  const { health } = container
  const code = health?.exitCode === undefined ? [] : [`its last health check (exit code ${health.exitCode}): ${health.output}`]
  const check = health?.status === 'healthy' ? [] : code
  const log = await logOf(container, ports)
  return [
    `state: ${container.status}, exit code ${container.exitCode}${container.outOfMemory ? ', out of memory' : ''}${container.restarts === 0 ? '' : `, restarted ${container.restarts} times`}`,
    ...check,
    ...(log === '' ? ['it wrote nothing'] : ['the end of its log:', ...log.split('\n').map((line) => `  ${line}`)]),
  ].join('\n')
}

/** The end of what a container wrote; of one that was restarted, since then: what it said before is the same again. */
export async function logOf({ id, startedAt, restarts }: EngineContainer, { engine }: Ports): Promise<string> {
  const since = startedAt === undefined || restarts === 0 ? {} : { since: new Date(Date.parse(startedAt) - startMs).toISOString() }
  return condensed(await engine.lastLines(id, { lines, ...since }))
}

/** Without colours, long lines cut, and lines that repeat told once. */
export function condensed(text: string): string {
  const told: { line: string; times: number }[] = []
  for (const line of stripVTControlCharacters(text).split(/\r\n?|\n/)) {
    const last = told.at(-1)
    if (last?.line === line) last.times += 1
    else told.push({ line, times: 1 })
  }
  return told.map(({ line, times }) => `${cut(line, lineChars)}${times === 1 ? '' : ` (${times} times)`}`).join('\n')
}

export function cut(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars).toWellFormed()}…`
}
