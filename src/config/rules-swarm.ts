import type { Breach } from './rules.ts'
import type { EnvironmentConfig } from './schema.ts'
import { ServiceConfig } from './schema-service.ts'

/** What has no place beside `swarm`: hosts of their own have it, a Swarm has it in the compose file, or not at all. */
const elsewhere: Readonly<Record<string, string>> = {
  services: 'the services are those of the compose files',
  accessories: 'databases and caches are services of the compose files there, bound to a node',
  'lock-wait': 'a stack that somebody deploys is refused at once',
  confirm: 'a stack that has converged is live: use launchway rollback to return',
  compose: 'the same files are for hosts of their own, or for a Swarm',
  'shared-volumes': 'volumes of a stack are called after it, and external ones are shared',
  'leave-behind': 'the compose files say what each service has',
  batch: 'the compose file says it, service by service: deploy: { update_config: { parallelism: 2, delay: 30s } }',
  'before-switch': 'a service of the compose files that ends (restart: "no") runs once before the others are updated',
}

export function swarmBreaches(name: string, environment: EnvironmentConfig): Breach[] {
  if (environment.swarm === undefined) return []
  const at = `environments.${name}`
  return Object.keys(environment).flatMap((key): Breach[] => {
    const reason = Object.hasOwn(elsewhere, key)
      ? elsewhere[key]
      : key !== 'secrets' && Object.hasOwn(ServiceConfig.shape, key)
        ? 'it belongs into the compose files'
        : undefined
    if (reason === undefined) return []
    return [{ path: ['environments', name, key], onKey: true, message: `${at}: ${key} and swarm exclude each other: ${reason}` }]
  })
}
