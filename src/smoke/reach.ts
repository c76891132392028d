import { LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import { smokeVariable } from '../core/names.ts'
import type { ComposeProject } from '../tools/compose.ts'

/** A port inside of a service. */
export interface ServicePort {
  service: string
  port: number
}

/**
 * What can be reached from this machine: the ports that checks ask, and those that the user's files publish where
 * somebody may need them: nothing is asked, a script is run, or a redirect is followed.
 * @throws LaunchwayError CONFIG_INVALID when a script could not tell two of them apart
 */
export function reachedPorts({ checks }: SmokePlan, published: readonly ServicePort[]): ServicePort[] {
  const asked = checks.flatMap((check) =>
    check.kind === 'http' || check.kind === 'tcp' ? [{ service: check.service, port: check.port }] : [],
  )
  const hasScript = checks.some(({ kind }) => kind === 'script')
  const needsAll = checks.length === 0 || hasScript || checks.some((check) => check.kind === 'http' && check.redirects !== undefined)
  const reached: ServicePort[] = []
  for (const one of [...asked, ...(needsAll ? published : [])]) {
    if (!reached.some(({ service, port }) => service === one.service && port === one.port)) reached.push(one)
  }
  if (hasScript) refuseSameNames(reached)
  return reached
}

function refuseSameNames(reached: readonly ServicePort[]): void {
  const seen = new Map<string, ServicePort>()
  for (const one of reached) {
    const name = smokeVariable(one.service, one.port)
    const other = seen.get(name)
    seen.set(name, one)
    if (other === undefined) continue
    throw new LaunchwayError('CONFIG_INVALID', `smoke: a script could not tell the services ${other.service} and ${one.service} apart`, {
      hint: `Both would be ${name} in its environment: rename one of them in the compose file.`,
    })
  }
}

/** The same by the services that publish them: who shares another's network is reached there. */
export function openPorts(reached: readonly ServicePort[], services: ComposeProject['services']): Map<string, number[]> {
  const open = new Map<string, number[]>()
  for (const { service, port } of reached) {
    const at = networkOf(service, services)
    const ports = open.get(at) ?? []
    if (!ports.includes(port)) open.set(at, [...ports, port])
  }
  return open
}

/** The service whose network a service is in: its own, or the one that `network_mode: service:…` names. */
export function networkOf(service: string, services: ComposeProject['services']): string {
  const [, other] = /^service:(.+)$/.exec(services[service]?.network_mode ?? '') ?? []
  return other === undefined || other === service ? service : networkOf(other, services)
}
