import type { Definition } from '../../core/stack.ts'
import type { Notes } from './note.ts'
import type { DeployShape, ServiceShape } from './shape.ts'

/** The block `deploy` of a service: how many of it run where, and how one version follows the other. */

/**
 * @param alone two of its tasks cannot be on one node at once: it holds a port of the node, or data
 * @param once it runs to its end and is not started again
 */
export function deployBlock(service: ServiceShape, { alone, once }: { alone: boolean; once: boolean }, notes: Notes): Definition {
  const deploy = service.deploy ?? {}
  if (once) return { ...common(service, deploy, notes), mode: 'replicated', replicas: 1, restart_policy: { condition: 'none' } }
  const global = deploy.mode?.startsWith('global') === true
  const replicas = deploy.replicas ?? service.scale
  const order = alone ? 'stop-first' : 'start-first'
  const policy = deploy.restart_policy ?? restartPolicy(service.restart)
  return {
    ...common(service, deploy, notes),
    ...(deploy.mode === undefined ? {} : { mode: deploy.mode }),
    ...(global || replicas === undefined ? {} : { replicas }),
    ...(policy === undefined ? {} : { restart_policy: policy }),
    update_config: { parallelism: 1, order, failure_action: 'rollback', monitor: '5s', ...withoutNull(deploy.update_config) },
    rollback_config: { parallelism: 1, order, failure_action: 'pause', monitor: '5s', ...withoutNull(deploy.rollback_config) },
  }
}

function common(service: ServiceShape, deploy: DeployShape, notes: Notes): Definition {
  const { limits = {}, reservations = {} } = deploy.resources ?? {}
  if (reservations.devices !== undefined)
    notes.refuse(
      'deploy.resources.reservations.devices',
      'Swarm knows devices as generic_resources alone, for which the nodes name what they have',
    )
  const limited = withoutNull({
    cpus: text(limits.cpus ?? service.cpus),
    memory: limits.memory ?? service.mem_limit,
    pids: limits.pids ?? service.pids_limit,
  })
  const reserved = withoutNull({
    cpus: text(reservations.cpus),
    memory: reservations.memory ?? service.mem_reservation,
    generic_resources: reservations.generic_resources,
  })
  const resources = {
    ...(Object.keys(limited).length === 0 ? {} : { limits: limited }),
    ...(Object.keys(reserved).length === 0 ? {} : { reservations: reserved }),
  }
  const placement = withoutNull(deploy.placement)
  return {
    ...(deploy.endpoint_mode === undefined ? {} : { endpoint_mode: deploy.endpoint_mode }),
    ...(Object.keys(placement).length === 0 ? {} : { placement }),
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
    labels: { ...deploy.labels },
  }
}

/** Of compose's `restart`; what says nothing is started again, as Swarm does by itself. */
function restartPolicy(restart: string | undefined): Definition | undefined {
  const [condition, most] = (restart ?? '').split(':')
  if (condition === 'always' || condition === 'unless-stopped') return { condition: 'any' }
  if (condition !== 'on-failure') return undefined
  return { condition: 'on-failure', ...(most === undefined ? {} : { max_attempts: Number(most) }) }
}

/** Whether a service is one that ends: by its own words, or since another waits for its end. */
export function isOnce(name: string, service: ServiceShape, services: Readonly<Record<string, ServiceShape>>): boolean {
  const { deploy, restart } = service
  if (deploy?.mode?.endsWith('-job') === true) return true
  const condition = deploy?.restart_policy?.condition
  if (condition !== undefined) return condition === 'none'
  if (restart === 'no') return true
  return Object.values(services).some(({ depends_on: needs = {} }) => needs[name]?.condition === 'service_completed_successfully')
}

function text(value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}

export function withoutNull(of: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(of ?? {}).filter(([, value]) => value !== undefined && value !== null))
}
