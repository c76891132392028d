import { z } from 'zod'
import { ReleaseId } from './names.ts'

/**
 * The steps that this version's host program knows, about in the order in which they come; it writes no others. `end`
 * closes an attempt, whatever became of it.
 */
export const steps = [
  'lock',
  'recover',
  'certificate',
  'pull',
  'files',
  'before-switch',
  'carry',
  'create',
  'assets',
  'once',
  'run',
  'healthy',
  'downtime',
  'switch',
  'probe',
  'linger',
  'schedule',
  'forced',
  'record',
  'drain',
  'stop',
  'confirm',
  'remove',
  'prune',
  'undo',
  'end',
] as const
export type JournalStep = (typeof steps)[number]

/** `says` comes between `start` and the end of a step: what a command wrote; of `run` and `stop`: what to mend; of `recover`: what it waits for, and how that ended. On `end`: `done`, `undone` (the old version serves), `failed` (nothing was changed) or `broken` (act now). */
export const states = ['start', 'says', 'done', 'skipped', 'failed', 'undone', 'broken'] as const

/**
 * One line of `journal.jsonl` on a host: what the host program did and when. The program appends it, clients follow
 * it, and a later attempt reads it to finish or undo an interrupted one. Fields, steps and states may be added under
 * the same version: the file outlives the launchway that wrote it, so readers ignore what they do not know.
 */
export const JournalLine = z.object({
  v: z.literal(1),
  /** Seconds since the epoch, by the host's clock. */
  at: z.number(),
  release: ReleaseId,
  /** Names one start of the program: a release can be attempted more than once. */
  attempt: z.string(),
  /** One of `steps`, or of another version. */
  step: z.string(),
  /** One of `states`, or of another version. */
  state: z.string(),
  service: z.string().optional(),
  /** Milliseconds the step took; to 10 ms, which is what a POSIX shell can read from the kernel. */
  ms: z.number().optional(),
  /** Evidence, or the reason. */
  note: z.string().optional(),
  /** Who set the attempt off; this and what follows stand on its first step, `lock`. */
  by: z.string().optional(),
  /** What people call the release. */
  version: z.string().optional(),
  /** `deploy` or `rollback`; `stop`, `start`, `remove` or `prune` for what is done to the release that runs. */
  did: z.string().optional(),
})
export type JournalLine = z.infer<typeof JournalLine>
