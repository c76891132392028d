import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import { scanList, type Trivy, trivyCodes } from '../tools/trivy.ts'
import { parseReport, type Report } from '../tools/trivy-report.ts'
import { sight } from './plan.ts'
import { scanFailed } from './trivy-errors.ts'

/**
 * Whether a look at an image says anything: nothing found in what nobody could look up is no pass. Trivy itself ends well over a system that it
 * does not know, over one that its database has nothing of, and over one whose traces were removed.
 */

export interface Sighted {
  report: Report
  /** What Trivy said beside it. */
  stderr: string
  /** Which of these paths are in the image; undefined where that cannot be known. */
  filesIn(this: void, paths: readonly string[]): Promise<string[] | undefined>
}

/** Why what was found is no verdict; undefined where it is one. @param image its name */
export async function blindOn(
  image: string,
  { report, stderr, filesIn }: Sighted,
  { scanners }: Pick<ScanPlan, 'scanners'>,
  trivy: Trivy,
  ports: Ports,
): Promise<LaunchwayError | undefined> {
  // Who looks for no vulnerabilities is shown no packages.
  if (!scanners.includes('vuln')) return undefined
  const name = report.os === undefined ? '' : `${report.os.family} ${report.os.name}`
  if (/\tWARN\tUnsupported os/.test(stderr)) return unknown(image, `Trivy knows no vulnerabilities of ${name}`)
  const { kind, says } = sight(report)
  if (kind === 'blind') {
    return cannotJudge(
      image,
      says,
      'Its package database was removed, so no vulnerability in it can be found. Leave /var/lib/dpkg, /lib/apk/db or /var/lib/rpm in the image.',
    )
  }
  if (report.os === undefined) {
    const found = await filesIn(packageManagers)
    if (found?.length === 0) return undefined
    return cannotJudge(
      image,
      found === undefined
        ? 'it does not say which system it is, and nobody could look whether it has a package manager'
        : `it has ${found[0]}, and neither a package database nor a file that says which system it is`,
      'Where both were removed, no vulnerability in its packages can be found. Leave /etc/os-release and /var/lib/dpkg, /lib/apk/db or /var/lib/rpm in the image.',
    )
  }
  // What it found there it knows.
  if (report.findings.some((finding) => finding.class === 'os')) return undefined
  if ((await knows(image, report.os, trivy, ports)) ?? !isNewToTrivy(stderr)) return undefined
  return unknown(image, `the vulnerability database has nothing about ${name}`)
}

/** Trivy learns of a version of a system with a release of its own, its database sometimes before. */
export function isNewToTrivy(stderr: string): boolean {
  return stderr.includes('This OS version is not on the EOL list')
}

function unknown(image: string, why: string): LaunchwayError {
  return cannotJudge(
    image,
    why,
    'So nothing can be said about the packages of its system. Build on a version that is known (such as debian:12 or alpine:3.20), or update Trivy and its database, and scan again.',
  )
}

export function cannotJudge(image: string, why: string, hint: string): LaunchwayError {
  return new LaunchwayError('SCAN_BLOCKED', `${image} cannot be judged: ${why}`, {
    hint: `${hint}\nWith scan.unknown-system: warn the rest of the image decides.`,
  })
}

/** What only an image with a package manager has; busybox brings a dpkg and an rpm of its own. */
const packageManagers = [
  ...['/usr/bin/apt-get', '/usr/bin/dpkg-query', '/etc/apt', '/sbin/apk', '/usr/sbin/apk', '/etc/apk', '/usr/bin/rpmkeys'],
  ...['/usr/bin/dnf', '/usr/bin/microdnf', '/usr/bin/yum', '/usr/bin/zypper', '/usr/bin/tdnf', '/usr/bin/pacman'],
]

/** By the family of a system: what its packages are called. */
const askable: Partial<Record<string, 'deb' | 'apk'>> = { debian: 'deb', ubuntu: 'deb', alpine: 'apk' }

/** In their first version every database knows something of these. */
const wellKnown = [
  'zlib',
  'openssl',
  'curl',
  'expat',
  'busybox',
  'sqlite3',
  'libxml2',
  'perl',
  'bash',
  'glibc',
  'musl',
  'systemd',
  'krb5',
  'apt',
]

/**
 * Whether the database has anything about a system: a list of well-known packages, in versions older than all, must not come out
 * clean. Undefined for a system that is not asked about in this way.
 */
async function knows(image: string, { family, name }: NonNullable<Report['os']>, trivy: Trivy, ports: Ports): Promise<boolean | undefined> {
  const type = askable[family]
  if (type === undefined) return undefined
  const list = join(await ports.files.temporary('system'), 'list.json')
  await ports.files.write(list, JSON.stringify(listOf(type, family, name)))
  const ended = await ports.exec.run(scanList(trivy, list), { signal: ports.signal, accept: trivyCodes })
  const report = ended.code === 0 ? parseReport(ended.stdout) : undefined
  if (report === undefined) throw scanFailed(image, {}, ended)
  return report.findings.length > 0
}

/** A CycloneDX list, as Trivy writes one. */
function listOf(type: 'deb' | 'apk', family: string, name: string): object {
  const property = (key: string, value: string): object => ({ name: `aquasecurity:trivy:${key}`, value })
  const system = { 'bom-ref': 'system', type: 'operating-system', name: family, version: name }
  const version = type === 'deb' ? '0-0' : '0-r0'
  const packages = wellKnown.map((one) => ({
    'bom-ref': one,
    type: 'library',
    name: one,
    version,
    purl: `pkg:${type}/${family}/${one}@${version}?arch=amd64&distro=${encodeURIComponent(`${family}-${name}`)}`,
    properties: [property('PkgType', family), property('SrcName', one), property('SrcVersion', version)],
  }))
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    components: [{ ...system, properties: [property('Type', family), property('Class', 'os-pkgs')] }, ...packages],
    dependencies: [{ ref: 'system', dependsOn: wellKnown }],
  }
}
