import { hash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ScanRule } from '../../src/core/gates.ts'
import type { ScanSection } from '../../src/core/release.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder } from './support/folder.ts'
import { type BuiltHere, buildHere, failOn, imageOf, imageWith, openEach, system, toScan } from './support/scanned.ts'

/** The gate as a policy: what the real Trivy finds, and what the rules and exceptions make of it. */

let kept: Folder
let image: BuiltHere
const { here, write } = openEach(() => kept.path)

beforeAll(async () => {
  kept = await openFolder()
  image = await imageWith(['httpx', '0.22.0'], ['Werkzeug', '2.2.2'], ['requests', '2.30.0'])
})
afterAll(() => kept[Symbol.asyncDispose]())

const rule = (action: ScanRule['action'], of: Partial<ScanRule>): ScanRule => ({ ...failOn(of), action })
const day = 86_400_000
const date = (days: number): string => new Date(Date.now() + days * day).toISOString().slice(0, 10)
const decided = ({ rules }: Pick<ScanSection, 'rules'>): [string, string, string[]][] =>
  rules.map(({ rule: name, action, findings }) => [name, action, findings.map((one) => /CVE-[\d-]+|in (\S+)$/.exec(one)?.[0] ?? one)])

describe('the rules of a scan', () => {
  it('decide by the first that matches: one finding passes, one is warned of, one blocks, each with its reason', async () => {
    const rules = [
      rule('ignore', { ids: ['CVE-2021-41945'], packages: ['httpx'], reason: 'no URL of others' }),
      rule('warn', { severity: 'HIGH' }),
      rule('fail', { severity: 'MEDIUM', fixable: true }),
    ]
    const failure = await failureOf(scan(toScan(image, { rules }), here().ports))
    expect(failure).toMatchObject({ code: 'SCAN_BLOCKED', message: 'app: 1 finding blocks this release: 1 MEDIUM' })
    expect(decided(failure.part?.scan ?? { rules: [] })).toEqual([
      ['CVE-2021-41945, in httpx: no URL of others', 'ignore', ['CVE-2021-41945']],
      ['HIGH or worse', 'warn', ['CVE-2023-25577']],
      ['MEDIUM or worse, with a fix', 'fail', ['CVE-2023-32681']],
    ])
    expect(here().log.said('warning')).toEqual([
      expect.stringMatching(
        /^1 finding is only warned of: 1 HIGH\nCVE-2023-25577 {2}HIGH {2}Werkzeug {2}2\.2\.2 → 2\.2\.3 {2}\(HIGH or worse\)$/,
      ),
    ])
  })

  it('let a release pass that they only warn of, and say that none of them could have blocked it', async () => {
    // What stands in launchway.yml as fail-on: []; before a rule that would block something of it, that warning is refused.
    expect(await scan(toScan(image, { rules: [rule('warn', { severity: 'LOW' })] }), here().ports)).toMatchObject({ verdict: 'passed' })
    expect(here().log.said('line').at(-1)).toMatch(/^passed in .*: no rule could block$/)
  })

  it('say what they let pass of what another one would have blocked', async () => {
    const rules = [rule('warn', { packages: ['httpx'] }), rule('fail', { severity: 'CRITICAL' })]
    expect(await scan(toScan(image, { rules }), here().ports)).toMatchObject({ verdict: 'passed' })
    expect(here().log.said('line').at(-1)).toMatch(/^passed in .*: no CRITICAL, but 1 only warned of$/)
  })

  it.each<[string, Partial<ScanRule>, string[]]>([
    ['a class', { classes: ['library'] }, ['CVE-2021-41945', 'CVE-2023-25577', 'CVE-2023-32681']],
    ['another class', { classes: ['os'] }, []],
    ['packages by a pattern, in any case', { packages: ['we*zeug'] }, ['CVE-2023-25577']],
    ['numbers by a pattern', { ids: ['CVE-2023-*'] }, ['CVE-2023-25577', 'CVE-2023-32681']],
    ['what has been public for a month', { knownForMs: 30 * day }, ['CVE-2021-41945', 'CVE-2023-25577', 'CVE-2023-32681']],
    ['what has been public for a hundred years', { knownForMs: 36_500 * day }, []],
    ['what nobody has mended', { fixable: false }, []],
    ['what is new, where nothing is known of what runs', { new: true }, ['CVE-2021-41945', 'CVE-2023-25577', 'CVE-2023-32681']],
  ])('ask of what Trivy says: %s', async (_, of, ids) => {
    const section = await scan(toScan(image, { rules: [rule('warn', of)] }), here().ports)
    expect(decided(section)[0]?.[2]).toEqual(ids)
  })

  it('ask the lists of what is exploited, which lie in the repository', async () => {
    write('kev.json', JSON.stringify({ dateReleased: new Date().toISOString(), vulnerabilities: [{ cveID: 'CVE-2023-25577' }] }))
    write('epss.csv', 'cve,epss,percentile\nCVE-2023-32681,0.4,0.9\nCVE-2023-25577,0.0001,0.1\n')
    const rules = [rule('fail', { exploited: true }), rule('warn', { epss: 0.1 }), rule('ignore', { maxEpss: 1, reason: 'mild' })]
    const asked = toScan(image, { rules, kev: 'kev.json', epss: 'epss.csv' })
    const failure = await failureOf(scan(asked, here().ports))
    expect(decided(failure.part?.scan ?? { rules: [] })).toEqual([
      ['any severity, known to be exploited', 'fail', ['CVE-2023-25577']],
      ['any severity, EPSS 0.1 or more', 'warn', ['CVE-2023-32681']],
      ['any severity, EPSS 1 or less: mild', 'ignore', []],
    ])
    // Enough to explain it later: which lists, and what they said.
    expect(failure.part?.scan?.lists).toMatchObject([
      { kind: 'kev', path: 'kev.json', entries: 1 },
      { kind: 'epss', path: 'epss.csv', entries: 2, digest: `sha256:${hash('sha256', readFileSync(join(here().root, 'epss.csv')))}` },
    ])
    expect(failure.part?.scan?.images[0]?.findings.map(({ id, exploited, epss }) => [id, exploited, epss])).toEqual([
      ['CVE-2021-41945', false, undefined],
      ['CVE-2023-25577', true, 0.0001],
      ['CVE-2023-32681', false, 0.4],
    ])
    const missing = await failureOf(scan(toScan(image, { rules, kev: 'elsewhere.json' }), here().ports))
    expect(missing).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('elsewhere.json') })
    expect(missing.hint).toContain('what-is-exploited')
  })

  it('are about secrets, misconfigurations and licences, where the plan has them looked for', async () => {
    const key = `ghp_${'a1B2c3D4e'.repeat(4)}`
    const copyleft = 'Metadata-Version: 2.1\nName: copyleft\nVersion: 1.0\nLicense: GPL-3.0\n'
    // Built, since its history is what is misconfigured; and of no system.
    const leaky = await buildHere('FROM scratch\nCOPY app /app\nCOPY site-packages /usr/lib/python3/site-packages\n', {
      'app/settings.txt': `token = "${key}"\n`,
      'site-packages/copyleft-1.0.dist-info/METADATA': copyleft,
    })
    const rules = [
      rule('fail', { classes: ['secret'], severity: 'HIGH' }),
      rule('fail', { classes: ['misconfig'], severity: 'HIGH' }),
      rule('warn', { classes: ['license'], severity: 'HIGH' }),
    ]
    const failure = await failureOf(scan(toScan(leaky, { scanners: ['vuln', 'secret', 'misconfig', 'license'], rules }), here().ports))
    const section = failure.part?.scan
    const found = section?.images[0]?.findings.map((finding) => [finding.class, finding.id, finding.package]) ?? []
    expect(found).toContainEqual(['secret', 'github-pat', '/app/settings.txt'])
    expect(found).toContainEqual(['license', 'GPL-3.0-only', 'copyleft'])
    expect(found.some(([kind]) => kind === 'misconfig')).toBe(true)
    expect(section?.rules.map(({ findings }) => findings.length > 0)).toEqual([true, true, true])
    expect(JSON.stringify([section, failure.hint, here().log.entries])).not.toContain(key)
    // The same image, looked through for vulnerabilities alone, has none.
    expect(await scan(toScan(leaky), here().ports)).toMatchObject({ images: [{ findings: [] }], verdict: 'passed' })
  })
})

