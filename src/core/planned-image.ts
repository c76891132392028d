import { z } from 'zod'
import { SizeLimits } from './evidence.ts'
import { Name } from './names.ts'

/** A value that only the steps of a build see that ask for it. It is never in the record: this says where it comes from. */
export const BuildSecret = z.strictObject({
  id: z.string(),
  /** Name of an environment variable. */
  env: z.string().optional(),
  /** Instead of that a file, from the root of the repository. */
  file: z.string().optional(),
})
export type BuildSecret = z.infer<typeof BuildSecret>

/** SSH for the steps of a build that ask for it: with the agent, the key that an environment variable holds, or that of a file. */
export const BuildSsh = z.strictObject({ id: z.string(), key: z.string().optional(), file: z.string().optional() })
export type BuildSsh = z.infer<typeof BuildSsh>

/** What a bake file may say of a target beside what is known here. */
const scalar = z.union([z.string(), z.number(), z.boolean()])
export const BakeValue = z.union([scalar, z.array(z.string()), z.record(z.string(), z.string())])

/** An image to build, in full. */
export const PlannedImage = z.strictObject({
  name: Name,
  context: z.string(),
  dockerfile: z.string(),
  target: z.string().optional(),
  platforms: z.array(z.string()),
  args: z.record(z.string(), z.string()),
  /** By the name in FROM: `target:` and another image, a folder from the root of the repository, `docker-image://`, `https://`. */
  contexts: z.record(z.string(), z.string()).optional(),
  secrets: z.array(BuildSecret).optional(),
  ssh: z.array(BuildSsh).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  /** In the words of buildx. */
  cache: z.strictObject({ from: z.array(z.string()), to: z.array(z.string()) }).optional(),
  /** What else a bake file says of it, as bake has printed it. */
  bake: z.record(z.string(), BakeValue).optional(),
  /** Where it is pushed; hosts pull from the first. */
  repositories: z.array(z.string()).min(1),
  /** How large it may be. */
  size: SizeLimits.optional(),
})
export type PlannedImage = z.infer<typeof PlannedImage>

/** What images are built on and nobody pushes. */
export const PlannedBase = PlannedImage.omit({ repositories: true })
export type PlannedBase = z.infer<typeof PlannedBase>
