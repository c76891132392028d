import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { tools } from '../../lab/paths.ts'
import { call } from '../../lab/run.ts'
import { metadata, publishFiles } from '../../lab/vulnerabilities/publish.ts'
import { rows as labRows } from '../../lab/vulnerabilities/rows.ts'
import { databaseWriter } from '../../lab/vulnerabilities/stamp.ts'
import { loadConfig } from '../../src/config/load.ts'
import { resolveScan } from '../../src/config/scan.ts'
import { exitCodeOf, LaunchwayError } from '../../src/core/error.ts'
import type { ScanPlan } from '../../src/core/gates.ts'
import type { ScanSection } from '../../src/core/release.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'
import { type BuiltHere, imageOf, openEach, toScan } from './support/scanned.ts'
import * as theirs from './support/trivy-action.ts'

/**
 * What aquasecurity/trivy-action tests of itself, through launchway. Its images are made again from its own reports: the
 * packages that it lists, and a database with what it says of them, and more that must not be said.
 */

const { registry } = inject('lab')
const data = 'test/data'
const vulnerable = 'knqyf263/vuln-image:1.2.3'
const old = 'alpine:3.10'

const cases = theirs.noCopy === undefined ? theirs.readCases(theirs.read('test/test.bats')) : []
let kept: Folder
let images: Record<string, BuiltHere> = {}
const mirror = `${registry.address}/trivy-action-${process.pid}:2`
const { here, write } = openEach(() => kept.path)

beforeAll(async () => {
  kept = await openFolder()
  if (theirs.noCopy !== undefined) return
  const said = theirs.readTable(theirs.read(`${data}/image-scan/report`))
  const saidOfOld = theirs.readJson(theirs.read(`${data}/with-trivy-yaml-cfg/report.json`))
  const [system, crates] = theirs.readSnapshot(theirs.read(`${data}/github-dep-snapshot/report.gsbom`))
  if (system === undefined || crates === undefined) throw new Error('the snapshot has no two lists of packages')
  images = {
    [vulnerable]: await imageOf({ ...theirs.alpine('3.7.1', system.purls), [crates.target]: theirs.cargoLock(crates.purls) }),
    [old]: await imageOf(theirs.alpine('3.10.9', ['pkg:apk/alpine/apk-tools@2.10.6-r0?arch=x86_64'])),
  }
  // What CRITICAL must leave out, and what is not in the image: bash 4.4.19-r1 and tar 1.29-r1 are.
  const others = [
    { id: 'CVE-2019-18276', severity: 'HIGH', package: 'bash', installed: '', fixed: '4.4.19-r2', target: '' },
    { id: 'CVE-2018-20482', severity: 'CRITICAL', package: 'tar', installed: '', fixed: '1.28-r9', target: '' },
  ]
  const ofSystem = [...said.filter(({ target }) => target.includes('(alpine ')), ...others]
  const folder = join(kept.path, 'written')
  mkdirSync(folder)
  const rows = [
    ...ofSystem.map((row) => theirs.advisoryOf(row, 'alpine 3.7')),
    ...saidOfOld.map((row) => theirs.advisoryOf(row, 'alpine 3.10')),
    ...said.filter(({ target }) => target.includes('(cargo)')).map((row) => theirs.advisoryOf(row, undefined)),
    // Without it launchway believes no database.
    ...labRows.filter(({ ID }) => ID === 'CVE-2021-44228'),
  ]
  await call(join(tools, databaseWriter()), [folder], { stdin: JSON.stringify(rows) })
  await publishFiles(mirror, { 'trivy.db': readFileSync(join(folder, 'trivy.db')), 'metadata.json': metadata(new Date()) })
})
afterAll(() => kept[Symbol.asyncDispose]())

function image(name = ''): BuiltHere {
  const found = images[name]
  if (found === undefined) throw new Error(`there is no stand-in for the image ${name}`)
  return found
}

/** What launchway.yml asks for. */
function planOf(config: object): ScanPlan {
  const text = JSON.stringify({ image: 'team/app', branches: { main: {} }, scan: { databases: [mirror], ...config } })
  const plan = resolveScan(loadConfig(text, 'launchway.yml'), {})
  if (typeof plan === 'string') throw new TypeError(plan)
  return plan
}

/** A scan by this launchway.yml, whatever its verdict. */
async function scanned(of: BuiltHere, config: object): Promise<{ section: ScanSection; exit: number }> {
  try {
    return { section: await scan(toScan(of, planOf(config)), here().ports), exit: 0 }
  } catch (error) {
    const section = error instanceof LaunchwayError ? error.part?.scan : undefined
    if (section === undefined) throw error
    return { section, exit: exitCodeOf(error) }
  }
}

