import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Ports } from '../../src/core/ports.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder } from './support/folder.ts'
import { Sarif } from './support/sarif.ts'
import { type BuiltHere, failOn, imageOf, imageWith, installed, openEach, system, toScan } from './support/scanned.ts'

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
    const sarif = Sarif.parse(JSON.parse(read('app.sarif')))
    expect(sarif.runs[0]?.results.map(({ ruleId }) => ruleId).toSorted()).toEqual(['CVE-2021-41945', 'CVE-2023-25577', 'github-pat'])
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

  it('are valid for code scanning also where they are about nothing', async () => {
    const clean = await imageWith(['httpx', '0.23.0'])
    await scan(toScan(clean, { reports: ['sarif'] }), here().ports)
    const [run] = Sarif.parse(JSON.parse(read('app.sarif'))).runs
    expect(run?.results).toEqual([])
  })

  it('are told apart by code scanning also where another application of the repository has an image of that name', async () => {
    const clean = await imageWith(['httpx', '0.23.0'])
    const category = async (app: string): Promise<string | undefined> => {
      await scan({ ...toScan(clean, { reports: ['sarif'] }), app }, here().ports)
      return Sarif.parse(JSON.parse(read('app.sarif'))).runs[0]?.automationDetails.id
    }
    expect([await category('shop'), await category('office')]).toEqual(['launchway/shop/app/', 'launchway/office/app/'])
  })

  it('are not written where nobody asks for them', async () => {
    expect((await scan(toScan(image, { rules: [] }), here().ports)).reports).toEqual([])
    expect(() => read('app.sarif')).toThrow('ENOENT')
  })
})
