import { resolveEnvironment } from '../config/resolve.ts'
import { whereReached } from '../core/addresses.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import { containerRows } from '../core/project-words.ts'
import type { PlanSection } from '../core/release.ts'
import type { Around } from './with-project.ts'

/**
 * The plan of a pull request with what a merge would put live. Neither a host nor a registry nor a secret is asked, so what of it
 * differs from what runs is not told; and a proposal is not refused for it, as its deploy would be.
 */
export async function withProposed(
  section: PlanSection,
  { config, file }: Pick<Around, 'config' | 'file'>,
  ports: Ports,
): Promise<PlanSection> {
  const { against, environment, images } = section
  const known = against === undefined || environment !== undefined ? undefined : resolveEnvironment(config, against, undefined)
  // What comes of a stack only its Swarm tells.
  if (known === undefined || known.swarm !== undefined) return section
  try {
    const isComposed = config.environments?.[known.name]?.compose !== undefined
    const whole = isComposed ? await (await import('./with-project.ts')).withServices(known, { config, file, images }, ports) : known
    const at = whereReached(whole)
    return { ...section, proposed: { environment: known.name, ...(at === undefined ? {} : { at }), containers: containerRows(whole) } }
  } catch (error) {
    ports.signal.throwIfAborted()
    if (!(error instanceof LaunchwayError)) throw error
    ports.log.warning(`once this is merged, ${known.name} could not be deployed: ${error.message}\n${error.hint ?? ''}`.trim(), error.place)
    return section
  }
}
