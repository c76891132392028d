import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { orderBreaches } from '../../src/config/scan-order.ts'
import { resolveScan } from '../../src/config/scan.ts'
import type { ScanRule } from '../../src/core/gates.ts'
import type { Asked } from '../../src/core/scan-rule.ts'
import { severities } from '../../src/core/words.ts'
import { gate } from '../../src/scan/gate.ts'
import { configOf, problems } from './support/config.ts'
import { runs } from './support/runs.ts'

const base = 'image: ghcr.io/team/app\nbranches: { master: {} }\n'

describe('rules that disarm a later one', () => {
  it.each([
    [
      'a warning of what is mild, before the usual rule',
      '{ rules: [{ action: warn, severity: MEDIUM }] }',
      'launchway.yml:3:33: scan.rules.0: severity means this and worse; all that the usual rule (CRITICAL, with a fix) would block is decided by this, so that never blocks anything; for MEDIUM alone add max-severity: MEDIUM; if it is meant, say fail-on: []',
    ],
    [
      'a warning of what comes with the base, before a rule that blocks what is worse',
      '{ rules: [{ action: warn, base: true, severity: HIGH }], fail-on: [{ severity: CRITICAL }] }',
      'launchway.yml:3:45: scan.rules.0: severity means this and worse, so this only warns of what scan.fail-on.0 (CRITICAL) would block; for HIGH alone add max-severity: HIGH; if it is meant, add max-severity: CRITICAL',
    ],
    [
      'a warning of what nobody has rated',
      '{ rules: [{ action: warn, base: true, severity: UNKNOWN }] }',
      'for UNKNOWN alone add max-severity: UNKNOWN; if it is meant, leave severity out',
    ],
    [
      'a warning of what is likely to be exploited',
      '{ epss: e.csv, rules: [{ action: warn, epss: 0.1 }] }',
      'scan.rules.0: epss means this score and higher, so this only warns of what the usual rule (CRITICAL, with a fix) would block; for a range above 0.1 add max-epss; if it is meant, add max-epss: 1',
    ],
    [
      'two halves of everything',
      '{ rules: [{ action: warn, base: true }, { action: ignore, base: false, reason: r }] }',
      'launchway.yml:3:47: scan.rules.1: all that the usual rule (CRITICAL, with a fix) would block is decided by this and the rules before it, so that never blocks anything; if it is meant, say fail-on: []',
    ],
    [
      'an exception for the very thing that a rule is to block',
      '{ rules: [{ action: ignore, id: CVE-2024-*, reason: r }], fail-on: [{ id: CVE-2024-3094 }, { severity: CRITICAL }] }',
      'all that scan.fail-on.0 (CVE-2024-3094) would block is decided by this, so that never blocks anything; if it is meant, take scan.fail-on.0 out',
    ],
    [
      'an exception for every secret',
      '{ scanners: [vuln, secret], rules: [{ action: ignore, class: secret, max-severity: CRITICAL, reason: r }] }',
      'if it is meant, take secret out of scan.scanners',
    ],
  ])('are refused: %s', (_, scan, problem) => {
    const [found, ...others] = problems(`${base}scan: ${scan}\n`)
    expect(found).toContain(problem)
    expect(others).toEqual([])
  })

  it.each([
    ['nothing blocks after it, on purpose', '{ rules: [{ action: warn, severity: MEDIUM }], fail-on: [] }'],
    ['it says how far it goes', '{ rules: [{ action: warn, base: true, severity: HIGH, max-severity: HIGH }] }'],
    ['it says that it is meant', '{ rules: [{ action: warn, base: true, severity: HIGH, max-severity: CRITICAL }] }'],
    ['it stands after what blocks', '{ rules: [{ action: fail, severity: HIGH }, { action: warn, severity: MEDIUM }] , fail-on: [] }'],
    ['what it takes is not worse than what it names', '{ rules: [{ action: warn, severity: CRITICAL, base: true }] }'],
    ['what blocks is about other things', '{ rules: [{ action: warn, severity: HIGH, fixable: false }] }'],
    ['it says of what it is in other words', '{ rules: [{ action: warn, base: true }, { action: ignore, id: CVE-1, reason: r }] }'],
  ])('are taken where %s', (_, scan) => {
    expect(resolveScan(configOf(`${base}scan: ${scan}\n`), {})).toHaveProperty('rules')
  })

  it('are found among many exceptions without a wait', () => {
    const many = Array.from({ length: 200 }, (_, index) => `{ action: ignore, id: CVE-${index}, package: lib${index}, reason: r }`)
    const rest = '{ action: warn, known-for: 7d, new: false, severity: LOW }'
    const text = `${base}scan: { kev: k, epss: e, rules: [${many.join(', ')}, ${rest}], fail-on: [{ exploited: true }, { epss: 0.1, fixable: true }] }\n`
    expect(problems(text)).toEqual([expect.stringContaining('scan.rules.200: severity means this and worse')])
  })
})

