import { showBytes } from '../core/units.ts'
import { type HostCall, isHalted } from './call.ts'
import type { Observation, SeenContainer } from './observation.ts'
import type { Wanted } from './wanted.ts'

/** Undefined where nothing runs that a release could replace, or the host does not tell. */
export interface SeenMemory {
  /** Bytes that the host could still give, those of its swap included. */
  available: number
  /** Bytes that a container has taken, by its name. */
  used: ReadonlyMap<string, number>
}

export function memoryOf(facts: readonly string[][]): { memory?: SeenMemory } {
  const available = facts.find(([key]) => key === 'memory')?.[1] ?? ''
  if (available === '') return {}
  const used = facts.flatMap(([key, name, kb]) => (key === 'uses' && name !== undefined ? [[name, Number(kb) * 1024] as const] : []))
  return { memory: { available: Number(available) * 1024, used: new Map(used) } }
}

/**
 * Until the old version has been stopped both are there. Where the host has no room for that, its kernel ends what takes most, which may
 * well be a database.
 * @param old what the release replaces
 */
export function memoryWarnings(
  { environment }: Pick<Wanted, 'environment'>,
  { memory }: Pick<Observation, 'memory'>,
  old: readonly SeenContainer[],
  calls: readonly HostCall[],
): string[] {
  if (memory === undefined) return []
  const names = new Set(environment.services.map(({ name }) => name))
  const twice = old.flatMap(({ name, service, state }) => {
    const bytes = memory.used.get(name)
    return state !== 'running' || !names.has(service) || isHalted(name, calls) || bytes === undefined ? [] : [{ service, bytes }]
  })
  const needed = twice.reduce((sum, { bytes }) => sum + bytes, 0)
  if (needed <= memory.available) return []
  const largest = twice.toSorted((one, other) => other.bytes - one.bytes).map(({ service, bytes }) => `${service} ${showBytes(bytes)}`)
  return [
    `${showBytes(memory.available)} of memory are left, swap included, and both versions are there for a moment; the one that serves has taken ${showBytes(needed)} (${largest.join(', ')}). The kernel may end any container: add swap or memory, or have the old one of a service stop first: overlap: false`,
  ]
}
