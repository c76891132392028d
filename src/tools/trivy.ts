import { z } from 'zod'
import { type Command, command, each, option } from '../core/command.ts'
import type { ReportKind, Scanner } from '../core/gates.ts'
import { parseJson } from '../core/json.ts'

/** One Trivy: the program, where it keeps database and layers, and the empty folder that it runs in. */
export interface Trivy {
  file: string
  cacheDir: string
  /** Trivy reads `trivy.yaml` and `.trivyignore` of the folder it runs in: none may change a verdict unseen. */
  cwd: string
}

/**
 * Every flag of Trivy is a variable of the environment as well, and the next Trivy has more of them: what would change what
 * is looked for, or found, or said. What says how to reach something is taken: certificates and logins.
 */
const drops = {
  prefix: 'TRIVY_',
  but: ['INSECURE', 'CACERT', 'USERNAME', 'PASSWORD', 'REGISTRY_TOKEN', 'PARALLEL'].map((name) => `TRIVY_${name}`),
}

/** An image of ten gigabytes takes longer than Trivy's own five minutes. */
const timeoutMs = 30 * 60_000

/** Exit codes of Trivy: done, failed, died, ended by a signal. What it found never decides. */
export const trivyCodes = [0, 1, 2, 130, 134, 137, 139, 143] as const

function trivy(of: Trivy, args: Parameters<typeof command>[1], env?: Command['env']): Command {
  return talking(of, ['--quiet', ...args], env)
}

/** With what it says beside its report: that it does not know a system is a line of its log, and nothing in the report. */
function talking({ file, cacheDir, cwd }: Trivy, args: Parameters<typeof command>[1], env?: Command['env']): Command {
  return command(file, ['--cache-dir', cacheDir, '--timeout', `${timeoutMs / 60_000}m`, ...args], {
    cwd,
    timeoutMs,
    drops,
    ...(env === undefined ? {} : { env }),
  })
}

/** It asks nobody whether there is a newer Trivy, and tells nobody what it scans. */
const alone = ['--skip-version-check', '--disable-telemetry']

export function version(of: Trivy): Command {
  return trivy(of, ['version', '--format', 'json'])
}

const Version = z.object({ Version: z.string() })

export function parseVersion(stdout: string): string | undefined {
  return parseJson(stdout, Version)?.Version
}

export interface Mirror {
  repository: string
  /** Its registry is one without TLS. */
  insecure?: boolean
  /** A certificate authority for its registry. */
  ca?: string
  env?: Command['env']
}

/** Fetches the database into the cache folder. @param mirror without it, from where Trivy itself knows one */
export function downloadDatabase(of: Trivy, { repository, insecure, ca, env }: Partial<Mirror> = {}): Command {
  const from = [option('--db-repository', repository), insecure === true && '--insecure', option('--cacert', ca)]
  return trivy(of, ['image', '--download-db-only', '--no-progress', ...alone, ...from], env)
}

/** The same of the second database, which tells by a `.jar` file's checksum which library it is. */
export function downloadJavaDatabase(of: Trivy, { repository, insecure, ca, env }: Partial<Mirror> = {}): Command {
  const from = [option('--java-db-repository', repository), insecure === true && '--insecure', option('--cacert', ca)]
  return trivy(of, ['image', '--download-java-db-only', '--no-progress', ...alone, ...from], env)
}

/** What `metadata.json` beside the database says. */
const DatabaseMetadata = z.object({ UpdatedAt: z.string(), NextUpdate: z.string() })

/** When the database was made, and when the next one is due. Undefined for what is no such file. */
export function parseDatabaseMetadata(text: string): { updated: Date; next: Date } | undefined {
  const found = parseJson(text, DatabaseMetadata)
  const [updated, next] = [new Date(found?.UpdatedAt ?? ''), new Date(found?.NextUpdate ?? '')]
  // Go writes a time that it does not have as one of the year 1.
  return updated.getTime() > 0 && !Number.isNaN(next.getTime()) ? { updated, next } : undefined
}

export interface ImageScan {
  /** The reference for the engine or a registry; or the file of an archive. */
  image: { reference: string; from: 'docker' | 'remote' } | { archive: string }
  /** The JSON report: larger than an output that is kept. */
  output: string
  scanners: readonly Scanner[]
  ignoreFile?: string
  /** Documents that say which vulnerability does no harm. */
  vex?: readonly string[]
  /** Nothing is fetched. */
  offline?: boolean
  /** `linux/amd64`; for a registry, where an image may have several. */
  platform?: string
  /** A registry without TLS. */
  insecure?: boolean
  /** A certificate authority for the registry. */
  ca?: string
  env?: Command['env']
}

