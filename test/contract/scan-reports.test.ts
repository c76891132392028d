import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { call } from '../../lab/run.ts'
import type { Ports } from '../../src/core/ports.ts'
import { scan } from '../../src/scan/index.ts'
import { fitSarif, unsuppressed } from '../../src/tools/sarif.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder } from './support/folder.ts'
import { faultsOf, noValidator, Sarif } from './support/sarif.ts'
import { type BuiltHere, buildHere, failOn, imageOf, imageWith, installed, openEach, system, toScan } from './support/scanned.ts'

/** The files of a scan, by the real Trivy, all from one look at the image. */

let kept: Folder
let image: BuiltHere
const { here, write } = openEach(() => kept.path)
beforeAll(async () => {
  kept = await openFolder()
  // Trivy looks for secrets outside of what packages bring.
  const secret = { 'app/settings.txt': `token = "ghp_${'a1B2c3D4e'.repeat(4)}"\n` }
  image = await imageOf({ ...system, ...installed('httpx', '0.22.0'), ...installed('Werkzeug', '2.2.2'), ...secret })
})
afterAll(() => kept[Symbol.asyncDispose]())

const read = (name: string): string => readFileSync(join(here().root, 'launchway-reports', name), 'utf8')
const reports = ['sarif', 'table', 'cyclonedx', 'spdx', 'json'] as const
const kinds = { scanners: ['vuln' as const, 'secret' as const], reports: [...reports] }

/** Ports that note when Trivy looks at an image, and when it converts. */
function noting(ports: Ports): { ports: Ports; called: string[] } {
  const called: string[] = []
  const exec: Ports['exec'] = {
    ...ports.exec,
    run: (command, options) => {
      called.push(command.args.find((word) => ['--list-all-pkgs', 'convert'].includes(word)) ?? 'other')
      return ports.exec.run(command, options)
    },
  }
  return { ports: { ...ports, exec }, called }
}

