import { describe, expect, it } from 'vitest'
import { announcement, exceptionsOf, refuseEnded, stateOf } from '../../src/scan/exceptions.ts'
import { readExceptions } from '../../src/tools/trivy-ignore.ts'
import type { LaunchwayError } from '../../src/core/error.ts'
import type { Found } from '../../src/tools/trivy-report.ts'
import { failureIn } from './support/deploy.ts'

const file = '.trivyignore.yaml'
const day = 86_400_000
const now = Date.parse('2026-11-21T12:00:00Z')
const on = (days: number): number => now + days * day

/** As a terminal shows it. */
const told = ({ message, place }: LaunchwayError): string => `${place?.file}:${place?.line}:${place?.column}: ${message}`

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
    expect(() => readExceptions(file, text, false)).not.toThrow()
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
    ['no map', '- CVE-1\n', '1:1: a list of exceptions must be a map of lists, such as vulnerabilities'],
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
    [
      'the day that Trivy takes for none',
      'vulnerabilities:\n  - id: CVE-1\n    expired_at: 0001-01-01\n',
      '3:17: expired_at must be a date such as 2027-01-31',
    ],
    [
      'a year with a slip',
      'vulnerabilities:\n  - id: CVE-1\n    expired_at: 1027-01-31\n',
      '3:17: expired_at must be a date such as 2027-01-31',
    ],
    ['a key of others', 'vulnerabilities:\n  - id: CVE-1\n    package: x\n', '3:5: Trivy does not know "package"; did you mean purls?'],
    [
      'a key like none',
      'vulnerabilities:\n  - id: CVE-1\n    nonsense: x\n',
      '3:5: Trivy does not know "nonsense"; known here: id, paths, purls, expired_at, statement, owner',
    ],
    [
      'a package that is no URL',
      'vulnerabilities:\n  - id: CVE-1\n    purls: ["pkg:pypi/x", werkzeug]\n',
      '3:27: purls: "werkzeug" is no package URL: write its kind as well, such as pkg:pypi/werkzeug',
    ],
    [
      'a URL without a kind',
      'vulnerabilities:\n  - id: CVE-1\n    purls: ["pkg:werkzeug"]\n',
      '3:13: purls: "pkg:werkzeug" is no package URL: write its kind as well, such as pkg:pypi/werkzeug',
    ],
    [
      'one package in the place of a list',
      'vulnerabilities:\n  - id: CVE-1\n    purls: pkg:pypi/werkzeug\n',
      '3:12: purls must be a list, such as ["pkg:pypi/werkzeug"]',
    ],
    ['no YAML', 'vulnerabilities: [\n', 'not YAML: '],
  ])('with %s is refused, with its place', (_, text, problem) => {
    const failure = failureIn(() => readExceptions(file, text, false))
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', place: { file: '.trivyignore.yaml' } })
    expect(told(failure)).toContain(problem)
    expect(failure.hint).toContain('vulnerabilities:\n  - id:')
  })

  it('gives of each entry its end, its owner and its reason', () => {
    const text =
      'vulnerabilities:\n  - id: CVE-1\n    expired_at: 2027-01-31\n    owner: team-web\n    statement: not reachable\n  - id: CVE-2\n    purls: ["pkg:pypi/x"]\nsecrets:\n  - id: aws\n    paths: [a, b/**]\n'
    const list = 'vulnerabilities'
    expect(readExceptions(file, text, false)).toEqual([
      { id: 'CVE-1', line: 2, list, until: Date.parse('2027-01-31T00:00:00Z'), owner: 'team-web', reason: 'not reachable' },
      { id: 'CVE-2', line: 6, list, purls: ['pkg:pypi/x'] },
      { id: 'aws', line: 9, list: 'secrets', paths: ['a', 'b/**'] },
    ])
  })

  it.each([
    ['2027-01-31', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31T12:00:00Z', '2027-01-31T12:00:00.000Z'],
    ['2027-01-31 12:00:00', '2027-01-31T12:00:00.000Z'],
    ['2027-01-31T12:00:00+02:00', '2027-01-31T10:00:00.000Z'],
  ])('takes the end %s for that instant, wherever the machine is', (end, instant) => {
    const [entry] = readExceptions(file, `vulnerabilities:\n  - id: CVE-1\n    expired_at: ${end}\n`, false)
    expect(new Date(entry?.until ?? 0).toISOString()).toBe(instant)
  })

  it('may be in the older form, one id a line, whose ends count as well', () => {
    expect(readExceptions('.trivyignore', '# why\n\nCVE-1\n CVE-2 exp:2027-01-31\n', false)).toEqual([
      { id: 'CVE-1', line: 3 },
      { id: 'CVE-2', line: 4, until: Date.parse('2027-01-31T00:00:00Z') },
    ])
    expect(failureIn(() => readExceptions('.trivyignore', 'CVE-1 exp:soon\n', false))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'soon is no date such as 2027-01-31',
      hint: 'In line 1 of .trivyignore. An entry looks like this:\nCVE-2023-45853 exp:2027-01-31 # why it can wait',
      place: { line: 1, column: 7 },
    })
  })

  it.each([
    ['CVE-1 expires:2027-01-31', '1:7: Trivy overlooks "expires:2027-01-31"'],
    ['CVE-1 EXP:2027-01-31', '1:7: Trivy overlooks "EXP:2027-01-31"'],
    ['CVE-1 until 2027', '1:7: Trivy overlooks "until"'],
    ['CVE-1 CVE-2', '1:7: Trivy overlooks "CVE-2"'],
    ['CVE-1 exp: 2027-01-31', '1:12: Trivy overlooks "2027-01-31"'],
    ['CVE-1 exp:', '1:7:  is no date'],
    ['CVE-1 exp:0001-01-01', '1:7: 0001-01-01 is no date'],
    ['CVE-1 exp:2027-01-31T10:00:00Z', '1:7: 2027-01-31T10:00:00Z is no date'],
    ['CVE-1 exp:2027-01-31 exp:2028-01-31', '1:22: CVE-1 has two ends'],
  ])('in the older form with %s is refused, with its place', (line, problem) => {
    expect(told(failureIn(() => readExceptions('.trivyignore', `${line}\n`, false)))).toContain(`.trivyignore:${problem}`)
  })

  it('in the older form may end in a comment', () => {
    expect(readExceptions('.trivyignore', 'CVE-1 exp:2027-01-31 # not reachable\nCVE-2 #why\n', false)).toEqual([
      { id: 'CVE-1', line: 1, until: Date.parse('2027-01-31T00:00:00Z') },
      { id: 'CVE-2', line: 2 },
    ])
  })

  it.each([
    ['nothing but its id', '  - id: CVE-1\n', '2:5: the exception for CVE-1 has no expired_at and no owner and no statement'],
    ['no owner', '  - id: CVE-1\n    expired_at: 2027-01-31\n    statement: x\n', '2:5: the exception for CVE-1 has no owner'],
  ])('is refused where everything must be said and an entry has %s', (_, entry, problem) => {
    const failure = failureIn(() => readExceptions(file, `vulnerabilities:\n${entry}`, true))
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(told(failure)).toBe(`${file}:${problem}`)
  })

  it('in the older form is refused where everything must be said: it has no place for it', () => {
    expect(failureIn(() => readExceptions('.trivyignore', 'CVE-1\n', true)).message).toContain('no owner and no reason')
  })
})

