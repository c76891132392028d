import { z } from 'zod'
import { Environment, Proposed } from './deployment.ts'
import { LaunchwayError } from './error.ts'
import { EvidencePlan, EvidenceSection, SizeSection } from './evidence.ts'
import { ScanPlan, SmokePlan } from './gates.ts'
import { dropUnknownKeys } from './json.ts'
import { ContentKey, Digest, Name, ReleaseId, Slot } from './names.ts'
import { plain } from './plain.ts'
import { PlannedBase, PlannedImage } from './planned-image.ts'
import { ScanSection } from './scanned.ts'
import { eventNames, stageNames } from './stages.ts'

/**
 * The release record: the one document that flows through the stages. Each stage reads it and returns its own section;
 * only `pipeline.ts` merges. It holds no secret and is kept in artifacts and registries, so a field, once released,
 * keeps its meaning; another meaning needs another `version` (docs/adr/0002-record.md). Strict: what is written has
 * no other keys than these; reading (parseRelease) overlooks others. Times are milliseconds, sizes bytes, instants
 * ISO 8601 in UTC.
 */

const ms = z.number().nonnegative()
const verdict = z.enum(['passed', 'failed'])

export { PlannedImage }
export type { Finding, ScanException, ScannedImage, ScanSection, ThreatList } from './scanned.ts'

export const Registry = z.strictObject({
  host: plain.text,
  username: plain.optionalText,
  /** Name of the environment variable that holds the password. */
  password: plain.optionalText,
  /**
   * The hosts that the general login (REGISTRY_USERNAME, REGISTRY_PASSWORD) could be meant for, this one among them.
   * It is used where there is no other; absent where it is not for this one.
   */
  generalLogin: plain.optionalTexts,
  ca: plain.optionalText,
  plainHttp: plain.flag,
})
export type Registry = z.infer<typeof Registry>

export const PlanSection = z.strictObject({
  event: z.enum(eventNames),
  /** `refs/heads/…` or `refs/tags/…`; absent where there is no branch, such as a detached checkout. */
  ref: plain.optionalText,
  sha: plain.text,
  /** Address of the repository, without logins; absent where it has none that is known. */
  source: plain.optionalText,
  /** On a terminal: files were not as committed. */
  dirty: plain.optionalFlag,
  /** What people call this version: the first image tag. */
  version: plain.text,
  images: z.array(PlannedImage).min(1),
  /** What images are built on, and nobody pushes; absent where there is none. */
  bases: z.array(PlannedBase).min(1).optional(),
  /** Where somebody has asked for it: without the layers of earlier builds, with base images asked for anew. */
  build: z.strictObject({ noCache: plain.flag, pull: plain.flag }).optional(),
  /** Tags, without a repository, that move once the gates have passed. */
  tags: plain.texts,
  /** Which rule of image-tags gave which tag, or why one that is for this event gave none. */
  tagRules: z.array(z.strictObject({ rule: plain.text, tag: plain.optionalText, reason: plain.optionalText })).optional(),
  /** By key, what labels of the images say of the release: those of OCI. */
  labels: plain.optionalTextByName,
  /** Those of them that are made once and never name anything else; absent when there are none, and in older records. */
  immutable: plain.optionalTexts,
  registries: z.array(Registry),
  environment: Environment.optional(),
  /**
   * What the environment runs that others make: of the record in a registry, which has no environment, and of a rescan, where each
   * is named by its digest and looked at.
   */
  others: z.array(z.strictObject({ name: Name, reference: plain.text })).optional(),
  /** By path: the hash of what the environment mounts of the repository, where it was there; absent when it mounts nothing. */
  hashes: plain.optionalTextByName,
  /** Absent when nothing is composed. */
  smoke: SmokePlan.optional(),
  /** Absent when nothing is scanned. */
  scan: ScanPlan.optional(),
  /** The environment whose release of now it is compared with. */
  against: plain.optionalText,
  /** Of a pull request; absent where its branch leads to no environment. */
  proposed: Proposed.optional(),
  /** Absent when nothing is attached to the images. */
  evidence: EvidencePlan.optional(),
  /** Everything is built, whatever is known. */
  rebuild: plain.optionalFlag,
  /** The release whose images are put live again: nothing is built. */
  redeploys: ReleaseId.optional(),
  stages: z.record(z.enum(stageNames), z.strictObject({ run: plain.flag, reason: plain.text })),
})
export type PlanSection = z.infer<typeof PlanSection>

export const BuiltImage = z.strictObject({
  name: Name,
  key: ContentKey,
  /** Built here; taken from the registry as it lies under the version already; or taken from there for another version. */
  how: z.enum(['built', 'cached', 'promoted']),
  /** For people: why it was built, or where it comes from; absent in older records. */
  reason: plain.optionalText,
  /** What it was built of, compressed and in Base64, until that lies beside the image in the registry. */
  inputs: plain.optionalText,
  /**
   * What it was built on, by the name in its Dockerfile or in that of an image below it: the digest in its registry that the build was
   * held to. Absent where it was not built, and in older records.
   */
  bases: z.record(plain.text, Digest).optional(),
  /** The identity of an image in every store: the digest of its configuration, by platform. */
  config: z.record(plain.text, Digest),
  /** By repository, once uploaded: what a manifest GET by tag answers, a manifest or (several platforms) an index. */
  registries: z.record(plain.text, z.strictObject({ digest: Digest, mediaType: plain.text })),
  size: z.number(),
  /** `size` is what the registry keeps, compressed: nobody has told what it takes in an engine. */
  compressed: plain.optionalFlag,
  layers: z.number(),
  ms,
})
export type BuiltImage = z.infer<typeof BuiltImage>
export const BuildSection = z.strictObject({ images: z.array(BuiltImage).min(1), builder: plain.text })
export type BuildSection = z.infer<typeof BuildSection>