/**
 * Looks for everything once. What an exception lets pass stays in the report, apart from the rest. The checks for
 * misconfigurations are those that are part of Trivy, so that the same Trivy always finds the same.
 */
export function scanImage(of: Trivy, asked: ImageScan): Command {
  const { scanners, vex = [] } = asked
  // Without it what ENV holds is looked at by none of them.
  const inConfig = (['misconfig', 'secret'] as const).filter((one) => scanners.includes(one))
  return talking(
    of,
    [
      'image',
      ['--format', 'json', '--output', asked.output, '--list-all-pkgs', '--show-suppressed', '--exit-code', '0'],
      ['--scanners', scanners.join(','), '--skip-db-update', '--no-progress', ...alone],
      inConfig.length > 0 && ['--image-config-scanners', inConfig.join(',')],
      scanners.includes('misconfig') && '--skip-check-update',
      option('--ignorefile', asked.ignoreFile),
      each('--vex', vex),
      // The database for Java is fetched like the other: with an age, from mirrors one by one, and kept.
      ['--skip-java-db-update', asked.offline === true && '--offline-scan'],
      subjectOf(asked),
    ],
    asked.env,
  )
}

/** Lists the packages of an image (CycloneDX), also of a system that it does not know: those a scan leaves out in silence. */
export function listPackages(of: Trivy, asked: Omit<ImageScan, 'scanners'>): Command {
  const list = ['image', '--format', 'cyclonedx', '--output', asked.output, '--offline-scan', '--skip-java-db-update', '--no-progress']
  return trivy(of, [...list, ...alone, ...subjectOf(asked)], asked.env)
}

function subjectOf({ image, platform, insecure, ca }: Omit<ImageScan, 'output' | 'scanners'>): string[] {
  return [
    ...option('--platform', platform),
    ...(insecure === true ? ['--insecure'] : []),
    ...option('--cacert', ca),
    ...('archive' in image ? ['--input', image.archive] : ['--image-src', image.from, image.reference]),
  ]
}

const formats = { sarif: 'sarif', table: 'table', cyclonedx: 'cyclonedx', spdx: 'spdx-json', json: 'json' } as const satisfies Record<
  ReportKind,
  string
>

export interface Conversion {
  from: string
  to: string
  kind: ReportKind
  /** What was looked for: a table begins with it, and that of an image with no finding is an empty file without it. */
  scanners?: readonly Scanner[]
}

/** Makes another format of a report. It looks nothing up. */
export function convert(of: Trivy, { from, to, kind, scanners = [] }: Conversion): Command {
  const lookedFor = kind === 'table' && scanners.length > 0 && ['--scanners', scanners.join(',')]
  return trivy(of, ['convert', '--format', formats[kind], lookedFor, '--output', to, '--exit-code', '0', from])
}

/**
 * Looks in a list of packages (CycloneDX) instead of an image. The report goes to standard output. A list is worth no
 * cache, and so needs none that another Trivy may hold.
 */
export function scanList(of: Trivy, file: string): Command {
  const memory = ['--cache-backend', 'memory']
  return trivy(of, ['sbom', '--format', 'json', '--scanners', 'vuln', '--skip-db-update', '--offline-scan', ...memory, ...alone, file])
}

/** The ways that an error went inside of Trivy before it came out. */
const inside = /^(?:(?:run|init|DB|database|OCI artifact|OCI repository|image scan|scan|filter|filtering|flag) error: )+/

/** What it says of itself while nothing fails. */
const chatter = /^\S+\t(?:DEBUG|INFO|WARN)\t.*\n?/gm

/** What Trivy says of a failure, without what else it has told. */
export function troubleIn(stderr: string): string {
  return stderr.replaceAll(chatter, '')
}

/** What a failed Trivy says for itself, in one line, without the ways it went inside. */
export function reasonOf(stderr: string): string {
  const fatal = /\tFATAL\t(?:Fatal error\t)?([^]*)$/.exec(stderr)?.[1] ?? stderr
  const causes = [...fatal.matchAll(/^\s*\* (.+)$/gm)].map(([, cause]) => cause?.trim() ?? '')
  const text = causes.length > 0 ? causes.join('; ') : fatal.replace(inside, '')
  // Where Go has no cause to print, it prints that.
  const line = text
    .replaceAll(/(?:: )?%!\w\(<nil>\)/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return line.length > 400 ? `${line.slice(0, 400)}…` : line
}
