import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { call, docker } from '../../lab/run.ts'
import { keyTag } from '../../src/core/names.ts'
import type { Ports } from '../../src/core/ports.ts'
import { scan } from '../../src/scan/index.ts'
import { upload } from '../../src/push/index.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'
import { type BuiltHere, buildHere, debian, failOn, imageOf, imageWith, openEach, toScan } from './support/scanned.ts'

/** Trivy, the engine, the registry and the images are real; the database has the lab's few advisories. */

let kept: Folder
let bad: BuiltHere
let mended: BuiltHere
let small: BuiltHere
const { here, write } = openEach(() => kept.path)

beforeAll(async () => {
  kept = await openFolder()
  const pip = (packages: string): string => `FROM python:3\nRUN pip install --quiet --no-deps ${packages}\n`
  bad = await buildHere(pip('httpx==0.22.0 werkzeug==2.2.2 requests==2.30.0'))
  mended = await buildHere(pip('httpx==0.23.0 werkzeug==2.2.3 requests==2.31.0'))
  small = await imageWith(['httpx', '0.22.0'])
})
afterAll(() => kept[Symbol.asyncDispose]())

/** Runs where a user runs launchway: in the working tree. */
function enter(folder: string): void {
  const before = process.cwd()
  process.chdir(folder)
  onTestFinished(() => process.chdir(before))
}

const critical = failOn({ severity: 'CRITICAL' })
const fixable = failOn({ severity: 'CRITICAL', fixable: true })

const httpx = { id: 'CVE-2021-41945', severity: 'CRITICAL', package: 'httpx', installed: '0.22.0', fixed: '0.23.0', status: 'new' }
const zlib = { id: 'CVE-2023-45853', severity: 'CRITICAL', package: 'zlib1g', installed: '1:1.2.13.dfsg-1', status: 'new' }
const werkzeug = { id: 'CVE-2023-25577', severity: 'HIGH', package: 'Werkzeug', installed: '2.2.2', fixed: '2.2.3', status: 'new' }
const requests = { id: 'CVE-2023-32681', severity: 'MEDIUM', package: 'requests', installed: '2.30.0', fixed: '2.31.0', status: 'new' }

/** A package as apk notes it. */
const apk = (name: string, version: string): string => `P:${name}\nV:${version}\nA:x86_64\no:${name}\nL:Zlib\n\n`
const alpine = { 'etc/os-release': 'ID=alpine\nVERSION_ID=3.20.3\n', 'etc/alpine-release': '3.20.3\n' }

describe('an image of Alpine', () => {
  it('fails for the package that has a vulnerability, and passes without it', async () => {
    const old = await imageOf({ ...alpine, 'lib/apk/db/installed': apk('zlib', '1.2.12-r0') })
    const failure = await failureOf(scan(toScan(old, { rules: [critical] }), here().ports))
    expect(failure.part?.scan?.images[0]).toMatchObject({
      findings: [{ id: 'CVE-2022-37434', class: 'os', package: 'zlib', installed: '1.2.12-r0', fixed: '1.2.12-r2' }],
      looked: { at: '1 package, alpine 3.20.3', notes: [expect.stringContaining('no security updates any more')] },
    })
    const newer = await imageOf({ ...alpine, 'lib/apk/db/installed': apk('zlib', '1.3.1-r1') })
    expect(await scan(toScan(newer, { rules: [critical] }), here().ports)).toMatchObject({ verdict: 'passed', images: [{ findings: [] }] })
  })
})

