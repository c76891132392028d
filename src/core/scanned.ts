import { z } from 'zod'
import { FindingClass, ReportKind, Severity } from './gates.ts'
import { Digest, Name, ReleaseId } from './names.ts'
import { plain } from './plain.ts'
import { decisions } from './words.ts'

/** What the release record (release.ts) keeps of a scan. */

export const Finding = z.strictObject({
  id: plain.text,
  class: FindingClass,
  severity: Severity,
  /** Of a secret or a misconfiguration the file, or `image-configuration`. */
  package: plain.text,
  installed: plain.text,
  fixed: plain.optionalText,
  title: plain.optionalText,
  /** Beside what the environment ran; `fixed` is no longer there. All are new where there is nothing to compare with. */
  status: z.enum(['new', 'existing', 'fixed']),
  /** Whether it came with the base image; absent where the base is not known. */
  base: plain.optionalFlag,
  /** An exception lets it pass. */
  exempt: plain.optionalFlag,
  /** What the lists of the scan said of it; absent where there was none, or where it says nothing. */
  exploited: plain.optionalFlag,
  epss: z.number().optional(),
  /** Of an image of several platforms, those that have it; absent where all do. */
  platforms: plain.optionalTexts,
})
export type Finding = z.infer<typeof Finding>

/** What lets findings pass that a rule would stop: an entry of the ignore file, or a VEX document. */
export const ScanException = z.strictObject({
  id: plain.text,
  /** The file, or the kind of document. */
  source: plain.text,
  until: z.iso.datetime().optional(),
  owner: plain.optionalText,
  reason: plain.optionalText,
  state: z.enum(['open', 'ending', 'ended']),
  findings: plain.texts,
})
export type ScanException = z.infer<typeof ScanException>

/** What a newer base would end of what came with the base. */
const BaseChoice = z.strictObject({ reference: plain.text, digest: Digest, fixes: plain.int, of: plain.int })

const SeenPackages = z.strictObject({ path: plain.text, digest: Digest })

export const ScannedImage = z.strictObject({
  name: Name,
  /** Of several platforms that of the first. */
  config: Digest,
  findings: z.array(Finding),
  /** Of one that others make, and the environment runs: what it is called there. */
  others: plain.optionalText,
  /** The image that it was built on, where that is known for certain. */
  base: z.strictObject({ reference: plain.text, layers: plain.int, newer: BaseChoice.optional() }).optional(),
  /** How much of it was seen, in words; why what was found is not all there is; and why it is no verdict at all. */
  looked: z.strictObject({ at: plain.text, notes: plain.texts, blind: plain.optionalText }).optional(),
  /** What was installed: of the SHA-256 of each package's name and version the first four bytes, sorted, in Base64. */
  packages: plain.optionalText,
  /** What it consists of, as Trivy saw it: a file below the folder for evidence. Absent when nobody asks for it. */
  seen: SeenPackages.optional(),
  /** Of several platforms, each that was looked at: all of those that were built. */
  platforms: z.record(plain.text, z.strictObject({ config: Digest, seen: SeenPackages.optional() })).optional(),
})
export type ScannedImage = z.infer<typeof ScannedImage>

/** A list beside Trivy's database that rules were asked with, so that a verdict can be explained later. */
export const ThreatList = z.strictObject({
  kind: z.enum(['kev', 'epss']),
  path: plain.text,
  /** When it says that it was made. */
  made: z.iso.datetime().optional(),
  /** How many vulnerabilities it has. */
  entries: plain.int,
  /** Of the file as it was read. */
  digest: Digest,
})
export type ThreatList = z.infer<typeof ThreatList>

export const ScanSection = z.strictObject({
  /** `digest`: of the program that looked. */
  tool: z.strictObject({ name: plain.text, version: plain.text, digest: Digest.optional() }),
  database: z.strictObject({ updated: z.iso.datetime(), digest: Digest.optional() }),
  lists: z.array(ThreatList).optional(),
  /** What it was compared with. */
  against: z.strictObject({ environment: Name, release: ReleaseId, version: plain.text }).optional(),
  images: z.array(ScannedImage),
  rules: z.array(z.strictObject({ rule: plain.text, action: z.enum(decisions), passed: plain.flag, findings: plain.texts })),
  exceptions: z.array(ScanException),
  reports: z.array(z.strictObject({ image: Name, kind: ReportKind, path: plain.text, note: plain.optionalText })),
  verdict: z.enum(['passed', 'failed']),
  ms: z.number().nonnegative(),
})
export type ScanSection = z.infer<typeof ScanSection>