/** Every finding that rules of these parts can tell apart, by names that each pattern below has and has not. */
const packages = ['lib', 'libq', 'libqx', 'qx', 'zq', 'zqx', 'other']
const scores = [undefined, 0, 0.1, 0.2, 0.3, 0.4, 1]
const everything: Asked[] = severities.flatMap((severity) =>
  packages.flatMap((name) =>
    scores.flatMap((epss) =>
      (['new', 'existing'] as const).flatMap((status) =>
        [undefined, '2'].map((fixed) => ({
          ...{ class: 'os' as const, id: 'CVE-1', severity, package: name, installed: '1', status },
          ...(epss === undefined ? {} : { epss }),
          ...(fixed === undefined ? {} : { fixed }),
        })),
      ),
    ),
  ),
)

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined, freq: 1 })
const severity = fc.constantFrom(...severities)
const anyRule: fc.Arbitrary<ScanRule> = fc
  .record({
    action: fc.constantFrom('fail', 'warn', 'ignore'),
    severity: maybe(severity),
    maxSeverity: maybe(severity),
    fixable: maybe(fc.boolean()),
    new: maybe(fc.boolean()),
    packages: fc.oneof(fc.constant<string[]>([]), fc.subarray(['lib', 'lib*', '*x', 'z*'], { minLength: 1, maxLength: 2 })),
    epss: maybe(fc.constantFrom(0.1, 0.3)),
    maxEpss: maybe(fc.constantFrom(0.1, 0.3)),
  })
  .map(({ action, packages: names, severity: least, maxSeverity, fixable, new: isNew, epss, maxEpss }) => ({
    ...{ action, classes: ['os' as const], packages: names, ids: [] },
    ...(least === undefined ? {} : { severity: least }),
    ...(maxSeverity === undefined || action === 'fail' ? {} : { maxSeverity }),
    ...(fixable === undefined ? {} : { fixable }),
    ...(isNew === undefined ? {} : { new: isNew }),
    ...(epss === undefined || action === 'ignore' ? {} : { epss }),
    ...(maxEpss === undefined || action === 'fail' ? {} : { maxEpss }),
  }))

/** Which rule decides about a finding, as the gate has it. */
function decider(rules: readonly ScanRule[], finding: Asked): ScanRule | undefined {
  return gate([{ name: 'app', findings: [finding] }], rules, 0).decided[0]?.rule
}

/** What is refused, found by trying everything. */
function wrong(rules: readonly ScanRule[]): number[] {
  const found = new Set<number>()
  for (const [index, rule] of rules.entries()) {
    if (rule.action === 'fail') {
      const blocking = rules.filter(({ action }) => action === 'fail')
      const about = everything.filter((finding) => decider(blocking, finding) === rule)
      const by = new Set(about.map((finding) => decider(rules, finding)))
      if (about.length > 0 && !by.has(rule)) found.add(Math.max(...[...by].map((one) => rules.findIndex((each) => each === one))))
      continue
    }
    const isTrap = everything.some((finding) => {
      const isWorse =
        (rule.severity !== undefined &&
          rule.maxSeverity === undefined &&
          severities.indexOf(finding.severity) < severities.indexOf(rule.severity)) ||
        (rule.epss !== undefined && rule.maxEpss === undefined && (finding.epss ?? 0) > rule.epss)
      return isWorse && decider(rules, finding) === rule && decider(rules.slice(index + 1), finding)?.action === 'fail'
    })
    if (isTrap) found.add(index)
  }
  return [...found].toSorted((a, b) => a - b)
}

describe('what is refused', () => {
  it('is what the first rule that matches makes of some finding, and nothing else', () => {
    let refused = 0
    const asked = runs(150)
    fc.assert(
      fc.property(fc.array(anyRule, { minLength: 2, maxLength: 4 }), (list) => {
        // The same rule twice would be one to the table.
        const rules = list.map((rule) => ({ ...rule }))
        const breaches = orderBreaches(rules.map((rule, index) => ({ rule, path: ['scan', 'rules', index] })))
        const places = breaches.map(({ path }) => Number(path[2]))
        refused += places.length === 0 ? 0 : 1
        expect(places).toEqual(wrong(rules))
      }),
      { numRuns: asked },
    )
    expect(refused).toBeGreaterThan(asked / 20)
    expect(refused).toBeLessThan(asked)
  })

  it('is found in time, however many stars patterns have', () => {
    const stars = (letters: string): string => `*${letters.split('').join('*')}*`
    const rules = [
      { action: 'warn' as const, severity: 'HIGH' as const, classes: [], packages: [stars('abcdefghijkl')], ids: [] },
      { action: 'fail' as const, severity: 'CRITICAL' as const, classes: [], packages: [stars('mnopqrstuvwx')], ids: [] },
    ]
    expect(
      orderBreaches(rules.map((rule, index) => ({ rule: { ...rule, classes: ['library'] as const }, path: ['scan', 'rules', index] }))),
    ).toHaveLength(1)
  })
})
