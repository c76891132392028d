import { z } from 'zod'
import { Environment } from './deployment.ts'
import { LaunchwayError } from './error.ts'
import { EvidencePlan, EvidenceSection, SizeSection } from './evidence.ts'
import { FindingClass, ReportKind, ScanPlan, Severity, SmokePlan } from './gates.ts'
import { decisions } from './words.ts'
import { dropUnknownKeys } from './json.ts'
import { ContentKey, Digest, Name, ReleaseId, Slot } from './names.ts'
import { PlannedBase, PlannedImage } from './planned-image.ts'
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

export const Registry = z.strictObject({
  host: z.string(),
  username: z.string().optional(),
  /** Name of the environment variable that holds the password. */
  password: z.string().optional(),
  /**
   * The hosts that the general login (REGISTRY_USERNAME, REGISTRY_PASSWORD) could be meant for, this one among them.
   * It is used where there is no other; absent where it is not for this one.
   */
  generalLogin: z.array(z.string()).optional(),
  ca: z.string().optional(),
  plainHttp: z.boolean(),
})
export type Registry = z.infer<typeof Registry>

export const PlanSection = z.strictObject({
  event: z.enum(eventNames),
  /** `refs/heads/…` or `refs/tags/…`; absent where there is no branch, such as a detached checkout. */
  ref: z.string().optional(),
  sha: z.string(),
  /** Address of the repository, without logins; absent where it has none that is known. */
  source: z.string().optional(),
  /** On a terminal: files were not as committed. */
  dirty: z.boolean().optional(),
  /** What people call this version: the first image tag. */
  version: z.string(),
  images: z.array(PlannedImage).min(1),
  /** What images are built on, and nobody pushes; absent where there is none. */
  bases: z.array(PlannedBase).min(1).optional(),
  /** Where somebody has asked for it: without the layers of earlier builds, with base images asked for anew. */
  build: z.strictObject({ noCache: z.boolean(), pull: z.boolean() }).optional(),
  /** Tags, without a repository, that move once the gates have passed. */
  tags: z.array(z.string()),
  /** Which rule of image-tags gave which tag, or why one that is for this event gave none. */
  tagRules: z.array(z.strictObject({ rule: z.string(), tag: z.string().optional(), reason: z.string().optional() })).optional(),
  /** By key, what labels of the images say of the release: those of OCI. */
  labels: z.record(z.string(), z.string()).optional(),
  /** Those of them that are made once and never name anything else; absent when there are none, and in older records. */
  immutable: z.array(z.string()).optional(),
  registries: z.array(Registry),
  environment: Environment.optional(),
  /** By path: the hash of what the environment mounts of the repository, where it was there; absent when it mounts nothing. */
  hashes: z.record(z.string(), z.string()).optional(),
  /** Absent when nothing is composed. */
  smoke: SmokePlan.optional(),
  /** Absent when nothing is scanned. */
  scan: ScanPlan.optional(),
  /** The environment whose release of now it is compared with. */
  against: z.string().optional(),
  /** Absent when nothing is attached to the images. */
  evidence: EvidencePlan.optional(),
  /** Everything is built, whatever is known. */
  rebuild: z.boolean().optional(),
  /** The release whose images are put live again: nothing is built. */
  redeploys: ReleaseId.optional(),
  stages: z.record(z.enum(stageNames), z.strictObject({ run: z.boolean(), reason: z.string() })),
})
export type PlanSection = z.infer<typeof PlanSection>

export const BuiltImage = z.strictObject({
  name: Name,
  key: ContentKey,
  /** Built here; taken from the registry as it lies under the version already; or taken from there for another version. */
  how: z.enum(['built', 'cached', 'promoted']),
  /** For people: why it was built, or where it comes from; absent in older records. */
  reason: z.string().optional(),
  /** What it was built of, compressed and in Base64, until that lies beside the image in the registry. */
  inputs: z.string().optional(),
  /** The identity of an image in every store: the digest of its configuration, by platform. */
  config: z.record(z.string(), Digest),
  /** By repository, once uploaded: what a manifest GET by tag answers, a manifest or (several platforms) an index. */
  registries: z.record(z.string(), z.strictObject({ digest: Digest, mediaType: z.string() })),
  size: z.number(),
  /** `size` is what the registry keeps, compressed: nobody has told what it takes in an engine. */
  compressed: z.boolean().optional(),
  layers: z.number(),
  ms,
})
export type BuiltImage = z.infer<typeof BuiltImage>
export const BuildSection = z.strictObject({ images: z.array(BuiltImage).min(1), builder: z.string() })
export type BuildSection = z.infer<typeof BuildSection>

export const SmokeSection = z.strictObject({
  project: z.string(),
  /** Of several containers of a service each has its number in the name. */
  services: z.array(
    z.strictObject({
      name: z.string(),
      image: z.string(),
      config: Digest.optional(),
      state: z.string(),
      ms,
      /** The most memory that it was seen to use, in bytes. */
      memory: z.int().nonnegative().optional(),
    }),
  ),
  /** What was done before the checks, in its order; absent when nothing was, and in older records. */
  steps: z.array(z.strictObject({ name: z.string(), passed: z.boolean(), ms })).optional(),
  checks: z.array(z.strictObject({ name: z.string(), passed: z.boolean(), ms, evidence: z.string().optional() })),
  verdict,
  ms,
  /** Nothing was started: a run that asked exactly the same of exactly the same had passed, then, and this is where it tells of itself. */
  earlier: z.strictObject({ at: z.iso.datetime(), by: z.string() }).optional(),
})
export type SmokeSection = z.infer<typeof SmokeSection>

