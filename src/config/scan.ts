import type { Scanner, ScanPlan, ScanRule } from '../core/gates.ts'
import { scannerOf } from '../core/words.ts'
import { milliseconds } from '../core/units.ts'
import type { Breach } from './rules.ts'
import type { Config } from './schema.ts'
import { type Asking, orderBreaches } from './scan-order.ts'
import type { ScanConfig } from './schema-scan.ts'

type RuleConfig = NonNullable<ScanConfig['rules']>[number]

/** What blocks where nobody has said what does. */
const usual: RuleConfig = { action: 'fail', severity: 'CRITICAL', fixable: true }

/**
 * What is looked for on purpose, and no rule decides about, is not looked for in vain. An exception decides about what it
 * names and nothing else: what is left of its class is as before.
 */
function usualOf(one: Scanner, rules: readonly RuleConfig[]): RuleConfig[] {
  if (one === 'vuln' || rules.some((rule) => [rule.class ?? []].flat().includes(one) && !isException(rule))) return []
  return [one === 'secret' ? { action: 'fail', class: one, severity: 'HIGH' } : { action: 'warn', class: one }]
}

function isException({ action, package: packages, id }: RuleConfig): boolean {
  return action === 'ignore' || (action === 'warn' && (packages ?? id) !== undefined)
}

/** What the scan stage shall do; in words, why there is nothing for it to do. @param ignoreFile that was found in the repository */
export function resolveScan({ scan }: Config, { ignoreFile }: { ignoreFile?: string }): ScanPlan | string {
  if (scan === false) return 'scan: false'
  const file = scan?.['ignore-file'] ?? ignoreFile
  const scanners = scan?.scanners ?? ['vuln']
  return {
    scanners,
    rules: inOrder(scan).map(({ rule }) => rule),
    ...(file === undefined ? {} : { ignoreFile: file }),
    strictExceptions: scan?.['strict-exceptions'] ?? false,
    vex: [scan?.vex ?? []].flat(),
    ...(scan?.kev === undefined ? {} : { kev: scan.kev }),
    ...(scan?.epss === undefined ? {} : { epss: scan.epss }),
    reports: scan?.reports ?? [],
    reportsFolder: scan?.['reports-folder'] ?? 'launchway-reports',
    maxDbAgeMs: milliseconds(scan?.['max-db-age'] ?? '48h'),
    databases: scan?.databases ?? [],
    javaDatabases: scan?.['java-databases'] ?? [],
    ...(scan?.['trivy-mirrors'] === undefined ? {} : { trivyMirrors: scan['trivy-mirrors'] }),
    unknownSystem: scan?.['unknown-system'] ?? 'fail',
    offline: scan?.offline ?? false,
  }
}

/** Every rule, in the order of asking. */
function inOrder({ scanners = ['vuln'], rules = [], 'fail-on': blocking }: ScanConfig = {}): Asking[] {
  const written = (list: 'rules' | 'fail-on', of: readonly Omit<RuleConfig, 'action'>[]): (Asking & { of: RuleConfig })[] =>
    of.map((one, index) => {
      const rule: RuleConfig = { action: 'fail', ...one }
      return { of: rule, rule: resolveRule(rule), path: ['scan', list, index] }
    })
  const asked = [...written('rules', rules), ...written('fail-on', blocking ?? [])]
  const left = scanners.flatMap((one) =>
    usualOf(
      one,
      asked.map(({ of }) => of),
    ),
  )
  const unwritten = [...(blocking === undefined && scanners.includes('vuln') ? [usual] : []), ...left]
  return [
    ...asked.map(({ rule, path }) => ({ rule, ...(path === undefined ? {} : { path }) })),
    ...unwritten.map((one) => ({ rule: resolveRule(one) })),
  ]
}

function resolveRule(rule: RuleConfig): ScanRule {
  const { action, severity, fixable, base, exploited, epss, reason } = rule
  return {
    action,
    ...(severity === undefined ? {} : { severity }),
    ...(rule['max-severity'] === undefined ? {} : { maxSeverity: rule['max-severity'] }),
    ...(fixable === undefined ? {} : { fixable }),
    classes: [rule.class ?? (['os', 'library'] as const)].flat(),
    packages: [rule.package ?? []].flat(),
    ids: [rule.id ?? []].flat(),
    ...(rule.new === undefined ? {} : { new: rule.new }),
    ...(base === undefined ? {} : { base }),
    ...(rule['known-for'] === undefined ? {} : { knownForMs: milliseconds(rule['known-for']) }),
    ...(exploited === undefined ? {} : { exploited }),
    ...(epss === undefined ? {} : { epss }),
    ...(rule['max-epss'] === undefined ? {} : { maxEpss: rule['max-epss'] }),
    ...(reason === undefined ? {} : { reason }),
  }
}

