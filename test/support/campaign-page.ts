import { z } from 'zod'

/** One fault before one line of the journal, as the campaign tells it once it has ended: a line of its log. */
export const Case = z.object({
  host: z.string(),
  scenario: z.string(),
  fault: z.string(),
  /** From 1 on. */
  line: z.int(),
  /** How many lines an undisturbed run has. */
  of: z.int(),
  /** `17 (record done)`. */
  at: z.string(),
  /** What was found wrong; nothing where all was well. */
  wrong: z.array(z.string()),
  /** `2026-11-23`. */
  date: z.string(),
  /** What was tried: the first digits of its commit. */
  commit: z.string(),
})
export type Case = z.infer<typeof Case>
