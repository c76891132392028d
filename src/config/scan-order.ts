import type { ScanRule } from '../core/gates.ts'
import { type Asked, matches, ruleName } from '../core/scan-rule.ts'
import { scannerOf, severities } from '../core/words.ts'
import type { Breach } from './rules.ts'

/** A rule where the order of asking has it. What is usual stands nowhere. */
export interface Asking {
  rule: ScanRule
  path?: (string | number)[]
}

/** Any time: ages are counted from it. */
const now = Date.UTC(2026, 0, 1)

/** In no name, so a pattern that fits it fits any text at its place. */
const anyText = '\uE000'

/**
 * Rules that disarm a later one: `severity` reads like "these", and means these and worse, so a rule that warns takes the
 * worst from the rule that was written to block it; and a rule that blocks what others have decided before blocks nothing.
 * The gate itself is asked, with one finding of each kind that these rules can tell apart.
 */
export function orderBreaches(rules: readonly Asking[]): Breach[] {
  const disarmed = rules.flatMap((of, index) => {
    const by = of.rule.action === 'fail' ? disarmedBy(rules, index) : undefined
    return by === undefined ? [] : [{ of, by }]
  })
  return rules.flatMap(({ rule, path }, index): Breach[] => {
    if (path === undefined || rule.action === 'fail') return []
    const taken = worstTaken(rules, index)
    const from = rules[taken?.index ?? -1]
    const dead = disarmed.find(({ by }) => by.at(-1) === index)
    const what =
      dead !== undefined
        ? leavesNothing(rule, dead.of, dead.by.length > 1, taken)
        : taken !== undefined && from !== undefined
          ? sparesWorst(rule, taken, from)
          : undefined
    if (what === undefined) return []
    return [
      { path: [...path, ...(taken === undefined ? [] : [taken.key])], onKey: taken !== undefined, message: `${path.join('.')}: ${what}` },
    ]
  })
}

interface Taken {
  key: 'severity' | 'epss'
  /** The rule that would block it. */
  index: number
}

/** Where a rule takes what is worse than it names from a later one that blocks it, and nothing in it says that it is meant. */
function worstTaken(rules: readonly Asking[], index: number): Taken | undefined {
  const rule = rules[index]?.rule
  if (rule === undefined) return undefined
  for (const key of ['severity', 'epss'] as const) {
    if (rule[key] === undefined || rule[key === 'severity' ? 'maxSeverity' : 'maxEpss'] !== undefined) continue
    for (const [place, { rule: later }] of rules.entries()) {
      if (place <= index || later.action !== 'fail') continue
      const kinds = kindsOf(rules, shared(rule.packages, later.packages), shared(rule.ids, later.ids))
      const isTaken = kinds.some(
        (finding) =>
          isWorse(rule, key, finding) &&
          matches(later, finding, now) &&
          first(rules, finding) === index &&
          rules[first(rules, finding, index + 1)]?.rule.action === 'fail',
      )
      if (isTaken) return { key, index: place }
    }
  }
  return undefined
}

function isWorse({ severity, epss }: ScanRule, key: Taken['key'], finding: Asked): boolean {
  return key === 'epss'
    ? (finding.epss ?? 0) > (epss ?? 1)
    : severities.indexOf(finding.severity) < severities.indexOf(severity ?? 'CRITICAL')
}

/**
 * The rules that together let pass all that a rule would block, in their order. Undefined where something is left to it, and
 * where it would block nothing without them either, since other rules block that.
 */
function disarmedBy(rules: readonly Asking[], index: number): number[] | undefined {
  const rule = rules[index]?.rule
  if (rule === undefined) return undefined
  const before = rules.slice(0, index).filter((one) => one.rule.action === 'fail')
  const about = kindsOf(rules, patterns(rule.packages), patterns(rule.ids)).filter(
    (finding) => matches(rule, finding, now) && first(before, finding) === -1,
  )
  const by = new Set(about.map((finding) => first(rules, finding)))
  return by.size === 0 || by.has(index) ? undefined : [...by].toSorted((a, b) => a - b)
}

/** The first rule that matches, from one on. */
function first(rules: readonly Asking[], finding: Asked, from = 0): number {
  return rules.findIndex(({ rule }, index) => index >= from && matches(rule, finding, now))
}

function nameOf({ rule, path }: Asking): string {
  return `${path === undefined ? 'the usual rule' : path.join('.')} (${ruleName(rule)})`
}

const meanings: Record<Taken['key'], string> = {
  severity: 'severity means this and worse',
  epss: 'epss means this score and higher',
}

function narrower({ severity, epss }: ScanRule, { key }: Taken): string {
  return key === 'severity' ? `for ${severity} alone add max-severity: ${severity}` : `for a range above ${epss} add max-epss`
}

function sparesWorst(rule: ScanRule, taken: Taken, from: Asking): string {
  const meant =
    taken.key === 'epss'
      ? 'add max-epss: 1'
      : rule.severity === severities.at(-1)
        ? 'leave severity out'
        : `add max-severity: ${severities[0]}`
  return `${meanings[taken.key]}, so this only warns of what ${nameOf(from)} would block; ${narrower(rule, taken)}; if it is meant, ${meant}`
}