describe('the end of an exception', () => {
  it.each([
    ['none', undefined, 'open'],
    ['far away', on(15), 'open'],
    ['in two weeks', on(14), 'ending'],
    ['today', on(0), 'ending'],
    ['a moment ago', now - 1, 'ended'],
  ])('%s', (_, until, state) => {
    expect(stateOf(until === undefined ? {} : { until }, now)).toBe(state)
  })

  it('is announced two weeks before, by name, day and owner', () => {
    const entries = [
      { id: 'CVE-1', line: 2, until: on(9), owner: 'team-web' },
      { id: 'CVE-2', line: 5, until: on(30) },
      { id: 'CVE-3', line: 8, until: on(0.5) },
      { id: 'CVE-4', line: 9, until: on(-1) },
    ]
    expect(announcement(entries, now)).toEqual({
      message: '2 exceptions end soon: CVE-1 on 2026-11-30, in 9 days (team-web); CVE-3 on 2026-11-22, within a day',
      line: 2,
    })
    expect(announcement(entries.slice(1, 2), now)).toBeUndefined()
  })
})

describe('what exceptions let pass', () => {
  const finding = (id: string, exempt?: Found['exempt']): Found => ({
    ...{ class: 'library', id, severity: 'HIGH', package: 'p', installed: '1' },
    ...(exempt === undefined ? {} : { exempt }),
  })
  const bySource = (source: string, reason = ''): NonNullable<Found['exempt']> => ({ source, reason })

  it('stands with the entry that does it; of two with one id, with the one of that reason', () => {
    const entries = [
      { id: 'CVE-1', line: 2, reason: 'here' },
      { id: 'CVE-1', line: 3, reason: 'there', owner: 'ops' },
    ]
    const images = [{ name: 'app', findings: [finding('CVE-1', bySource('/srv/tree/.trivyignore.yaml', 'there')), finding('CVE-2')] }]
    expect(exceptionsOf(file, entries, images, now)).toEqual([
      { id: 'CVE-1', source: file, reason: 'here', state: 'open', findings: [] },
      { id: 'CVE-1', source: file, reason: 'there', owner: 'ops', state: 'open', findings: ['app: CVE-1 in p 1'] },
    ])
  })

  it.each([
    ['AVD-DS-0002', 'DS-0002'],
    ['DS002', 'DS-0002'],
    ['DS-0002', 'AVD-DS-0002'],
    ['AVD-KSV-0014', 'KSV014'],
  ])('stands with the entry %s, which Trivy takes for %s', (written, found) => {
    const until = on(60)
    const images = [{ name: 'app', findings: [finding(found, bySource(`/srv/${file}`))] }]
    expect(exceptionsOf(file, [{ id: written, line: 2, until, owner: 'ops' }], images, now)).toEqual([
      {
        ...{ id: written, source: file, owner: 'ops', state: 'open' },
        ...{ until: new Date(until).toISOString(), findings: [`app: ${found} in p 1`] },
      },
    ])
  })

  it.each(['AVD-DS-0003', 'ds-0002', 'DS-00020', 'AVD-DS0002X'])('does not stand with the entry %s, which is another', (written) => {
    const images = [{ name: 'app', findings: [finding('DS-0002', bySource(`/srv/${file}`))] }]
    expect(exceptionsOf(file, [{ id: written, line: 2 }], images, now)[0]).toMatchObject({ id: written, findings: [] })
  })

  it('by a VEX document stands with that, and what no entry explains is not lost', () => {
    const images = [
      { name: 'app', findings: [finding('CVE-1', bySource('OpenVEX', 'not affected')), finding('CVE-9', bySource(`/x/${file}`))] },
    ]
    expect(exceptionsOf(file, [], images, now)).toEqual([
      { id: 'CVE-1', source: 'OpenVEX', reason: 'not affected', state: 'open', findings: ['app: CVE-1 in p 1'] },
      { id: 'CVE-9', source: file, state: 'open', findings: ['app: CVE-9 in p 1'] },
    ])
  })
})