export const Finding = z.strictObject({
  id: z.string(),
  class: FindingClass,
  severity: Severity,
  /** Of a secret or a misconfiguration the file. */
  package: z.string(),
  installed: z.string(),
  fixed: z.string().optional(),
  title: z.string().optional(),
  /** Beside what the environment ran; `fixed` is no longer there. All are new where there is nothing to compare with. */
  status: z.enum(['new', 'existing', 'fixed']),
  /** Whether it came with the base image; absent where the base is not known. */
  base: z.boolean().optional(),
  /** An exception lets it pass. */
  exempt: z.boolean().optional(),
})
export type Finding = z.infer<typeof Finding>

/** What lets findings pass that a rule would stop: an entry of the ignore file, or a VEX document. */
export const ScanException = z.strictObject({
  id: z.string(),
  /** The file, or the kind of document. */
  source: z.string(),
  until: z.iso.datetime().optional(),
  owner: z.string().optional(),
  reason: z.string().optional(),
  state: z.enum(['open', 'ending', 'ended']),
  findings: z.array(z.string()),
})
export type ScanException = z.infer<typeof ScanException>

/** What a newer base would end of what came with the base. */
export const BaseChoice = z.strictObject({ reference: z.string(), digest: Digest, fixes: z.int(), of: z.int() })

export const ScannedImage = z.strictObject({
  name: Name,
  config: Digest,
  findings: z.array(Finding),
  /** The image that it was built on, where that is known for certain. */
  base: z.strictObject({ reference: z.string(), layers: z.int(), newer: BaseChoice.optional() }).optional(),
  /** What was installed: of the SHA-256 of each package's name and version the first four bytes, sorted, in Base64. */
  packages: z.string().optional(),
  /** What it consists of, as Trivy saw it: a file below the folder for evidence. Absent when nobody asks for it. */
  seen: z.strictObject({ path: z.string(), digest: Digest }).optional(),
})
export type ScannedImage = z.infer<typeof ScannedImage>

export const ScanSection = z.strictObject({
  tool: z.strictObject({ name: z.string(), version: z.string() }),
  database: z.strictObject({ updated: z.iso.datetime(), digest: Digest.optional() }),
  /** What it was compared with. */
  against: z.strictObject({ environment: Name, release: ReleaseId, version: z.string() }).optional(),
  images: z.array(ScannedImage),
  rules: z.array(z.strictObject({ rule: z.string(), action: z.enum(decisions), passed: z.boolean(), findings: z.array(z.string()) })),
  exceptions: z.array(ScanException),
  reports: z.array(z.strictObject({ image: Name, kind: ReportKind, path: z.string(), note: z.string().optional() })),
  verdict,
  ms,
})
export type ScanSection = z.infer<typeof ScanSection>

export const PushSection = z.strictObject({
  references: z.array(
    z.strictObject({
      reference: z.string(),
      digest: Digest,
      /** What the tag pointed at before, if it was there. */
      was: Digest.optional(),
    }),
  ),
  ms,
})
export type PushSection = z.infer<typeof PushSection>

export const DeployedHost = z.strictObject({
  host: z.string(),
  slot: Slot,
  services: z.array(
    z.strictObject({
      name: Name,
      container: z.string(),
      reference: z.string(),
      config: Digest.optional(),
      health: z.string(),
      ms,
      /** The release that started it, where this one has left it running. */
      since: ReleaseId.optional(),
    }),
  ),
  /** Time without any version serving; 0 where the switch overlaps. */
  downtimeMs: ms,
  /** Time that the switch through nginx took, from the first change to the first answer; absent where there is none. */
  switchMs: ms.optional(),
  stopped: z.array(z.string()),
  /** The release a rollback would return to. */
  previous: ReleaseId.optional(),
  /** It waits for a confirmation: for a time, or until somebody has decided. */
  waits: z.strictObject({ until: z.iso.datetime().optional() }).optional(),
  ms,
})
export type DeployedHost = z.infer<typeof DeployedHost>
export const DeploySection = z.strictObject({ environment: Name, url: z.string().optional(), hosts: z.array(DeployedHost).min(1), ms })
export type DeploySection = z.infer<typeof DeploySection>

export const ReportSection = z.strictObject({ files: z.array(z.strictObject({ kind: z.string(), path: z.string() })) })

export const Release = z.strictObject({
  version: z.literal(1),
  id: ReleaseId,
  app: Name,
  created: z.iso.datetime(),
  /** How the run ended so far; what failed and why, when it did. */
  outcome: z.strictObject({
    state: z.enum(['running', 'done', 'failed', 'nothing-to-do']),
    code: z.string().optional(),
    message: z.string().optional(),
    /** The step that failed. */
    stage: z.string().optional(),
    /** What the failure showed for itself: the last of it, without the secrets of the run. */
    evidence: z.string().optional(),
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
