import { z } from 'zod'
import type { Fault, Permissions } from './faults.ts'
import type { Seen } from './state.ts'

interface Wishes {
  /** The next requests that match are answered with an error. */
  fail: Pick<Fault, 'path' | 'status'> & Partial<Fault>
  /** What the token may do from now on. */
  permissions: Permissions
  /** Where a branch or tag stands. */
  refs: { repository: string; ref: string; sha: string }
  /** From now on, results for code scanning are still being processed when they have been asked for so many times. */
  processing: { asks: number }
}

/** Tells the lab's GitHub what to do next. */
export async function tell<Wish extends keyof Wishes>(lab: { url: string }, wish: Wish, body: Wishes[Wish]): Promise<void> {
  const response = await fetch(`${lab.url}/lab/${wish}`, { method: 'POST', body: JSON.stringify(body) })
  if (!response.ok) throw new Error(await response.text())
}

/** What the lab's GitHub was asked, oldest first. */
export async function requests(lab: { url: string }): Promise<Seen[]> {
  const response = await fetch(`${lab.url}/lab/requests`)
  return z
    .array(
      z.object({
        method: z.string(),
        path: z.string(),
        status: z.number(),
        body: z.union([z.record(z.string(), z.json()), z.string(), z.null()]),
      }),
    )
    .parse(await response.json())
}
