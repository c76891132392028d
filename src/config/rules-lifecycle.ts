import { nearest } from '../core/nearest.ts'
import type { Breach } from './rules.ts'
import type { EnvironmentConfig } from './schema.ts'

export function lifecycleBreaches(name: string, environment: EnvironmentConfig): Breach[] {
  const path = ['environments', name]
  const at = path.join('.')
  const found: Breach[] = []
  if (environment.probe !== undefined && environment.url === undefined)
    found.push({ path: [...path, 'probe'], onKey: true, message: `${at}: probe needs url: where the public reaches the environment` })
  // Which services a compose project has is for the plan to see.
  if (environment.compose !== undefined) return found
  const services = environment.services === undefined ? ['web'] : Object.keys(environment.services)
  for (const [index, { service }] of [environment['before-switch'] ?? []].flat().entries()) {
    if (service === undefined || services.includes(service)) continue
    const meant = nearest(service, services)
    const hint = meant === undefined ? `known: ${services.join(', ')}` : `did you mean "${meant}"?`
    const place = Array.isArray(environment['before-switch']) ? ['before-switch', index, 'service'] : ['before-switch', 'service']
    found.push({ path: [...path, ...place], message: `${at}.before-switch: no service "${service}"; ${hint}` })
  }
  return found
}
