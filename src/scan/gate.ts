import { findingName, type ScanPlan, type ScanRule, type Severity, severities } from '../core/gates.ts'
import type { Finding, ScanSection } from '../core/release.ts'

export type ScannedImage = ScanSection['images'][number]

/** A rule in words: `HIGH or worse, with a fix`. */
export function ruleName({ severity, fixable }: ScanRule): string {
  const all = severity === severities.at(-1)
  const worst = severity === severities[0]
  return `${all ? 'any severity' : worst ? severity : `${severity} or worse`}${fixable ? ', with a fix' : ''}`
}

function breaks({ severity, fixable }: ScanRule, finding: Finding): boolean {
  return severities.indexOf(finding.severity) <= severities.indexOf(severity) && (!fixable || finding.fixed !== undefined)
}

/** The worst first; the same vulnerability of the same package once, wherever it lies in the image. */
export function sorted(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity }: Finding): number => severities.indexOf(severity)
  const once = new Map(findings.map((finding) => [findingName('', finding), finding]))
  return [...once.values()].toSorted(
    (a, b) => rank(a) - rank(b) || compare(a.id, b.id) || compare(a.package, b.package) || compare(a.installed, b.installed),
  )
}

/** By code unit, so that a record is the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export interface Blocked {
  image: string
  finding: Finding
  rule: ScanRule
}

/** What the rules make of the findings: each is blocked by the first rule that it breaks, which explains it. */
export function gate(
  images: readonly ScannedImage[],
  { failOn }: Pick<ScanPlan, 'failOn'>,
): Pick<ScanSection, 'rules' | 'verdict'> & { blocked: Blocked[] } {
  const blocked = images.flatMap(({ name, findings }) =>
    findings.flatMap((finding): Blocked[] => {
      const rule = failOn.find((one) => breaks(one, finding))
      return rule === undefined ? [] : [{ image: name, finding, rule }]
    }),
  )
  const rules = failOn.map((rule) => {
    const found = blocked.filter((one) => one.rule === rule)
    return { rule: ruleName(rule), passed: found.length === 0, findings: found.map(({ image, finding }) => findingName(image, finding)) }
  })
  return { rules, verdict: blocked.length === 0 ? 'passed' : 'failed', blocked }
}

/** `2 CRITICAL, 1 HIGH`; `no findings`. */
export function counts(findings: readonly Finding[]): string {
  const count = (severity: Severity): number => findings.filter((finding) => finding.severity === severity).length
  const found = severities.filter((severity) => count(severity) > 0)
  return found.length === 0 ? 'no findings' : found.map((severity) => `${count(severity)} ${severity}`).join(', ')
}

/** How many of what blocks are shown one by one. */
const shown = 20

/** The message and the evidence of a scan that blocks. */
export function explain(blocked: readonly Blocked[], ignoreFile: string): { message: string; hint: string } {
  const names = [...new Set(blocked.map(({ image }) => image))]
  const of = names.length === 1 ? '' : ` of ${names.length} images`
  const findings = blocked.map(({ finding }) => finding)
  const [verb, things] = blocked.length === 1 ? ['blocks', 'finding'] : ['block', 'findings']
  const rows = blocked
    .slice(0, shown)
    .map(({ image, finding, rule }) => [
      finding.id,
      finding.severity,
      ...(names.length === 1 ? [] : [image]),
      finding.package,
      `${finding.installed} → ${finding.fixed ?? 'no fix yet'}`,
      `(${ruleName(rule)})`,
    ])
  return {
    message: `${names.length === 1 ? `${names[0] ?? ''}: ` : ''}${blocked.length} ${things}${of} ${verb} this release: ${counts(findings)}`,
    hint: [
      ...columns(rows),
      ...(blocked.length > shown ? [`… and ${blocked.length - shown} more; all are in the release record`] : []),
      `Update what has a fix. What must wait is an exception with an end: in ${ignoreFile}, id and expired_at.`,
    ].join('\n'),
  }
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
