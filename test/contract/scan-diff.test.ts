import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, docker } from '../../lab/run.ts'
import type { ScanPlan } from '../../src/core/gates.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { Release, ScanSection } from '../../src/core/release.ts'
import { keepRecord, markCurrent, markReturned, upload } from '../../src/push/index.ts'
import { summary } from '../../src/report/index.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder } from './support/folder.ts'
import { Sarif } from './support/sarif.ts'
import { type BuiltHere, buildHere, failOn, imageWith, installed, openEach, toScan } from './support/scanned.ts'

/** What is new, mended and still there beside what an environment runs, as a real registry keeps it. */

let kept: Folder
const { here, write } = openEach(() => kept.path)
const bad = (): Promise<BuiltHere> => imageWith(['httpx', '0.22.0'], ['Werkzeug', '2.2.2'])
const mended = (): Promise<BuiltHere> => imageWith(['httpx', '0.23.0'], ['Werkzeug', '2.2.2'])
let first: BuiltHere
let second: BuiltHere

beforeAll(async () => {
  kept = await openFolder()
  first = await bad()
  second = await mended()
})
afterAll(() => kept[Symbol.asyncDispose]())

let environments = 0
/** An environment of its own, in which the image runs. */
async function running(image: BuiltHere, ports: Ports, also: Partial<ScanSection> = {}, plan: Partial<ScanPlan> = {}): Promise<string> {
  environments += 1
  const environment = `env-${environments}`
  const release = toScan(image, { rules: [], ...plan })
  const uploaded: Release = { ...release, build: { builder: 'test', images: await upload(release, ports) } }
  const section = await scan(uploaded, ports)
  const scanned = { ...uploaded, scan: { ...section, ...also } }
  await keepRecord(scanned, ports)
  await markCurrent({ ...scanned, deploy: { environment, hosts: [], ms: 1 } }, ports)
  return environment
}
const statuses = ({ images }: ScanSection): string[] =>
  images.flatMap(({ findings }) => findings.map(({ id, status }) => `${id} ${status}`)).toSorted()

