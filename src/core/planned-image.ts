import { z } from 'zod'
import { SizeLimits } from './evidence.ts'
import { Name } from './names.ts'
import { plain } from './plain.ts'

/** A value that only the steps of a build see that ask for it. It is never in the record: this says where it comes from. */
export const BuildSecret = z.strictObject({
  id: plain.text,
  /** Name of an environment variable. */
  env: plain.optionalText,
  /** Instead of that a file, from the root of the repository. */
  file: plain.optionalText,
})
export type BuildSecret = z.infer<typeof BuildSecret>

/** SSH for the steps of a build that ask for it: with the agent, the key that an environment variable holds, or that of a file. */
export const BuildSsh = z.strictObject({ id: plain.text, key: plain.optionalText, file: plain.optionalText })
export type BuildSsh = z.infer<typeof BuildSsh>

/** What a bake file may say of a target beside what is known here. */
const scalar = z.union([plain.text, z.number(), plain.flag])
export const BakeValue = z.union([scalar, plain.texts, plain.textByName])

/** An image to build, in full. */
export const PlannedImage = z.strictObject({
  name: Name,
  context: plain.text,
  dockerfile: plain.text,
  target: plain.optionalText,
  platforms: plain.texts,
  args: plain.textByName,
  /** By the name in FROM: `target:` and another image, a folder from the root of the repository, `docker-image://`, `https://`. */
  contexts: plain.optionalTextByName,
  secrets: z.array(BuildSecret).optional(),
  ssh: z.array(BuildSsh).optional(),
  labels: plain.optionalTextByName,
  /** Of its manifest in a registry, beside the labels in its configuration. */
  annotations: plain.optionalTextByName,
  /** Those of both that hold expressions, as they are written: what stands in the key instead of what they say of a release. Empty for labels of a bake file that are of one release. */
  written: z.strictObject({ labels: plain.optionalTextByName, annotations: plain.optionalTextByName }).optional(),
  /** In the words of buildx. */
  cache: z.strictObject({ from: plain.texts, to: plain.texts }).optional(),
  /** What else a bake file says of it, as bake has printed it. */
  bake: z.record(plain.text, BakeValue).optional(),
  /** Where it is pushed; hosts pull from the first. */
  repositories: plain.someTexts,
  /** How large it may be. */
  size: SizeLimits.optional(),
})
export type PlannedImage = z.infer<typeof PlannedImage>

/** What images are built on and nobody pushes. */
export const PlannedBase = PlannedImage.omit({ repositories: true })
export type PlannedBase = z.infer<typeof PlannedBase>
