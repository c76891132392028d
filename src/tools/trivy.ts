import { z } from 'zod'
import { type Command, command, option } from '../core/command.ts'
import { Severity } from '../core/gates.ts'
import { parseJson } from '../core/json.ts'
import { Digest } from '../core/names.ts'

/** One Trivy: the program, where it keeps database and layers, and the empty folder that it runs in. */
export interface Trivy {
  file: string
  cacheDir: string
  /** Trivy reads `trivy.yaml` and `.trivyignore` of the folder it runs in: none may change a verdict unseen. */
  cwd: string
}

/**
 * What Trivy would take from the environment of the step and what would change what is looked for, or found, or said.
 * An empty variable counts as none. Left alone is what says how to reach something: proxies, certificates, logins.
 */
const unset = [
  ...['CONFIG', 'COMPLIANCE', 'DETECTION_PRIORITY', 'DISTRO', 'EXIT_CODE', 'EXIT_ON_EOL', 'FORMAT', 'IGNOREFILE', 'IGNORE_POLICY'],
  ...['IGNORE_STATUS', 'IGNORE_UNFIXED', 'INPUT', 'LIST_ALL_PKGS', 'MAX_IMAGE_SIZE', 'OUTPUT', 'PKG_RELATIONSHIPS', 'PKG_TYPES'],
  ...['PLATFORM', 'REMOVED_PKGS', 'REPORT', 'SCANNERS', 'SERVER', 'SEVERITY', 'SKIP_DIRS', 'SKIP_FILES', 'TEMPLATE', 'TOKEN', 'VEX'],
  ...['VULN_SEVERITY_SOURCE', 'VULN_TYPE', 'CACHE_BACKEND', 'CACHE_DIR', 'IMAGE_SRC', 'SKIP_DB_UPDATE', 'DOWNLOAD_DB_ONLY', 'TIMEOUT'],
].map((name) => `TRIVY_${name}`)

/** An image of ten gigabytes takes longer than Trivy's own five minutes. */
const timeoutMs = 30 * 60_000

/** Exit codes of Trivy: done, failed, died. What it found never decides. */
export const trivyCodes = [0, 1, 2] as const

function trivy({ file, cacheDir, cwd }: Trivy, args: Parameters<typeof command>[1], env?: Command['env']): Command {
  return command(file, ['--cache-dir', cacheDir, '--quiet', '--timeout', `${timeoutMs / 60_000}m`, ...args], {
    cwd,
    timeoutMs,
    env: { ...Object.fromEntries(unset.map((name) => [name, ''])), ...env },
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
  ignoreFile?: string
  /** `linux/amd64`; for a registry, where an image may have several. */
  platform?: string
  /** A registry without TLS. */
  insecure?: boolean
  /** A certificate authority for the registry. */
  ca?: string
  /** Nothing is kept: for a cache folder that another Trivy holds. */
  inMemory?: boolean
  env?: Command['env']
}

export function scanImage(of: Trivy, { image, output, ignoreFile, platform, insecure, ca, inMemory, env }: ImageScan): Command {
  return trivy(
    of,
    [
      'image',
      ['--format', 'json', '--output', output, '--scanners', 'vuln', '--list-all-pkgs', '--exit-code', '0'],
      ['--skip-db-update', '--no-progress', ...alone],
      option('--ignorefile', ignoreFile),
      option('--platform', platform),
      insecure === true && '--insecure',
      option('--cacert', ca),
      inMemory === true && ['--cache-backend', 'memory'],
      'archive' in image ? ['--input', image.archive] : ['--image-src', image.from, image.reference],
    ],
    env,
  )
}

/**
 * Looks in a list of packages (CycloneDX) instead of an image. The report goes to standard output. A list is worth no
 * cache, and so needs none that another Trivy may hold.
 */
export function scanList(of: Trivy, file: string): Command {
  const memory = ['--cache-backend', 'memory']
  return trivy(of, ['sbom', '--format', 'json', '--scanners', 'vuln', '--skip-db-update', '--offline-scan', ...memory, ...alone, file])
}

const Vulnerability = z.object({
  VulnerabilityID: z.string(),
  PkgName: z.string(),
  InstalledVersion: z.string().default(''),
  FixedVersion: z.string().optional(),
  Severity: Severity.catch('UNKNOWN'),
  Title: z.string().optional(),
})

const Report = z.object({
  Metadata: z
    .object({
      OS: z.object({ Family: z.string(), Name: z.string().default(''), EOSL: z.boolean().optional() }).optional(),
      ImageID: Digest.optional(),
    })
    .default({}),
  Results: z
    .array(
      z.object({
        Class: z.string().optional(),
        Packages: z.array(z.unknown()).nullish(),
        Vulnerabilities: z.array(Vulnerability).nullish(),
      }),
    )
    .nullish(),
})

export interface Report {
  /** The digest of the image's configuration; the containerd store gives Trivy that of a manifest instead. */
  imageId: string | undefined
  os: { family: string; name: string; ended: boolean } | undefined
  /** Packages of the operating system, and all others. */
  packages: { os: number; others: number }
  vulnerabilities: readonly Vulnerability[]
}
interface Vulnerability {
  id: string
  severity: Severity
  package: string
  installed: string
  /** Absent where no version ends it. */
  fixed?: string
  title?: string
}

/** Undefined for what is no report of Trivy's. */
export function parseReport(text: string): Report | undefined {
  const report = parseJson(text, Report)
  if (report === undefined) return undefined
  const { OS, ImageID } = report.Metadata
  const results = report.Results ?? []
  const count = (of: typeof results): number => of.reduce((sum, { Packages }) => sum + (Packages?.length ?? 0), 0)
  return {
    imageId: ImageID,
    os:
      OS === undefined || OS.Family === '' || OS.Family === 'none'
        ? undefined
        : { family: OS.Family, name: OS.Name, ended: OS.EOSL === true },
    packages: {
      os: count(results.filter((result) => result.Class === 'os-pkgs')),
      others: count(results.filter((result) => result.Class !== 'os-pkgs')),
    },
    vulnerabilities: results.flatMap(({ Vulnerabilities }) =>
      (Vulnerabilities ?? []).map(({ VulnerabilityID, Severity, PkgName, InstalledVersion, FixedVersion = '', Title = '' }) => ({
        id: VulnerabilityID,
        severity: Severity,
        package: PkgName,
        installed: InstalledVersion,
        ...(FixedVersion === '' ? {} : { fixed: FixedVersion }),
        ...(Title === '' ? {} : { title: Title }),
      })),
    ),
  }
}

/** The ways that an error went inside of Trivy before it came out. */
const inside = /^(?:(?:run|init|DB|database|OCI artifact|OCI repository|image scan|scan|filter|filtering|flag) error: )+/

/** What a failed Trivy says for itself, in one line, without the ways it went inside. */
export function reasonOf(stderr: string): string {
  const fatal = /\tFATAL\t(?:Fatal error\t)?([^]*)$/.exec(stderr)?.[1] ?? stderr
  const causes = [...fatal.matchAll(/^\s*\* (.+)$/gm)].map(([, cause]) => cause?.trim() ?? '')
  const text = causes.length > 0 ? causes.join('; ') : fatal.replace(inside, '')
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > 400 ? `${line.slice(0, 400)}…` : line
}
