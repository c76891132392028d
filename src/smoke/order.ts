import type { EngineContainer } from '../core/ports.ts'
import type { ComposeProject, ComposeService } from '../tools/compose.ts'
import { type Needs, serviceOf } from './verdict.ts'

/** What a service waits for before it starts. */
interface Need {
  service: string
  condition: string
}

/**
 * Whether containers that compose made can be started without it. Some of a service is put into place by compose at the
 * start: secrets and configs that are in no file, commands after the start, services that are no containers.
 */
export function startsByItself({ services, secrets = {}, configs = {} }: ComposeProject): boolean {
  const injected = [...Object.values(secrets), ...Object.values(configs)].some((one) => one !== null && one.file === undefined)
  const special = ['post_start', 'pre_start', 'provider', 'models']
  return !injected && Object.values(services).every((service) => special.every((key) => !(key in service)))
}

/** The containers that nothing keeps from starting any more. */
export function startable(containers: readonly EngineContainer[], services: ComposeProject['services']): EngineContainer[] {
  return containers.filter((container) => {
    const service = serviceOf(container)
    if (service === undefined || container.status !== 'created' || container.error !== '') return false
    return needsOf(services[service] ?? {}).every((need) => services[need.service] === undefined || isMet(need, containers))
  })
}

/** Who waits for health that is never asked, or of one that has ended: it would be waited for until the end of time. */
export function waitsInVain(
  containers: readonly EngineContainer[],
  services: ComposeProject['services'],
): { why: string; hint: string } | undefined {
  for (const [name, service] of Object.entries(services)) {
    if (!containers.some((one) => serviceOf(one) === name && one.status === 'created')) continue
    for (const { service: needed, condition } of needsOf(service)) {
      if (condition !== 'service_healthy') continue
      const theirs = containers.filter((one) => serviceOf(one) === needed)
      const why = `${name} waits until ${needed} is healthy, which`
      if (theirs.some(({ status, health }) => status === 'running' && health === undefined))
        return { why: `${why} has no health check`, hint: 'Give it a healthcheck, or wait for service_started.' }
      if (theirs.some(({ status, exitCode }) => status === 'exited' && exitCode === 0))
        return { why: `${why} has ended with code 0`, hint: 'If it is meant to end, wait for service_completed_successfully.' }
    }
  }
  return undefined
}

/** What each service waits for, and what that waits for. */
export function allNeeds(services: ComposeProject['services']): Needs {
  const direct = new Map(Object.entries(services).map(([name, service]) => [name, needsOf(service).map((need) => need.service)]))
  const reach = (name: string, known: Set<string>): Set<string> => {
    for (const next of direct.get(name) ?? []) {
      if (known.has(next)) continue
      known.add(next)
      reach(next, known)
    }
    return known
  }
  return new Map(Object.keys(services).map((name) => [name, reach(name, new Set())]))
}

/** Whose network, processes or files a service shares has to be there first, as in compose. */
function needsOf(service: ComposeService): Need[] {
  return [
    ...Object.entries(service.depends_on ?? {}).map(([name, { condition = 'service_started' }]) => ({ service: name, condition })),
    ...sharedBy(service).map((name) => ({ service: name, condition: 'service_started' })),
  ]
}

/** Services whose network, processes or files this one has: it is bound to their containers. */
export function sharedBy({ network_mode: network, pid, ipc, volumes_from: from = [] }: ComposeService): string[] {
  const joined = [network, pid, ipc].flatMap((one) => /^service:(.+)$/.exec(one ?? '')?.[1] ?? [])
  const shared = from.flatMap((one) => /^(?!container:)([^:]+)/.exec(one)?.[1] ?? [])
  return [...joined, ...shared]
}

function isMet({ service, condition }: Need, containers: readonly EngineContainer[]): boolean {
  const needed = containers.filter((one) => serviceOf(one) === service)
  return needed.every(({ status, exitCode, health, startedAt }) => {
    if (condition === 'service_healthy') return status === 'running' && health?.status === 'healthy'
    if (condition === 'service_completed_successfully') return status === 'exited' && exitCode === 0
    return startedAt !== undefined
  })
}
