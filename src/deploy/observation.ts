import type { Accessory } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Slot } from '../core/names.ts'
import { type NginxBuild, type NginxConfiguration, parseBuild, parseConfiguration } from '../tools/nginx.ts'
import { collide, parseKernelAddress, parsePorts, type Socket } from './address.ts'
import { certificatesIn, chainsIn, type SeenCertificate, type SeenChain } from './chains.ts'
import { type CarriedFacts, carriedIn } from './members.ts'
import { cronOf, type Run, runsOf, type SeenCron } from './cron.ts'
import { type Kept, parseKept } from './kept.ts'
import { type NginxContainer, parseNginxContainer } from './nginx-container.ts'
import { memoryOf, type SeenMemory } from './memory.ts'
import { accessoriesOf, dataOf, policyIn, type SeenData, unnamedIn } from './seen-data.ts'
import { parseWaiting, type Waiting } from './waiting.ts'

/** A container of this application and environment on the host. */
export interface SeenContainer extends CarriedFacts {
  name: string
  service: string
  release: string
  slot: Slot
  /** `running`, `exited`, … as docker says it. */
  state: string
  /** `Up 3 minutes (healthy)`, for people. */
  status: string
  /** Of the current release: its restart policy by name. */
  restart?: string
  /** Of a scheduled command: its times, and its last run. */
  cron?: string
  run?: Run
  /** Of the current release: volumes for a VOLUME of its image, in which something has been written. */
  unnamed?: SeenAccessory['volumes']
}

/** An accessory of this application and environment on the host. */
export interface SeenAccessory {
  /** Of the container. */
  container: string
  name: string
  state: string
  status: string
  /** Its policy by name. */
  restart?: string
  /** What it was started as; undefined for one of a launchway that wrote something else. */
  configuration: Accessory | undefined
  /** A hash of the files and texts that it mounts (`digestOf`); absent where it mounts none. */
  contents?: string
  /** What is mounted of volumes, by where; the name of an anonymous one is a digest. */
  volumes: readonly { name: string; path: string }[]
}

/** A port that is taken, and by which container of the host's (empty: by something else). */
export interface Busy extends Socket {
  holder: string
  /** Of the host, where no container holds it and the account may see whose it is: `nginx (process 812)`. */
  program?: string
}

/**
 * How the program outlives the login that started it: where a login manager ends what a login has left, in a scope of
 * the user or of the system; `never` where it cannot.
 */
export type Detach = 'setsid' | 'user' | 'system' | 'never'

/** Where the two slots of a service behind nginx listen, on the loopback of the host. */
export type SlotPorts = Record<Slot, number>

const nginxStates = ['refused', 'missing', 'stopped', 'broken', 'well'] as const
type NginxState = (typeof nginxStates)[number]

/** nginx on the host, where a release wants it or has had it. */
export interface SeenNginx {
  /**
   * `refused`: only root may look, and the account cannot become root. `broken`: it would not start again as it is
   * configured. `stopped`: its container does not run, or is not there.
   */
  state: NginxState
  /** Undefined where nginx is a program of the host. */
  container?: NginxContainer
  /** Its own words, when it is broken. */
  said: string
  running: boolean
  build: NginxBuild | undefined
  configuration: NginxConfiguration
  /** Of the files that the release wants, those that are not there. */
  absent: readonly string[]
  /** Folders above the state that others may not pass through. */
  closed: readonly string[]
  ipv6: boolean
  /** Those that a release asks for and certbot keeps already. */
  certificates: readonly SeenCertificate[]
  /** Those of files that a release names, where the host has openssl to read them. */
  chains: readonly SeenChain[]
  /** Its policy is enforced: what nginx may read and connect to is not for its configuration alone to say. */
  selinux: boolean
  /** It does not let nginx connect to anything. */
  mayNotConnect?: boolean
  /** Of the ports for outgoing connections: first and last. */
  range: readonly [number, number]
  /** Ports that something listens on, or that another service has been given. */
  taken: ReadonlySet<number>
}

/** Who keeps everybody from deploying (`launchway lock`). */
export interface Hold {
  /** ISO 8601. */
  since: string
  by: string
  /** Empty where none was given. */
  reason: string
}

