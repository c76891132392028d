import { LaunchwayError } from '../../core/error.ts'
import type { Ports, Streams } from '../../core/ports.ts'
import { Duration } from '../../core/units.ts'
import { envDiff } from './env-diff.ts'
import { exec } from './exec.ts'
import { history } from './history.ts'
import { lock, unlock } from './hold.ts'
import type { Answer, Target } from './hosts.ts'
import { logs } from './logs.ts'
import { prune } from './prune.ts'
import { remove } from './remove.ts'
import { start, stop } from './stop.ts'

/** What somebody at a terminal wants of what runs; a verb reads what it takes. */
export interface Operation {
  /** What follows the verb; empty where nothing does. */
  argument: string
  /** What follows `--`. */
  command: readonly string[]
  host: string | undefined
  /** The ID of a release. */
  release: string | undefined
  follow: boolean
  since: string | undefined
  lines: string | undefined
  limit: string | undefined
  anew: boolean
  yes: boolean
  /** The registries, not the hosts. */
  registry: boolean
  more: string | undefined
  reason: string | undefined
  json: boolean
  streams: Streams
  isTerminal: boolean
}

export type OperatingVerb = 'history' | 'logs' | 'exec' | 'stop' | 'start' | 'remove' | 'lock' | 'unlock' | 'prune' | 'env'

/** The verbs with which a team looks at an environment and operates it. */
export const operations: Record<OperatingVerb, (target: Target, of: Operation, ports: Ports) => Promise<Answer>> = {
  history: (target, { limit = '20', host }, ports) => history(target, { limit: whole('--limit', limit), host }, ports),
  logs: (target, of, ports) =>
    logs(
      target,
      {
        ...of,
        service: serviceOf(of),
        since: of.since === undefined ? undefined : sinceOf(of.since),
        lines: of.lines === undefined ? undefined : String(whole('--lines', of.lines)),
        write: (line) => of.streams.output.write(`${line}\n`),
      },
      ports,
    ),
  exec: (target, of, ports) => {
    if (of.command.length === 0)
      throw new LaunchwayError('USAGE', 'launchway exec needs a command', { hint: `launchway exec ${of.argument} -- COMMAND [ARGUMENT…]` })
    return exec(target, { ...of, service: of.argument }, of.streams, ports)
  },
  stop: (target, of, ports) => stop(target, { service: serviceOf(of), host: of.host }, ports),
  start: (target, of, ports) => start(target, { service: serviceOf(of), host: of.host }, ports),
  remove: (target, of, ports) => remove(target, { ...of, service: serviceOf(of) }, ports),
  lock,
  unlock: (target, _, ports) => unlock(target, ports),
  prune: (target, { host, yes, more }, ports) => {
    if (yes || more !== undefined)
      throw new LaunchwayError('USAGE', `--${yes ? 'yes' : 'more'} goes with launchway prune --registry: the hosts are pruned at once`, {})
    return prune(target, { host }, ports)
  },
  env: (target, { argument, host }, ports) => {
    if (argument !== 'diff') throw new LaunchwayError('USAGE', `launchway env has no "${argument}"`, { hint: 'launchway env diff' })
    return envDiff(target, { host }, ports)
  },
}

function serviceOf({ argument }: Operation): string | undefined {
  return argument === '' ? undefined : argument
}

/** Also what docker would take and somebody may have meant otherwise is refused: a bare number is seconds since 1970. */
function sinceOf(since: string): string {
  if (Duration.safeParse(since).success) return since.endsWith('d') ? `${Number(since.slice(0, -1)) * 24}h` : since
  if (/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?$/.test(since)) return since
  throw new LaunchwayError('USAGE', `--since "${since}" is neither a length of time nor an instant`, {
    hint: 'As in --since 10m, --since 2h, --since 2026-11-21T10:15:00Z',
  })
}

function whole(flag: string, text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new LaunchwayError('USAGE', `${flag} takes a whole number from 1 on, not "${text}"`, {})
}