describe('an image with known vulnerabilities', () => {
  it('is blocked by what the rules name, says what mends it, and keeps everything that was found in the record', async () => {
    const failure = await failureOf(scan(toScan(bad), here().ports))
    expect(failure).toMatchObject({ code: 'SCAN_BLOCKED', message: 'app: 1 finding blocks this release: 1 CRITICAL' })
    expect(failure.hint).toMatch(/^CVE-2021-41945 {2}CRITICAL {2}httpx {2}0\.22\.0 → 0\.23\.0 {2}\(CRITICAL, with a fix\)\n/)
    expect(failure.part?.scan).toMatchObject({
      tool: { name: 'trivy', digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
      images: [{ name: 'app', config: bad.config, findings: [httpx, zlib, werkzeug, requests] }],
      rules: [{ rule: 'CRITICAL, with a fix', action: 'fail', passed: false, findings: ['app: CVE-2021-41945 in httpx 0.22.0'] }],
      verdict: 'failed',
    })
    expect(here().log.said('line').join('\n')).toMatch(/app: 2 CRITICAL, 1 HIGH, 1 MEDIUM in \d{3} packages, debian 12/)
  })

  it('is shown to be so at the line that brings the package in', async () => {
    write('Dockerfile', 'FROM python:3\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n')
    write('requirements.txt', 'werkzeug==2.2.2\nhttpx==0.22.0\n')
    await failureOf(scan(toScan(bad), here().ports))
    expect(here().log.entries).toContainEqual({
      of: undefined,
      kind: 'warning',
      text: 'blocks this release: CVE-2021-41945 (CRITICAL) in httpx 0.22.0 → 0.23.0',
      place: { file: 'requirements.txt', line: 2 },
    })
  })

  it('passes once they are mended', async () => {
    const section = await scan(toScan(mended), here().ports)
    expect(section).toMatchObject({ images: [{ config: mended.config, findings: [zlib] }], verdict: 'passed' })
  })

  it.each([
    ['CRITICAL, with or without a fix', [critical], ['CVE-2021-41945', 'CVE-2023-45853']],
    ['HIGH or worse, with a fix', [failOn({ severity: 'HIGH', fixable: true })], ['CVE-2021-41945', 'CVE-2023-25577']],
    ['any severity', [failOn({ severity: 'UNKNOWN' })], ['CVE-2021-41945', 'CVE-2023-45853', 'CVE-2023-25577', 'CVE-2023-32681']],
  ] as const)('is blocked by exactly what a rule names: %s', async (_, rules, ids) => {
    const { part } = await failureOf(scan(toScan(bad, { rules: [...rules] }), here().ports))
    const names = part?.scan?.rules.flatMap(({ findings }) => findings) ?? []
    expect(names.map((name) => /CVE-[\d-]+/.exec(name)?.[0])).toEqual(ids)
  })

  it('is blocked for what has no fix only where the rule says so', async () => {
    expect(await scan(toScan(mended, { rules: [fixable] }), here().ports)).toMatchObject({ verdict: 'passed' })
    const failure = await failureOf(scan(toScan(mended, { rules: [critical] }), here().ports))
    expect(failure).toMatchObject({ code: 'SCAN_BLOCKED', message: 'app: 1 finding blocks this release: 1 CRITICAL' })
    expect(failure.hint).toContain('zlib1g  1:1.2.13.dfsg-1 → no fix yet')
  })

  it('is only reported where no rule blocks', async () => {
    const section = await scan(toScan(bad, { rules: [] }), here().ports)
    expect(section).toMatchObject({ rules: [], verdict: 'passed' })
    expect(section.images[0]?.findings).toHaveLength(4)
  })
})

describe('an exception', () => {
  const named = { ignoreFile: '.trivyignore.yaml' }
  const until = (day: string): string => `vulnerabilities:\n  - id: CVE-2021-41945\n    expired_at: ${day}\n    statement: not reachable\n`

  it('lets a finding pass until its last day, and not a day longer', async () => {
    write('.trivyignore.yaml', until('2199-12-31'))
    expect(await scan(toScan(small, named), here().ports)).toMatchObject({
      images: [{ findings: [{ ...httpx, exempt: true }] }],
      exceptions: [{ id: httpx.id, reason: 'not reachable', state: 'open', findings: ['app: CVE-2021-41945 in httpx 0.22.0'] }],
      verdict: 'passed',
    })
    write('.trivyignore.yaml', until('2020-12-31'))
    expect(await failureOf(scan(toScan(small, named), here().ports))).toMatchObject({ code: 'SCAN_BLOCKED' })
  })

  it('may stand in the older form of the file', async () => {
    write('.trivyignore', '# not reachable\nCVE-2021-41945\n')
    expect(await scan(toScan(small, { ignoreFile: '.trivyignore' }), here().ports)).toMatchObject({ verdict: 'passed' })
  })

  it('counts only where the plan names its file', async () => {
    enter(here().root)
    write('.trivyignore', 'CVE-2021-41945\n')
    expect(await failureOf(scan(toScan(small), here().ports))).toMatchObject({ code: 'SCAN_BLOCKED' })
  })

  it('that is misspelt is refused with its place, before anything is scanned', async () => {
    write('.trivyignore.yaml', until('2199-12-31').replace('expired_at', 'expired-at'))
    expect(await failureOf(scan(toScan(small, named), here().ports))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'Trivy does not know "expired-at"; did you mean expired_at?',
      place: { file: '.trivyignore.yaml', line: 3, column: 5 },
    })
  })

  it('in a file that is not there is refused', async () => {
    expect(await failureOf(scan(toScan(small, named), here().ports))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: '.trivyignore.yaml, the list of exceptions for the scan, is not there',
    })
  })
})

