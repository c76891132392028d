import { z } from 'zod'
import { Name } from './names.ts'
import { plain } from './plain.ts'

/** What an environment says of the life of a release, resolved. Each key is absent where nothing is said. Times are milliseconds. */
export const lifecycle = {
  /** Run one after the other in the new image, once for all hosts, before anything old is touched. */
  beforeSwitch: z
    .array(z.strictObject({ service: Name, command: plain.someTexts, timeoutMs: plain.int }))
    .min(1)
    .optional(),
  /** The release waits for a confirmation; with a time it counts as confirmed once that has passed. */
  confirm: z.strictObject({ withinMs: plain.optionalInt }).optional(),
  /** Why nobody may return from this release to one before it. */
  noReturn: plain.optionalText,
  /** What is asked as the public does, once all hosts have switched. */
  probe: z.strictObject({ url: plain.text, status: plain.optionalInt, timeoutMs: plain.int }).optional(),
}

const Lifecycle = z.strictObject(lifecycle)
type Lifecycle = z.infer<typeof Lifecycle>
export type BeforeSwitch = NonNullable<Lifecycle['beforeSwitch']>[number]
export type OutsideProbe = NonNullable<Lifecycle['probe']>
export type { Lifecycle }