/** What blocked, in the words of their reports. */
function blocked({ images: [one], rules }: ScanSection): string[] {
  const names = new Set(rules.filter(({ action }) => action === 'fail').flatMap(({ findings }) => findings))
  const findings = (one?.findings ?? []).filter(({ id, package: name, installed }) => names.has(`app: ${id} in ${name} ${installed}`))
  return findings.map((finding) => lineOf({ ...finding, fixed: finding.fixed ?? '' })).toSorted()
}
function lineOf({ id, severity, package: name, installed, fixed }: Omit<theirs.Row, 'target'>): string {
  return `${id} ${severity} ${name} ${installed} → ${fixed}`
}
const linesOf = (rows: readonly theirs.Row[]): string[] => rows.map(lineOf).toSorted()

const blockedBy = { 'fail-on': [{ severity: 'CRITICAL' }] }
/** 3: a gate said no. A scan that only reports ends with 0, as their step without `exit-code`. */
async function blocksAsTheirs({ env, golden = '' }: theirs.BatsCase, config: object = {}): Promise<ScanSection> {
  const of = image(env['INPUT_SCAN_REF'] ?? env['INPUT_IMAGE_REF'])
  expect(env['TRIVY_SEVERITY']).toBe('CRITICAL')
  const { section, exit } = await scanned(of, { ...blockedBy, reports: ['table'], ...config })
  expect([exit, blocked(section)]).toEqual([3, linesOf(theirs.readTable(theirs.read(golden)))])
  expect((await scanned(of, { 'fail-on': [], ...config })).exit).toBe(0)
  return section
}

const table = (): theirs.Row[] => theirs.readTable(readFileSync(join(here().root, 'launchway-reports/app.txt'), 'utf8'))

/** Both of a step's lists in the one file that launchway has. */
function ignoring({ env }: theirs.BatsCase): { 'ignore-file': string } {
  const files = (env['INPUT_TRIVYIGNORES'] ?? '').split(',')
  const name = files.some((file) => file.endsWith('.yaml')) ? '.trivyignore.yaml' : '.trivyignore'
  write(name, files.map((file) => theirs.read(file)).join('\n'))
  return { 'ignore-file': name }
}

/** Files of their repository as those of an image: what launchway looks at is what is shipped. */
function imageOfFolder(folder: string, names: readonly string[]): Promise<BuiltHere> {
  return imageOf(Object.fromEntries(names.map((name) => [name, theirs.read(join(folder, name))])))
}

const Runs = z.object({
  runs: z
    .array(z.object({ results: z.array(z.looseObject({ ruleId: z.string() })), tool: z.object({ driver: z.looseObject({}) }) }))
    .length(1),
})
const misconfigured = { scanners: ['misconfig'], reports: ['json', 'sarif'] }
const reported = (name: string): string => readFileSync(join(here().root, 'launchway-reports', name), 'utf8')

async function findsNothing({ golden = '' }: theirs.BatsCase): Promise<void> {
  const of = await imageOfFolder(join(golden, '..'), ['report'])
  // What their step looks for where nothing is said.
  const { section, exit } = await scanned(of, { ...blockedBy, scanners: ['vuln', 'secret'], reports: ['table'] })
  expect([exit, section.images[0]?.findings]).toEqual([0, []])
  expect(reported('app.txt').trim()).toBe(theirs.read(golden).trim())
}

async function refusesTwo(...files: string[]): Promise<void> {
  for (const file of files) write(file, '')
  const failure = await failureOf(Promise.resolve().then(() => planOf({ 'ignore-file': files })))
  expect(failure).toMatchObject({ code: 'CONFIG_INVALID', hint: expect.stringContaining('scan.ignore-file') })
}

