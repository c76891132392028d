import type { EngineContainer, Ports } from '../core/ports.ts'
import type { Answered } from './stack.ts'
import { serviceOf } from './verdict.ts'
import type { Watch } from './watch.ts'

/** Between two looks whether somebody listens by now. */
const pauseMs = 100

/**
 * Sees who of those that show nothing else takes connections: a database that listens on the port of its image has come
 * up. Until the signal, or until all are known.
 */
export async function hearListeners(answered: Answered, seen: Watch, { probe, clock }: Ports, signal: AbortSignal): Promise<void> {
  const isOpen = (one: EngineContainer): boolean => {
    const service = serviceOf(one)
    return service !== undefined && one.status === 'running' && one.health === undefined && !answered.services.has(service)
  }
  const hear = async (one: EngineContainer): Promise<void> => {
    const ports = Object.entries(one.ports).filter(([inside]) => inside.endsWith('/tcp'))
    const listens = await Promise.all(ports.map(([, { address, port }]) => probe.connects(address, port, signal)))
    if (listens.includes(true)) answered.add(serviceOf(one) ?? '')
  }
  while (!signal.aborted && seen.containers().some(isOpen)) {
    await Promise.all(seen.containers().filter(isOpen).map(hear))
    await clock.sleep(pauseMs, signal)
  }
}