describe('an exception that has ended', () => {
  const passed = (id: string): { name: string; findings: Found[] }[] => [
    {
      name: 'app',
      findings: [
        { class: 'library', id, severity: 'HIGH', package: 'p', installed: '1', exempt: { source: `/srv/${file}`, reason: 'why' } },
      ],
    },
  ]
  const ended = { id: 'CVE-1', line: 2, reason: 'why', until: now - 1 }

  it('and still lets something pass is a failure, with its line', () => {
    expect(failureIn(() => refuseEnded(file, [ended], passed('CVE-1'), now))).toMatchObject({
      code: 'SCAN_BLOCKED',
      message: 'the exception for CVE-1 has ended, and Trivy still lets app: CVE-1 in p 1 pass',
      place: { file, line: 2 },
    })
  })

  it('written as Trivy called the check before is found as well', () => {
    expect(failureIn(() => refuseEnded(file, [{ ...ended, id: 'AVD-DS-0002' }], passed('DS-0002'), now)).message).toContain('has ended')
  })

  it('is none where another entry for the same lets it pass, nor where it lets nothing pass', () => {
    expect(() => refuseEnded(file, [ended, { id: 'CVE-1', line: 9, reason: 'why' }], passed('CVE-1'), now)).not.toThrow()
    expect(() => refuseEnded(file, [ended], passed('CVE-2'), now)).not.toThrow()
  })
})
