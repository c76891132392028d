import { z } from 'zod'
import { httpCheck } from './http-check.ts'
import { Name } from './names.ts'
import { decisions, findingClasses, reportKinds, scanners, severities } from './words.ts'

/**
 * What the two gates before the tags shall ask, in full: every default filled in, every short form written out.
 * `config/resolve.ts` makes it from launchway.yml, the record carries it, `smoke/` and `scan/` perform it. Times are
 * milliseconds.
 */

const common = {
  /** What people call it in a list. */
  name: z.string(),
  /** Until it must have passed. */
  timeoutMs: z.int(),
}

/** Something done in order before the checks: a one-off container of a service (`run`), or a command inside its running one. */
export const SmokeStep = z.strictObject({
  ...common,
  kind: z.enum(['run', 'exec']),
  service: z.string(),
  command: z.array(z.string()).min(1),
})
export type SmokeStep = z.infer<typeof SmokeStep>

const ofCheck = {
  ...common,
  /** Names of checks that must have passed before this one is asked. */
  after: z.array(z.string()).optional(),
}
const command = {
  service: z.string(),
  command: z.array(z.string()).min(1),
  /** Text that its standard output must contain. */
  stdout: z.string().optional(),
}

export const SmokeCheck = z.discriminatedUnion('kind', [
  z.strictObject({
    ...ofCheck,
    kind: z.literal('http'),
    scheme: z.enum(['http', 'https']),
    service: z.string(),
    /** Port inside the container. */
    port: z.int(),
    /** Path and query. */
    path: z.string(),
    ...httpCheck,
    /** How many redirects are followed, inside the stack. Absent: none. */
    redirects: z.int().optional(),
    /** Whose certificates are good: a file, from the root of the repository. Absent: a certificate is taken as it is. */
    ca: z.string().optional(),
  }),
  /** Somebody takes connections on a port. */
  z.strictObject({ ...ofCheck, kind: z.literal('tcp'), service: z.string(), port: z.int() }),
  z.strictObject({ ...ofCheck, kind: z.literal('exec'), ...command }),
  /** A container of its own, with the image and the settings of a service. */
  z.strictObject({ ...ofCheck, kind: z.literal('run'), ...command }),
  /** A file of the repository, executed once on this machine. */
  z.strictObject({
    ...ofCheck,
    kind: z.literal('script'),
    /** From the root of the repository. */
    script: z.string(),
    args: z.array(z.string()),
    stdout: z.string().optional(),
  }),
  z.strictObject({
    ...ofCheck,
    kind: z.literal('log'),
    service: z.string(),
    /** A regular expression that a line of the log must match. */
    matches: z.string().optional(),
    /** One that no line may match until all other checks have ended. */
    never: z.string().optional(),
  }),
])
export type SmokeCheck = z.infer<typeof SmokeCheck>

/** One stack, and what it is asked. */
const SmokeStack = z.strictObject({
  /** Compose files, from the root of the repository; each changes those before it. */
  compose: z.array(z.string()).min(1),
  /** Nobody named the file: it lay where compose looks by itself. */
  composeFound: z.boolean().optional(),
  /** Files of variables for them, instead of the .env beside the first. */
  envFiles: z.array(z.string()).optional(),
  profiles: z.array(z.string()),
  /** What the files may ask for as variables, beside the environment of the step. */
  env: z.record(z.string(), z.string()),
  /** Until every service is up. */
  timeoutMs: z.int(),
  /** How many containers of a service, where it is not as the files have it. */
  scale: z.record(z.string(), z.int().min(1)).optional(),
  /** false: every run asks again, also where nothing has changed. */
  remember: z.boolean().optional(),
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
  fixable: z.boolean().optional(),
  classes: z.array(FindingClass).min(1),
  /** Patterns of names, in which `*` stands for any text; none: any. */
  packages: z.array(z.string()),
  /** The same of CVE numbers, or of what else a scanner calls its finding. */
  ids: z.array(z.string()),
  /** Whether the environment runs it already. */
  new: z.boolean().optional(),
  /** Whether it comes from the base image; what nobody knows of does not. */
  base: z.boolean().optional(),
  /** The vulnerability has been public at least so long. */
  knownForMs: z.int().optional(),
  /** Why, for the table of those that it lets pass. */
  reason: z.string().optional(),
})
export type ScanRule = z.infer<typeof ScanRule>

export const ReportKind = z.enum(reportKinds)
export type ReportKind = z.infer<typeof ReportKind>

export const ScanPlan = z.strictObject({
  scanners: z.array(Scanner).min(1),
  /** The first that matches decides, and explains. What none matches is reported. */
  rules: z.array(ScanRule),
  /** From the root of the repository. */
  ignoreFile: z.string().optional(),
  /** Every exception needs an end, an owner and a reason. */
  strictExceptions: z.boolean(),
  /** Documents that say which vulnerability does no harm here, from the root of the repository. */
  vex: z.array(z.string()),
  /** The environment whose release of now it is compared with. */
  against: z.string().optional(),
  reports: z.array(ReportKind),
  /** Where they are written, from the root of the repository. */
  reportsFolder: z.string(),
  /** An older database is no basis for a verdict. */
  maxDbAgeMs: z.int(),
  /** Repositories of the vulnerability database, in the order in which they are asked; none: those of Trivy. */
  databases: z.array(z.string()),
  /** The same of the database for Java. */
  javaDatabases: z.array(z.string()),
  /** Nothing is fetched. */
  offline: z.boolean(),
})
export type ScanPlan = z.infer<typeof ScanPlan>
