import { z } from 'zod'
import { httpCheck } from './http-check.ts'
import { Name } from './names.ts'

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

/** From the worst to the least. */
export const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const
export const Severity = z.enum(severities)
export type Severity = z.infer<typeof Severity>

/** Findings of this severity or worse block; with `fixable` only those that a newer version of the package ends. */
export const ScanRule = z.strictObject({ severity: Severity, fixable: z.boolean() })
export type ScanRule = z.infer<typeof ScanRule>

export const ScanPlan = z.strictObject({
  /** The first that matches explains. None: everything passes, and is reported. */
  failOn: z.array(ScanRule),
  /** From the root of the repository. */
  ignoreFile: z.string().optional(),
  /** An older database is no basis for a verdict. */
  maxDbAgeMs: z.int(),
  /** Repositories of the vulnerability database, in the order in which they are asked; none: those of Trivy. */
  databases: z.array(z.string()),
})
export type ScanPlan = z.infer<typeof ScanPlan>

/** How the rules of a scan name a finding: the same package may be in several images. */
export function findingName(image: string, of: { id: string; package: string; installed: string }): string {
  return `${image}: ${of.id} in ${of.package} ${of.installed}`
}
