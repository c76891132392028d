import { z } from 'zod'
import { parseJson } from '../../core/json.ts'
import { parseKeptStack, type Recorded } from './kept.ts'

/** What a Swarm looked like through one of its managers, before anything was touched. */
export interface SwarmSeen {
  /** Of the node that was asked: `active`, `inactive`, `pending`, `locked`, `error`. */
  state: string
  isManager: boolean
  node: string
  /** Why the cluster did not answer, in docker's words. */
  refusal: string | undefined
  /** Addresses of the managers that the node knows. */
  managers: string
  nodes: readonly SwarmNode[]
  /** All of the cluster: any may hold a port. */
  services: readonly SwarmService[]
  /** Of this stack, by name: `2/3`. */
  replicas: ReadonlyMap<string, string>
  /** By name, those that were asked for; undefined for one that is not there. */
  networks: ReadonlyMap<string, { scope: string; driver: string; stack: string } | undefined>
  /** Names of what launchway made for this application. */
  configs: ReadonlySet<string>
  secrets: ReadonlySet<string>
  /** Of those that must be there, what is not. */
  lacks: readonly { kind: string; name: string }[]
  /** Newest first. */
  recorded: readonly Recorded[]
  /** Who deploys by way of some manager, if somebody does. */
  lockedBy: string | undefined
}

const NodeShape = z.object({
  id: z.string(),
  hostname: z.string(),
  role: z.string(),
  availability: z.string(),
  state: z.string(),
  os: z.string(),
  arch: z.string(),
  leader: z.boolean(),
  reachability: z.string(),
})
export type SwarmNode = z.infer<typeof NodeShape>

const Labels = z.record(z.string(), z.string()).nullable()
const ServiceShape = z.object({
  name: z.string(),
  labels: Labels,
  image: z.string(),
  ports: z
    .array(z.object({ Protocol: z.string().optional(), PublishedPort: z.number().optional(), PublishMode: z.string().optional() }))
    .nullable(),
  update: z.string(),
})
interface SwarmService {
  name: string
  /** Of the stack that it is part of. */
  stack: string | undefined
  labels: Readonly<Record<string, string>>
  image: string
  ports: readonly { port: number; protocol: string; mode: string }[]
  /** `completed`, `updating`, `rollback_completed`…; empty where it was never updated. */
  update: string
}

const ReleaseShape = z.object({ name: z.string(), labels: Labels, created: z.string(), data: z.string().nullable() })

/** Reads what observe-swarm.sh prints; undefined when that did not come to its end. */
export function parseSwarm(text: string, environment: string): SwarmSeen | undefined {
  const facts = text.split('\n').map((line) => line.split('\t'))
  const all = (name: string): string[][] => facts.filter(([key]) => key === name).map(([, ...values]) => values)
  if (!facts.some(([key]) => key === 'swarm.seen')) return undefined
  const [state = '', control = '', node = '', said = '', managers = ''] = all('swarm.is')[0] ?? []
  const refusal = all('swarm.refused')[0]?.join(' ') ?? (said === '' ? undefined : said)
  const lock = parseJson(all('swarm.lock')[0]?.join('\t') ?? '', Labels)
  return {
    state,
    isManager: control === 'true',
    node,
    refusal,
    managers: managers.trim(),
    nodes: all('swarm.node').flatMap((values) => parseJson(values.join('\t'), NodeShape) ?? []),
    services: all('swarm.service').flatMap((values) => serviceOf(values.join('\t'))),
    replicas: new Map(all('swarm.replicas').map(([name = '', count = '']) => [name, count.split(' ')[0] ?? ''])),
    networks: new Map(
      all('swarm.network').map(([name = '', scope = '', driver = '', stack = '']) => [
        name,
        scope === '' ? undefined : { scope, driver, stack },
      ]),
    ),
    configs: new Set(all('swarm.config').flatMap(([name]) => name ?? [])),
    secrets: new Set(all('swarm.secret').flatMap(([name]) => name ?? [])),
    lacks: all('swarm.lacks').map(([kind = '', name = '']) => ({ kind, name })),
    recorded: all('swarm.release')
      .flatMap((values) => recordedOf(values.join('\t'), environment))
      .toSorted((one, other) => other.name.localeCompare(one.name)),
    lockedBy: lock?.['launchway.by'],
  }
}

function serviceOf(text: string): SwarmService[] {
  const found = parseJson(text, ServiceShape)
  if (found === undefined) return []
  const labels = found.labels ?? {}
  return [
    {
      name: found.name,
      stack: labels['com.docker.stack.namespace'],
      labels,
      image: found.image,
      update: found.update,
      ports: (found.ports ?? []).flatMap(({ Protocol = 'tcp', PublishedPort, PublishMode = 'ingress' }) =>
        PublishedPort === undefined ? [] : [{ port: PublishedPort, protocol: Protocol, mode: PublishMode }],
      ),
    },
  ]
}

function recordedOf(text: string, environment: string): Recorded[] {
  const found = parseJson(text, ReleaseShape)
  const labels = found?.labels ?? {}
  if (found === undefined || labels['launchway.environment'] !== environment) return []
  const previous = labels['launchway.previous']
  return [
    {
      name: found.name,
      release: labels['launchway.release'] ?? '',
      previous: previous === '' ? undefined : previous,
      label: labels['launchway.version'] ?? '',
      did: labels['launchway.did'] ?? 'deploy',
      by: labels['launchway.by'] ?? '',
      at: found.created,
      kept: parseKeptStack(Buffer.from(found.data ?? '', 'base64').toString()),
    },
  ]
}
