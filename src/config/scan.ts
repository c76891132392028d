import type { Scanner, ScanPlan, ScanRule } from '../core/gates.ts'
import { scannerOf } from '../core/words.ts'
import { milliseconds } from '../core/units.ts'
import type { Breach } from './rules.ts'
import type { Config } from './schema.ts'
import type { ScanConfig } from './schema-scan.ts'

type RuleConfig = NonNullable<ScanConfig['rules']>[number]

/** What blocks where nobody has said what does. */
const usual: RuleConfig = { action: 'fail', severity: 'CRITICAL', fixable: true }

/** What is looked for on purpose, and no rule names, is not looked for in vain. What no rule matches is reported alone. */
function usualOf(one: Scanner, rules: readonly RuleConfig[]): RuleConfig[] {
  if (one === 'vuln' || rules.some((rule) => [rule.class ?? []].flat().includes(one))) return []
  return [one === 'secret' ? { action: 'fail', class: one, severity: 'HIGH' } : { action: 'warn', class: one }]
}

/** What the scan stage shall do; in words, why there is nothing for it to do. @param ignoreFile that was found in the repository */
export function resolveScan({ scan }: Config, { ignoreFile }: { ignoreFile?: string }): ScanPlan | string {
  if (scan === false) return 'scan: false'
  const file = scan?.['ignore-file'] ?? ignoreFile
  const scanners = scan?.scanners ?? ['vuln']
  const blocking = scan?.['fail-on']?.map((rule): RuleConfig => ({ action: 'fail', ...rule })) ?? (scanners.includes('vuln') ? [usual] : [])
  const asked = [...(scan?.rules ?? []), ...blocking]
  return {
    scanners,
    rules: [...asked, ...scanners.flatMap((one) => usualOf(one, asked))].map(resolveRule),
    ...(file === undefined ? {} : { ignoreFile: file }),
    strictExceptions: scan?.['strict-exceptions'] ?? false,
    vex: [scan?.vex ?? []].flat(),
    reports: scan?.reports ?? [],
    reportsFolder: scan?.['reports-folder'] ?? 'launchway-reports',
    maxDbAgeMs: milliseconds(scan?.['max-db-age'] ?? '48h'),
    databases: scan?.databases ?? [],
    javaDatabases: scan?.['java-databases'] ?? [],
    offline: scan?.offline ?? false,
  }
}

function resolveRule(rule: RuleConfig): ScanRule {
  const { action, severity, fixable, base, reason } = rule
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
    ...(reason === undefined ? {} : { reason }),
  }
}

/** Rules that would do nothing, or everything, without anybody having meant it. */
export function scanBreaches({ scan }: Config): Breach[] {
  if (scan === undefined || scan === false) return []
  const { scanners = ['vuln'] } = scan
  return (['rules', 'fail-on'] as const).flatMap((list) =>
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
      if (action === 'ignore' && reason === undefined)
        found.push({ path, message: `${at}: reason is needed: why what it matches may pass` })
      if (off !== undefined) {
        found.push({
          path: [...path, ...(rule.class === undefined ? [] : ['class'])],
          message: `${at}: nothing looks for ${off}: add ${scannerOf[off]} to scan.scanners`,
        })
      }
      const about = classes.every((one) => scannerOf[one] !== 'vuln')
        ? (['fixable', 'known-for'] as const).find((key) => rule[key] !== undefined)
        : undefined
      if (about !== undefined)
        found.push({ path: [...path, about], onKey: true, message: `${at}: ${about} is about vulnerabilities, not ${classes.join(', ')}` })
      return found
    }),
  )
}