describe('the files of a scan', () => {
  it('hold everything, whatever a rule or an exception says, and are there also where the scan blocks', async () => {
    write('.trivyignore.yaml', 'vulnerabilities:\n  - id: CVE-2023-25577\n    statement: not reachable\n')
    const rules = [failOn({ severity: 'CRITICAL' })]
    const { code, part } = await failureOf(scan(toScan(image, { ...kinds, rules, ignoreFile: '.trivyignore.yaml' }), here().ports))
    expect(code).toBe('SCAN_BLOCKED')
    expect(part?.scan?.reports.map(({ kind, path }) => [kind, path])).toEqual([
      ['sarif', 'launchway-reports/app.sarif'],
      ['table', 'launchway-reports/app.txt'],
      ['cyclonedx', 'launchway-reports/app.cdx.json'],
      ['spdx', 'launchway-reports/app.spdx.json'],
      ['json', 'launchway-reports/app.json'],
    ])
    const [{ results }] = Sarif.parse(JSON.parse(read('app.sarif'))).runs
    expect(results.map(({ ruleId, suppressions }) => [ruleId, suppressions]).toSorted()).toEqual([
      ['CVE-2021-41945', []],
      ['CVE-2023-25577', [{ kind: 'external', justification: 'not reachable' }]],
      ['github-pat', []],
    ])
    expect(read('app.txt')).toContain('CVE-2023-25577')
    const cyclonedx = z
      .object({
        bomFormat: z.literal('CycloneDX'),
        components: z.array(z.object({ name: z.string() })),
        vulnerabilities: z.array(z.object({ id: z.string() })),
      })
      .parse(JSON.parse(read('app.cdx.json')))
    expect(cyclonedx.components.map(({ name }) => name)).toEqual(expect.arrayContaining(['httpx', 'Werkzeug']))
    expect(cyclonedx.vulnerabilities.map(({ id }) => id).toSorted()).toEqual(['CVE-2021-41945', 'CVE-2023-25577'])
    expect(z.object({ spdxVersion: z.string() }).parse(JSON.parse(read('app.spdx.json'))).spdxVersion).toMatch(/^SPDX-2\./)
    expect(read('app.json')).toContain('"ImageID"')
  })

  it('are made from one look: Trivy sees the image once, and converts', async () => {
    const { ports, called } = noting(here().ports)
    const fresh = await imageWith(['httpx', '0.21.0'])
    await scan(toScan(fresh, { ...kinds, rules: [] }), ports)
    expect(called.filter((word) => word !== 'other').toSorted()).toEqual(['--list-all-pkgs', ...reports.map(() => 'convert')])
  })

  it('mark an exception for one place alone as such, and what is the same elsewhere not', async () => {
    const twice = await imageOf({ ...system, ...installed('httpx', '0.22.0', 'srv/a'), ...installed('httpx', '0.22.0', 'srv/b') })
    write('.trivyignore.yaml', 'vulnerabilities:\n  - id: CVE-2021-41945\n    paths: ["srv/a/**"]\n    statement: a sample\n')
    await scan(toScan(twice, { reports: ['sarif'], rules: [], ignoreFile: '.trivyignore.yaml' }), here().ports)
    const [{ results }] = Sarif.parse(JSON.parse(read('app.sarif'))).runs
    const marks = results.map(({ locations, suppressions = [] }) => [
      /srv\/[ab]/.exec(JSON.stringify(locations))?.[0],
      suppressions.map(({ justification }) => justification),
    ])
    expect(marks.toSorted()).toEqual([
      ['srv/a', ['a sample']],
      ['srv/b', []],
    ])
  })

  it('are about nothing where nothing was found', async () => {
    const clean = await imageWith(['httpx', '0.23.0'])
    await scan(toScan(clean, { reports: ['sarif'] }), here().ports)
    const [run] = Sarif.parse(JSON.parse(read('app.sarif'))).runs
    expect(run.results).toEqual([])
  })

  it('are told apart by code scanning also where another application of the repository has an image of that name', async () => {
    const clean = await imageWith(['httpx', '0.23.0'])
    const category = async (app: string): Promise<string | undefined> => {
      await scan({ ...toScan(clean, { reports: ['sarif'] }), app }, here().ports)
      return Sarif.parse(JSON.parse(read('app.sarif'))).runs[0].automationDetails.id
    }
    expect([await category('shop'), await category('office')]).toEqual(['launchway/shop/app/', 'launchway/office/app/'])
  })

  it('replace those of an earlier scan, and no file of somebody else: then nothing is looked at', async () => {
    const asked = toScan(image, { ...kinds, rules: [], reportsFolder: '.' })
    await scan(asked, here().ports)
    await scan(asked, here().ports)
    for (const name of ['app.sarif', 'app.txt', 'app.cdx.json', 'app.spdx.json', 'app.json']) {
      const [file, before] = [join(here().root, name), readFileSync(join(here().root, name))]
      write(name, '{"name": "app", "scripts": {}}\n')
      const { ports, called } = noting(here().ports)
      expect(await failureOf(scan(asked, ports))).toMatchObject({
        code: 'CONFIG_INVALID',
        message: `${name} is to be a report of the scan, and is there already: no scan has written it`,
        hint: expect.stringContaining('scan.reports-folder'),
      })
      expect(readFileSync(file, 'utf8')).toBe('{"name": "app", "scripts": {}}\n')
      expect(called.filter((word) => word !== 'other')).toEqual([])
      writeFileSync(file, before)
    }
    await call('git', ['init', '--quiet', here().root])
    await call('git', ['-C', here().root, 'add', 'app.cdx.json'])
    expect(await failureOf(scan(asked, here().ports))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'app.cdx.json is to be a report of the scan, and is there already: git tracks it',
    })
  })

  it('show no value of what is secret in ENV, but for the JSON, which has all of the configuration', async () => {
    const values = [`ghp_${'a1B2c3D4e'.repeat(4)}`, `sk_live_${'a1b2c3d4e5'.repeat(6)}`, 'of-the-database', 'of-a-neighbour']
    const [token = '', stripe = '', password = '', other = ''] = values
    const variables = `ENV GITHUB_TOKEN=${token} STRIPE_KEY=${stripe}\nENV DB_PASSWORD=${password}\nENV NEIGHBOUR=${other}\n`
    const leaky = await buildHere(`FROM scratch\nLABEL org.opencontainers.image.vendor=team\nCOPY . /\n${variables}`, {
      ...installed('httpx', '0.22.0'),
      'app/settings.txt': `key = "${stripe}"\n`,
    })
    const asked = toScan(leaky, { scanners: ['vuln', 'secret', 'misconfig'], reports: [...reports], rules: [] })
    const evidence = { sbom: ['spdx' as const], provenance: false }
    await scan({ ...asked, plan: { ...asked.plan, evidence } }, here().ports)
    const seen = readFileSync(join(here().root, 'evidence/scan/app.packages.json'), 'utf8')
    const files = {
      ...Object.fromEntries(['app.sarif', 'app.txt', 'app.cdx.json', 'app.spdx.json'].map((name) => [name, read(name)])),
      seen,
    }
    // Of a key that is longer than the rule says, too.
    const parts = [...values, stripe.slice(-20)]
    expect(Object.entries(files).filter(([, text]) => parts.some((part) => text.includes(part)))).toEqual([])
    expect(read('app.txt')).toContain('ENV DB_PASSWORD=****')
    expect(read('app.txt')).toContain('STRIPE_KEY=****')
    expect(read('app.sarif')).toContain('STRIPE_KEY=****')
    expect(seen).toContain('"org.opencontainers.image.vendor":"team"')
    expect(seen).not.toContain('CVE-2021-41945')
    expect(values.every((value) => read('app.json').includes(value))).toBe(true)
  })

  it('are not written where nobody asks for them', async () => {
    expect((await scan(toScan(image, { rules: [] }), here().ports)).reports).toEqual([])
    expect(() => read('app.sarif')).toThrow('ENOENT')
  })
})

