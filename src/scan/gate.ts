import type { Scanner, ScanRule, Severity } from '../core/gates.ts'
import { findingName, findingText, imageConfiguration, scannerOf, severities } from '../core/words.ts'
import type { Finding, ScanException, ScannedImage, ScanSection } from '../core/release.ts'
import { type Asked, matches, ruleName } from '../core/scan-rule.ts'
import { means } from '../tools/trivy-ignore.ts'

/** What an image holds now: neither what is gone nor what an exception lets pass. */
export function open<T extends Finding>(findings: readonly T[]): T[] {
  return findings.filter(({ status, exempt }) => status !== 'fixed' && exempt !== true)
}

/**
 * The worst first; the same vulnerability of the same package once, wherever it lies in the image. Where an exception is
 * about one place only, the other one counts; and what an own layer brings as well is not of the base alone.
 */
export function sorted<T extends Finding>(findings: readonly T[]): T[] {
  const rank = ({ severity }: Finding): number => severities.indexOf(severity)
  const weight = ({ exempt, base }: Finding): number => (exempt === true ? 2 : 0) + (base === true ? 1 : 0)
  const weakestFirst = findings.toSorted((a, b) => weight(b) - weight(a))
  const once = new Map(weakestFirst.map((finding) => [findingName(finding.class, finding), finding]))
  return [...once.values()].toSorted(
    (a, b) => rank(a) - rank(b) || compare(a.id, b.id) || compare(a.package, b.package) || compare(a.installed, b.installed),
  )
}

/** By code unit, so that a record is the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** A finding, and the rule that decides about it: the first that matches. */
export interface Decided {
  image: string
  finding: Asked
  rule: ScanRule
}

/** What the rules make of the findings. @param now in milliseconds since 1970 */
export function gate(
  images: readonly { name: string; findings: readonly Asked[] }[],
  rules: readonly ScanRule[],
  now: number,
): Pick<ScanSection, 'rules' | 'verdict'> & { decided: Decided[] } {
  const decided = images.flatMap(({ name, findings }) =>
    open(findings).flatMap((finding): Decided[] => {
      const rule = rules.find((one) => matches(one, finding, now))
      return rule === undefined ? [] : [{ image: name, finding, rule }]
    }),
  )
  const judged = rules.map((rule) => {
    const found = decided.filter((one) => one.rule === rule)
    return {
      rule: `${ruleName(rule)}${rule.reason === undefined ? '' : `: ${rule.reason}`}`,
      action: rule.action,
      passed: found.length === 0 || rule.action !== 'fail',
      findings: found.map(({ image, finding }) => findingName(image, finding)),
    }
  })
  return { rules: judged, verdict: judged.every(({ passed }) => passed) ? 'passed' : 'failed', decided }
}

/** Why nothing blocks, in words: of each rule that could, what it would have blocked and something else let pass. */
export function closing(images: readonly { findings: readonly Asked[] }[], rules: readonly ScanRule[], now: number): string {
  const present = images.flatMap(({ findings }) => findings).filter(({ status }) => status !== 'fixed')
  const blocking = rules.filter(({ action }) => action === 'fail')
  if (blocking.length === 0) return 'no rule could block'
  return blocking
    .map((rule) => {
      const passed = present
        .filter((finding) => matches(rule, finding, now))
        .map((finding) => (finding.exempt === true ? 'excepted' : rules.find((one) => matches(one, finding, now))?.action))
      const spared = (['warn', 'ignore', 'excepted'] as const).flatMap((how) => {
        const count = passed.filter((one) => one === how).length
        return count === 0 ? [] : [`${count} ${letPass[how]}`]
      })
      return `no ${ruleName(rule)}${spared.length === 0 ? '' : `, but ${spared.join(' and ')}`}`
    })
    .join('; ')
}

const letPass = { warn: 'only warned of', ignore: 'ignored by a rule', excepted: 'excepted' }

/** `2 CRITICAL, 1 HIGH`; `no findings`. */
export function counts(findings: readonly Pick<Finding, 'severity'>[]): string {
  const count = (severity: Severity): number => findings.filter((finding) => finding.severity === severity).length
  const found = severities.filter((severity) => count(severity) > 0)
  return found.length === 0 ? 'no findings' : found.map((severity) => `${count(severity)} ${severity}`).join(', ')
}

/** How many of what blocks are shown one by one. */
const shown = 20

/**
 * The message and the evidence of a scan that blocks.
 * @param exceptions of the ignore file, those that have ended among them @param beside what it has for what blocks, and does not match
 */
