import { nearest } from '../core/nearest.ts'
import type { Accessory, Service } from '../core/deployment.ts'
import type { ServicesConfig } from '../config/schema-project.ts'
import type { DeployedProject } from '../tools/compose-deployed.ts'
import type { Findings } from './project-findings.ts'

const conditions: ReadonlyMap<string, 'started' | 'healthy' | 'completed'> = new Map([
  ['service_started', 'started'],
  ['service_healthy', 'healthy'],
  ['service_completed_successfully', 'completed'],
])

/** Which services somebody waits for until they have ended well. */
export function completedIn({ services }: DeployedProject): Set<string> {
  return new Set(
    Object.values(services).flatMap(({ depends_on: on }) =>
      Object.entries(on ?? {}).flatMap(([name, how]) => (how.condition === 'service_completed_successfully' ? [name] : [])),
    ),
  )
}

/**
 * What a service starts after.
 * @param containers by service of the project, what launchway calls what comes of it; none for one that is left out
 */
export function afterOf(
  key: string,
  { services }: DeployedProject,
  containers: ReadonlyMap<string, readonly string[]>,
  isOnce: (name: string) => boolean,
  found: Findings,
): NonNullable<Service['after']> {
  return Object.entries(services[key]?.depends_on ?? {}).flatMap(([name, { condition = 'service_started', restart }]) => {
    const how = conditions.get(condition)
    const path = ['services', key, 'depends_on']
    if (how === undefined) {
      found.refused.push({ path, message: `no launchway of this version knows the condition ${condition}` })
      return []
    }
    if (how === 'healthy' && isOnce(name))
      found.refused.push({
        path,
        message: `${name} runs once and ends: nobody can wait for it to be healthy, but for service_completed_successfully`,
      })
    if (restart === true)
      found.warned.push({ path, message: `restart of ${name} is not carried over: who is started again is what a release replaces` })
    return (containers.get(name) ?? []).map((one) => ({ name: one, until: isOnce(name) ? ('completed' as const) : how }))
  })
}

interface Names {
  /** Of launchway.yml. */
  environment: string
  names: readonly string[]
  /** Services that only profiles have which are not asked for. */
  inProfiles: ReadonlyMap<string, string[]>
}

/** What launchway.yml says of services that the project does not have, and of one before another. */
export function refuseUnknown(
  said: Readonly<Record<string, ServicesConfig>>,
  { environment, names, inProfiles }: Names,
  found: Findings,
): void {
  const unknown = (name: string): string => {
    const profiles = inProfiles.get(name)
    if (profiles !== undefined) return `it is in the profile ${profiles.join(' or ')}: name that in profiles of compose`
    const meant = nearest(name, names)
    return meant === undefined ? `there are: ${names.join(', ')}` : `did you mean "${meant}"?`
  }
  for (const [name, { behind }] of Object.entries(said)) {
    const path = ['environments', environment, 'services', name]
    if (!names.includes(name)) found.refused.push({ path, message: `the project has no service ${name}; ${unknown(name)}`, isConfig: true })
    if (behind !== undefined && !names.includes(behind))
      found.refused.push({ path: [...path, 'behind'], message: `the project has no service ${behind}; ${unknown(behind)}`, isConfig: true })
  }
}

/** Accessories are started before services: one that waits for a service would wait for what comes after it. */
export function keepOrder(translated: { accessories: Accessory[]; services: Service[] }, found: Findings): void {
  const services = new Set(translated.services.map(({ name }) => name))
  for (const accessory of translated.accessories) {
    const { name, after = [] } = accessory
    const late = after.filter((one) => services.has(one.name))
    if (late.length === 0) continue
    const message = `it keeps data and starts before what a release replaces, so it cannot wait for ${late.map((one) => one.name).join(', ')} (services: { ${name}: { data: false } } in launchway.yml has it replaced too)`
    if (late.some(({ until: how }) => how === 'completed')) found.refused.push({ path: ['services', name, 'depends_on'], message })
    else found.warned.push({ path: ['services', name, 'depends_on'], message })
    const rest = after.filter((one) => !services.has(one.name))
    if (rest.length > 0) accessory.after = rest
    else delete accessory.after
  }
}
