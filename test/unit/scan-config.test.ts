import { describe, expect, it } from 'vitest'
import { resolveScan } from '../../src/config/scan.ts'
import { plan } from '../../src/plan/plan.ts'
import type { Trigger } from '../../src/plan/trigger.ts'
import { configOf, problems, systemText } from './support/config.ts'

const base = 'image: ghcr.io/team/app\nbranches: { master: {} }\n'
const resolved = (text: string, ignoreFile?: string) =>
  resolveScan(configOf(`${base}${text}`), ignoreFile === undefined ? {} : { ignoreFile })

const usual = { action: 'fail', severity: 'CRITICAL', fixable: true, classes: ['os', 'library'], packages: [], ids: [] }

describe('scan in launchway.yml', () => {
  it('is a scan for vulnerabilities that blocks on what is critical and can be mended, when nothing is said', () => {
    expect(resolved('')).toEqual({
      scanners: ['vuln'],
      rules: [usual],
      strictExceptions: false,
      vex: [],
      reports: [],
      reportsFolder: 'launchway-reports',
      maxDbAgeMs: 48 * 3_600_000,
      databases: [],
      javaDatabases: [],
      unknownSystem: 'fail',
      offline: false,
    })
    expect(resolved('', '.trivyignore')).toMatchObject({ ignoreFile: '.trivyignore' })
    expect(resolved('scan: false')).toBe('scan: false')
  })

  it('asks its rules before those of fail-on, and those of fail-on also where only rules are given', () => {
    const rules =
      '  rules:\n    - { action: ignore, id: CVE-1, reason: not reachable }\n    - { action: warn, package: [a, "b*"], class: os, known-for: 7d, new: true, base: false }\n'
    const first = { action: 'ignore', classes: ['os', 'library'], packages: [], ids: ['CVE-1'], reason: 'not reachable' }
    const second = { action: 'warn', classes: ['os'], packages: ['a', 'b*'], ids: [], new: true, base: false, knownForMs: 7 * 86_400_000 }
    expect(resolved(`scan:\n${rules}`)).toMatchObject({ rules: [first, second, usual] })
    expect(resolved(`scan:\n${rules}  fail-on: []\n`)).toMatchObject({ rules: [first, second] })
  })

  it('hands on the lists of what is exploited, and what rules ask of them', () => {
    const lists = '  kev: kev.json\n  epss: scores.csv.gz\n'
    const rules = '  rules:\n    - { action: fail, exploited: true }\n    - { action: ignore, max-epss: 0.001, reason: r }\n'
    expect(resolved(`scan:\n${lists}${rules}  fail-on: [{ epss: 0.5 }]\n`)).toMatchObject({
      kev: 'kev.json',
      epss: 'scores.csv.gz',
      rules: [{ exploited: true }, { maxEpss: 0.001 }, { epss: 0.5 }],
    })
  })

  it('hands on where the release of Trivy comes from', () => {
    const mirrors = ['https://mirror.example.org/trivy/', 'http://10.0.0.5:8080/trivy']
    expect(resolved(`scan: { trivy-mirrors: [${mirrors.join(', ')}] }`)).toMatchObject({ trivyMirrors: mirrors })
  })

  it('decides about what is looked for and no rule names: secrets block, the rest is a warning', () => {
    const secret = { action: 'fail', severity: 'HIGH', classes: ['secret'], packages: [], ids: [] }
    const [misconfig, license] = ['misconfig', 'license'].map((one) => ({ action: 'warn', classes: [one], packages: [], ids: [] }))
    const all = 'scan:\n  scanners: [vuln, secret, misconfig, license]\n'
    expect(resolved(all)).toMatchObject({ rules: [usual, secret, misconfig, license] })
    expect(resolved(`${all}  fail-on: []\n`)).toMatchObject({ rules: [secret, misconfig, license] })
    const named = { ...secret, severity: 'CRITICAL', classes: ['secret', 'misconfig'] }
    expect(resolved(`${all}  fail-on: [{ class: [secret, misconfig], severity: CRITICAL }]\n`)).toMatchObject({ rules: [named, license] })
    expect(resolved('scan: { scanners: [secret] }')).toMatchObject({ rules: [secret] })
  })

  it('keeps what blocks of a class where a rule lets one of its findings pass, or only warns of one', () => {
    const secret = { action: 'fail', severity: 'HIGH', classes: ['secret'], packages: [], ids: [] }
    const of = (rule: string) => resolved(`scan:\n  scanners: [vuln, secret]\n  rules: [${rule}]\n`)
    const at = { classes: ['secret'], packages: ['/app/fixture.txt'] }
    const ignored = of('{ action: ignore, class: secret, package: /app/fixture.txt, reason: a fixture }')
    expect(ignored).toMatchObject({ rules: [{ action: 'ignore', ...at }, usual, secret] })
    expect(of('{ action: warn, class: secret, package: /app/fixture.txt }')).toMatchObject({
      rules: [{ action: 'warn', ...at }, usual, secret],
    })
    expect(of('{ action: warn, class: secret, id: jwt-token }')).toMatchObject({ rules: [{ action: 'warn' }, usual, secret] })
    // Who says of the whole class what it does has decided about it.
    expect(of('{ action: warn, class: secret }')).toHaveProperty('rules.length', 2)
    expect(of('{ action: fail, class: secret, package: /app/* }')).toHaveProperty('rules.length', 2)
  })

  it.each([
    ['a rule without a condition', '{ rules: [{ action: fail }] }', 'scan.rules.0: a rule needs a condition'],
    [
      'a rule that asks a list that is not there',
      '{ rules: [{ action: fail, exploited: true }] }',
      'scan.rules.0: exploited needs scan.kev',
    ],
    ['one of fail-on that asks scores that are not there', '{ fail-on: [{ epss: 0.1 }] }', 'scan.fail-on.0: epss needs scan.epss'],
    [
      'a rule that would let pass what is most likely',
      '{ epss: e.csv, rules: [{ action: ignore, epss: 0.1, reason: noise }] }',
      'scan.rules.0: epss means this score and higher, so ignore would let pass what is most likely; for this score and lower say max-epss',
    ],
    [
      'a rule that would block the harmless',
      '{ epss: e.csv, rules: [{ action: fail, max-epss: 0.1 }] }',
      'scan.rules.0: max-epss is for warn and ignore',
    ],
    [
      'a score of a secret',
      '{ epss: e.csv, scanners: [secret], rules: [{ action: warn, class: secret, epss: 0.1 }] }',
      'epss is about vulnerabilities, not secret',
    ],
    [
      'a rule that would let pass what is exploited',
      '{ kev: k, rules: [{ action: ignore, exploited: true, reason: r }] }',
      'exploited would let pass what is known',
    ],
    ['a list that no rule asks', '{ kev: k.json }', 'scan.kev: no rule asks it; one with exploited does'],
    [
      'scores that no rule asks',
      '{ epss: e.csv, fail-on: [{ severity: HIGH }] }',
      'scan.epss: no rule asks it; one with epss or max-epss does',
    ],
    ['one in fail-on', '{ fail-on: [{}] }', 'scan.fail-on.0: a rule needs a condition'],
    ['a rule that lets pass without a reason', '{ rules: [{ action: ignore, max-severity: LOW }] }', 'scan.rules.0: reason is needed'],
    [
      'a rule that would let pass what is worst',
      '{ rules: [{ action: ignore, severity: LOW, reason: noise }] }',
      'scan.rules.0: severity means this and worse, so ignore would let pass what is worst; for LOW and milder say max-severity: LOW',
    ],
    [
      'a rule that would fail on what is mild',
      '{ rules: [{ action: fail, max-severity: LOW }] }',
      'scan.rules.0: max-severity is for warn and ignore',
    ],
    ['a rule of fail-on that would', '{ fail-on: [{ max-severity: LOW }] }', 'max-severity'],
    [
      'a rule to warn without a condition',
      '{ rules: [{ action: warn }] }',
      'scan.rules.0: a rule needs a condition, such as max-severity, id or package',
    ],
    [
      'a class that nothing looks for',
      '{ fail-on: [{ class: secret }] }',
      'scan.fail-on.0: nothing looks for secret: add secret to scan.scanners',
    ],
    [
      'a scan without vulnerabilities that the usual rule would be about',
      '{ scanners: [secret], fail-on: [{ severity: HIGH }] }',
      'scan.fail-on.0: nothing looks for os: add vuln to scan.scanners',
    ],
    [
      'a fix of what has none',
      '{ scanners: [vuln, secret], fail-on: [{ class: secret, fixable: true }] }',
      'scan.fail-on.0: fixable is about vulnerabilities, not secret',
    ],
    ['a decision that there is not', '{ rules: [{ action: block, severity: LOW }] }', 'fail'],
    ['a path out of the repository', '{ reports-folder: ../x }', 'must be a path from the root of the repository, without ..'],
    ['a mirror that is no URL', '{ trivy-mirrors: [mirror.example.org/trivy] }', 'must be an http or https URL without a login'],
    [
      'a mirror with a password',
      '{ trivy-mirrors: ["https://u:p@mirror.example.org/trivy"] }',
      'must be an http or https URL without a login',
    ],
    ['no mirror in the list', '{ trivy-mirrors: [] }', 'scan.trivy-mirrors: must have at least 1 entry'],
    ['an absolute path', '{ vex: /etc/x }', 'must be a path from the root of the repository, without ..'],
  ])('with %s is refused', (_, scan, problem) => {
    expect(problems(`${base}scan: ${scan}\n`).join('\n')).toContain(problem)
  })
})

