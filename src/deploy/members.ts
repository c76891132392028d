import type { Definition } from './definition.ts'
import type { Observation, SeenContainer } from './observation.ts'

/** What a host notes of a container, for the releases that come after its own. */
export interface CarriedFacts {
  /** The releases, other than its own, that left it running and count it among theirs. */
  carriedBy?: readonly string[]
  /** What it is made from; where the look has asked for that, and the host knows. */
  definition?: Definition
}

/** Reads what observe.sh prints of a container. */
export function carriedIn(facts: readonly string[][], container: string, own: string): CarriedFacts {
  const by = facts.flatMap(([fact, id = '', , name]) => (fact === 'carried' && name === container && id !== own ? [id] : []))
  const [, , key, digest] = facts.findLast(([fact, name]) => fact === 'definition' && name === container) ?? []
  return {
    ...(by.length === 0 ? {} : { carriedBy: by }),
    ...(key === undefined || digest === undefined ? {} : { definition: { key, digest } }),
  }
}

/**
 * The containers of a release: those that were made for it, and those that it has left running when it came. What was
 * made for it in their place later, since one had been removed, comes before.
 */
export function membersOf(release: string | undefined, { containers }: Pick<Observation, 'containers'>): SeenContainer[] {
  if (release === undefined) return []
  const own = new Set(containers.flatMap((one) => (one.release === release ? [one.service] : [])))
  return containers.filter((one) => one.release === release || (one.carriedBy?.includes(release) === true && !own.has(one.service)))
}
