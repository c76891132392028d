import type { ServicesConfig } from '../../config/schema-project.ts'
import type { Finding } from './finding.ts'

/** What launchway.yml says of a service beside `compose:`, and what becomes of it on a swarm, where nothing is said beside it. */
const fates: { readonly [Key in keyof ServicesConfig]?: readonly [level: Finding['level'], instead: string] } = {
  nginx: [
    'lost',
    'launchway writes no nginx before a swarm: put a proxy into the stack that publishes 80 and 443, or have a load balancer lead to the published port',
  ],
  cron: ['lost', 'a swarm starts nothing at times: a workflow with on: schedule that says launchway exec --new SERVICE -- COMMAND does'],
  assets: ['lost', 'nothing keeps the files of the version before: have the image carry those of both, or serve them from a bucket'],
  behind: [
    'otherwise',
    'nothing tells the proxy of the stack that a version follows another: it finds the tasks of a service by its name, tasks.SERVICE, and must look it up again',
  ],
  health: ['otherwise', 'a swarm asks no path: healthcheck in the compose file runs a command in the container'],
  overlap: ['write', 'in the compose file: deploy: { update_config: { order: stop-first } }, or start-first'],
  port: ['write', 'in the compose file: ports'],
  env: ['write', 'in the compose file: environment'],
  secrets: ['write', 'in the compose file: secrets: { NAME: { environment: NAME } }, which hands it over as /run/secrets/NAME'],
  once: ['write', 'in the compose file: restart: "no"'],
  data: [
    'otherwise',
    'a service with data is one like any other: bind it to its node with deploy.placement.constraints, and update it with order: stop-first',
  ],
  'stop-timeout': ['write', 'in the compose file: stop_grace_period'],
}

export function besideCompose(services: Readonly<Record<string, ServicesConfig>>): Finding[] {
  return Object.entries(services).flatMap(([service, said]) =>
    Object.entries(fates).flatMap(([key, [level, instead]]) => (Object.hasOwn(said, key) ? [{ level, service, what: key, instead }] : [])),
  )
}
