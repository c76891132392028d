import { type Severity, severities, showWhere, topicNames, topics } from './finding.ts'
import type { Report } from './run.ts'

/** The findings for a person: by topic, the worst first, and one line at the end. */
export function showReport({ findings, skipped, changes, counts }: Report): string {
  const groups = topicNames.flatMap((topic) => {
    const found = findings.filter((one) => one.topic === topic && one.fixed !== true)
    return found.length === 0 ? [] : [[topics[topic], ...showAll(found)].join('\n')]
  })
  const notMade = skipped.length === 0 ? [] : [['Not looked at', ...skipped.map(({ check, reason }) => `  ${check}: ${reason}`)].join('\n')]
  const changed = changes.length === 0 ? [] : [['Changed', ...changes.map((change) => `  ${change}`)].join('\n')]
  const fixable = findings.filter((one) => one.fixable && one.fixed !== true).length
  return `${[...groups, ...notMade, ...changed, closing(counts, skipped.length, fixable)].join('\n\n')}\n`
}

/** What several places have in common is said once. */
function showAll(findings: Report['findings']): string[] {
  const alike = Map.groupBy(findings, ({ rule, severity, fix }) => `${severity} ${rule} ${fix}`)
  return [...alike.values()].map((group) => {
    const [{ rule, why, fix, fixable } = { rule: '', why: '', fix: '', fixable: false }] = group
    const [first = '', ...more] = fix.split('\n')
    return [
      ...group.map(({ severity, where, what }) => `  ${severity}: ${showWhere(where)}: ${what}`),
      `    ${why}`,
      `    → ${first}`,
      ...more.map((line) => `      ${line}`),
      `    (${rule}${fixable ? '; --fix does it' : ''})`,
    ].join('\n')
  })
}

function closing(counts: Report['counts'], skipped: number, fixable: number): string {
  const found = severities.flatMap((severity) => (counts[severity] === 0 ? [] : [counted(counts[severity], severity)]))
  const rest = [
    ...(skipped === 0 ? [] : [`${skipped} ${skipped === 1 ? 'check was' : 'checks were'} not made`]),
    ...(fixable === 0 ? [] : [`--fix mends ${fixable}`]),
  ]
  return [found.length === 0 ? 'Nothing found' : found.join(', '), ...rest].join('; ')
}

function counted(count: number, severity: Severity): string {
  return `${count} ${severity}${count === 1 ? '' : 's'}`
}
