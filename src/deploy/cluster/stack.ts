import { z } from 'zod'
import { LaunchwayError } from '../../core/error.ts'
import { parseJson } from '../../core/json.ts'
import type { Ports, Remote } from '../../core/ports.ts'
import type { Hold } from '../observation.ts'
import { holdIn } from '../operate/hold.ts'
import { ask, connectTo, type Facts, type Target } from '../operate/hosts.ts'
import { homeOf } from '../program.ts'
import { ListedNode } from './node.ts'
import { stackProgram } from './program.ts'

const Counts = z.object({ Name: z.string(), Mode: z.string(), Replicas: z.string(), Image: z.string(), Ports: z.string() })

const ServiceRow = z.object({
  name: z.string(),
  labels: z.record(z.string(), z.string()).nullable(),
  update: z.object({ State: z.string().default(''), Message: z.string().default('') }).nullable(),
  replicas: z.int().nullable(),
})

const TaskRow = z.object({
  ID: z.string(),
  Name: z.string(),
  Node: z.string(),
  DesiredState: z.string(),
  CurrentState: z.string(),
  Error: z.string(),
})

/** A task of a service: a container, or what became of it. */
interface SeenTask {
  id: string
  /** `web.2`; without the name of the stack. */
  name: string
  node: string
  wanted: string
  /** `running`, `failed`, …: the first word of `since`. */
  state: string
  /** `Running 5 minutes ago`. */
  since: string
  error: string
}

export interface SeenService {
  /** As the project calls it. */
  service: string
  /** In the cluster. */
  name: string
  mode: string
  running: number
  wanted: number
  image: string
  ports: string
  /** As launchway has labelled it. */
  release: string | undefined
  /** How many ran before somebody stopped it. */
  stoppedFrom: number | undefined
  /** `completed`, `updating`, `rollback_completed`, …; empty where nothing was ever updated. */
  update: string
  updateSaid: string
  /** Newest first, within each place. */
  tasks: readonly SeenTask[]
}

/** A stack, as a manager has it. */
export interface SeenStack {
  nodes: readonly ListedNode[]
  services: readonly SeenService[]
  networks: readonly string[]
  configs: readonly string[]
  secrets: readonly string[]
  /** What was recorded, newest first. */
  releases: readonly { release: string; version: string }[]
  /** Who keeps everybody from deploying through the manager that was asked. */
  held?: Hold | undefined
}

/** Where `stop` keeps how many ran: `start` goes back to it, and a deploy takes it away. */
export const stoppedLabel = 'launchway.stopped-from'

export function stackOf({ environment }: Target): string {
  if (environment.swarm === undefined) throw new TypeError(`${environment.name} has no stack`)
  return environment.swarm.name
}

/**
 * Asks the managers of an environment, in the order of launchway.yml, until one answers.
 * @param wanted one host; no other is asked
 * @throws LaunchwayError HOST_UNFIT where none of them manages a swarm, or what kept the last from answering
 */
export async function throughManager<T>(
  target: Target,
  wanted: string | undefined,
  act: (remote: Remote, seen: SeenStack) => Promise<T>,
  ports: Ports,
): Promise<T> {
  const hosts = wanted === undefined ? target.environment.hosts : [wanted]
  let last: LaunchwayError | undefined
  for (const host of hosts) {
    try {
      await using remote = await connectTo(host, target, ports)
      const seen = await seeStack(remote, target)
      return await act(remote, seen)
    } catch (error) {
      ports.signal.throwIfAborted()
      // Once a manager has answered, what it says counts: no other would say otherwise.
      const isMute = error instanceof LaunchwayError && (error.code === 'SSH_UNREACHABLE' || error instanceof NoManager)
      if (!isMute || host === hosts.at(-1)) throw error
      ports.log.warning(`${error.message}; the next one is asked`)
      last = error
    }
  }
  throw last ?? new TypeError('there is no host')
}

class NoManager extends LaunchwayError {}

export async function seeStack(remote: Remote, target: Target): Promise<SeenStack> {
  const facts = await ask(remote, stackProgram(stackOf(target), homeOf(target)))
  const unfit = facts.first('unfit')
  if (unfit === undefined) return parseStack(facts, stackOf(target))
  throw new NoManager('HOST_UNFIT', `${remote.host} manages no swarm that works`, {
    hint: `${unfit}\nlaunchway hosts setup --swarm makes one of the hosts. Of one that is there most managers must be up: docker node ls.`,
  })
}

function parseStack(facts: Facts, stack: string): SeenStack {
  const short = (name: string): string => (name.startsWith(`${stack}_`) ? name.slice(stack.length + 1) : name)
  const tasks = facts.all('task').flatMap((row) => parseJson(row.join('\t'), TaskRow) ?? [])
  const rows = facts.all('service').flatMap((row) => parseJson(row.join('\t'), ServiceRow) ?? [])
  const counts = facts.all('counts').flatMap((row) => parseJson(row.join('\t'), Counts) ?? [])
  const names = (kind: string): string[] => [...new Set(facts.all(kind).map(([name = '']) => name))]
  return {
    nodes: facts.all('node').flatMap((row) => parseJson(row.join('\t'), ListedNode) ?? []),
    services: counts.map((count): SeenService => {
      const row = rows.find(({ name }) => name === count.Name)
      const [, running = '0', wanted = '0'] = /^(\d+)\/(\d+)/.exec(count.Replicas) ?? []
      const labels = row?.labels ?? {}
      const stopped = Number(labels[stoppedLabel])
      return {
        service: short(count.Name),
        name: count.Name,
        mode: count.Mode,
        running: Number(running),
        wanted: Number(wanted),
        image: count.Image,
        ports: count.Ports,
        release: labels['launchway.release'],
        stoppedFrom: stopped > 0 ? stopped : undefined,
        update: row?.update?.State ?? '',
        updateSaid: row?.update?.Message ?? '',
        tasks: tasks.filter(({ Name }) => Name.startsWith(`${count.Name}.`)).map((task) => toTask(task, short)),
      }
    }),
    networks: names('network'),
    configs: names('config'),
    secrets: names('secret'),
    releases: facts
      .all('release')
      .map(([row = '']) => row.split(' '))
      .toSorted(([one = ''], [other = '']) => other.localeCompare(one))
      .map(([, release = '', ...version]) => ({ release, version: version.join(' ') })),
    held: holdIn(facts),
  }
}

function toTask(
  { ID, Name, Node, DesiredState, CurrentState, Error: error }: z.infer<typeof TaskRow>,
  short: (name: string) => string,
): SeenTask {
  const [state = ''] = CurrentState.toLowerCase().split(' ')
  return { id: ID, name: short(Name), node: Node, wanted: DesiredState.toLowerCase(), state, since: CurrentState, error }
}

/** Those of one name, or all. */
export function servicesNamed(seen: SeenStack, wanted: string | undefined, target: Target): readonly SeenService[] {
  const found = seen.services.filter(({ service }) => wanted === undefined || service === wanted)
  if (found.length > 0) return found
  const known = seen.services.map(({ service }) => service)
  if (known.length === 0) {
    throw new LaunchwayError('VERSION_UNKNOWN', `nothing of the stack ${stackOf(target)} runs in the swarm`, {
      hint: 'launchway status shows what the swarm has.',
    })
  }
  throw new LaunchwayError('USAGE', `the stack ${stackOf(target)} has no service "${wanted ?? ''}"`, {
    hint: `It has: ${known.join(', ')}`,
  })
}