/** Rules that would do nothing, or everything, without anybody having meant it. */
export function scanBreaches({ scan }: Config): Breach[] {
  if (scan === undefined || scan === false) return []
  const { scanners = ['vuln'] } = scan
  const unasked = unaskedLists(scan)
  const ofRules = (['rules', 'fail-on'] as const).flatMap((list) =>
    (scan[list] ?? []).flatMap((rule: Partial<RuleConfig>, index): Breach[] => {
      const path = ['scan', list, index]
      const at = path.join('.')
      const { action = 'fail', reason, ...conditions } = rule
      const classes = [rule.class ?? (['os', 'library'] as const)].flat()
      const off = classes.find((one) => !scanners.includes(scannerOf[one]))
      const found: Breach[] = []
      if (Object.keys(conditions).length === 0)
        found.push({
          path,
          message: `${at}: a rule needs a condition, such as ${action === 'fail' ? 'severity; severity: UNKNOWN matches every vulnerability' : 'max-severity, id or package'}`,
        })
      if (action === 'ignore' && rule.severity !== undefined) {
        found.push({
          path: [...path, 'severity'],
          onKey: true,
          message: `${at}: severity means this and worse, so ignore would let pass what is worst; for ${rule.severity} and milder say max-severity: ${rule.severity}`,
        })
      }
      if (action === 'fail' && rule['max-severity'] !== undefined) {
        found.push({
          path: [...path, 'max-severity'],
          onKey: true,
          message: `${at}: max-severity is for warn and ignore; where action is fail, severity says from which severity on`,
        })
      }
      found.push(...ofScores(rule, action, { path, at, kev: scan.kev, epss: scan.epss }))
      if (action === 'ignore' && reason === undefined)
        found.push({ path, message: `${at}: reason is needed: why what it matches may pass` })
      if (off !== undefined) {
        found.push({
          path: [...path, ...(rule.class === undefined ? [] : ['class'])],
          message: `${at}: nothing looks for ${off}: add ${scannerOf[off]} to scan.scanners`,
        })
      }
      const about = classes.every((one) => scannerOf[one] !== 'vuln')
        ? (['fixable', 'known-for', 'exploited', 'epss', 'max-epss'] as const).find((key) => rule[key] !== undefined)
        : undefined
      if (about !== undefined)
        found.push({ path: [...path, about], onKey: true, message: `${at}: ${about} is about vulnerabilities, not ${classes.join(', ')}` })
      return found
    }),
  )
  // In an order that means something each must mean something first.
  return [...ofRules, ...unasked, ...(ofRules.length === 0 ? orderBreaches(inOrder(scan)) : [])]
}

/** A list that no rule asks changes nothing, and who names it thinks that it does. */
function unaskedLists(scan: Exclude<Config['scan'], false | undefined>): Breach[] {
  const rules: Partial<RuleConfig>[] = [...(scan.rules ?? []), ...(scan['fail-on'] ?? [])]
  const asked = { kev: ['exploited'], epss: ['epss', 'max-epss'] } as const
  return (['kev', 'epss'] as const).flatMap((list): Breach[] =>
    scan[list] === undefined || rules.some((rule) => asked[list].some((key) => rule[key] !== undefined))
      ? []
      : [{ path: ['scan', list], onKey: true, message: `scan.${list}: no rule asks it; one with ${asked[list].join(' or ')} does` }],
  )
}

interface Lists {
  path: (string | number)[]
  at: string
  kev: string | undefined
  epss: string | undefined
}

/** What asks lists that are not there, or lets pass, or blocks, the wrong end of the scores. */
function ofScores(rule: Partial<RuleConfig>, action: RuleConfig['action'], { path, at, kev, epss }: Lists): Breach[] {
  const found: Breach[] = []
  const refuse = (key: 'exploited' | 'epss' | 'max-epss', why: string): void => {
    if (rule[key] !== undefined) found.push({ path: [...path, key], onKey: true, message: `${at}: ${key} ${why}` })
  }
  if (kev === undefined) refuse('exploited', "needs scan.kev: the path of CISA's catalog, which a step before fetches")
  if (epss === undefined)
    for (const key of ['epss', 'max-epss'] as const)
      refuse(key, 'needs scan.epss: the path of the list of scores, which a step before fetches')
  if (action === 'ignore')
    refuse('epss', 'means this score and higher, so ignore would let pass what is most likely; for this score and lower say max-epss')
  if (action === 'ignore' && rule.exploited === true)
    refuse('exploited', 'would let pass what is known to be exploited; for all else say exploited: false')
  if (action === 'fail') refuse('max-epss', 'is for warn and ignore; where action is fail, epss says from which score on')
  return found
}
