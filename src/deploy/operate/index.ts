import { errorCodes, LaunchwayError } from '../../core/error.ts'
import type { Ports, Streams } from '../../core/ports.ts'
import { Duration } from '../../core/units.ts'
import * as cluster from '../cluster/index.ts'
import { envDiff } from './env-diff.ts'
import { exec, type ExecWish } from './exec.ts'
import { history } from './history.ts'
import { lock, unlock } from './hold.ts'
import type { Answer, Target } from './hosts.ts'
import { logs, type LogWish } from './logs.ts'
import { prune } from './prune.ts'
import { remove } from './remove.ts'
import { start, stop } from './stop.ts'
import { showStatus, status } from '../status.ts'

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
  swarm: boolean
  managers: string | undefined
  advertise: string | undefined
  json: boolean
  streams: Streams
  isTerminal: boolean
}

export type OperatingVerb =
  | 'history'
  | 'logs'
  | 'exec'
  | 'stop'
  | 'start'
  | 'remove'
  | 'lock'
  | 'unlock'
  | 'prune'
  | 'env'
  | 'hosts'
  | 'status'
  | 'scale'
  | 'drain'
  | 'activate'

type Operate = (target: Target, of: Operation, ports: Ports) => Promise<Answer>

/** Has a verb done, on hosts or on a swarm. */
export function operate(verb: OperatingVerb, target: Target, of: Operation, ports: Ports): Promise<Answer> {
  cluster.refuseOnSwarm(verb, target)
  const onSwarm = target.environment.swarm === undefined ? undefined : swarmOperations[verb]
  return (onSwarm ?? operations[verb])(target, of, ports)
}

/** What is done otherwise where a swarm runs the services. */
const swarmOperations: Partial<Record<OperatingVerb, Operate>> = {
  status: (target, _, ports) => cluster.status(target, ports),
  logs: (target, of, ports) => cluster.logs(target, logWish(of), ports),
  exec: (target, of, ports) => cluster.exec(target, execWish(of), of.streams, ports),
  stop: (target, of, ports) => cluster.stop(target, { service: serviceOf(of), host: of.host }, ports),
  start: (target, of, ports) => cluster.start(target, { service: serviceOf(of), host: of.host }, ports),
  remove: (target, of, ports) => cluster.remove(target, { ...of, service: serviceOf(of) }, ports),
  scale: (target, { argument }, ports) => cluster.scale(target, argument, ports),
  drain: (target, { argument }, ports) => cluster.avail(target, argument, 'drain', ports),
  activate: (target, { argument }, ports) => cluster.avail(target, argument, 'activate', ports),
}

/** The verbs with which a team looks at an environment and operates it. */
const operations: Record<OperatingVerb, Operate> = {
  status: async ({ app, environment }, _, ports) => {
    const hosts = await status(app, environment, ports)
    const failed = hosts.find(({ error }) => error !== undefined)?.error
    return { text: `${showStatus(hosts, environment.name)}\n`, json: hosts, exit: failed === undefined ? 0 : errorCodes[failed.code].exit }
  },
  scale: (target) => cluster.refuseOffSwarm('scale', target),
  drain: (target) => cluster.refuseOffSwarm('drain', target),
  activate: (target) => cluster.refuseOffSwarm('activate', target),
  history: (target, { limit = '20', host }, ports) => history(target, { limit: whole('--limit', limit), host }, ports),
  logs: (target, of, ports) => logs(target, logWish(of), ports),
  exec: (target, of, ports) => exec(target, execWish(of), of.streams, ports),
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
  hosts: (target, { argument, swarm, managers, advertise }, ports) => {
    if (argument !== 'setup')
      throw new LaunchwayError('USAGE', `launchway hosts has no "${argument}"`, { hint: 'launchway hosts setup --swarm' })
    if (!swarm) {
      throw new LaunchwayError('NOT_YET', 'launchway hosts setup without --swarm is not in this version', {
        hint: 'With it the hosts of an environment become one swarm. What a single host needs: docs/guide/hosts.md; launchway doctor says what it lacks.',
      })
    }
    return cluster.setUpSwarm(target, { managers: managers === undefined ? undefined : whole('--managers', managers), advertise }, ports)
  },
}

function logWish(of: Operation): LogWish {
  return {
    ...of,
    service: serviceOf(of),
    since: of.since === undefined ? undefined : sinceOf(of.since),
    lines: of.lines === undefined ? undefined : String(whole('--lines', of.lines)),
    write: (line) => of.streams.output.write(`${line}\n`),
  }
}

function execWish(of: Operation): ExecWish {
  if (of.command.length > 0) return { ...of, service: of.argument }
  throw new LaunchwayError('USAGE', 'launchway exec needs a command', { hint: `launchway exec ${of.argument} -- COMMAND [ARGUMENT…]` })
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