/** By the name of their case what launchway does with the same. */
const ours: Record<string, (of: theirs.BatsCase) => Promise<unknown>> = {
  'trivy image': async (of) => {
    const section = await blocksAsTheirs(of)
    // What blocks nothing is told all the same, and what is older than a fix that it has is not.
    expect(section.images[0]?.findings.map(({ id }) => id)).toContain('CVE-2019-18276')
    expect(linesOf(table().filter(({ severity }) => severity === 'CRITICAL'))).toEqual(
      linesOf(theirs.readTable(theirs.read(of.golden ?? ''))),
    )
  },

  'trivy image with trivyIgnores option': (of) => blocksAsTheirs(of, ignoring(of)),
  'trivy image with .trivyignore.yaml': async (of) => {
    const { exceptions } = await blocksAsTheirs(of, ignoring(of))
    expect(exceptions.map(({ id }) => id)).toEqual(['CVE-2018-14618', 'CVE-2018-16839'])
  },

  'trivy image with sbom output': async ({ golden = '' }) => {
    await scanned(image(vulnerable), { 'fail-on': [], reports: ['cyclonedx', 'spdx'] })
    const expected = theirs.readSnapshot(theirs.read(golden)).flatMap(({ purls }) => purls)
    for (const name of ['app.cdx.json', 'app.spdx.json']) {
      const purls = JSON.stringify(JSON.parse(reported(name))).match(/pkg:(?:apk|cargo)\/[^"]+/g) ?? []
      expect([...new Set(purls)].toSorted()).toEqual([...new Set(expected)].toSorted())
    }
  },

  'trivy image with trivy.yaml config': async ({ env, golden = '' }) => {
    const config = theirs.read(env['TRIVY_CONFIG'] ?? '')
    write('trivy.yaml', config)
    using _ = setEnv({ TRIVY_CONFIG: join(here().root, 'trivy.yaml') })
    const { severity, vulnerability } = z
      .object({ severity: z.string(), vulnerability: z.object({ type: z.string() }) })
      .parse(parse(config))
    const rule = { severity, class: vulnerability.type }
    const { section } = await scanned(image(old), { 'fail-on': [rule] })
    expect(blocked(section)).toEqual(linesOf(theirs.readJson(theirs.read(golden))))
  },

  'trivy image with custom docker-host': async (of) => {
    using _ = setEnv({ DOCKER_HOST: of.env['TRIVY_DOCKER_HOST'] })
    await blocksAsTheirs(of)
  },
  'trivy image via environment file': (of) => blocksAsTheirs(of),
  'trivy image via environment file overrides env leakages': async (of) => {
    using _ = setEnv({ INPUT_SCAN_REF: 'no/such-image:1.2.3', TRIVY_SEVERITY: 'LOW', TRIVY_IGNOREFILE: '/no/such/file' })
    await blocksAsTheirs(of)
  },

  'trivy rootfs': findsNothing,
  'trivy fs': findsNothing,

  'trivy config': async ({ env, golden = '' }) => {
    await scanned(await imageOfFolder(env['INPUT_SCAN_REF'] ?? '', ['main.tf']), misconfigured)
    expect(theirs.readMisconfigurations(reported('app.json'))).toEqual(theirs.readMisconfigurations(theirs.read(golden)))
  },
  'trivy config sarif report': async ({ env, golden = '' }) => {
    await scanned(await imageOfFolder(env['INPUT_SCAN_REF'] ?? '', ['main.tf']), misconfigured)
    // launchway has the worst first.
    const [mine, their] = [reported('app.sarif'), theirs.read(golden)].map((text) =>
      Runs.parse(JSON.parse(text)).runs.map(({ results, tool: { driver } }) => ({
        results: results.toSorted((a, b) => (a.ruleId < b.ruleId ? -1 : 1)),
        driver: { ...driver, version: '' },
      })),
    )
    expect(mine).toEqual(their)
  },
  'trivy config with terraform variables': async ({ env, golden = '' }) => {
    await scanned(await imageOfFolder(join(env['INPUT_SCAN_REF'] ?? '', '..'), ['main.tf', 'dev.tfvars']), misconfigured)
    expect(theirs.readMisconfigurations(theirs.read(golden))).toEqual([])
    expect(theirs.readMisconfigurations(reported('app.json')).filter((line) => line.includes(' MEDIUM '))).toEqual([
      'AWS-0090 MEDIUM at line 16',
    ])
  },

  'trivy repo with securityCheck secret only': async ({ golden = '' }) => {
    const [expected] = theirs.readSecrets(theirs.read(golden))
    const [name = ''] = /^.*=/.exec(expected?.Match ?? '') ?? []
    const lines = Array.from({ length: expected?.StartLine ?? 0 }, () => '')
    const env = [...lines.slice(1), `${name}ghp_${'a1B2c3D4e'.repeat(4)}`, ''].join('\n')
    const { exit } = await scanned(await imageOf({ env }), { scanners: ['secret'], reports: ['json'] })
    expect([exit, theirs.readSecrets(reported('app.json'))]).toEqual([3, [expected]])
  },

  'error if ignorefile does not exist': async () => {
    const failure = await failureOf(scan(toScan(image(old), planOf({ 'ignore-file': 'missing.ignore' })), here().ports))
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', message: 'missing.ignore, the list of exceptions for the scan, is not there' })
  },
  'error with mixed yaml and plain ignore files': () => refusesTwo('ignore-plain', 'ignore.yaml'),
  'error if multiple YAML files provided': () => refusesTwo('ignore1.yaml', 'ignore2.yaml'),
  'works with a single YAML file': async () => {
    write('ignore.yaml', '')
    expect((await scanned(image(old), { 'ignore-file': 'ignore.yaml' })).exit).toBe(3)
  },
  'works with multiple plain ignore files': async () => {
    write('.trivyignore', 'CVE-1\nCVE-2021-36159\n')
    expect((await scanned(image(old), { 'ignore-file': '.trivyignore' })).exit).toBe(0)
  },
}

it('of a copy of aquasecurity/trivy-action every case is known here', ({ skip }) => {
  skip(theirs.noCopy !== undefined, theirs.noCopy)
  expect(cases.map(({ name }) => name).toSorted()).toEqual(Object.keys(ours).toSorted())
})

it.each(cases)('does as aquasecurity/trivy-action, or as the guide says: $name', async (one) => {
  expect.hasAssertions()
  await ours[one.name]?.(one)
})
