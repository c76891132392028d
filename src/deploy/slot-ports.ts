import { hash } from 'node:crypto'
import type { SlotPorts } from './observation.ts'

const first = 20_000
const last = 29_999

/**
 * Two ports beside each other that no outgoing connection can get, so that a reboot finds them free. Where one starts
 * to look depends on the name: two applications that are new at the same time seldom meet.
 * @param range of the ports for outgoing connections
 */
export function choosePorts(name: string, taken: ReadonlySet<number>, range: readonly [number, number]): SlotPorts {
  const start = Number.parseInt(hash('sha256', name).slice(0, 8), 16) % ((last - first + 1) / 2)
  const pairs = Array.from({ length: (last - first + 1) / 2 }, (_, index) => first + ((start + index) % ((last - first + 1) / 2)) * 2)
  const isFree = (port: number): boolean => !taken.has(port) && !taken.has(port + 1)
  const outside = (port: number): boolean => port + 1 < range[0] || port > range[1]
  const port = pairs.find((one) => isFree(one) && outside(one)) ?? highPorts(range).find(isFree) ?? pairs.find(isFree) ?? first
  return { a: port, b: port + 1 }
}

/** Where the range for outgoing connections takes all that we would take first. */
function highPorts([low, high]: readonly [number, number]): number[] {
  const pairs = Array.from({ length: 27_000 }, (_, index) => 10_000 + index * 2)
  return pairs.filter((port) => port + 1 < low || port > high)
}