describe('a secret in the configuration of an image', () => {
  it('blocks like one in a file, and stays out of record and log', async () => {
    const token = `ghp_${'a1B2c3D4e'.repeat(4)}`
    const leaky = await buildHere(`FROM scratch\nCOPY hello /hello\nENV GITHUB_TOKEN=${token}\n`, { hello: 'hello' })
    const rules = [rule('fail', { classes: ['secret'], severity: 'HIGH' })]
    const failure = await failureOf(scan(toScan(leaky, { scanners: ['vuln', 'secret'], rules }), here().ports))
    expect(failure.code).toBe('SCAN_BLOCKED')
    // Trivy finds it in Env, and in the history of the image.
    const found = failure.part?.scan?.images[0]?.findings.map((finding) => `${finding.class} ${finding.id} ${finding.installed}`)
    expect(found).toEqual(['secret github-pat GITHUB_TOKEN'])
    expect(failure.hint).toContain("GitHub Personal Access Token, GITHUB_TOKEN in the image's configuration")
    expect(JSON.stringify([failure.part, failure.hint, here().log.entries])).not.toContain(token)
  })

  it('is not looked for where Trivy itself never looks, as the guide says', async () => {
    const never = [
      ...[
        'app/tests/a.txt',
        'app/test_b.txt',
        'app/x.test.txt',
        'app/examples/c.txt',
        'app/README.md',
        'app/vendor/d.txt',
        'app/locales/e.txt',
      ],
      ...['app/node_modules/f/g.txt', 'app/.git/config', 'app/package-lock.json', 'app/h.zip', 'usr/share/i.txt', 'usr/lib/j.txt'],
      ...['usr/local/go/k.txt', 'usr/local/lib/python3.12/l.txt', 'usr/src/wordpress/m.txt'],
    ]
    const looked = ['app/latest/n.txt', 'app/settings.txt', 'usr/local/o.txt', 'usr/src/p.txt']
    const places = [...never, ...looked]
    const token = `token = "ghp_${'a1B2c3D4e'.repeat(4)}"\n`
    const leaky = await imageOf({ ...system, ...Object.fromEntries(places.map((place) => [place, token])) })
    const section = await scan(toScan(leaky, { scanners: ['vuln', 'secret'], rules: [] }), here().ports)
    expect(section.images[0]?.findings.map((finding) => finding.package)).toEqual(looked.map((place) => `/${place}`))
  })

  it('of two secrets in one file both stand in the record', async () => {
    const [one, two] = ['a1B2c3D4e', 'f5G6h7I8j'].map((part) => `token = "ghp_${part.repeat(4)}"\n`)
    const leaky = await imageOf({ ...system, 'settings.txt': `${one}${two}` })
    const section = await scan(toScan(leaky, { scanners: ['vuln', 'secret'], rules: [] }), here().ports)
    expect(section.images[0]?.findings.map(({ package: file, installed: line }) => [file, line])).toEqual([
      ['/settings.txt', 'line 1'],
      ['/settings.txt', 'line 2'],
    ])
  })
})

