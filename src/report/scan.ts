import { findingName, severities } from '../core/gates.ts'
import type { Finding, ScanSection } from '../core/release.ts'
import { code, prose, table } from './markdown.ts'

/** Findings that are listed one by one; a summary has a limit, and nobody reads a thousand rows. */
const listed = 50

/** What a scan found: how many of each severity in each image, then what blocks, or that nothing does. */
export function scanParts(scan: ScanSection): string[] {
  const { images, rules, tool, database } = scan
  const rows = images.map(({ name, findings }) => [
    prose(name),
    ...severities.map((severity) => String(findings.filter((finding) => finding.severity === severity).length)),
  ])
  const blocking = blockingRows(scan)
  const rest = blocking.length - listed
  return [
    table(['vulnerabilities', ...severities.map((severity) => severity.toLowerCase())], rows),
    ...(blocking.length === 0
      ? [rules.length === 0 ? 'No rule of the scan blocks.' : `Nothing blocks: no ${rules.map(({ rule }) => prose(rule)).join('; no ')}.`]
      : [table(['blocks', 'severity', 'image', 'package', 'installed', 'fixed in', 'rule'], blocking.slice(0, listed))]),
    ...(rest > 0 ? [`… and ${rest} more that block; all are in the release record.`] : []),
    `${prose(`${tool.name} ${tool.version}`)}, database of ${prose(database.updated)}`,
  ]
}

function blockingRows({ images, rules }: ScanSection): string[][] {
  const byName = new Map(
    images.flatMap(({ name, findings }) =>
      findings.map((finding): [string, [string, Finding]] => [findingName(name, finding), [name, finding]]),
    ),
  )
  return rules.flatMap(({ rule, findings }) =>
    findings.flatMap((of) => {
      const [image, finding] = byName.get(of) ?? []
      if (image === undefined || finding === undefined) return []
      const { id, severity, package: name, installed, fixed } = finding
      return [
        [code(id), severity, prose(image), code(name), code(installed), fixed === undefined ? 'no fix yet' : code(fixed), prose(rule)],
      ]
    }),
  )
}