describe('what a scan is compared with', () => {
  const sha = 'a'.repeat(40)
  it.each<[string, Omit<Trigger, 'sha'>, string | undefined]>([
    ['the environment that it goes to', { event: 'push', ref: 'refs/heads/master' }, 'production'],
    ['the environment of the branch that a pull request is for', { event: 'pull_request', base: 'docker_dev' }, 'development'],
    ['the same by a pattern', { event: 'pull_request', base: 'release/1' }, 'development'],
    ['nothing, where that branch goes nowhere', { event: 'pull_request', base: 'docker' }, undefined],
    ['nothing, where the branch goes nowhere', { event: 'push', ref: 'refs/heads/docker' }, undefined],
  ])('is %s', (_, trigger, environment) => {
    expect(plan(configOf(systemText), { sha, ...trigger }).scan?.against).toBe(environment)
  })

  it('stands in the reason of the stage with the rules that block', () => {
    expect(plan(configOf(systemText), { sha, event: 'push', ref: 'refs/heads/master' }).stages['scan']?.reason).toBe(
      'it blocks on CRITICAL, with a fix',
    )
    const text = `${systemText}scan: { rules: [{ action: warn, severity: LOW }], fail-on: [] }\n`
    expect(plan(configOf(text), { sha, event: 'push', ref: 'refs/heads/master' }).stages['scan']?.reason).toBe(
      'known vulnerabilities are reported',
    )
  })
})

