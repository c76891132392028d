import { z } from 'zod'
import { Digest, Name, ReleaseId } from './names.ts'
import { plain } from './plain.ts'
import { sbomKinds } from './words.ts'

/**
 * What lies beside an image in its registry and tells of it, who may vouch for it, and how large it may be. Sizes are
 * bytes.
 */

export const SbomKind = z.enum(sbomKinds)
export type SbomKind = z.infer<typeof SbomKind>

/** With what an image is signed. */
export const Signing = z.discriminatedUnion('kind', [
  /** Names of the environment variables that hold the private key and its password. */
  z.strictObject({ kind: z.literal('key'), key: plain.text, password: plain.text }),
  /** The identity of the workflow, by a certificate of a few minutes. */
  z.strictObject({ kind: z.literal('keyless') }),
])
export type Signing = z.infer<typeof Signing>

export const EvidencePlan = z.strictObject({
  sbom: z.array(SbomKind),
  provenance: plain.flag,
  /** Absent when nothing is signed. */
  sign: Signing.optional(),
})
export type EvidencePlan = z.infer<typeof EvidencePlan>

/** Whose signature an environment asks for. */
export const Verification = z.discriminatedUnion('kind', [
  /** Files of public keys, from the root of the repository; one of them is enough. */
  z.strictObject({ kind: z.literal('key'), keys: plain.someTexts }),
  /** The identity in the certificate, in which `*` stands for any text, and who vouches for it. */
  z.strictObject({ kind: z.literal('keyless'), identity: plain.text, issuer: plain.text }),
])
export type Verification = z.infer<typeof Verification>

const SizeLimit = z.strictObject({
  total: plain.optionalInt,
  /** Beside what the environment runs. */
  growth: plain.optionalInt,
  /** The same, of its size. */
  growthPercent: z.number().optional(),
})
export type SizeLimit = z.infer<typeof SizeLimit>

export const SizeLimits = z.strictObject({ warn: SizeLimit.optional(), fail: SizeLimit.optional() })
export type SizeLimits = z.infer<typeof SizeLimits>

const kinds = ['spdx', 'cyclonedx', 'provenance', 'signature'] as const

/** One document beside an image. */
export const EvidenceItem = z.strictObject({
  image: Name,
  repository: plain.text,
  /** What it is about: a manifest or an index. */
  subject: Digest,
  /** Of a document about one platform of several: its subject is that one's manifest. */
  platform: plain.optionalText,
  kind: z.enum(kinds),
  /** Its own; absent of a signature that cosign has written. */
  digest: Digest.optional(),
  /** false: an earlier run had attached it. */
  added: plain.flag,
})
export type EvidenceItem = z.infer<typeof EvidenceItem>

export const EvidenceSection = z.strictObject({ items: z.array(EvidenceItem), ms: z.number().nonnegative() })
export type EvidenceSection = z.infer<typeof EvidenceSection>

/** A layer, and the instruction that made it, without what build arguments were set to. */
const Layer = z.strictObject({ size: z.int().nonnegative(), by: plain.text })
export type Layer = z.infer<typeof Layer>

const SizedImage = z.strictObject({
  name: Name,
  size: z.int().nonnegative(),
  /** `size` is what the registry keeps, compressed: it is compared with nothing. */
  compressed: plain.optionalFlag,
  /** The lowest first; without those that hold nothing. */
  layers: z.array(Layer),
  /** What it was in the environment's release; absent where that is not known. */
  before: z.strictObject({ release: ReleaseId, version: plain.text, environment: Name, size: z.int().nonnegative() }).optional(),
  /** Layers that were not there before, the largest first; absent where that is not known. */
  added: z.array(Layer).optional(),
  /** In words, a line each: what is above a limit, and whether it fails. */
  exceeds: z.array(z.strictObject({ action: z.enum(['warn', 'fail']), what: plain.text })),
  /** What usually helps, a line each. */
  advice: plain.texts,
})
export type SizedImage = z.infer<typeof SizedImage>

export const SizeSection = z.strictObject({ images: z.array(SizedImage), verdict: z.enum(['passed', 'failed']) })
export type SizeSection = z.infer<typeof SizeSection>
