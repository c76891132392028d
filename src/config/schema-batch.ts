import { z } from 'zod'
import { Duration } from '../core/units.ts'

/** How many of its hosts an environment lets go at once, as launchway.yml has it. */

const number = z.int().min(1)
const part = z.string().regex(/^([1-9]\d?|100)%$/, "must be a number of hosts, or a part of them from '1%' to '100%'")
const list = z.array(z.union([number, part])).min(1)

const WithWait = z.strictObject({
  size: z.union([number, part, list]).describe('How many hosts at once: as batch itself. Needed.'),
  wait: Duration.optional().describe(
    'Time from the end of one batch to the beginning of the next, after which the containers of the first must still be well. Default: none',
  ),
})

// In one union, so that a mistake is told of the form that was meant.
export const BatchConfig = z
  .union([number, part, list, WithWait])
  .describe(
    "How many of several hosts a deploy takes at once: a number, a part of all ('25%', rounded down, one at least), or a list, one for each batch, of which the last repeats ([1, '50%']: one, then half, then what is left). A batch begins when all hosts of the one before it are well. Default: 1, one after the other",
  )
export type BatchConfig = z.infer<typeof BatchConfig>