export const SmokeSection = z.strictObject({
  project: plain.text,
  /** Of several containers of a service each has its number in the name. */
  services: z.array(
    z.strictObject({
      name: plain.text,
      image: plain.text,
      config: Digest.optional(),
      state: plain.text,
      ms,
      /** The most memory that it was seen to use, in bytes. */
      memory: z.int().nonnegative().optional(),
    }),
  ),
  /** What was done before the checks, in its order; absent when nothing was, and in older records. */
  steps: z.array(z.strictObject({ name: plain.text, passed: plain.flag, ms })).optional(),
  checks: z.array(z.strictObject({ name: plain.text, passed: plain.flag, ms, evidence: plain.optionalText })),
  verdict,
  ms,
  /** Nothing was started: a run that asked exactly the same of exactly the same had passed, then, and this is where it tells of itself. */
  earlier: z.strictObject({ at: z.iso.datetime(), by: plain.text }).optional(),
})
export type SmokeSection = z.infer<typeof SmokeSection>

export const PushSection = z.strictObject({
  references: z.array(
    z.strictObject({
      reference: plain.text,
      digest: Digest,
      /** What the tag pointed at before, if it was there. */
      was: Digest.optional(),
    }),
  ),
  ms,
})
export type PushSection = z.infer<typeof PushSection>

export const DeployedHost = z.strictObject({
  host: plain.text,
  slot: Slot,
  services: z.array(
    z.strictObject({
      name: Name,
      container: plain.text,
      reference: plain.text,
      config: Digest.optional(),
      health: plain.text,
      ms,
      /** The release that started it, where this one has left it running. */
      since: ReleaseId.optional(),
    }),
  ),
  /** Time without any version serving; 0 where the switch overlaps. */
  downtimeMs: ms,
  /** Time that the switch through nginx took, from the first change to the first answer; absent where there is none. */
  switchMs: ms.optional(),
  stopped: plain.texts,
  /** The release a rollback would return to. */
  previous: ReleaseId.optional(),
  /** It waits for a confirmation: for a time, or until somebody has decided. */
  waits: z.strictObject({ until: z.iso.datetime().optional() }).optional(),
  ms,
})
export type DeployedHost = z.infer<typeof DeployedHost>
export const DeploySection = z.strictObject({ environment: Name, url: plain.optionalText, hosts: z.array(DeployedHost).min(1), ms })
export type DeploySection = z.infer<typeof DeploySection>

export const ReportSection = z.strictObject({ files: z.array(z.strictObject({ kind: plain.text, path: plain.text })) })

export const Release = z.strictObject({
  version: z.literal(1),
  id: ReleaseId,
  app: Name,
  created: z.iso.datetime(),
  /** How the run ended so far; what failed and why, when it did. */
  outcome: z.strictObject({
    state: z.enum(['running', 'done', 'failed', 'nothing-to-do']),
    code: plain.optionalText,
    message: plain.optionalText,
    /** The step that failed. */
    stage: plain.optionalText,
    /** What the failure showed for itself: the last of it, without the secrets of the run. */
    evidence: plain.optionalText,
  }),
  plan: PlanSection,
  build: BuildSection.optional(),
  smoke: SmokeSection.optional(),
  scan: ScanSection.optional(),
  size: SizeSection.optional(),
  evidence: EvidenceSection.optional(),
  push: PushSection.optional(),
  deploy: DeploySection.optional(),
  report: ReportSection.optional(),
})
export type Release = z.infer<typeof Release>

const Versioned = z.object({ version: z.number() })

/**
 * Reads a record of this version. Keys that are not known are left out: a later launchway may add some, and what must
 * not be overlooked gets another version.
 * @param origin where the text came from, for the message
 * @throws LaunchwayError RECORD_INVALID
 */
export function parseRelease(text: string, origin: string): Release {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new LaunchwayError('RECORD_INVALID', `${origin} is not JSON`, {
      cause,
      hint: 'Run the plan stage again: it writes the record anew.',
    })
  }
  const strict = Release.safeParse(json)
  const parsed = strict.success || !dropUnknownKeys(json, strict.error) ? strict : Release.safeParse(json)
  const version = Versioned.safeParse(json).data?.version
  if (!parsed.success && version !== undefined && version !== 1) {
    throw new LaunchwayError('RECORD_INVALID', `${origin} is a release record of version ${version}; this launchway reads version 1`, {
      hint: 'Another launchway wrote it: use the same version in every job and on every machine, then run the plan stage again.',
    })
  }
  if (!parsed.success) {
    throw new LaunchwayError('RECORD_INVALID', `${origin} is not a release record of version 1`, { hint: z.prettifyError(parsed.error) })
  }
  return parsed.data
}
