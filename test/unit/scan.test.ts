import { describe, expect, it } from 'vitest'
import type { ScanRule, Severity } from '../../src/core/gates.ts'
import type { Finding } from '../../src/core/release.ts'
import { counts, explain, gate, ruleName, sorted } from '../../src/scan/gate.ts'
import { checkIgnoreFile } from '../../src/scan/ignore.ts'
import { isCurrent, showAge, sight, sourceOf, unfit } from '../../src/scan/plan.ts'
import { scanFailed, tooOld } from '../../src/scan/trivy-errors.ts'
import { digest, failureIn } from './support/deploy.ts'

const hour = 3_600_000
const now = new Date('2026-11-21T12:00:00Z')
const at = (hours: number): Date => new Date(now.getTime() + hours * hour)

function finding(severity: Severity, of: Partial<Finding> = {}): Finding {
  return { id: 'CVE-2026-0001', severity, package: 'openssl', installed: '1.0', status: 'new', ...of }
}
const rule = (severity: Severity, fixable = false): ScanRule => ({ severity, fixable })

describe('a rule of the scan', () => {
  it.each([
    ['CRITICAL', rule('CRITICAL'), ['CRITICAL']],
    ['HIGH or worse', rule('HIGH'), ['CRITICAL', 'HIGH']],
    ['LOW or worse', rule('LOW'), ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']],
    ['any severity', rule('UNKNOWN'), ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN']],
  ])('%s blocks that severity and what is worse', (name, one, blocks) => {
    const all = (['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const).map((severity) => finding(severity))
    const { blocked, rules } = gate([{ name: 'app', config: digest, findings: all }], { failOn: [one] })
    expect(blocked.map(({ finding: { severity } }) => severity)).toEqual(blocks)
    expect(rules.map((each) => each.rule)).toEqual([name])
  })

  it.each([
    ['with a fix', '1.1', true, 'failed'],
    ['without a fix', undefined, true, 'passed'],
    ['with a fix', '1.1', false, 'failed'],
    ['without a fix', undefined, false, 'failed'],
  ] as const)('on a finding %s (%s), fixable: %s: %s', (_, fixed, fixable, verdict) => {
    const findings = [finding('HIGH', fixed === undefined ? {} : { fixed })]
    expect(gate([{ name: 'app', config: digest, findings }], { failOn: [rule('HIGH', fixable)] }).verdict).toBe(verdict)
  })

  it('is the first that a finding breaks: what one rule explains, the next does not repeat', () => {
    const findings = [finding('CRITICAL'), finding('HIGH', { id: 'CVE-2026-0002', fixed: '2' })]
    const { rules, verdict } = gate([{ name: 'app', config: digest, findings }], {
      failOn: [rule('CRITICAL'), rule('MEDIUM', true), rule('HIGH')],
    })
    expect(rules).toEqual([
      { rule: 'CRITICAL', passed: false, findings: ['app: CVE-2026-0001 in openssl 1.0'] },
      { rule: 'MEDIUM or worse, with a fix', passed: false, findings: ['app: CVE-2026-0002 in openssl 1.0'] },
      { rule: 'HIGH or worse', passed: true, findings: [] },
    ])
    expect(verdict).toBe('failed')
  })

  it('that is not there blocks nothing', () => {
    expect(gate([{ name: 'app', config: digest, findings: [finding('CRITICAL')] }], { failOn: [] })).toEqual({
      blocked: [],
      rules: [],
      verdict: 'passed',
    })
  })
})

describe('what a scan found', () => {
  it('is sorted by severity, then by name, and the same finding stands once', () => {
    const [low, b, a] = [finding('LOW'), finding('HIGH', { id: 'CVE-2026-0003' }), finding('HIGH', { id: 'CVE-2026-0002' })]
    expect(sorted([low, b, a, { ...b }])).toEqual([a, b, low])
  })

  it('is counted from the worst to the least', () => {
    expect(counts([finding('LOW'), finding('CRITICAL'), finding('LOW')])).toBe('1 CRITICAL, 2 LOW')
    expect(counts([])).toBe('no findings')
  })

  it('that blocks is a table: what, where, and what ends it', () => {
    const blocked = [
      { image: 'app', finding: finding('CRITICAL', { fixed: '1.1' }), rule: rule('HIGH') },
      { image: 'app', finding: finding('HIGH', { id: 'CVE-2026-12345', package: 'z' }), rule: rule('HIGH') },
    ]
    expect(explain(blocked, '.trivyignore.yaml')).toEqual({
      message: 'app: 2 findings block this release: 1 CRITICAL, 1 HIGH',
      hint: `CVE-2026-0001   CRITICAL  openssl  1.0 → 1.1         (HIGH or worse)
CVE-2026-12345  HIGH      z        1.0 → no fix yet  (HIGH or worse)
Update what has a fix. What must wait is an exception with an end: in .trivyignore.yaml, id and expired_at.`,
    })
  })

  it('that blocks is cut after twenty, and says in which of several images it is', () => {
    const blocked = Array.from({ length: 23 }, (_, index) => ({
      image: index < 2 ? 'app' : 'worker',
      finding: finding('LOW'),
      rule: rule('LOW'),
    }))
    const { message, hint } = explain(blocked, '.trivyignore')
    expect(message).toBe('23 findings of 2 images block this release: 23 LOW')
    expect(hint.split('\n')).toHaveLength(22)
    expect(hint).toMatch(/^CVE-2026-0001 {2}LOW {2}app {5}openssl/)
    expect(hint).toContain('\n… and 3 more; all are in the release record\n')
  })

  it.each([
    [{ severity: 'CRITICAL', fixable: true }, 'CRITICAL, with a fix'],
    [{ severity: 'UNKNOWN', fixable: true }, 'any severity, with a fix'],
  ] as const)('is named after its rule: %j', (one, name) => {
    expect(ruleName(one)).toBe(name)
  })
})

describe('the age of a database', () => {
  it.each([
    ['just made', 0, undefined],
    ['a day', -24, undefined],
    ['the limit itself', -48, undefined],
    ['past the limit', -49, 'is 49 h old, and scan.max-db-age is 48 h'],
    ['a month', -24 * 30, 'is 30 days old, and scan.max-db-age is 48 h'],
    ['a clock that is a little wrong', 0.1, undefined],
    ['from the future', 1, 'is from the future (2026-11-21T13:00:00.000Z)'],
  ])('%s', (_, hours, why) => {
    expect(unfit({ updated: at(hours) }, now, 48 * hour)).toBe(why)
  })

  it.each([
    ['none is kept', undefined, false],
    ['the next one is not due', { updated: at(-2), next: at(22) }, true],
    ['the next one is due', { updated: at(-25), next: at(-1) }, false],
    ['the next one is not due, but it is past the limit', { updated: at(-60), next: at(22) }, false],
    ['it is from the future', { updated: at(5), next: at(29) }, false],
  ])('decides whether a newer one is asked for: %s', (_, kept, current) => {
    expect(isCurrent(kept, now, 48 * hour)).toBe(current)
  })

  it.each([
    [0, '0 min'],
    [90 * 60_000, '90 min'],
    [5 * hour, '5 h'],
    [71 * hour, '71 h'],
    [24 * 6 * hour, '6 days'],
  ])('of %i ms reads %s', (ms, text) => {
    expect(showAge(ms)).toBe(text)
  })
})

describe('where Trivy gets an image from', () => {
  const registries = { 'ghcr.io/team/app': { digest, mediaType: 'm' } }
  const engine = { inEngine: true, containerdStore: false, host: undefined }
  it.each([
    ['the engine', engine, 'engine'],
    ['the engine of another context', { ...engine, host: 'unix:///run/user/1000/docker.sock' }, 'engine'],
    ['an archive, where the engine would give it the digest of a manifest', { ...engine, containerdStore: true }, 'archive'],
    ['an archive, where only docker reaches the engine', { ...engine, host: 'ssh://ada@build.example.org' }, 'archive'],
    ['the registry, where the engine does not have it', { ...engine, inEngine: false }, 'registry'],
  ])('%s', (_, seen, from) => {
    expect(sourceOf({ registries }, seen)?.from).toBe(from)
  })

  it('nowhere, where it was not uploaded either', () => {
    expect(sourceOf({ registries: {} }, { ...engine, inEngine: false })).toBeUndefined()
  })
})

describe('what a scan could see', () => {
  const debian = { family: 'debian', name: '12.5', ended: false }
  it.each([
    ['a system and its packages', debian, { os: 90, others: 3 }, 'seen', '93 packages, debian 12.5'],
    ['packages of a language alone', undefined, { os: 0, others: 1 }, 'seen', '1 package'],
    ['a system without packages', debian, { os: 0, others: 3 }, 'blind', 'it is debian 12.5, and not one package of it was found'],
    ['nothing', undefined, { os: 0, others: 0 }, 'bare', 'no operating system and no packages that Trivy knows: nothing to look up'],
  ] as const)('%s', (_, os, packages, kind, says) => {
    expect(sight({ os, packages })).toEqual({ kind, says })
  })
})

describe('a list of exceptions', () => {
  it.each([
    ['nothing', ''],
    ['comments', '# none yet\n'],
    ['an empty list', 'vulnerabilities:\n'],
    [
      'everything that Trivy reads',
      'vulnerabilities:\n  - id: CVE-1\n    paths: [usr/bin/x]\n    purls: ["pkg:deb/debian/zlib1g"]\n    expired_at: 2027-01-31\n    statement: why\nsecrets:\n  - id: aws\n',
    ],
  ])('may hold %s', (_, text) => {
    expect(() => checkIgnoreFile('.trivyignore.yaml', text)).not.toThrow()
  })

  it.each([
    [
      'a slip in a key',
      'vulnerabilities:\n  - id: CVE-1\n    expires_at: 2027-01-31\n',
      '3:5: Trivy does not know "expires_at"; did you mean expired_at?',
    ],
    ['a slip in a list', 'vulnerabilites: []\n', '1:1: Trivy does not know "vulnerabilites"; did you mean vulnerabilities?'],
    ['no id', 'vulnerabilities:\n  - statement: x\n', '2:5: an entry of vulnerabilities has no id'],
    ['an id alone', 'vulnerabilities:\n  - CVE-1\n', '2:5: an entry of vulnerabilities must have an id'],
    ['no list', 'vulnerabilities: CVE-1\n', '1:18: vulnerabilities must be a list'],
    ['no map', '- CVE-1\n', '1:1: must be a map of lists, such as vulnerabilities'],
    [
      'a day that no month has',
      'vulnerabilities:\n  - id: CVE-1\n    expired_at: 2027-02-30\n',
      '3:17: expired_at must be a date such as 2027-01-31',
    ],
    [
      'a date in words',
      'vulnerabilities:\n  - id: CVE-1\n    expired_at: next week\n',
      '3:17: expired_at must be a date such as 2027-01-31',
    ],
    ['no YAML', 'vulnerabilities: [\n', 'not YAML: '],
  ])('with %s is refused, with its place', (_, text, problem) => {
    const failure = failureIn(() => checkIgnoreFile('.trivyignore.yaml', text))
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', place: { file: '.trivyignore.yaml' } })
    expect(failure.message).toContain(problem)
  })

  it('in the older form is left to Trivy', () => {
    expect(() => checkIgnoreFile('.trivyignore', 'CVE-2021-41945 exp:2027-01-31\n')).not.toThrow()
  })
})

describe('a Trivy that fails', () => {
  const fatal = (text: string): string => `2026-11-21T17:45:36Z\tFATAL\tFatal error\t${text}\n`
  it.each([
    ['run error: filter error: filtering error: x.yaml parse error: bad', 'CONFIG_INVALID'],
    ['run error: image scan error: scan error: unable to initialize the Java DB: no route', 'SCAN_DB_UNAVAILABLE'],
    ['run error: init error: DB error: failed to open db: invalid database', 'SCAN_DB_UNAVAILABLE'],
    ['run error: image scan error: scan error: no space left on device', 'COMMAND_FAILED'],
    ['unknown flag: --skip-version-check', 'TOOL_MISSING'],
  ])('is told by what it says: %s', (text, code) => {
    expect(
      failureIn(() => {
        throw scanFailed('app', 'x.yaml', fatal(text))
      }),
    ).toMatchObject({ code })
  })

  it('for another reason than its age is not called too old', () => {
    expect(() => tooOld(fatal('run error: no space left on device'))).not.toThrow()
  })
})
