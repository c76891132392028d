import { createHash } from 'node:crypto'
import { z } from 'zod'
import { parseLater } from '../../core/json.ts'
import { Name, ReleaseId } from '../../core/names.ts'

/**
 * What the cluster keeps of a release, as a config object that no service uses: all that it takes to return to it through
 * whichever manager, and no secret. Readers ignore keys that they do not know.
 */
export const KeptStack = z.object({
  version: z.literal(1),
  release: ReleaseId,
  app: Name,
  environment: Name,
  /** What people call it. */
  label: z.string(),
  /** Its commit; those that were kept before this key was there lack it. */
  sha: z.string().optional(),
  /** What secrets were named with: without it their names tell nothing of their values. */
  salt: z.string(),
  /** For `docker stack deploy`, but for the values of its variables. */
  file: z.record(z.string(), z.unknown()),
  variables: z.array(z.string()),
  /** By service, the image. */
  images: z.record(z.string(), z.string()),
  configs: z.array(z.string()),
  secrets: z.array(z.string()),
  noReturn: z.string().optional(),
})
export type KeptStack = z.infer<typeof KeptStack>

/** Undefined for what is none. */
export function parseKeptStack(text: string): KeptStack | undefined {
  return parseLater(text, KeptStack)
}

/** A release that the cluster has recorded; several may be of one release, which was returned to. */
export interface Recorded {
  /** Of the object; sorts by time. */
  name: string
  release: string
  /** The release that ran before. */
  previous: string | undefined
  label: string
  /** `deploy` or `rollback`. */
  did: string
  by: string
  /** ISO 8601. */
  at: string
  kept: KeptStack | undefined
}

/** One application and environment, in a name that has to be short. */
function mark(app: string, environment: string): string {
  return createHash('sha256').update(`${app}\n${environment}`).digest('hex').slice(0, 12)
}

export const lockName = (app: string, environment: string): string => `launchway.${mark(app, environment)}.lock`

export function recordName(app: string, environment: string, at: Date): string {
  return `launchway.${mark(app, environment)}.${String(at.getTime()).padStart(14, '0')}`
}