export function explain(
  blocked: readonly Decided[],
  ignoreFile: string,
  { exceptions = [], beside = [] }: { exceptions?: readonly ScanException[]; beside?: readonly string[] } = {},
): { message: string; hint: string } {
  const names = [...new Set(blocked.map(({ image }) => image))]
  const of = names.length === 1 ? '' : ` of ${names.length} images`
  const findings = blocked.map(({ finding }) => finding)
  const [verb, things] = blocked.length === 1 ? ['blocks', 'finding'] : ['block', 'findings']
  const ended = exceptions.filter(({ id, state }) => state === 'ended' && findings.some((finding) => means({ id }, finding.id)))
  return {
    message: `${names.length === 1 ? `${names[0] ?? ''}: ` : ''}${blocked.length} ${things}${of} ${verb} this release: ${counts(findings)}`,
    hint: [
      ...rowsOf(blocked.slice(0, shown), names.length > 1),
      ...(blocked.length > shown ? [`… and ${blocked.length - shown} more; all are in the release record`] : []),
      ...ended.map(
        ({ id, until = '', owner }) => `${id}: its exception ended on ${until.slice(0, 10)}${owner === undefined ? '' : ` (${owner})`}`,
      ),
      ...beside,
      ...adviceFor(findings, ignoreFile),
    ].join('\n'),
  }
}

/** What to do about what blocks, as far as it is of that kind. */
function adviceFor(findings: readonly Asked[], ignoreFile: string): string[] {
  const of = (kind: Scanner): Asked[] => findings.filter((finding) => scannerOf[finding.class] === kind)
  const [vulnerabilities, [secret], [misconfig], [license]] = [of('vuln'), of('secret'), of('misconfig'), of('license')]
  const [hasFix, hasNone] = [
    vulnerabilities.some(({ fixed }) => fixed !== undefined),
    vulnerabilities.some(({ fixed }) => fixed === undefined),
  ]
  const isYaml = /\.ya?ml$/.test(ignoreFile)
  const sections = [
    // Trivy compares paths with what it calls the image, which changes with each build.
    ...(secret === undefined
      ? []
      : [`of a secret under secrets:${secret.package === imageConfiguration ? '' : `, with paths: ['${secret.package}']`}`]),
    ...(misconfig === undefined ? [] : ['of a misconfiguration under misconfigurations:']),
    ...(license === undefined ? [] : ['of a licence under licenses:']),
  ]
  const exception = isYaml ? ['id and expired_at', ...sections].join('; ') : 'a line of its id and exp:2027-01-31'
  const mend = [
    ...(hasFix ? ['Update what has a fix.'] : []),
    ...(hasNone ? ['What has no fix yet goes with another base image, or without the package.'] : []),
  ]
  return [
    ...(secret === undefined
      ? []
      : [
          'Revoke a secret, and take it out of the image: who may pull it can read it. Secrets of the build (images.*.secrets) are not kept in it.',
        ]),
    ...(misconfig === undefined ? [] : ['A misconfiguration is mended in the Dockerfile, or in the file that it names.']),
    ...(license === undefined ? [] : ['A licence that may not be used here wants another package.']),
    [...mend, `What must wait is an exception with an end: in ${ignoreFile}, ${exception}.`].join(' '),
  ]
}

/** What a rule only warns of, in one message: a runner shows few. */
export function warning(warned: readonly Decided[]): string {
  const rows = rowsOf(warned.slice(0, shown), new Set(warned.map(({ image }) => image)).size > 1)
  const rest = warned.length - shown
  return [
    `${warned.length} ${warned.length === 1 ? 'finding is' : 'findings are'} only warned of: ${counts(warned.map(({ finding }) => finding))}`,
    ...rows,
    ...(rest > 0 ? [`… and ${rest} more; all are in the release record`] : []),
  ].join('\n')
}

/** Where it matches since something is not known of it. */
function unknownOf({ epss, exploited }: ScanRule, finding: Asked): string {
  return [
    ...(epss === undefined || finding.epss !== undefined ? [] : ['; it has no score']),
    ...(exploited === undefined || finding.exploited !== undefined ? [] : ['; the catalog has no such numbers']),
  ].join('')
}

function rowsOf(decided: readonly Decided[], withImage: boolean): string[] {
  return columns(
    decided.map(({ image, finding, rule }) => [
      finding.id,
      finding.severity,
      ...(withImage ? [image] : []),
      finding.package,
      finding.class === 'os' || finding.class === 'library'
        ? `${finding.installed} → ${finding.fixed ?? 'no fix yet'}`
        : findingText(finding),
      `(${ruleName(rule)}${unknownOf(rule, finding)})${finding.platforms === undefined ? '' : ` for ${finding.platforms.join(', ')}`}`,
    ]),
  )
}

/** What the images hold beside what the environment runs, in words. */
export function changes(images: readonly ScannedImage[]): string {
  const all = images.filter(({ others }) => others === undefined).flatMap(({ findings }) => findings)
  const count = (status: Finding['status']): number => all.filter((finding) => finding.status === status && finding.exempt !== true).length
  return `${count('new')} new, ${count('fixed')} fixed, ${count('existing')} still there`
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
