import type { FindingClass, ScanRule, Severity } from './gates.ts'
import { severities } from './words.ts'
import type { Finding } from './release.ts'

/** What a rule is asked about. */
export type Asked = Finding & {
  /** When the vulnerability became public, in milliseconds since 1970; absent where nobody says. */
  published?: number
}

/** @param now in milliseconds since 1970 */
export function matches(rule: ScanRule, finding: Asked, now: number): boolean {
  const { severity, maxSeverity, fixable, classes, packages, ids, knownForMs, exploited, epss, maxEpss, action } = rule
  return (
    classes.includes(finding.class) &&
    (severity === undefined || severities.indexOf(finding.severity) <= severities.indexOf(severity)) &&
    (maxSeverity === undefined || isAtMost(finding.severity, maxSeverity)) &&
    (fixable === undefined || fixable === (finding.fixed !== undefined)) &&
    (packages.length === 0 || packages.some((pattern) => fits(pattern, finding.package))) &&
    (ids.length === 0 || ids.some((pattern) => fits(pattern, finding.id))) &&
    (rule.new === undefined || rule.new === (finding.status === 'new')) &&
    (rule.base === undefined || rule.base === (finding.base === true)) &&
    // Without a date it may be as old as can be: what is not known opens no gate.
    (knownForMs === undefined || (finding.published === undefined ? action === 'fail' : now - finding.published >= knownForMs)) &&
    (exploited === undefined || (finding.exploited === undefined ? action === 'fail' : finding.exploited === exploited)) &&
    // The same of a score: the youngest have none.
    (epss === undefined || (finding.epss === undefined ? action === 'fail' : finding.epss >= epss)) &&
    (maxEpss === undefined || (finding.epss ?? Number.POSITIVE_INFINITY) <= maxEpss)
  )
}

/** What is not known is not mild: nobody has rated it yet. */
function isAtMost(severity: Severity, most: Severity): boolean {
  return severity === most || (severity !== 'UNKNOWN' && severities.indexOf(severity) > severities.indexOf(most))
}

/** `*` stands for any text; nothing else has a meaning. Case does not count: databases and package lists differ in it. */
function fits(pattern: string, text: string): boolean {
  const parts = pattern.toLowerCase().split('*')
  const whole = text.toLowerCase()
  const [first = '', last = ''] = [parts[0], parts.at(-1)]
  if (parts.length === 1) return whole === first
  if (whole.length < first.length + last.length || !whole.startsWith(first) || !whole.endsWith(last)) return false
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = whole.indexOf(part, at)
    if (found === -1 || found + part.length > whole.length - last.length) return false
    at = found + part.length
  }
  return true
}

export const classNames: Record<FindingClass, string> = {
  os: "the system's packages",
  library: 'libraries',
  secret: 'secrets',
  misconfig: 'misconfigurations',
  license: 'licences',
}

/** A rule in words: `HIGH or worse, with a fix, new`. */
export function ruleName({
  severity,
  maxSeverity,
  fixable,
  classes,
  packages,
  ids,
  base,
  knownForMs,
  exploited,
  epss,
  maxEpss,
  ...rule
}: ScanRule): string {
  const isUsual = classes.length === 2 && classes.includes('os') && classes.includes('library')
  const about = isUsual ? [] : [`in ${classes.map((one) => classNames[one]).join(' and ')}`]
  const level = levelName(severity, maxSeverity)
  return [
    [ids.length === 0 ? level : ids.join(' or '), ...about].join(' '),
    ...(ids.length > 0 && (severity ?? maxSeverity) !== undefined ? [level] : []),
    ...(packages.length === 0 ? [] : [`in ${packages.join(' or ')}`]),
    ...(fixable === undefined ? [] : [fixable ? 'with a fix' : 'without a fix']),
    ...(rule.new === undefined ? [] : [rule.new ? 'new' : 'not new']),
    ...(base === undefined ? [] : [base ? 'of the base image' : 'not of the base image']),
    ...(knownForMs === undefined ? [] : [`known for ${showDays(knownForMs)}`]),
    ...(exploited === undefined ? [] : [exploited ? 'known to be exploited' : 'not known to be exploited']),
    ...(epss === undefined ? [] : [`EPSS ${epss} or more`]),
    ...(maxEpss === undefined ? [] : [`EPSS ${maxEpss} or less`]),
  ].join(', ')
}

function levelName(least: Severity | undefined, most: Severity | undefined): string {
  const isAny = least === undefined || least === severities.at(-1)
  if (most !== undefined) return isAny ? (most === 'UNKNOWN' ? most : `${most} or milder`) : least === most ? least : `${most} to ${least}`
  if (isAny) return 'any severity'
  return least === severities[0] ? least : `${least} or worse`
}

function showDays(ms: number): string {
  const hours = Math.round(ms / 3_600_000)
  return hours % 24 === 0 ? `${hours / 24} ${hours === 24 ? 'day' : 'days'}` : `${hours} h`
}
