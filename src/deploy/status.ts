import type { Environment } from '../core/deployment.ts'
import { type ErrorCode, LaunchwayError, told } from '../core/error.ts'
import type { Slot } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import { look } from './look.ts'
import { heldWords } from './held.ts'
import type { Hold, Observation } from './observation.ts'

/** What one host runs, as `launchway status` shows it; or why it could not be seen. */
export type HostStatus =
  | {
      host: string
      error?: never
      current?: string
      previous?: string
      /** What people call the releases that the host keeps, by release. */
      versions?: Record<string, string>
      lockedBy?: string
      /** Who keeps everybody from deploying. */
      held?: Hold
      containers: { service: string; release: string; slot: Slot; state: string; status: string }[]
    }
  | { host: string; error: { code: ErrorCode; message: string; hint?: string } }

/** Looks at every host of an environment, side by side, and changes nothing. One that cannot be seen hides no other. */
export function status(app: string, environment: Environment, ports: Ports): Promise<HostStatus[]> {
  return Promise.all(
    environment.hosts.map((host) => statusOf(host, app, environment, ports).catch((error: unknown) => unseen(host, error, ports))),
  )
}

async function statusOf(host: string, app: string, environment: Environment, ports: Ports): Promise<HostStatus> {
  await using remote = await ports.ssh.connect(host, environment.ssh, { key: ports.secret(environment.ssh.key), signal: ports.signal })
  const home = { app, environment: environment.name, stateRoot: environment.stateRoot }
  return toStatus(host, await look(remote, home, environment))
}

/** What is no finding about this host ends the look: somebody cancelled it, or it is a bug. */
export function unseen(host: string, error: unknown, { signal, redact }: Ports): HostStatus {
  signal.throwIfAborted()
  if (!(error instanceof LaunchwayError)) throw error
  return { host, error: told(error, redact) }
}

function toStatus(host: string, { current, previous, lockedBy, held, containers, releases }: Observation): HostStatus {
  const versions = [...releases].flatMap(([id, kept]) => (kept === undefined ? [] : [[id, kept.label] as const]))
  return {
    host,
    ...(current === undefined ? {} : { current }),
    ...(previous === undefined ? {} : { previous }),
    ...(versions.length === 0 ? {} : { versions: Object.fromEntries(versions) }),
    ...(lockedBy === undefined ? {} : { lockedBy }),
    ...(held === undefined ? {} : { held }),
    containers: containers.map(({ service, release, slot, state, status: words }) => ({ service, release, slot, state, status: words })),
  }
}

export function showStatus(hosts: readonly HostStatus[]): string {
  return hosts.flatMap(showHost).join('\n')
}

function showHost(status: HostStatus): string[] {
  const { host, error } = status
  if (error !== undefined) {
    const hint = error.hint === undefined ? [] : error.hint.split('\n').map((line) => `  ${line}`)
    return [`${host}: ${error.code}: ${error.message}`, ...hint]
  }
  const { current, previous, versions = {}, lockedBy, held, containers } = status
  const called = (id: string): string => (versions[id] === undefined ? `release ${id}` : `${versions[id]} (release ${id})`)
  return [
    `${host}: ${current === undefined ? 'nothing runs here' : called(current)}${previous === undefined ? '' : `, before ${called(previous)}`}`,
    ...(lockedBy === undefined ? [] : [`  a deploy is under way: ${lockedBy}`]),
    ...(held === undefined ? [] : [`  locked by ${heldWords(held)} (launchway unlock lets deploys through again)`]),
    ...containers.map(({ service, release, slot, status: words }) => `  ${service.padEnd(12)} ${slot}  ${release}  ${words}`),
  ]
}
