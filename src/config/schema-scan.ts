import { z } from 'zod'
import { decisions, findingClasses, reportKinds, scanners, severities } from '../core/words.ts'
import { Duration } from '../core/units.ts'
import { oneOrMany } from './schema-parts.ts'

/** The scan, as launchway.yml has it. */

const path = z.string().regex(/^(?!\/)(?!(.*\/)?\.\.(\/|$)).+$/, 'must be a path from the root of the repository, without ..')

const repository = z
  .string()
  .regex(
    /^(\[[0-9A-Fa-f:]+\]|[\w.-]+)(:\w+)?(\/[\w.-]+)+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/,
    'must be a repository of a registry, without http://, such as ghcr.io/team/trivy-db:2',
  )

/** What a rule asks of a finding; all of it must be true. */
const conditions = {
  severity: z
    .enum(severities)
    .optional()
    .describe(
      'Findings of this severity or worse; in a warn before a rule that would block the worse ones, max-severity has to say how far. Default: any',
    ),
  fixable: z
    .boolean()
    .optional()
    .describe('true: only what a newer version of the package ends; false: only what none ends. Default: both'),
  class: oneOrMany(z.enum(findingClasses))
    .optional()
    .describe(
      'Kind of finding, or several: os and library are vulnerabilities, the others are what the scanners secret, misconfig and license find. Default: os and library',
    ),
  package: oneOrMany(z.string())
    .optional()
    .describe(
      'Package, or several; * stands for any text. Of secrets and misconfigurations the file, or image-configuration. Default: any',
    ),
  id: oneOrMany(z.string()).optional().describe('Vulnerability, or several, such as CVE-2023-45853; * stands for any text. Default: any'),
  new: z
    .boolean()
    .optional()
    .describe(
      'true: only what the environment does not run yet, everything where that is not known; false: only what it runs already. Default: both',
    ),
  base: z.boolean().optional().describe('true: only what is known to come with the base image; false: everything else. Default: both'),
  'known-for': Duration.optional().describe(
    'Only vulnerabilities that have been public at least so long. One without a date is matched where action is fail, and not elsewhere.',
  ),
  exploited: z
    .boolean()
    .optional()
    .describe('true: only vulnerabilities that scan.kev lists as known to be exploited; false: only others. Default: both'),
  epss: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'Only vulnerabilities that scan.epss gives at least this probability, 0 to 1, of being exploited within 30 days. One without a score is matched where action is fail, and not elsewhere.',
    ),
}

/** Where more than the named severity may pass, it is what is worse that nobody has meant. */
const maxSeverity = z
  .enum(severities)
  .optional()
  .describe(
    'Findings of this severity or milder, for warn and ignore; UNKNOWN, which may be anything, only by its name. Where action is ignore, severity is refused. Default: any',
  )

/** The same the other way round. */
const maxEpss = z
  .number()
  .min(0)
  .max(1)
  .optional()
  .describe('Only vulnerabilities with a score of this or less, for warn and ignore; one without a score is not matched. Default: any')

const FailRule = z.strictObject(conditions)

const Rule = z.strictObject({
  action: z
    .enum(decisions)
    .describe('What becomes of a finding that matches: fail blocks the release, warn says so, ignore lets it pass. Needed.'),
  ...conditions,
  'max-severity': maxSeverity,
  'max-epss': maxEpss,
  reason: z.string().min(1).optional().describe('Why; it stands in the summary. Needed where action is ignore.'),
})

export const ScanConfig = z.strictObject({
  scanners: z
    .array(z.enum(scanners))
    .min(1)
    .optional()
    .describe(
      'What is looked for: vulnerabilities, secrets, misconfigurations of the image, licences. Where no rule decides about their class, secrets of HIGH and worse block, and the last two are warned of; an exception for one of them changes nothing for the others. Default: vuln alone',
    ),
  rules: z
    .array(Rule)
    .optional()
    .describe('Rules that are asked before those of fail-on, in their order: the first that matches a finding decides. Default: none'),
  'fail-on': z
    .array(FailRule)
    .optional()
    .describe('What blocks a release; an empty list reports only. Default: findings of severity CRITICAL that can be fixed'),
  'ignore-file': z
    .string()
    .optional()
    .describe(
      "Path, from the root of the repository, of Trivy's list of exceptions. Default: .trivyignore.yaml or .trivyignore if it is there",
    ),
  'strict-exceptions': z
    .boolean()
    .optional()
    .describe('true: an exception without expired_at, owner and statement is refused. Default: false'),
  vex: oneOrMany(path)
    .optional()
    .describe(
      'Path of a VEX document (OpenVEX, CycloneDX or CSAF), or several: what they call harmless here blocks nothing. Default: none',
    ),
  kev: path
    .optional()
    .describe(
      "Path of CISA's catalog of known exploited vulnerabilities (JSON, also packed by gzip), which rules with exploited ask; a step before fetches it. Default: none",
    ),
  epss: path
    .optional()
    .describe(
      'Path of the list of EPSS scores (CSV, also packed by gzip), which rules with epss and max-epss ask; a step before fetches it. Default: none',
    ),
  reports: z
    .array(z.enum(reportKinds))
    .optional()
    .describe('Files to write for each image, whatever the verdict: sarif, table, cyclonedx, spdx, json. Default: none'),
  'reports-folder': path.optional().describe('Folder for them, from the root of the repository. Default: launchway-reports'),
  'max-db-age': Duration.optional().describe('Age of the vulnerability database from which on it is no basis for a verdict. Default: 48h'),
  databases: z
    .array(repository)
    .min(1)
    .optional()
    .describe(
      "Repositories of the vulnerability database, asked in this order, such as ghcr.io/team/trivy-db:2; with @sha256:… exactly that one. Default: Trivy's own",
    ),
  'java-databases': z
    .array(repository)
    .min(1)
    .optional()
    .describe("The same for Java's database, which only images with .jar files need. Default: Trivy's own"),
  'trivy-mirrors': z
    .array(z.string().regex(/^https?:\/\/[^\s/@?#]+(\/[^\s?#]*)?$/, 'must be an http or https URL without a login'))
    .min(1)
    .optional()
    .describe(
      "Where Trivy's release is fetched from where this machine has none, asked in this order, such as https://mirror.example.org/trivy/releases/download; its SHA-256 is pinned whoever has it. Default: Trivy's own releases",
    ),
  'unknown-system': z
    .enum(['fail', 'warn'])
    .optional()
    .describe(
      'What follows where nothing can be said about the packages of an image: its system is one that Trivy or its database does not know, or what names system and packages was removed. Default: fail',
    ),
  offline: z
    .boolean()
    .optional()
    .describe('true: nothing is fetched, and the database that an earlier run has kept decides. Default: false'),
})
export type ScanConfig = z.infer<typeof ScanConfig>
