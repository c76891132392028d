import { z } from 'zod'
import { LaunchwayError } from '../../core/error.ts'
import { parseJson } from '../../core/json.ts'
import type { Remote } from '../../core/ports.ts'
import { ask, type Facts } from '../operate/hosts.ts'
import { nodeProgram } from './program.ts'

/** A row of `docker node ls`. */
export const ListedNode = z.object({
  ID: z.string(),
  Hostname: z.string(),
  Status: z.string(),
  Availability: z.string(),
  /** `Leader`, `Reachable`, `Unreachable`; empty for a worker. */
  ManagerStatus: z.string(),
  EngineVersion: z.string().default(''),
})
export type ListedNode = z.infer<typeof ListedNode>

const SwarmInfo = z.object({
  NodeID: z.string(),
  NodeAddr: z.string(),
  LocalNodeState: z.string(),
  ControlAvailable: z.boolean(),
  Error: z.string(),
  Cluster: z.object({ ID: z.string() }).nullish(),
})

/** What a host is in a swarm. */
export interface SeenNode {
  host: string
  engine: string
  /** Set in daemon.json; a swarm cannot be made with it. */
  liveRestore: boolean
  /** `inactive`, `pending`, `active`, `error` or `locked`. */
  state: string
  said: string
  /** In a swarm alone: by which it knows itself there. */
  id: string
  /** Where the others of the swarm reach it. */
  at: string
  isManager: boolean
  /** What a manager alone knows. */
  cluster: string | undefined
  nodes: readonly ListedNode[]
  /** Of its interfaces, but for docker's own: `10.0.0.5/24`. */
  addresses: readonly { interface: string; address: string }[]
}

/**
 * Looks at what a host is in a swarm.
 * @throws LaunchwayError HOST_UNFIT where docker does not answer, or may not be used
 */
export async function seeNode(remote: Remote): Promise<SeenNode> {
  return parseNode(remote.host, await ask(remote, nodeProgram()))
}

function parseNode(host: string, facts: Facts): SeenNode {
  const engine = facts.first('engine')
  const swarm = parseJson(facts.first('swarm') ?? '', SwarmInfo)
  if (engine === undefined || swarm === undefined) {
    throw new LaunchwayError('HOST_UNFIT', `the Docker engine on ${host} does not answer`, {
      hint: facts.first('said') ?? 'On the host: docker version, docker info',
    })
  }
  return {
    host,
    engine,
    liveRestore: facts.first('live_restore') === 'true',
    state: swarm.LocalNodeState,
    said: swarm.Error,
    id: swarm.NodeID,
    at: swarm.NodeAddr,
    isManager: swarm.ControlAvailable,
    cluster: swarm.Cluster?.ID === '' ? undefined : swarm.Cluster?.ID,
    nodes: facts.all('node').flatMap(([row = '']) => parseJson(row, ListedNode) ?? []),
    addresses: facts.all('address').map(([name = '', address = '']) => ({ interface: name, address })),
  }
}
