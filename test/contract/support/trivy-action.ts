import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { cache } from '../../../lab/paths.ts'

/**
 * What aquasecurity/trivy-action tests of itself, read from a copy of it: `test/test.bats`, and beside it what Trivy has to
 * say. Nothing of it stands in this repository.
 */

/** The folder of the copy. */
const copy = process.env['LAUNCHWAY_TRIVY_ACTION'] ?? join(cache, 'trivy-action')

/** Why there is nothing to compare with; undefined where there is. */
export const noCopy = existsSync(join(copy, 'test/test.bats'))
  ? undefined
  : `no copy of aquasecurity/trivy-action: git clone https://github.com/aquasecurity/trivy-action ${copy}, or name one as LAUNCHWAY_TRIVY_ACTION`

export const read = (path: string): string => readFileSync(join(copy, path), 'utf8')

export interface BatsCase {
  name: string
  /** What the step is told: inputs, and Trivy's own variables. */
  env: Readonly<Record<string, string>>
  /** The report that it has to write, from the root of the copy. */
  golden: string | undefined
}

/** The cases of a bats file, as far as this one writes them: variables, then a call that compares or one that must fail. */
export function readCases(text: string): BatsCase[] {
  return [...text.matchAll(/^@test "([^"]+)" \{\n(.*?)^\}/gms)].map(([, name = '', body = '']) => {
    const lines = body.replaceAll('\\\n', ' ').split('\n')
    const exports = lines.flatMap((line) => /^\s*(?:echo ")?export ([^#]+?)"?(?: >> .*)?$/.exec(line)?.[1] ?? [])
    const pairs = exports.flatMap((line) => [...line.matchAll(/([A-Z_]+)=("[^"]*"|\S+)/g)])
    const golden = /^\s*run_test_case_compare (?:\.\/)?(\S+)/m.exec(body)?.[1]
    return { name, env: Object.fromEntries(pairs.map(([, key, value = '']) => [key, value.replaceAll('"', '')])), golden }
  })
}

/** A finding, as all formats tell it. */
export interface Row {
  id: string
  severity: string
  package: string
  installed: string
  fixed: string
  /** The heading of its table: the system, or the file that names the packages. */
  target: string
}

/** The rows of Trivy's table. A cell that is empty is the one above it. */
export function readTable(text: string): Row[] {
  const rows: Row[] = []
  let target = ''
  let above: string[] = []
  let before = ''
  for (const line of text.split('\n')) {
    if (/^=+$/.test(line)) target = before
    before = line
    const cells = line.startsWith('│') ? line.split('│').map((cell) => cell.trim()) : []
    const [, name = '', id = ''] = cells
    if (target === '' || cells.length < 8 || name === 'Library') continue
    // Titles and long names go on below.
    if (name === '' && !id.startsWith('CVE-')) continue
    above = cells.map((cell, nth) => (cell === '' ? (above[nth] ?? '') : cell))
    const [, library = '', cve = '', severity = '', , installed = '', fixed = ''] = above
    rows.push({ id: cve, severity, package: library, installed, fixed, target })
  }
  return rows
}

const Json = z.object({
  Results: z.array(
    z.object({
      Target: z.string(),
      Vulnerabilities: z
        .array(
          z.object({
            VulnerabilityID: z.string(),
            PkgName: z.string(),
            Severity: z.string(),
            InstalledVersion: z.string(),
            FixedVersion: z.string(),
          }),
        )
        .default([]),
    }),
  ),
})

export function readJson(text: string): Row[] {
  return Json.parse(JSON.parse(text)).Results.flatMap(({ Target, Vulnerabilities }) =>
    Vulnerabilities.map(({ VulnerabilityID: id, PkgName, Severity: severity, InstalledVersion: installed, FixedVersion: fixed }) => ({
      ...{ id, severity, package: PkgName, installed, fixed, target: Target },
    })),
  )
}

const Snapshot = z.object({
  manifests: z.record(z.string(), z.object({ name: z.string(), resolved: z.record(z.string(), z.object({ package_url: z.string() })) })),
})

/** What GitHub's dependency snapshot says of an image: package URLs, by the file that names them or the system. */
export function readSnapshot(text: string): { target: string; kind: string; purls: string[] }[] {
  return Object.entries(Snapshot.parse(JSON.parse(text)).manifests).map(([target, { name, resolved }]) => ({
    ...{ target, kind: name, purls: Object.values(resolved).map((one) => one.package_url) },
  }))
}

const Configured = z.object({
  Results: z.array(
    z.object({
      Misconfigurations: z
        .array(z.object({ ID: z.string(), Severity: z.string(), CauseMetadata: z.object({ StartLine: z.int() }) }))
        .default([]),
    }),
  ),
})

/** What is misconfigured: `AWS-0086 HIGH at line 8`. */
export function readMisconfigurations(text: string): string[] {
  return Configured.parse(JSON.parse(text)).Results.flatMap(({ Misconfigurations }) =>
    Misconfigurations.map(({ ID, Severity, CauseMetadata }) => `${ID} ${Severity} at line ${CauseMetadata.StartLine}`),
  )
}

const Secrets = z.object({
  Results: z.array(
    z.object({
      Secrets: z.array(z.object({ RuleID: z.string(), Severity: z.string(), StartLine: z.int(), Match: z.string() })).default([]),
    }),
  ),
})

export function readSecrets(text: string): z.infer<typeof Secrets>['Results'][number]['Secrets'] {
  return Secrets.parse(JSON.parse(text)).Results.flatMap((result) => result.Secrets)
}

/** The files of an Alpine with these packages, given as package URLs. */
export function alpine(release: string, purls: readonly string[]): Record<string, string> {
  const stanzas = purls.map((purl) => {
    const [, name = '', version = '', arch = ''] = /^pkg:apk\/alpine\/(.+)@([^@?]+)\?arch=([^&]+)/.exec(decodeURIComponent(purl)) ?? []
    return `P:${name}\nV:${version}\nA:${arch}\nL:MIT\no:${name}\n`
  })
  return { 'etc/alpine-release': `${release}\n`, 'lib/apk/db/installed': stanzas.join('\n') }
}

export function cargoLock(purls: readonly string[]): string {
  return purls
    .map((purl) => {
      const [, name = '', version = ''] = /^pkg:cargo\/(.+)@(.+)$/.exec(decodeURIComponent(purl)) ?? []
      return `[[package]]\nname = "${name}"\nversion = "${version}"\n`
    })
    .join('\n')
}

/** Severities as Trivy's database numbers them. */
const numbers: Record<string, number> = { LOW: 1, MEDIUM: 2, HIGH: 3, CRITICAL: 4 }

/** A row of the database that makes Trivy say this. @param release of the system, as the database names it: `alpine 3.7` */
export function advisoryOf({ id, severity, package: name, installed, fixed }: Row, release: string | undefined): object {
  const told = numbers[severity]
  if (release !== undefined) {
    return {
      ...{ ID: id, Bucket: release, Package: name, Advisory: { FixedVersion: fixed } },
      ...{ Vulnerability: { VendorSeverity: { nvd: told } } },
      ...{ Source: { ID: 'alpine', Name: 'Alpine Secdb', URL: 'https://secdb.alpinelinux.org/' } },
    }
  }
  const source = 'GitHub Security Advisory Rust'
  return {
    ...{ ID: id, Bucket: `cargo::${source}`, Package: name },
    ...{ Advisory: { VulnerableVersions: [`=${installed}`], PatchedVersions: fixed.split(', ') } },
    ...{ Vulnerability: { VendorSeverity: { ghsa: told } } },
    ...{ Source: { ID: 'ghsa', Name: source, URL: 'https://github.com/advisories' } },
  }
}