describe('SARIF, by the validator of those who wrote the standard, with the rules of GitHub', () => {
  beforeEach(({ skip }) => skip(noValidator !== undefined, noValidator))

  it('has no fault in a file with findings of all kinds, exceptions among them', async () => {
    const key = `token = "ghp_${'a1B2c3D4e'.repeat(4)}"\n`
    const leaky = await buildHere('FROM scratch\nCOPY app /app\nCOPY site-packages /usr/lib/python3/site-packages\n', {
      'app/settings.txt': key,
      'app/with space and 100%, #1?.txt': key,
      ...installed('requests', '2.30.0', 'app/50% off'),
      ...installed('httpx', '0.22.0', 'site-packages'),
      ...installed('Werkzeug', '2.2.2', 'site-packages'),
      'site-packages/copyleft-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: copyleft\nVersion: 1.0\nLicense: GPL-3.0\n',
    })
    write('.trivyignore.yaml', 'vulnerabilities:\n  - id: CVE-2023-25577\n')
    const scanners = ['vuln', 'secret', 'misconfig', 'license'] as const
    await scan(toScan(leaky, { scanners: [...scanners], reports: ['sarif'], rules: [], ignoreFile: '.trivyignore.yaml' }), here().ports)
    const text = read('app.sarif')
    expect(Sarif.parse(JSON.parse(text)).runs[0].results.length).toBeGreaterThanOrEqual(6)
    expect(await faultsOf(text)).toEqual([])
    expect(await faultsOf(unsuppressed(Buffer.from(text)).toString())).toEqual([])
    // Cut to what fits, with the note that says so.
    const cut = fitSarif(text, 'launchway/app', { shown: 1, results: 2, bytes: 10_000_000 })
    expect(cut?.note).toContain('the 2 worst of')
    expect(await faultsOf(cut?.text ?? '')).toEqual([])
  })

  it('has no fault in a file with no findings', async () => {
    await scan(toScan(await imageWith(['httpx', '0.23.0']), { reports: ['sarif'] }), here().ports)
    expect(await faultsOf(read('app.sarif'))).toEqual([])
  })

  it('finds the faults of a file that has some, each by its rule', async () => {
    await scan(toScan(image, { reports: ['sarif'], rules: [] }), here().ports)
    const whole = read('app.sarif')
    expect(await faultsOf(whole.replace('"level":"error"', '"level":"terrible"'))).toContainEqual(
      expect.stringMatching(/^schema: runs\.0\..*level/),
    )
    expect(await faultsOf(whole.replace('"uri":"usr', '"uri":"/usr'))).toContainEqual(expect.stringMatching(/^error SARIF1004/))
    expect(await faultsOf(whole.replace('"locations":[', '"relatedLocations":['))).toContainEqual(expect.stringMatching(/^error GH1015/))
  })
})
