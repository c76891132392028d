import { z } from 'zod'
import { httpCheck } from './http-check.ts'
import { Name } from './names.ts'
import { plain } from './plain.ts'
import { decisions, findingClasses, reportKinds, scanners, severities } from './words.ts'

/**
 * What the two gates before the tags shall ask, in full: every default filled in, every short form written out.
 * `config/resolve.ts` makes it from launchway.yml, the record carries it, `smoke/` and `scan/` perform it. Times are
 * milliseconds.
 */

const common = {
  /** What people call it in a list. */
  name: plain.text,
  /** Until it must have passed. */
  timeoutMs: plain.int,
}

/** Something done in order before the checks: a one-off container of a service (`run`), or a command inside its running one. */
export const SmokeStep = z.strictObject({
  ...common,
  kind: z.enum(['run', 'exec']),
  service: plain.text,
  command: plain.someTexts,
})
export type SmokeStep = z.infer<typeof SmokeStep>

const ofCheck = {
  ...common,
  /** Names of checks that must have passed before this one is asked. */
  after: plain.optionalTexts,
}
const command = {
  service: plain.text,
  command: plain.someTexts,
  /** Text that its standard output must contain. */
  stdout: plain.optionalText,
}

export const SmokeCheck = z.discriminatedUnion('kind', [
  z.strictObject({
    ...ofCheck,
    kind: z.literal('http'),
    scheme: z.enum(['http', 'https']),
    service: plain.text,
    /** Port inside the container. */
    port: plain.int,
    /** Path and query. */
    path: plain.text,
    ...httpCheck,
    /** How many redirects are followed, inside the stack. Absent: none. */
    redirects: plain.optionalInt,
    /** Whose certificates are good: a file, from the root of the repository. Absent: a certificate is taken as it is. */
    ca: plain.optionalText,
  }),
  /** Somebody takes connections on a port. */
  z.strictObject({ ...ofCheck, kind: z.literal('tcp'), service: plain.text, port: plain.int }),
  z.strictObject({ ...ofCheck, kind: z.literal('exec'), ...command }),
  /** A container of its own, with the image and the settings of a service. */
  z.strictObject({ ...ofCheck, kind: z.literal('run'), ...command }),
  /** A file of the repository, executed once on this machine. */
  z.strictObject({
    ...ofCheck,
    kind: z.literal('script'),
    /** From the root of the repository. */
    script: plain.text,
    args: plain.texts,
    stdout: plain.optionalText,
  }),
  z.strictObject({
    ...ofCheck,
    kind: z.literal('log'),
    service: plain.text,
    /** A regular expression that a line of the log must match. */
    matches: plain.optionalText,
    /** One that no line may match until all other checks have ended. */
    never: plain.optionalText,
  }),
])
export type SmokeCheck = z.infer<typeof SmokeCheck>

/** One stack, and what it is asked. */
const SmokeStack = z.strictObject({
  /** Compose files, from the root of the repository; each changes those before it. */
  compose: plain.someTexts,
  /** Nobody named the file: it lay where compose looks by itself. */
  composeFound: plain.optionalFlag,
  /** Files of variables for them, instead of the .env beside the first. */
  envFiles: plain.optionalTexts,
  profiles: plain.texts,
  /** What the files may ask for as variables, beside the environment of the step. */
  env: plain.textByName,
  /** Until every service is up. */
  timeoutMs: plain.int,
  /** How many containers of a service, where it is not as the files have it. */
  scale: z.record(plain.text, z.int().min(1)).optional(),
  /** false: every run asks again, also where nothing has changed. */
  remember: plain.optionalFlag,
  prepare: z.array(SmokeStep),
  checks: z.array(SmokeCheck),
})
export const SmokePlan = SmokeStack.extend({
  /** By name, the stacks that are tested instead of that one; all of them. */
  variants: z.record(Name, SmokeStack).optional(),
})
export type SmokePlan = z.infer<typeof SmokePlan>

export const Severity = z.enum(severities)
export type Severity = z.infer<typeof Severity>

export const Scanner = z.enum(scanners)
export type Scanner = z.infer<typeof Scanner>

export const FindingClass = z.enum(findingClasses)
export type FindingClass = z.infer<typeof FindingClass>

/** It matches what all of its conditions are true of; a condition that is not there is true of everything. */
export const ScanRule = z.strictObject({
  action: z.enum(decisions),
  /** This severity or a worse one. */
  severity: Severity.optional(),
  /** This severity or a milder one; UNKNOWN is none of them, it may be as bad as can be. */
  maxSeverity: Severity.optional(),
  /** Whether a newer version of the package ends it. */
  fixable: plain.optionalFlag,
  classes: z.array(FindingClass).min(1),
  /** Patterns of names, in which `*` stands for any text; none: any. */
  packages: plain.texts,
  /** The same of CVE numbers, or of what else a scanner calls its finding. */
  ids: plain.texts,
  /** Whether the environment runs it already. */
  new: plain.optionalFlag,
  /** Whether it comes from the base image; what nobody knows of does not. */
  base: plain.optionalFlag,
  /** The vulnerability has been public at least so long. */
  knownForMs: plain.optionalInt,
  /** Whether it is on the list of those that are known to be exploited. */
  exploited: plain.optionalFlag,
  /** How likely it is, at least and at most, that it is exploited within 30 days: 0 to 1. */
  epss: z.number().optional(),
  maxEpss: z.number().optional(),
  /** Why, for the table of those that it lets pass. */
  reason: plain.optionalText,
})
export type ScanRule = z.infer<typeof ScanRule>

export const ReportKind = z.enum(reportKinds)
export type ReportKind = z.infer<typeof ReportKind>

export const ScanPlan = z.strictObject({
  scanners: z.array(Scanner).min(1),
  /** The first that matches decides, and explains. What none matches is reported. */
  rules: z.array(ScanRule),
  /** From the root of the repository. */
  ignoreFile: plain.optionalText,
  /** Every exception needs an end, an owner and a reason. */
  strictExceptions: plain.flag,
  /** Documents that say which vulnerability does no harm here, from the root of the repository. */
  vex: plain.texts,
  /** CISA's list of what is known to be exploited, and the list of EPSS scores, from the root of the repository. */
  kev: plain.optionalText,
  epss: plain.optionalText,
  /** The environment whose release of now it is compared with. */
  against: plain.optionalText,
  reports: z.array(ReportKind),
  /** Where they are written, from the root of the repository. */
  reportsFolder: plain.text,
  /** An older database is no basis for a verdict. */
  maxDbAgeMs: plain.int,
  /** Repositories of the vulnerability database, in the order in which they are asked; none: those of Trivy. */
  databases: plain.texts,
  /** The same of the database for Java. */
  javaDatabases: plain.texts,
  /** Where Trivy's own release is asked for, in this order; absent: where Trivy has it. */
  trivyMirrors: plain.optionalTexts,
  /** What follows where nothing can be said about the packages of an image. */
  unknownSystem: z.enum(['fail', 'warn']).default('fail'),
  /** Nothing is fetched. */
  offline: plain.flag,
})
export type ScanPlan = z.infer<typeof ScanPlan>
