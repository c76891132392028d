import { refusedSecret } from '../core/secret-names.ts'
import type { Breach } from './rules.ts'
import type { EnvironmentConfig } from './schema.ts'
import { besideCompose, ofProject } from './schema-project.ts'
import { ServiceConfig } from './schema-service.ts'

const ofService: readonly string[] = Object.keys(ServiceConfig.shape)
const allowed: readonly string[] = [...besideCompose, ...Object.keys(ofProject)]

/** What an environment must not say beside a compose project, which says it already. What the project has is for the plan to see. */
export function projectBreaches(name: string, environment: EnvironmentConfig): Breach[] {
  const path = ['environments', name]
  const at = path.join('.')
  const found: Breach[] = []
  for (const key of Object.keys(environment)) {
    if (key === 'secrets' || !ofService.includes(key)) continue
    const message = allowed.includes(key)
      ? `${at}: "${key}" is said of a service: services: { <name of a service of the project>: { ${key}: … } }`
      : `${at}: "${key}" is said in the compose file, service by service`
    found.push({ path: [...path, key], onKey: true, message })
  }
  if (environment.accessories !== undefined) {
    const message = `${at}: compose and accessories exclude each other: what keeps data in the project is an accessory already; write it into a compose file`
    found.push({ path: [...path, 'accessories'], onKey: true, message })
  }
  found.push(...secretBreaches(path, environment.secrets))
  for (const [service, said] of Object.entries(environment.services ?? {})) {
    const place = [...path, 'services', service]
    for (const key of Object.keys(said)) {
      if (allowed.includes(key)) continue
      const message = `${place.join('.')}: "${key}" is said in the compose file. Beside compose there are: ${allowed.join(', ')}`
      found.push({ path: [...place, key], onKey: true, message })
    }
    if (said.behind === service) found.push({ path: [...place, 'behind'], message: `${place.join('.')}: it cannot be behind itself` })
    if (said.behind !== undefined && said.nginx !== undefined)
      found.push({
        path: [...place, 'behind'],
        onKey: true,
        message: `${place.join('.')}: nginx and behind exclude each other: one is nginx of the host, the other one of the project`,
      })
    found.push(...secretBreaches(place, said.secrets, said.env))
  }
  return found
}

/** What means nothing without a project. */
export function withoutProject(name: string, { services = {} }: EnvironmentConfig): Breach[] {
  return Object.entries(services).flatMap(([service, said]) =>
    Object.keys(ofProject).flatMap((key) => {
      if (!Object.hasOwn(said, key)) return []
      const path = ['environments', name, 'services', service]
      return [{ path: [...path, key], onKey: true, message: `${path.join('.')}: "${key}" is for services of a compose project` }]
    }),
  )
}

function secretBreaches(path: (string | number)[], secrets: readonly string[] = [], env: Readonly<Record<string, unknown>> = {}): Breach[] {
  const at = path.join('.')
  return secrets.flatMap((secret, index) => {
    const reason = refusedSecret(secret)
    return [
      ...(Object.hasOwn(env, secret)
        ? [{ path: [...path, 'env', secret], onKey: true, message: `${at}: ${secret} is both in env and in secrets` }]
        : []),
      ...(reason === undefined
        ? []
        : [{ path: [...path, 'secrets', index], message: `${at}: a secret cannot be called ${secret}: ${reason}` }]),
    ]
  })
}
