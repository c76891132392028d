import { describe, expect, it } from 'vitest'
import type { ScanRule, Severity } from '../../src/core/gates.ts'
import { type Asked, matches, ruleName } from '../../src/core/scan-rule.ts'
import { changes, closing, counts, explain, gate, open, sorted, warning } from '../../src/scan/gate.ts'

const day = 86_400_000
const now = Date.parse('2026-11-21T12:00:00Z')

function finding(severity: Severity, of: Partial<Asked> = {}): Asked {
  return { class: 'os', id: 'CVE-2026-0001', severity, package: 'openssl', installed: '1.0', status: 'new', ...of }
}
function rule(of: Partial<ScanRule>): ScanRule {
  return { action: 'fail', classes: ['os', 'library'], packages: [], ids: [], ...of }
}
const judge = (findings: readonly Asked[], ...rules: ScanRule[]): ReturnType<typeof gate> => gate([{ name: 'app', findings }], rules, now)

describe('a rule of the scan', () => {
  const all = (['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const).map((severity) => finding(severity))
  it.each([
    ['CRITICAL', { severity: 'CRITICAL' }, ['CRITICAL']],
    ['HIGH or worse', { severity: 'HIGH' }, ['CRITICAL', 'HIGH']],
    ['LOW or worse', { severity: 'LOW' }, ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']],
    ['any severity', { severity: 'UNKNOWN' }, ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN']],
    ['any severity', {}, ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN']],
  ] as const)('%s is about that severity and what is worse', (name, of, severities) => {
    const { decided, rules } = judge(all, rule(of))
    expect(decided.map((one) => one.finding.severity)).toEqual(severities)
    expect(rules.map((each) => each.rule)).toEqual([name])
  })

  it.each([
    ['CRITICAL or milder', { maxSeverity: 'CRITICAL' }, ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']],
    ['LOW or milder', { maxSeverity: 'LOW' }, ['LOW']],
    ['UNKNOWN', { maxSeverity: 'UNKNOWN' }, ['UNKNOWN']],
    ['HIGH to MEDIUM', { severity: 'MEDIUM', maxSeverity: 'HIGH' }, ['HIGH', 'MEDIUM']],
    ['LOW', { severity: 'LOW', maxSeverity: 'LOW' }, ['LOW']],
  ] as const)('%s lets pass nothing that is worse, nor what nobody has rated', (name, of, severities) => {
    const { decided, rules } = judge(all, rule({ action: 'ignore', reason: 'mild', ...of }), rule({}))
    expect(decided.filter((one) => one.rule.action === 'ignore').map((one) => one.finding.severity)).toEqual(severities)
    expect(rules[0]?.rule).toBe(`${name}: mild`)
  })

  const known = { published: now - 30 * day }
  it.each<[string, Partial<ScanRule>, Partial<Asked>, boolean]>([
    ['with a fix', { fixable: true }, { fixed: '1.1' }, true],
    ['with a fix', { fixable: true }, {}, false],
    ['without a fix', { fixable: false }, { fixed: '1.1' }, false],
    ['without a fix', { fixable: false }, {}, true],
    ['in a package', { packages: ['openssl'] }, {}, true],
    ['in a package', { packages: ['openssl'] }, { package: 'openssl-dev' }, false],
    ['in a package, however it is written', { packages: ['werkzeug'] }, { package: 'Werkzeug' }, true],
    ['in packages that begin so', { packages: ['linux-*'] }, { package: 'linux-libc-dev' }, true],
    ['in packages with that in the middle', { packages: ['a*b*c'] }, { package: 'a-bb-c' }, true],
    ['in packages with that in the middle', { packages: ['a*bb*c'] }, { package: 'a-b-c' }, false],
    ['in packages whose beginning and end do not overlap', { packages: ['ab*ba'] }, { package: 'aba' }, false],
    ['of one number', { ids: ['CVE-2026-0001'] }, {}, true],
    ['of one number', { ids: ['CVE-2026-000'] }, {}, false],
    ['of numbers of a year', { ids: ['CVE-2025-*', 'CVE-2026-*'] }, {}, true],
    ['of libraries', { classes: ['library'] }, {}, false],
    ['of secrets', { classes: ['secret'] }, { class: 'secret' }, true],
    ['without a class, of secrets', {}, { class: 'secret' }, false],
    ['that is new', { new: true }, { status: 'new' }, true],
    ['that is new', { new: true }, { status: 'existing' }, false],
    ['that is not new', { new: false }, { status: 'existing' }, true],
    ['of the base', { base: true }, { base: true }, true],
    ['of the base, where that is not known', { base: true }, {}, false],
    ['not of the base, where that is not known', { base: false }, {}, true],
    ['known for two weeks', { knownForMs: 14 * day }, known, true],
    ['known for two months', { knownForMs: 60 * day }, known, false],
    ['known for long, without a date, where it would fail', { knownForMs: 60 * day }, {}, true],
    ['known for long, without a date, where it would pass', { knownForMs: 60 * day, action: 'ignore' }, {}, false],
    ['known to be exploited', { exploited: true }, { exploited: true }, true],
    ['known to be exploited', { exploited: true }, { exploited: false }, false],
    ['not known to be exploited', { exploited: false }, { exploited: false }, true],
    ['known to be exploited, where nothing is known, where it would fail', { exploited: true }, {}, true],
    ['known to be exploited, where nothing is known, where it would pass', { exploited: false, action: 'ignore' }, {}, false],
    ['likely to be exploited', { epss: 0.1 }, { epss: 0.1 }, true],
    ['likely to be exploited', { epss: 0.1 }, { epss: 0.0999 }, false],
    ['likely to be exploited, without a score, where it would fail', { epss: 0.1 }, {}, true],
    ['likely to be exploited, without a score, where it would warn', { epss: 0.1, action: 'warn' }, {}, false],
    ['hardly exploited', { maxEpss: 0.01, action: 'ignore' }, { epss: 0.01 }, true],
    ['hardly exploited', { maxEpss: 0.01, action: 'ignore' }, { epss: 0.02 }, false],
    ['hardly exploited, without a score', { maxEpss: 1, action: 'ignore' }, {}, false],
    ['of all of that', { severity: 'HIGH', fixable: true, new: true }, { fixed: '2' }, true],
    ['of all of that but one', { severity: 'HIGH', fixable: true, new: false }, { fixed: '2' }, false],
  ])('%s: %j on %j: %s', (_, of, about, answer) => {
    expect(matches(rule(of), finding('HIGH', about), now)).toBe(answer)
  })

  it('that matches first decides: what one rule explains, the next does not repeat', () => {
    const [loud, quiet, odd] = [
      finding('CRITICAL'),
      finding('HIGH', { id: 'CVE-2026-0002', fixed: '2' }),
      finding('LOW', { id: 'CVE-2026-0003' }),
    ]
    const { rules, verdict } = judge(
      [loud, quiet, odd],
      rule({ action: 'ignore', ids: ['CVE-2026-0003'], reason: 'not reachable' }),
      rule({ action: 'warn', severity: 'HIGH', fixable: true }),
      rule({ severity: 'HIGH' }),
      rule({ severity: 'UNKNOWN', new: false }),
    )
    expect(rules).toEqual([
      { rule: 'CVE-2026-0003: not reachable', action: 'ignore', passed: true, findings: ['app: CVE-2026-0003 in openssl 1.0'] },
      { rule: 'HIGH or worse, with a fix', action: 'warn', passed: true, findings: ['app: CVE-2026-0002 in openssl 1.0'] },
      { rule: 'HIGH or worse', action: 'fail', passed: false, findings: ['app: CVE-2026-0001 in openssl 1.0'] },
      { rule: 'any severity, not new', action: 'fail', passed: true, findings: [] },
    ])
    expect(verdict).toBe('failed')
  })

  it('that only warns fails nothing, and one that is not there blocks nothing', () => {
    expect(judge([finding('CRITICAL')], rule({ action: 'warn' })).verdict).toBe('passed')
    expect(judge([finding('CRITICAL')])).toEqual({ decided: [], rules: [], verdict: 'passed' })
  })

  it('is not asked of what an exception lets pass, nor of what is gone', () => {
    const passed = [finding('CRITICAL', { exempt: true }), finding('CRITICAL', { status: 'fixed' })]
    expect(judge(passed, rule({})).decided).toEqual([])
    expect(open(passed)).toEqual([])
  })

  it.each<[Partial<ScanRule>, string]>([
    [{ severity: 'CRITICAL', fixable: true }, 'CRITICAL, with a fix'],
    [{ ids: ['CVE-1', 'CVE-2'], packages: ['zlib1g'] }, 'CVE-1 or CVE-2, in zlib1g'],
    [{ ids: ['CVE-*'], severity: 'HIGH' }, 'CVE-*, HIGH or worse'],
    [{ classes: ['secret'], severity: 'HIGH' }, 'HIGH or worse in secrets'],
    [{ severity: 'HIGH', new: true, base: false, knownForMs: 7 * day }, 'HIGH or worse, new, not of the base image, known for 7 days'],
    [{ knownForMs: 12 * 3_600_000 }, 'any severity, known for 12 h'],
    [{ exploited: true }, 'any severity, known to be exploited'],
    [{ severity: 'HIGH', exploited: false, epss: 0.1 }, 'HIGH or worse, not known to be exploited, EPSS 0.1 or more'],
    [{ maxSeverity: 'HIGH', maxEpss: 0.001 }, 'HIGH or milder, EPSS 0.001 or less'],
  ])('is named by what it asks: %j', (of, name) => {
    expect(ruleName(rule(of))).toBe(name)
  })
})

describe('what a scan found', () => {
  it('is sorted by severity, then by name, and the same finding stands once', () => {
    const [low, b, a] = [finding('LOW'), finding('HIGH', { id: 'CVE-2026-0003' }), finding('HIGH', { id: 'CVE-2026-0002' })]
    expect(sorted([low, b, a, { ...b }])).toEqual([a, b, low])
  })

  it('of two secrets in one file stays two', () => {
    const [a, b] = ['line 3', 'line 9'].map((installed) => finding('HIGH', { class: 'secret', id: 'aws', package: '/k', installed }))
    if (a === undefined || b === undefined) throw new TypeError('two')
    expect(sorted([b, a, { ...a }])).toEqual([a, b])
  })

  it('that an exception lets pass in one place only still counts, and so does what an own layer brings as well', () => {
    const [passed, counted] = [finding('HIGH', { exempt: true }), finding('HIGH', { base: true })]
    for (const order of [
      [passed, counted],
      [counted, passed],
    ])
      expect(sorted(order)).toEqual([counted])
    const own = finding('HIGH', { base: false })
    for (const order of [
      [own, counted],
      [counted, own],
    ])
      expect(sorted(order)).toEqual([own])
  })

  it('is counted from the worst to the least, and beside what runs', () => {
    const findings = [
      finding('LOW', { status: 'existing' }),
      finding('CRITICAL'),
      finding('LOW', { status: 'fixed' }),
      finding('LOW', { exempt: true }),
    ]
    expect(counts(findings)).toBe('1 CRITICAL, 3 LOW')
    expect(counts([])).toBe('no findings')
    expect(changes([{ name: 'app', config: '', findings }])).toBe('1 new, 1 fixed, 1 still there')
  })

  it('that blocks is a table: what, where, and what ends it', () => {
    const blocked = [
      { image: 'app', finding: finding('CRITICAL', { fixed: '1.1' }), rule: rule({ severity: 'HIGH' }) },
      { image: 'app', finding: finding('HIGH', { id: 'CVE-2026-12345', package: 'z' }), rule: rule({ severity: 'HIGH' }) },
      {
        image: 'app',
        finding: finding('HIGH', { id: 'aws', class: 'secret', package: '/k', installed: 'line 7', title: 'AWS key' }),
        rule: rule({ classes: ['secret'] }),
      },
    ]
    expect(explain(blocked, '.trivyignore.yaml')).toEqual({
      message: 'app: 3 findings block this release: 1 CRITICAL, 2 HIGH',
      hint: `CVE-2026-0001   CRITICAL  openssl  1.0 → 1.1         (HIGH or worse)
CVE-2026-12345  HIGH      z        1.0 → no fix yet  (HIGH or worse)
aws             HIGH      /k       AWS key, line 7   (any severity in secrets)
Revoke a secret, and take it out of the image: who may pull it can read it. Secrets of the build (images.*.secrets) are not kept in it.
Update what has a fix. What has no fix yet goes with another base image, or without the package. What must wait is an exception with an end: in .trivyignore.yaml, id and expired_at; of a secret under secrets:, with paths: ['/k'].`,
    })
  })

  it.each<[string, Partial<Asked>, string, string]>([
    [
      'what has a fix',
      { fixed: '2' },
      '.trivyignore.yaml',
      'Update what has a fix. What must wait is an exception with an end: in .trivyignore.yaml, id and expired_at.',
    ],
    [
      'what has none',
      {},
      '.trivyignore',
      'What has no fix yet goes with another base image, or without the package. What must wait is an exception with an end: in .trivyignore, a line of its id and exp:2027-01-31.',
    ],
    [
      'a misconfiguration',
      { class: 'misconfig' },
      'x.yml',
      'A misconfiguration is mended in the Dockerfile, or in the file that it names.\nWhat must wait is an exception with an end: in x.yml, id and expired_at; of a misconfiguration under misconfigurations:.',
    ],
    [
      'a licence',
      { class: 'license' },
      'x.yml',
      'A licence that may not be used here wants another package.\nWhat must wait is an exception with an end: in x.yml, id and expired_at; of a licence under licenses:.',
    ],
  ])('that blocks comes with what fits it: %s', (_, of, ignoreFile, advice) => {
    const { hint } = explain(
      [{ image: 'app', finding: finding('HIGH', of), rule: rule({ classes: ['os', 'misconfig', 'license'] }) }],
      ignoreFile,
    )
    expect(hint.slice(hint.indexOf('\n') + 1)).toBe(advice)
  })

  it('that an exception let pass until it ended says so', () => {
    const blocked = [{ image: 'app', finding: finding('CRITICAL'), rule: rule({}) }]
    const ended = { source: 'x', state: 'ended' as const, findings: [], until: '2026-11-01T00:00:00.000Z', owner: 'team-web' }
    const { hint } = explain(blocked, 'x', {
      exceptions: [
        { id: 'CVE-2026-0001', ...ended },
        { id: 'CVE-2026-0009', ...ended },
      ],
      beside: ['CVE-2026-0001: the exception at x:3 does not match it'],
    })
    expect(hint).toContain(
      '\nCVE-2026-0001: its exception ended on 2026-11-01 (team-web)\nCVE-2026-0001: the exception at x:3 does not match it\n',
    )
    expect(hint).not.toContain('0009')
  })

  it('that an exception in another spelling of its id let pass until it ended says so', () => {
    const check = finding('HIGH', { id: 'DS-0002', class: 'misconfig', package: 'Dockerfile', installed: '' })
    const ended = { id: 'AVD-DS-0002', source: 'x', state: 'ended' as const, findings: [], until: '2026-11-01T00:00:00.000Z' }
    const { hint } = explain([{ image: 'app', finding: check, rule: rule({}) }], 'x', { exceptions: [ended] })
    expect(hint).toContain('\nAVD-DS-0002: its exception ended on 2026-11-01\n')
  })

  it('that blocks is cut after twenty, and says in which of several images it is', () => {
    const blocked = Array.from({ length: 23 }, (_, index) => ({
      image: index < 2 ? 'app' : 'worker',
      finding: finding('LOW'),
      rule: rule({ severity: 'LOW' }),
    }))
    const { message, hint } = explain(blocked, '.trivyignore')
    expect(message).toBe('23 findings of 2 images block this release: 23 LOW')
    expect(hint.split('\n')).toHaveLength(22)
    expect(hint).toMatch(/^CVE-2026-0001 {2}LOW {2}app {5}openssl/)
    expect(hint).toContain('\n… and 3 more; all are in the release record\n')
  })

  it.each<[string, Asked[], ScanRule[], string]>([
    ['no rule could block', [finding('CRITICAL')], [rule({ action: 'warn' })], 'no rule could block'],
    ['no finding is there', [finding('LOW')], [rule({ severity: 'CRITICAL' })], 'no CRITICAL'],
    [
      'something else let it pass',
      [
        finding('CRITICAL', { base: true }),
        finding('CRITICAL', { id: 'CVE-2026-0002' }),
        finding('CRITICAL', { exempt: true }),
        finding('CRITICAL', { status: 'fixed' }),
      ],
      [
        rule({ action: 'warn', base: true }),
        rule({ action: 'ignore', ids: ['CVE-2026-0002'], reason: 'r' }),
        rule({ severity: 'CRITICAL' }),
        rule({ severity: 'HIGH', new: false }),
      ],
      'no CRITICAL, but 1 only warned of and 1 ignored by a rule and 1 excepted; no HIGH or worse, not new',
    ],
  ])('that blocks nothing is told without a claim that is not true: %s', (_, findings, rules, said) => {
    expect(closing([{ findings }], rules, now)).toBe(said)
  })

  it('that is only warned of is one message', () => {
    expect(warning([{ image: 'app', finding: finding('HIGH', { fixed: '2' }), rule: rule({ action: 'warn', new: true }) }])).toBe(
      '1 finding is only warned of: 1 HIGH\nCVE-2026-0001  HIGH  openssl  1.0 → 2  (any severity, new)',
    )
  })
})