describe('beside what an environment runs', () => {
  it('the difference between a bad image and a mended one is exactly the fix, and it comes first in the summary', async () => {
    const { ports } = here()
    const against = await running(first, ports)
    const release = toScan(second, { rules: [], against })
    const section = await scan(release, ports)
    expect(statuses(section)).toEqual(['CVE-2021-41945 fixed', 'CVE-2023-25577 existing'])
    expect(section.against).toEqual({ environment: against, release: release.id, version: 'main' })
    expect(summary({ ...release, scan: section })).toMatch(
      new RegExp(`^## .*\\n\\n.*\\n\\n\\*\\*0 new, 1 fixed, 1 still there\\*\\* beside \`main\` in ${against}\\n`),
    )
    expect(here().log.said('line').join('\n')).toContain(`beside main in ${against}: 0 new, 1 fixed, 1 still there`)
  })

  it('a rule about what is new blocks what this release brings, and not what runs already', async () => {
    const { ports } = here()
    const rules = [failOn({ severity: 'LOW', new: true })]
    const against = await running(second, ports)
    expect(await scan(toScan(second, { rules, against }), ports)).toMatchObject({ verdict: 'passed' })
    const { part } = await failureOf(scan(toScan(first, { rules, against }), ports))
    expect(part?.scan?.rules[0]?.findings).toEqual(['app: CVE-2021-41945 in httpx 0.22.0'])
  })

  it('a vulnerability that became known since then is not new: the package ran in that version before', async () => {
    const { ports } = here()
    const { images } = await scan(toScan(first, { rules: [] }), ports)
    const before = images.map((image) => ({ ...image, findings: [] }))
    const against = await running(first, ports, { images: before })
    expect(statuses(await scan(toScan(first, { rules: [], against }), ports))).toEqual([
      'CVE-2021-41945 existing',
      'CVE-2023-25577 existing',
    ])
  })

  it('a rescan of what runs bites on what became known since: the same rule, the same image, and a younger database', async () => {
    const { ports } = here()
    // Of a release and its image there is one record, so each has an image of its own.
    const [early, late] = await Promise.all(
      ['1', '2'].map((version) => imageWith(['httpx', '0.22.0'], ['Werkzeug', '2.2.2'], ['own', version])),
    )
    if (early === undefined || late === undefined) throw new TypeError('two')
    const rescan = (image: BuiltHere, against: string): Release => {
      const release = toScan(image, { rules: [failOn({ severity: 'CRITICAL', new: true })], against })
      const off = { run: false, reason: 'only looked at' }
      return { ...release, plan: { ...release.plan, event: 'schedule', stages: { ...release.plan.stages, build: off } } }
    }
    const all = await scan(toScan(early, { rules: [] }), ports)
    const before = all.images.map((image) => ({ ...image, findings: image.findings.filter(({ id }) => id !== 'CVE-2021-41945') }))
    const { part } = await failureOf(scan(rescan(early, await running(early, ports, { images: before })), ports))
    expect(part?.scan?.rules[0]?.findings).toEqual(['app: CVE-2021-41945 in httpx 0.22.0'])
    expect(statuses(part?.scan ?? all)).toEqual(['CVE-2021-41945 new', 'CVE-2023-25577 existing'])
    // What the release ran with all the same is nothing new the day after.
    expect(await scan(rescan(late, await running(late, ports)), ports)).toMatchObject({ verdict: 'passed' })
  })

  it('what is wrong with the configuration of the image is there still in the next build, in one place, and what is added is new', async () => {
    const { ports, root } = here()
    const build = (file: string, more = ''): Promise<BuiltHere> =>
      buildHere(`FROM scratch\nCOPY file /file\nENV API_TOKEN=of-the-first\n${more}`, { file })
    const plan: Partial<ScanPlan> = { scanners: ['misconfig'], reports: ['sarif'] }
    const rules = [failOn({ classes: ['misconfig'], severity: 'UNKNOWN', new: true })]
    const places = (): unknown => {
      const [{ results }] = Sarif.parse(JSON.parse(readFileSync(join(root, 'launchway-reports/app.sarif'), 'utf8'))).runs
      return [...new Set(results.map(({ locations }) => /"uri":"([^"]*)"/.exec(JSON.stringify(locations))?.[1]))]
    }
    const against = await running(await build('of the first'), ports, {}, plan)
    expect(places()).toEqual(['image-configuration'])
    const section = await scan(toScan(await build('of the second'), { ...plan, rules, against }), ports)
    expect(section.verdict).toBe('passed')
    expect(statuses(section)).toContain('DS-0031 existing')
    expect(statuses(section).filter((one) => !one.endsWith(' existing'))).toEqual([])
    expect([...new Set(section.images[0]?.findings.map((finding) => finding.package))]).toEqual(['image-configuration'])
    expect(places()).toEqual(['image-configuration'])
    const { part } = await failureOf(scan(toScan(await build('', 'ENV DB_PASSWORD=of-the-third\n'), { ...plan, rules, against }), ports))
    expect(part?.scan?.rules[0]?.findings).toEqual(['app: DS-0031 in image-configuration DB_PASSWORD'])
    const ignored = failOn({ classes: ['misconfig'], action: 'ignore', packages: ['image-configuration'], reason: 'known' })
    expect(await scan(toScan(await build(''), { ...plan, rules: [ignored, ...rules] }), ports)).toMatchObject({ verdict: 'passed' })
  })

  it('everything is new after a rollback to a release that the registry has no record of', async () => {
    const { ports } = here()
    const against = await running(first, ports)
    const { plan, app } = toScan(first)
    const where = { app, environment: against, repository: first.repository, registries: plan.registries }
    await markReturned(where, { release: 'another', version: 'v0' }, ports)
    expect(here().log.said('warning')).toEqual([])
    expect(statuses(await scan(toScan(first, { rules: [], against }), ports))).toEqual(['CVE-2021-41945 new', 'CVE-2023-25577 new'])
  })

  it('everything is new where nothing runs yet, and the log says so', async () => {
    const { ports } = here()
    const section = await scan(toScan(first, { rules: [], against: 'nowhere' }), ports)
    expect(statuses(section)).toEqual(['CVE-2021-41945 new', 'CVE-2023-25577 new'])
    expect(here().log.said('line').join('\n')).toContain('nothing to compare with, so everything counts as new')
  })
})

describe('what came with the base image', () => {
  it('is told apart from what the own layers bring, and what a rebuild on the base of now would end is counted', async () => {
    const { ports } = here()
    const base = `${first.repository}-base:1`
    const [old, fresh] = [await bad(), await mended()]
    const tag = (image: BuiltHere): Promise<string> => docker('image', 'tag', image.config, base)
    await tag(old)
    const dockerfile = `FROM ${base}\nCOPY site-packages /opt/site-packages\n`
    const image = await buildHere(dockerfile, installed('requests', '2.30.0', 'site-packages'))
    write('Dockerfile', dockerfile)
    const own = await scan(toScan(image, { rules: [failOn({ severity: 'CRITICAL', base: false })] }), ports)
    expect(own.images[0]?.base).toEqual({ reference: base, layers: 1 })
    expect(own.images[0]?.findings.map((finding) => [finding.package, finding.base])).toEqual([
      ['httpx', true],
      ['Werkzeug', true],
      ['requests', false],
    ])
    // Somebody has made the base anew, and this machine still has the old one.
    await tag(fresh)
    await call('docker', ['push', '--quiet', base])
    await tag(old)
    const later = await scan(toScan(image, { rules: [] }), ports)
    expect(later.images[0]?.base).toMatchObject({ reference: base, layers: 1, newer: { reference: base, fixes: 1, of: 2 } })
    expect(summary({ ...toScan(image), scan: later })).toMatch(
      /app: a rebuild on `\S+` of now \(`sha256:\w{12}`\) ends 1 of the 2 that come with it\./,
    )
    await docker('image', 'rm', '--force', base)
  })
})