describe('an exception', () => {
  const named = { ignoreFile: '.trivyignore.yaml', rules: [failOn({ severity: 'CRITICAL' })] }
  const entry = (end: string): string =>
    `vulnerabilities:\n  - id: CVE-2021-41945\n    expired_at: ${end}\n    owner: team-web\n    statement: not reachable\n`

  it('stands in the record with its end, its owner and its reason, and with what it lets pass', async () => {
    write('.trivyignore.yaml', entry(date(60)))
    expect(await scan(toScan(image, named), here().ports)).toMatchObject({
      verdict: 'passed',
      exceptions: [
        {
          ...{ id: 'CVE-2021-41945', source: '.trivyignore.yaml', until: `${date(60)}T00:00:00.000Z`, owner: 'team-web' },
          ...{ reason: 'not reachable', state: 'open', findings: ['app: CVE-2021-41945 in httpx 0.22.0'] },
        },
      ],
    })
    expect(here().log.said('warning')).toEqual([])
  })

  it('that ends within two weeks is announced, and holds until then', async () => {
    write('.trivyignore.yaml', entry(date(10)))
    expect(await scan(toScan(image, named), here().ports)).toMatchObject({ verdict: 'passed', exceptions: [{ state: 'ending' }] })
    expect(here().log.said('warning')).toEqual([`an exception ends soon: CVE-2021-41945 on ${date(10)}, in 9 days (team-web)`])
  })

  it('that has ended bites again, and the failure says that it had been one', async () => {
    write('.trivyignore.yaml', entry(date(-1)))
    const failure = await failureOf(scan(toScan(image, named), here().ports))
    expect(failure).toMatchObject({ code: 'SCAN_BLOCKED', part: { scan: { exceptions: [{ state: 'ended', findings: [] }] } } })
    expect(failure.hint).toContain(`CVE-2021-41945: its exception ended on ${date(-1)} (team-web)`)
  })

  it('without an owner is refused where the plan wants one', async () => {
    write('.trivyignore.yaml', entry(date(60)).replace('    owner: team-web\n', ''))
    expect(await failureOf(scan(toScan(image, { ...named, strictExceptions: true }), here().ports))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'the exception for CVE-2021-41945 has no owner',
    })
  })

  const vex = (product: string): string =>
    JSON.stringify({
      '@context': 'https://openvex.dev/ns/v0.2.0',
      '@id': 'https://example.org/vex/1',
      author: 'team-web',
      timestamp: '2026-01-01T00:00:00Z',
      version: 1,
      statements: [
        {
          vulnerability: { name: 'CVE-2021-41945' },
          products: [{ '@id': product }],
          status: 'not_affected',
          justification: 'vulnerable_code_not_in_execute_path',
        },
      ],
    })

  it('may be a VEX document: what it calls harmless blocks nothing, and stands in the record with its justification', async () => {
    write('app.openvex.json', vex('pkg:pypi/httpx@0.22.0'))
    const section = await scan(toScan(image, { rules: named.rules, vex: ['app.openvex.json'] }), here().ports)
    expect(section).toMatchObject({
      verdict: 'passed',
      exceptions: [
        { id: 'CVE-2021-41945', reason: 'vulnerable_code_not_in_execute_path', findings: ['app: CVE-2021-41945 in httpx 0.22.0'] },
      ],
    })
    write('app.openvex.json', vex('pkg:pypi/httpx@0.21.0'))
    expect((await failureOf(scan(toScan(image, { rules: named.rules, vex: ['app.openvex.json'] }), here().ports))).code).toBe(
      'SCAN_BLOCKED',
    )
  })

  it.each([
    ['is no VEX document', '{"x": 1}'],
    ['is no JSON', 'not affected\n'],
  ])('in a file that %s is refused', async (_, text) => {
    writeFileSync(join(here().root, 'app.openvex.json'), text)
    const failure = await failureOf(scan(toScan(image, { rules: named.rules, vex: ['app.openvex.json'] }), here().ports))
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', message: 'app.openvex.json: not a VEX document that Trivy reads' })
    expect(failure.hint).not.toContain('%!')
  })

  it.each(['DS-0002', 'AVD-DS-0002', 'DS002'])('for a check may be called %s, and for a secret names its file', async (check) => {
    // Built, since its history is what is misconfigured.
    const leaky = await buildHere('FROM scratch\nCOPY app /app\n', { 'app/key.txt': `token = "ghp_${'a1B2c3D4e'.repeat(4)}"\n` })
    write(
      '.trivyignore.yaml',
      `secrets:\n  - id: github-pat\n    paths: [/app/key.txt]\n    owner: ops\nmisconfigurations:\n  - id: ${check}\n    expired_at: ${date(60)}\n    owner: team-web\n`,
    )
    const asked = { scanners: ['secret', 'misconfig'] as ('secret' | 'misconfig')[], rules: [], ignoreFile: '.trivyignore.yaml' }
    expect((await scan(toScan(leaky, asked), here().ports)).exceptions).toMatchObject([
      { id: 'github-pat', owner: 'ops', findings: [expect.stringContaining('github-pat')] },
      { id: check, owner: 'team-web', state: 'open', findings: [expect.stringContaining('DS-0002')] },
    ])
  })

  it('in a VEX document that is not there is refused', async () => {
    expect(await failureOf(scan(toScan(image, { vex: ['gone.json'] }), here().ports))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'gone.json, a VEX document, is not there',
    })
  })
})
