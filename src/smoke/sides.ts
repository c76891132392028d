import type { Ports } from '../core/ports.ts'
import { parseReference, parseRepository } from '../core/reference.ts'
import type { Release } from '../core/release.ts'
import { within } from '../core/within.ts'
import type { ComposeProject } from '../tools/compose.ts'
import { pullFrom } from './candidates.ts'
import { staying } from './closed.ts'

/** Longer than any pull that somebody waits for: what hangs has to end. */
const longestMs = 3_600_000

/**
 * Pulls what others have made, from registries for which launchway.yml has settings: compose knows the logins of docker alone.
 * What cannot be had so is left to compose, which has words for it.
 * @returns the file, where nothing is pulled a second time
 */
export async function pullSides(file: ComposeProject, { plan }: Pick<Release, 'plan'>, ports: Ports): Promise<ComposeProject> {
  const hosts = new Set(plan.registries.map(({ host }) => host))
  const services = await Promise.all(
    Object.entries(file.services).map(async ([name, service]) => {
      const { image, build, pull_policy: policy } = service
      // One of another platform than the engine's is for compose to pull.
      if (image === undefined || build !== undefined || policy === 'never' || service['platform'] !== undefined)
        return [name, service] as const
      const { repository } = parseReference(image)
      if (!hosts.has(parseRepository(repository).host)) return [name, service] as const
      const isAskedFor = !staying.has(policy)
      if (!isAskedFor && (await ports.engine.image(image)) !== undefined) return [name, service] as const
      const isPulled = await pulled(repository, image, plan, ports)
      return [name, isPulled && isAskedFor ? { ...service, pull_policy: 'missing' } : service] as const
    }),
  )
  return { ...file, services: Object.fromEntries(services) }
}

async function pulled(repository: string, image: string, plan: Release['plan'], ports: Ports): Promise<boolean> {
  try {
    const work = async (signal: AbortSignal): Promise<true> => (await pullFrom(repository, image, { plan }, { ...ports, signal }), true)
    return (await within(longestMs, ports.signal, ports, work)) === true
  } catch (error) {
    ports.signal.throwIfAborted()
    ports.log.debug(`${image}: ${String(error)}`)
    return false
  }
}
