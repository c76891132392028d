import type { Environment } from '../core/deployment.ts'
import type { Ports } from '../core/ports.ts'
import { type Observation, parseObservation } from './observation.ts'
import { publishedPorts } from './plan.ts'
import { observeProgram } from './program.ts'

/** What one host runs, as `launchway status` shows it. */
export interface HostStatus {
  host: string
  current?: string
  previous?: string
  lockedBy?: string
  containers: { service: string; release: string; state: string; status: string }[]
}

/** Looks at every host of an environment, side by side, and changes nothing. */
export function status(app: string, environment: Environment, ports: Ports): Promise<HostStatus[]> {
  return Promise.all(environment.hosts.map((host) => statusOf(host, app, environment, ports)))
}

async function statusOf(host: string, app: string, environment: Environment, ports: Ports): Promise<HostStatus> {
  await using remote = await ports.ssh.connect(host, environment.ssh, { key: ports.secret(environment.ssh.key), signal: ports.signal })
  const home = { app, environment: environment.name, stateRoot: environment.stateRoot }
  const { stdout } = await remote.sh(observeProgram(home, publishedPorts(environment)))
  return toStatus(host, parseObservation(host, stdout))
}

function toStatus(host: string, { current, previous, lockedBy, containers }: Observation): HostStatus {
  return {
    host,
    ...(current === undefined ? {} : { current }),
    ...(previous === undefined ? {} : { previous }),
    ...(lockedBy === undefined ? {} : { lockedBy }),
    containers: containers.map(({ service, release, state, status: words }) => ({ service, release, state, status: words })),
  }
}

export function showStatus(hosts: readonly HostStatus[]): string {
  return hosts
    .flatMap(({ host, current, previous, lockedBy, containers }) => [
      `${host}: ${current === undefined ? 'nothing runs here' : `release ${current}`}${previous === undefined ? '' : `, before ${previous}`}`,
      ...(lockedBy === undefined ? [] : [`  a deploy is under way: ${lockedBy}`]),
      ...containers.map(({ service, release, status: words }) => `  ${service.padEnd(12)} ${release}  ${words}`),
    ])
    .join('\n')
}
