import { LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import { nearest } from '../core/nearest.ts'
import type { ComposeProject } from '../tools/compose.ts'
import type { Prepared } from './plan.ts'
import { networkOf } from './reach.ts'

/**
 * The project with as many containers of a service as the plan asks for.
 * @throws LaunchwayError CONFIG_INVALID for a service that is not there
 */
export function scaled(file: ComposeProject, { scale = {}, compose }: Pick<SmokePlan, 'scale' | 'compose'>): ComposeProject {
  const services = { ...file.services }
  for (const [name, replicas] of Object.entries(scale)) {
    const service = services[name]
    if (service === undefined) {
      const meant = nearest(name, Object.keys(services))
      throw new LaunchwayError('CONFIG_INVALID', `scale names a service ${name}, which ${compose.join(', ')} does not have`, {
        hint: meant === undefined ? `There are: ${Object.keys(services).join(', ')}.` : `Did you mean "${meant}"?`,
      })
    }
    // Compose wants the two ways to say it to agree.
    const { scale: _, ...rest } = service
    services[name] = { ...rest, deploy: { ...service.deploy, replicas } }
  }
  return { ...file, services }
}

/** The project without the services of which the files or the plan want no container: what they ask for is not needed. */
export function peopled(file: ComposeProject, { scale = {} }: Pick<SmokePlan, 'scale'>): ComposeProject {
  const wanted = Object.entries(file.services).filter(
    ([name, service]) => (scale[name] ?? service.scale ?? service.deploy?.replicas ?? 1) > 0,
  )
  return { ...file, services: Object.fromEntries(wanted) }
}

/** The plan with as many containers of services as somebody wants at a terminal. */
export function resized<P extends Pick<SmokePlan, 'scale'>>(plan: P, { scale }: { scale?: Readonly<Record<string, number>> }): P {
  return scale === undefined ? plan : { ...plan, scale: { ...plan.scale, ...scale } }
}

/** The project with every port open that the user's file publishes, for somebody who wants to look around. */
export function opened(file: ComposeProject, { published }: Pick<Prepared, 'published'>): ComposeProject {
  const services = { ...file.services }
  for (const { service, port: target } of published) {
    const at = networkOf(service, file.services)
    const one = services[at]
    if (one === undefined || one.network_mode === 'host') continue
    const ports = one.ports ?? []
    if (ports.some((port) => port.target === target)) continue
    services[at] = { ...one, ports: [...ports, { target, host_ip: '127.0.0.1', protocol: 'tcp', mode: 'ingress' }] }
  }
  return { ...file, services }
}

/**
 * The plan with these checks alone, and those that they come after.
 * @throws LaunchwayError USAGE for a name that no check has
 */
export function chosen(plan: SmokePlan, only: readonly string[] | undefined): SmokePlan {
  if (only === undefined || only.length === 0) return plan
  const names = plan.checks.map(({ name }) => name)
  for (const name of only) {
    if (names.includes(name)) continue
    const meant = nearest(name, names)
    throw new LaunchwayError('USAGE', `there is no check "${name}"`, {
      hint: meant === undefined ? `The checks are:\n${names.map((one) => `  ${one}`).join('\n')}` : `Did you mean "${meant}"?`,
    })
  }
  const wanted = withBefore(plan.checks, new Set(only))
  return { ...plan, checks: plan.checks.filter(({ name }) => wanted.has(name)) }
}

function withBefore(checks: SmokePlan['checks'], names: ReadonlySet<string>): ReadonlySet<string> {
  const all = new Set([...names, ...checks.flatMap(({ name, after = [] }) => (names.has(name) ? after : []))])
  return all.size === names.size ? all : withBefore(checks, all)
}
