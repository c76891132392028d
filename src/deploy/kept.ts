import { z } from 'zod'
import { Environment } from '../core/deployment.ts'
import { parseLater } from '../core/json.ts'
import { Name, ReleaseId } from '../core/names.ts'

/**
 * What a host keeps of a release, in `releases/<id>/release.json`: all that it takes to return to it, and no secret.
 * Keys may be added under the same version: readers ignore what they do not know.
 */
export const Kept = z.object({
  version: z.literal(1),
  release: ReleaseId,
  app: Name,
  /** What people call it. */
  label: z.string(),
  /** Its commit; those that were kept before this key was there lack it. */
  sha: z.string().optional(),
  /** By image name: `repository@sha256:…`. */
  images: z.record(Name, z.string()),
  repositories: z.tuple([z.string()], z.string()),
  environment: Environment,
  /** By source: the hash of what it mounts of the repository. */
  hashes: z.record(z.string(), z.string()).optional(),
})
export type Kept = z.infer<typeof Kept>

/** Undefined for what is none. */
export function parseKept(text: string): Kept | undefined {
  return parseLater(text, Kept)
}
