import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { EngineContainer, Ports } from '../core/ports.ts'
import { cut } from '../core/text.ts'
import { showBytes } from '../core/units.ts'
import { excerpt } from './excerpt.ts'
import { type Seen, serviceOf } from './verdict.ts'
import type { Watch } from './watch.ts'

/** Of this stage, in the folder of evidence. */
export const evidenceFolder = 'smoke'
/** Lines of a log that a failure looks through for what it shows, and characters of each that it shows. */
const lines = 500
const lineChars = 400
/** The same of a log that is kept as a file. */
const keptLines = 2_000
const keptChars = 1_000_000
/** A program may write before the engine has noted its start. Before the first restart the engine waits so long, before each further one twice as long. */
const [firstPauseMs, longestPauseMs] = [100, 60_000]

/**
 * What a container shows for itself: how it is, what it used of the memory, what its last health check said, what it
 * wrote in its last life.
 */
export async function evidenceOf(container: EngineContainer, seen: Pick<Watch, 'memoryOf'>, ports: Ports): Promise<string> {
  const { health } = container
  const code = health?.exitCode === undefined ? [] : [`its last health check (exit code ${health.exitCode}): ${health.output}`]
  const check = health?.status === 'healthy' ? [] : code
  const log = await logOf(container, ports)
  return [
    `state: ${container.status}, exit code ${container.exitCode}${container.outOfMemory ? ', out of memory' : ''}${container.restarts === 0 ? '' : `, restarted ${container.restarts} times`}`,
    ...memoryIn(container, seen.memoryOf(container.id)),
    ...check,
    ...(log === '' ? ['it wrote nothing'] : ['the end of its log:', ...log.split('\n').map((line) => `  ${line}`)]),
  ].join('\n')
}

function memoryIn({ memoryLimit }: EngineContainer, most: number | undefined): string[] {
  const parts = [
    ...(most === undefined ? [] : [`${showBytes(most)} at most, as far as was seen`]),
    ...(memoryLimit === undefined ? [] : [`limit ${showBytes(memoryLimit)}`]),
  ]
  return parts.length === 0 ? [] : [`memory: ${parts.join(', ')}`]
}

/** Keeps the project as it will be started: also of a test that is cancelled, or killed, it is known what that was. Never fails. */
export async function keepRendered(rendered: string, { files, evidence, log }: Pick<Ports, 'files' | 'evidence' | 'log'>): Promise<void> {
  const file = join(evidence, evidenceFolder, 'compose.yaml')
  await files.write(file, rendered).catch((error: unknown) => log.debug(`no evidence could be kept: ${String(error)}`))
}

/**
 * Puts into the folder of evidence what every container of the stack shows, whether the test passes or not: one file with all
 * states, and the end of each log. Never fails: the test itself counts.
 * @returns the folder, when something stands there
 */
export async function keepEvidence(seen: Watch, ports: Ports): Promise<string | undefined> {
  const { files, engine, log, redact } = ports
  const folder = join(ports.evidence, evidenceFolder)
  try {
    const containers = seen.containers().filter((one) => serviceOf(one) !== undefined)
    const names = namesOf(containers)
    const states = containers.map((one) => stateIn(one, names.get(one.id) ?? one.id, seen.memoryOf(one.id)))
    const logs = await Promise.all(containers.map(({ id }) => engine.lastLines(id, { lines: keptLines })))
    await files.write(join(folder, 'containers.json'), redact(`${JSON.stringify(states, null, 2)}\n`))
    for (const [index, { id }] of containers.entries()) {
      await files.write(join(folder, `${names.get(id) ?? id}.log`), `${redact(logs[index] ?? '').slice(-keptChars)}\n`)
    }
    return folder
  } catch (error) {
    log.debug(`no evidence could be kept: ${String(error)}`)
    return undefined
  }
}

/** Of several containers of a service each has its number: `web`, `worker-1`, `worker-2`. */
export function namesOf(containers: readonly EngineContainer[]): ReadonlyMap<string, string> {
  const count = new Map<string, number>()
  for (const one of containers) count.set(serviceOf(one) ?? '', (count.get(serviceOf(one) ?? '') ?? 0) + 1)
  return new Map(
    containers.map((one) => {
      const service = serviceOf(one) ?? ''
      const number = one.labels['com.docker.compose.container-number'] ?? '1'
      return [one.id, (count.get(service) ?? 0) > 1 ? `${service}-${number}` : service]
    }),
  )
}

function stateIn(container: Seen, name: string, memory: number | undefined): Record<string, unknown> {
  const { status, exitCode, error, outOfMemory, restarts, startedAt, finishedAt, health, death, memoryLimit, image, reference } = container
  const memoryUse = { ...(memory === undefined ? {} : { most: memory }), ...(memoryLimit === undefined ? {} : { limit: memoryLimit }) }
  return { name, reference, image, status, exitCode, error, outOfMemory, restarts, startedAt, finishedAt, death, health, memory: memoryUse }
}

/** The end of what a container wrote, and the errors before it; of one that was restarted, since then: what it said before is the same again. */
export async function logOf({ id, startedAt, restarts }: EngineContainer, ports: Ports): Promise<string> {
  const written = async (sinceMs?: number): Promise<string> => {
    const since = sinceMs === undefined ? {} : { since: new Date(sinceMs).toISOString() }
    return excerpt(condensed(await ports.engine.lastLines(id, { lines, ...since }), ports))
  }
  if (startedAt === undefined || restarts === 0) return written()
  const [startMs, pauseMs] = [Date.parse(startedAt), Math.min(longestPauseMs, firstPauseMs * 2 ** (restarts - 1))]
  // The shorter one at first: one that ran for ten seconds has the shortest pause again, and would show its life before.
  return (await written(startMs - firstPauseMs)) || written(startMs - pauseMs)
}

/**
 * What somebody else's program wrote, as it is shown: without the secrets of the run, without colours, long lines cut, and lines
 * that repeat told once. The secrets go first: of one that stood where a line is cut, nobody would know the rest again.
 * @param last how many lines of its end; all of it without
 */
export function condensed(text: string, { redact }: Pick<Ports, 'redact'>, last?: number): string {
  // Once more without colours, which may have stood within one.
  const clean = redact(stripVTControlCharacters(redact(text)))
  const all = (last === undefined ? clean : clean.trim()).split(/\r\n?|\n/)
  const told: { line: string; times: number }[] = []
  for (const line of last === undefined ? all : all.slice(-last)) {
    const before = told.at(-1)
    if (before?.line === line) before.times += 1
    else told.push({ line, times: 1 })
  }
  return told.map(({ line, times }) => `${cut(line, lineChars)}${times === 1 ? '' : ` (${times} times)`}`).join('\n')
}

/** The end of what a program said. */
export function lastOf(text: string, ports: Pick<Ports, 'redact'>): string {
  return condensed(text, ports, 30)
}
