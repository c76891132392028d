import { servicesOf } from '../config/resolve.ts'
import type { Config } from '../config/schema.ts'
import { loneIn } from '../tools/schedulers.ts'

/** What a configuration says that is allowed, and seldom meant. @param name of the environment that is deployed to */
export function serviceWarnings({ environments = {} }: Config, name: string | undefined): string[] {
  const environment = name !== undefined && Object.hasOwn(environments, name) ? environments[name] : undefined
  if (environment === undefined) return []
  const { hosts = [], accessories = {}, compose } = environment
  const containers = compose === undefined ? Object.entries({ ...servicesOf(environment), ...accessories }) : []
  const unexpanded = containers.flatMap(([container, { env = {} }]) => unexpandedIn(container, env))
  const scheduled = Object.entries(servicesOf(environment)).flatMap(([service, { command = [], entrypoint = [], overlap, cron }]) => {
    if (cron !== undefined)
      return hosts.length > 1
        ? [`${service} has cron, and ${name ?? ''} has ${hosts.length} hosts: it runs on each of them at its times.`]
        : []
    const lone = overlap === undefined ? loneIn([...entrypoint, ...command]) : undefined
    if (lone === undefined) return []
    return [
      `${service} runs ${lone.what}: at each deploy the new one would start beside the old one, and ${lone.harm}. Say overlap: false to have the old one stopped first, or overlap: true if two may run.`,
    ]
  })
  return [...scheduled, ...unexpanded]
}

/** Compose fills in `${NAME}`, and people expect it. Some applications do that themselves, so it is no mistake for certain. */
function unexpandedIn(container: string, env: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const variable = /\$\{([A-Za-z_]\w*)(?:\}|:?[-?+])/.exec(String(value))?.[1]
    if (variable === undefined) return []
    return [
      `${container} gets ${name} with \${${variable}} in it as it stands: launchway.yml fills in no variables. Unless the application does, put ${name} under secrets: its whole value comes from the environment of the step then.`,
    ]
  })
}