function leavesNothing(rule: ScanRule, dead: Asking, together: boolean, taken: Taken | undefined): string {
  const without =
    dead.path !== undefined
      ? `take ${dead.path.join('.')} out`
      : dead.rule.classes.includes('os')
        ? 'say fail-on: []'
        : `take ${dead.rule.classes.map((one) => scannerOf[one]).join(', ')} out of scan.scanners`
  return [
    ...(taken === undefined ? [] : [meanings[taken.key]]),
    `all that ${nameOf(dead)} would block is decided by this${together ? ' and the rules before it' : ''}, so that never blocks anything`,
    ...(taken === undefined ? [] : [narrower(rule, taken)]),
    `if it is meant, ${without}`,
  ].join('; ')
}

/** One finding of each kind that the rules tell apart, with names as these patterns have them. */
function kindsOf(rules: readonly Asking[], packages: readonly string[], ids: readonly string[]): Asked[] {
  const all = rules.map(({ rule }) => rule)
  const asks = (key: keyof ScanRule): boolean => all.some((rule) => rule[key] !== undefined)
  const where = (key: keyof ScanRule, kinds: readonly Partial<Asked>[]): Partial<Asked>[] => (asks(key) ? [{}, ...kinds] : [{}])
  const instance = (pattern: string): string => pattern.replaceAll('*', anyText)
  const classes = [...new Set(all.flatMap((rule) => rule.classes))]
  const about = vary(
    [{ class: 'os', id: '', severity: 'UNKNOWN', package: '', installed: '1', status: 'existing' }],
    packages.map((pattern) => ({ package: instance(pattern) })),
    ids.map((pattern) => ({ id: instance(pattern) })),
    severities.map((severity) => ({ severity })),
    where('new', [{ status: 'new' }]),
    where('base', [{ base: true }]),
  )
  const vulnerabilities = vary(
    about,
    where('fixable', [{ fixed: '2' }]),
    where(
      'knownForMs',
      [0, ...all.flatMap(({ knownForMs }) => knownForMs ?? [])].map((age) => ({ published: now - age })),
    ),
    where('exploited', [{ exploited: true }, { exploited: false }]),
    where(
      asks('epss') ? 'epss' : 'maxEpss',
      scoresOf(all).map((epss) => ({ epss })),
    ),
  )
  // Of other findings nobody says so much.
  return classes.flatMap((of) => vary(scannerOf[of] === 'vuln' ? vulnerabilities : about, [{ class: of }]))
}

function vary(findings: readonly Asked[], ...by: readonly (readonly Partial<Asked>[])[]): Asked[] {
  return by.reduce<Asked[]>((all, kinds) => all.flatMap((finding) => kinds.map((kind) => ({ ...finding, ...kind }))), [...findings])
}

/** Each bound, and something between each two. */
function scoresOf(rules: readonly ScanRule[]): number[] {
  const bounds = [...new Set([0, 1, ...rules.flatMap(({ epss = 0, maxEpss = 1 }) => [epss, maxEpss])])].toSorted((a, b) => a - b)
  return bounds.flatMap((bound, index) => [bound, ...bounds.slice(index + 1, index + 2).map((next) => (bound + next) / 2)])
}

/** None named is any. */
const patterns = (named: readonly string[]): string[] => (named.length === 0 ? ['*'] : named.map((pattern) => pattern.toLowerCase()))

/** Patterns of the names that both lists mean. */
function shared(some: readonly string[], others: readonly string[]): string[] {
  return [...new Set(patterns(some).flatMap((one) => patterns(others).flatMap((other) => meet(one, other))))]
}

/** More than these in common nobody asks for: each is a name that is tried. */
const mostMeetings = 20

/** What two patterns have in common, as patterns: whichever of two stars ends first. Of very many ways some. */
function meet(a: string, b: string): readonly string[] {
  const known = new Map<string, readonly string[]>()
  const from = (i: number, j: number): readonly string[] => {
    const key = `${i} ${j}`
    const found = known.get(key) ?? [...new Set(steps(i, j))].slice(0, mostMeetings)
    known.set(key, found)
    return found
  }
  const after = (head: string, found: readonly string[]): string[] => found.map((one) => head + one)
  const steps = (i: number, j: number): readonly string[] => {
    const [x, y] = [a[i], b[j]]
    if (x === undefined || y === undefined) return /^\**$/.test(a.slice(i) + b.slice(j)) ? [''] : []
    if (x === '*' && y === '*') return after('*', [...from(i + 1, j), ...from(i, j + 1)])
    if (x === '*') return [...from(i + 1, j), ...after(y, from(i, j + 1))]
    if (y === '*') return [...from(i, j + 1), ...after(x, from(i + 1, j))]
    return x === y ? after(x, from(i + 1, j + 1)) : []
  }
  return from(0, 0)
}
