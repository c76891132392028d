import type { SmokeStep } from '../core/gates.ts'
import type { EngineContainer } from '../core/ports.ts'
import type { ComposeProject } from '../tools/compose.ts'
import type { Step } from './step.ts'
import { type Fates, isUp, serviceOf } from './verdict.ts'

export interface Failed {
  /** What was to be done before the checks, in this order. */
  prepare: readonly SmokeStep[]
  /** How far that came. */
  steps: readonly Step[]
  containers: readonly EngineContainer[]
  services: ComposeProject['services']
  fates: Fates
}

/** What a failure may have to do with the steps, which are done when all is up: undefined when nothing points there. */
export function stepHint({ prepare, steps, containers, services, fates }: Failed): string | undefined {
  const last = steps.at(-1)
  if (last === undefined) {
    const down = new Set(containers.flatMap((one) => (isUp(one, fates) ? [] : (serviceOf(one) ?? []))))
    const first = prepare.find(({ service }) => down.has(service))
    if (first === undefined) return undefined
    const { service, name } = first
    return `The steps of prepare are done when every service is up, so "${name}" was not done yet. If ${service} cannot be up without it, make it a service of its own, and let ${service} wait for that one: depends_on with condition: service_completed_successfully.`
  }
  const failed = prepare[steps.length - 1]
  if (last.passed || failed === undefined) return undefined
  const asked = Object.keys(services[failed.service]?.depends_on ?? {})
  const mute = containers.flatMap((one) => {
    const service = serviceOf(one) ?? ''
    const matters = asked.includes(service) || (failed.kind === 'exec' && service === failed.service)
    return matters && one.status === 'running' && one.health === undefined ? [service] : []
  })
  const names = [...new Set(mute)].toSorted()
  if (names.length === 0) return undefined
  const [have, they] = names.length === 1 ? ['has', 'it was'] : ['have', 'they were']
  return `${names.join(', ')} ${have} no health check, so nobody knows whether ${they} ready for this step: with a healthcheck it waits for that.`
}