describe('a slip in scan', () => {
  it.each([
    ['fail-on: HIGH', 'as a list of rules: fail-on: [{ severity: HIGH }]'],
    ['fail-on: [high]', 'as a list of rules: fail-on: [{ severity: HIGH }]'],
    ['rules: [CRITICAL]', 'as a list of rules: rules: [{ action: fail, severity: CRITICAL }]'],
    ['fail-on: [{ severity: high }]', 'not "high"; did you mean HIGH?'],
    ['scanners: [secrets]', 'not "secrets"; did you mean secret?'],
    ['reports: [nonsense]', 'not "nonsense"'],
    ['max-db-age: 48', 'with its unit: 48h'],
    ['offline: yes', '"yes"; write true'],
    ['offline: no', '"no"; write false'],
    ['offline: maybe', '"maybe"; write true or false'],
    ['fail-on: [{ known-for: 7 }]', 'with its unit: 7d'],
    ['fail-on: [{ epss: 10 }]', 'must be at most 1, not "10"; it is a probability, from 0 to 1'],
    ['severity: HIGH', 'unknown key "severity"; what blocks stands under fail-on: [{ severity: HIGH }]'],
    ['ignore-unfixed: true', 'what blocks stands under fail-on: [{ severity: HIGH, fixable: true }]'],
    [
      'rules: [{ action: ignore, id: CVE-1, reason: r, expired_at: 2027-01-31 }]',
      'a rule has no end: an exception has one, expired_at in .trivyignore.yaml',
    ],
    ["databases: ['http://mirror.example.org/trivy-db:2']", 'must be a repository of a registry, without http://'],
    ['databases: [mirror.example.org]', 'must be a repository of a registry'],
    ['java-databases: [a b/c]', 'must be a repository of a registry'],
  ])('%s is answered with what to write', (said, answer) => {
    expect(problems(`${base}scan: { ${said} }`).join('\n')).toContain(answer)
  })

  it.each(['ghcr.io/team/trivy-db:2', '127.0.0.1:5000/db', '[::1]:5000/db:2', `team/db@sha256:${'a'.repeat(64)}`])(
    '%s is a database',
    (name) => {
      expect(resolved(`scan: { databases: ['${name}'] }`)).toMatchObject({ databases: [name] })
    },
  )
})