/** What a host looked like, before anything was touched. */
export interface Observation {
  tools: ReadonlySet<string>
  /** `26.1.5` and `linux/amd64`; undefined when no engine answered, `engineSaid` then has why. */
  engine: { version: string; platform: string } | undefined
  engineSaid: string
  /** Why an engine that answers will not do: it is a snap, or root is answered by another one, and the program will be root. */
  unfitEngine?: readonly string[]
  /** The program can run as the user who logs in, needs sudo, or cannot run. */
  as: 'user' | 'sudo' | 'nobody'
  /** How the program would run as root, which nginx needs; undefined where it cannot. */
  root: 'user' | 'sudo' | undefined
  /** An attempt has left something to undo or to finish. */
  isInterrupted: boolean
  current: string | undefined
  previous: string | undefined
  /** The repository whose application the state folder is of. */
  owner: string | undefined
  /** Who deploys right now. */
  lockedBy: string | undefined
  /** Visitors are shown a page instead: who has said so, and since when. */
  maintenance: string | undefined
  held?: Hold
  containers: readonly SeenContainer[]
  accessories: readonly SeenAccessory[]
  /** The services that have a health page, may be left running, and answered. */
  answers?: ReadonlySet<string>
  /** Of the ports that the release wants. */
  busy: readonly Busy[]
  detach: Detach
  /** The host's clock when it looked, in whole seconds. */
  clock?: Date
  /** Undefined where `df` could not tell. */
  freeBytes: number | undefined
  /** By service. */
  ports: ReadonlyMap<string, SlotPorts>
  /** The releases that the host has kept, oldest first; undefined for one that cannot be read. */
  releases: ReadonlyMap<string, Kept | undefined>
  nginx: SeenNginx | undefined
  /** The container whose nginx has led here until now; undefined for the nginx of the host, and where none has. */
  ledBy?: string
  /** Where a release that is wanted or kept has scheduled commands. */
  cron?: SeenCron
  /** What it has of repositories, by hash. */
  stored?: ReadonlySet<string>
  /** The paths that are not there, of those that were asked for; all networks and volumes of the engine, where they were. */
  external?: { missing: readonly string[]; networks: ReadonlySet<string>; volumes: ReadonlySet<string> }
  data?: SeenData
  memory?: SeenMemory
  /** The last release that was to wait for a confirmation: what counts of it `waitOf` says. */
  waits?: Waiting
}