describe('what would make a scan see less', () => {
  it('in the environment or the working tree changes no verdict', async () => {
    enter(here().root)
    write('trivy.yaml', 'severity: [LOW]\nscan:\n  skip-dirs: [/usr]\n')
    using _ = setEnv({
      TRIVY_SEVERITY: 'LOW',
      TRIVY_SKIP_DIRS: '/usr',
      TRIVY_PKG_TYPES: 'os',
      TRIVY_IGNORE_STATUS: 'fixed',
      TRIVY_FORMAT: 'table',
      TRIVY_EXIT_CODE: '1',
      TRIVY_DB_REPOSITORY: '127.0.0.1:9/none',
      TRIVY_IGNORED_LICENSES: 'MIT',
      TRIVY_FILE_PATTERNS: 'pip:none',
      TRIVY_OFFLINE_SCAN: 'perhaps',
    })
    expect(await failureOf(scan(toScan(small), here().ports))).toMatchObject({ code: 'SCAN_BLOCKED' })
  })

  it('an image whose package database was removed is no pass', async () => {
    const blind = await buildHere('FROM python:3\nRUN rm -rf /var/lib/dpkg\n')
    expect(await failureOf(scan(toScan(blind), here().ports))).toMatchObject({
      code: 'SCAN_BLOCKED',
      message: expect.stringMatching(/^app cannot be judged: it is debian 12\S*, and not one package of it was found$/),
    })
  })

  it('an image that cannot be judged leaves nothing out of the verdict about the others', async () => {
    const blind = toScan(await imageOf(debian))
    const other = toScan(small)
    const [planned, built] = [other.plan.images[0], other.build?.images[0]]
    if (planned === undefined || built === undefined || blind.build === undefined) throw new TypeError('no image')
    const release = {
      ...blind,
      plan: { ...blind.plan, images: [...blind.plan.images, { ...planned, name: 'worker' }] },
      build: { ...blind.build, images: [...blind.build.images, { ...built, name: 'worker' }] },
    }
    const failure = await failureOf(scan(release, here().ports))
    expect(failure).toMatchObject({
      code: 'SCAN_BLOCKED',
      message: expect.stringMatching(/^app cannot be judged: .*; worker: 1 finding blocks this release: 1 CRITICAL$/),
      part: { scan: { verdict: 'failed', images: [{ name: 'app' }, { name: 'worker', findings: [httpx] }] } },
    })
  })

  it('a .jar file whose own database cannot be had is no pass', async () => {
    await using folder = await openFolder()
    writeFileSync(join(folder.path, 'hello'), 'hello')
    await call('python3', ['-m', 'zipfile', '-c', 'some.jar', 'hello'], { cwd: folder.path })
    const jar = readFileSync(join(folder.path, 'some.jar'))
    const java = await imageOf({ 'some.jar': jar })
    const failure = await failureOf(scan(toScan(java, { javaDatabases: ['127.0.0.1:9/trivy-java-db:1'] }), here().ports))
    expect(failure).toMatchObject({
      code: 'SCAN_DB_UNAVAILABLE',
      message: expect.stringContaining('a database that Trivy needs cannot be had'),
    })
    expect(failure.hint).toContain('scan.java-databases')
  })

  it('an image of one file passes, and the log says that there was nothing to look up', async () => {
    const bare = await imageOf({ hello: 'hello' })
    expect(await scan(toScan(bare), here().ports)).toMatchObject({ images: [{ config: bare.config, findings: [] }], verdict: 'passed' })
    expect(here().log.said('notice')).toEqual(['app: no operating system and no packages that Trivy knows: nothing to look up'])
  })
})

describe('the image that is scanned is the one that was built', () => {
  it('else the scan fails, whatever it found', async () => {
    const other = await imageWith(['httpx', '0.23.0'])
    const swapped = { ...other, config: small.config }
    expect(await failureOf(scan(toScan(swapped), here().ports))).toMatchObject({
      code: 'DIGEST_MISMATCH',
      hint: expect.stringContaining(`Built: ${small.config}; scanned: ${other.config}.`),
    })
  })

  it('also from an archive, which is how an engine with the containerd store is asked', async () => {
    const { ports } = here()
    const engine = { ...ports.engine, info: async () => ({ ...(await ports.engine.info()), containerdStore: true }) }
    const called: string[] = []
    const exec: Ports['exec'] = {
      ...ports.exec,
      run: (command, options) => {
        called.push(...command.args)
        return ports.exec.run(command, options)
      },
    }
    const { part } = await failureOf(scan(toScan(small, { reports: ['json'] }), { ...ports, engine, exec }))
    expect(called).toEqual(expect.arrayContaining(['save', '--input']))
    expect(part?.scan?.images).toMatchObject([{ config: small.config, findings: [httpx] }])
    expect(JSON.parse(readFileSync(join(here().root, 'launchway-reports/app.json'), 'utf8'))).toMatchObject({
      ArtifactName: `${small.repository}:${keyTag(small.key)}`,
    })
  })

  it('comes from the registry where the engine never had it: in a job of its own', async () => {
    const moved = await imageWith(['httpx', '0.21.0'])
    const release = toScan(moved)
    const images = await upload(release, here().ports)
    await docker('image', 'rm', '--force', `${moved.repository}:${keyTag(moved.key)}`)
    const uploaded = { ...release, build: { builder: 'test', images } }
    const { code, part } = await failureOf(scan(uploaded, here().ports))
    expect([code, part?.scan?.images[0]?.config]).toEqual(['SCAN_BLOCKED', moved.config])
  })

  it('and when it is nowhere, that is said', async () => {
    const gone = { ...small, key: 'f'.repeat(32) }
    expect(await failureOf(scan(toScan(gone), here().ports))).toMatchObject({
      code: 'BUILD_FAILED',
      message: `app was built, but the engine does not have ${small.repository}:launchway-${'f'.repeat(32)} any more`,
    })
  })
})
