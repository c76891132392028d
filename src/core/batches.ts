import { z } from 'zod'
import type { Environment } from './deployment.ts'
import { plain } from './plain.ts'

/** Which hosts of an environment a release comes to together, and which after them. */

export const Batch = z.strictObject({
  /** Of the first batch, the second, …; the last of them goes on. */
  sizes: z.array(z.int().min(1)).min(1),
  /** From the end of one batch to the beginning of the next. */
  waitMs: plain.optionalInt,
})
export type Batch = z.infer<typeof Batch>

/** How many hosts `25%` are, or a number: one at least, all at most; a part of one is none. */
export function hostsIn(size: number | string, hosts: number): number {
  const asked = typeof size === 'number' ? size : Math.floor((Number.parseInt(size, 10) * hosts) / 100)
  return Math.max(1, Math.min(asked, hosts))
}

/** Each host once, in their order. @param sizes without them one host after the other */
export function batchesOf<Host>(hosts: readonly Host[], sizes: readonly number[] = [1]): Host[][] {
  const batches: Host[][] = []
  let from = 0
  while (from < hosts.length) {
    const size = sizes[batches.length] ?? sizes.at(-1) ?? 1
    batches.push(hosts.slice(from, from + size))
    from += size
  }
  return batches
}

/**
 * Whether something runs on the first host before the new version may run on any: a migration is of the database, which
 * the hosts share.
 */
export function isLed({ beforeSwitch, services }: Pick<Environment, 'beforeSwitch' | 'services'>): boolean {
  return beforeSwitch !== undefined || services.some(({ once }) => once === true)
}