/** Reads what observe.sh prints. Lines it does not know are skipped: a login shell may greet. */
export function parseObservation(host: string, text: string): Observation {
  const facts = text.split('\n').map((line) => line.split('\t'))
  const first = (name: string): string | undefined => facts.find(([key]) => key === name)?.[1]
  const has = (name: string, value: string): boolean => facts.some(([key, found]) => key === name && found === value)
  if (!has('seen', 'yes')) {
    throw new LaunchwayError('HOST_UNFIT', `${host} did not finish looking at itself`, {
      hint: text.trim().split('\n').slice(-10).join('\n'),
    })
  }
  const engineSaid = first('engine') ?? ''
  const [, version, platform] = /^(\S+) (\w+\/\w+)$/.exec(engineSaid) ?? []
  const lockHolder = first('lock.holder')
  const free = first('free') ?? ''
  const detach = first('detach')
  const ledBy = first('nginx.container')?.split(' ')[0]
  const waits = parseWaiting(first('waits') ?? '', Number(first('now')))
  const clock = Number(first('now'))
  const cron = cronOf(facts)
  const runs = runsOf(facts)
  const all = (name: string): string[] => facts.flatMap(([key, value = '']) => (key === name ? [value] : []))
  return {
    tools: new Set(facts.filter(([key]) => key === 'tool').map(([, tool]) => tool ?? '')),
    engine: version === undefined || platform === undefined ? undefined : { version, platform },
    engineSaid,
    unfitEngine: all('unfit'),
    as: has('docker', 'direct') && has('state', 'direct') ? 'user' : has('sudo', 'yes') ? 'sudo' : 'nobody',
    root: has('uid', '0') ? 'user' : has('sudo', 'yes') ? 'sudo' : undefined,
    isInterrupted: has('interrupted', 'yes'),
    current: first('current'),
    previous: first('previous'),
    owner: first('owner'),
    lockedBy: has('locked', 'yes') ? (lockHolder ?? 'somebody') : undefined,
    maintenance: first('maintenance'),
    ...heldIn(facts),
    containers: facts.flatMap(([key, name, service, release, slot, state, status, times = '']) => {
      // One without a service does a task, and serves nobody.
      if (key !== 'container' || name === undefined || service === undefined || service === '' || release === undefined) return []
      const run = runs.get(name)
      const job = times === '' ? {} : { cron: times, ...(run === undefined ? {} : { run }) }
      return [
        {
          ...{ name, service, release, slot: slot === 'b' ? ('b' as const) : ('a' as const) },
          ...{ state: state ?? '', status: status ?? '', ...job, ...carriedIn(facts, name, release) },
          ...unnamedIn(facts, name),
          ...policyIn(facts, name),
        },
      ]
    }),
    accessories: accessoriesOf(facts),
    answers: new Set(facts.flatMap(([key, service = '']) => (key === 'answers' ? [service] : []))),
    busy: busyOf(facts),
    detach: detach === 'user' || detach === 'system' || detach === 'never' ? detach : 'setsid',
    ...(clock > 0 ? { clock: new Date(clock * 1000) } : {}),
    freeBytes: free === '' ? undefined : Number(free) * 1024,
    ports: new Map(
      facts.flatMap(([key, service, a, b]) =>
        key === 'port' && service !== undefined && b !== undefined ? [[service, { a: Number(a), b: Number(b) }]] : [],
      ),
    ),
    releases: new Map(
      facts.flatMap(([key, id, ...text]) => (key === 'release' && id !== undefined ? [[id, parseKept(text.join('\t'))]] : [])),
    ),
    nginx: nginxOf(facts),
    stored: new Set(all('stored')),
    ...dataOf(facts),
    ...memoryOf(facts),
    external: { missing: all('missing'), networks: new Set(all('network')), volumes: new Set(all('volume')) },
    ...(ledBy === undefined ? {} : { ledBy }),
    ...(cron === undefined ? {} : { cron }),
    ...(waits === undefined ? {} : { waits }),
  }
}

function heldIn(facts: readonly string[][]): { held?: Hold } {
  const [, since, by, reason = ''] = facts.find(([key]) => key === 'held') ?? []
  return since === undefined || by === undefined ? {} : { held: { since, by, reason } }
}

function nginxOf(facts: readonly string[][]): SeenNginx | undefined {
  const all = (name: string): string[] => facts.flatMap(([key, ...rest]) => (key === name ? [rest.join('\t')] : []))
  const state = nginxStates.find((one) => one === all('nginx')[0])
  if (state === undefined) return undefined
  const container = parseNginxContainer(facts)
  const [low = 32_768, high = 60_999] = (all('range')[0] ?? '').split('\t').filter(Boolean).map(Number)
  return {
    state,
    ...(container === undefined ? {} : { container }),
    said: all('nginx.said').join('\n'),
    running: all('nginx.running').length > 0,
    build: parseBuild(all('nginx.built').join('\n')),
    configuration: parseConfiguration(all('nginx.conf').join('\n')),
    absent: all('absent'),
    closed: all('closed'),
    certificates: certificatesIn(facts),
    chains: chainsIn(facts),
    ipv6: all('ipv6').includes('yes'),
    selinux: all('selinux').includes('Enforcing'),
    ...(all('selinux.connect').includes('off') ? { mayNotConnect: true } : {}),
    range: [low, high],
    taken: new Set([...all('open').map((port) => Number.parseInt(port, 16)), ...all('claimed').map(Number)]),
  }
}

/** What the engine publishes, and what listens there besides: a published port has a listener of the engine's as well. */
function busyOf(facts: readonly string[][]): Busy[] {
  const published = facts.flatMap(([key, holder = '', ports = '']) =>
    key === 'publishes' ? parsePorts(ports).map((socket) => ({ ...socket, holder })) : [],
  )
  const others = facts.flatMap(([key, port, address = '', program = '', protocol = '']) => {
    if (key !== 'listens') return []
    const more = { ...(program === '' ? {} : { program }), ...(protocol === '' ? {} : { protocol }) }
    return [{ address: parseKernelAddress(address), port: Number(port), holder: '', ...more }]
  })
  return [...published, ...others.filter((socket) => !published.some((one) => collide(one, socket)))]
}
