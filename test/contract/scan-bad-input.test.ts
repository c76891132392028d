import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, docker } from '../../lab/run.ts'
import { keyTag } from '../../src/core/names.ts'
import type { Ports } from '../../src/core/ports.ts'
import { upload } from '../../src/push/index.ts'
import { scan } from '../../src/scan/index.ts'
import { filesInRegistry } from '../../src/scan/registry-files.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder } from './support/folder.ts'
import {
  type BuiltHere,
  buildHere,
  debian,
  failOn,
  imageOf,
  imageWith,
  installed,
  openEach,
  stanza,
  system,
  toScan,
} from './support/scanned.ts'

/** What goes wrong in a scan is a failure with a reason, and never a pass. */

let kept: Folder
let image: BuiltHere
const { here, write } = openEach(() => kept.path)
beforeAll(async () => {
  kept = await openFolder()
  image = await imageWith(['httpx', '0.22.0'])
})
afterAll(() => kept[Symbol.asyncDispose]())

/** Ports whose Trivy is a program around the real one. @param program of sh; the real one is `$TRIVY` */
async function around(program: string): Promise<Ports> {
  const { ports, root } = here()
  const file = join(root, 'trivy')
  writeFileSync(file, `#!/bin/sh\nTRIVY='${await ports.tools.trivy({ offline: false })}'\n${program}\n`)
  chmodSync(file, 0o755)
  return { ...ports, tools: { ...ports.tools, trivy: async () => file } }
}
const atImages = (what: string): string => `case " $* " in *" image --format "*) ${what} ;; esac\nexec "$TRIVY" "$@"`

describe('a Trivy that is ended', () => {
  it.each([
    ['by the system, as for want of memory', 'KILL', 9],
    ['by somebody', 'TERM', 15],
  ])('%s passes nothing', async (_, signal, number) => {
    const fresh = await imageWith(['httpx', `0.20.${number}`])
    const ports = await around(atImages(`"$TRIVY" "$@" & pid=$!; kill -${signal} $pid; wait $pid; exit $?`))
    const failure = await failureOf(scan(toScan(fresh), ports))
    expect(failure).toMatchObject({
      code: 'COMMAND_FAILED',
      message: 'Trivy was ended before it had looked through app, so nothing passed',
    })
    expect(failure.hint).toContain(`signal ${number}`)
  })

  it('in the middle of a look passes nothing', async () => {
    const fresh = await buildHere(`${model(300)}LABEL run=${process.pid}\n`)
    await here().ports.files.remove(join(here().ports.tools.folder, 'trivy/layers'))
    const ports = await around(atImages('"$TRIVY" "$@" & pid=$!; sleep 1; kill -KILL $pid; wait $pid; exit $?'))
    expect(await failureOf(scan(toScan(fresh), ports))).toMatchObject({
      code: 'COMMAND_FAILED',
      message: 'Trivy was ended before it had looked through app, so nothing passed',
    })
  })

  it('for want of memory of its own passes nothing', async () => {
    const fresh = await imageWith(['httpx', '0.20.1'])
    const ports = await around(atImages('ulimit -v 300000; exec "$TRIVY" "$@"'))
    const failure = await failureOf(scan(toScan(fresh), ports))
    expect(failure).toMatchObject({ code: 'COMMAND_FAILED', message: expect.stringContaining('nothing passed') })
    expect(failure.hint).toMatch(/memory/)
  })

  it('while its database is asked has no database', async () => {
    const { ports } = here()
    await ports.files.remove(join(ports.tools.folder, 'trivy/db/believed'))
    const killed = await around(
      'case " $* " in *" sbom "*) "$TRIVY" "$@" & pid=$!; kill -KILL $pid; wait $pid; exit $? ;; esac\nexec "$TRIVY" "$@"',
    )
    const failure = await failureOf(scan(toScan(image), killed))
    expect(failure.code).toBe('SCAN_DB_UNAVAILABLE')
    expect(failure.hint).toContain('cannot be read: something ended it from outside (signal 9)')
  })
})

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

/** As large as that, above an engine's Python. */
const model = (megabytes: number): string => `FROM python:3\nRUN truncate --size ${megabytes}MB /opt/model.bin\n`

describe('an image', () => {
  // The campaign has one of 5 GB, every other run one of 300 MB.
  it('that is large is looked through to its end, and what is in it still blocks', { timeout: 900_000 }, async () => {
    const megabytes = isCampaign ? 5_000 : 300
    const [name, version] = ['httpx', '0.22.0']
    const large = await buildHere(
      `${model(megabytes)}COPY METADATA /usr/lib/python3/dist-packages/${name}-${version}.dist-info/METADATA\n`,
      { METADATA: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n` },
    )
    expect(Number(await docker('image', 'inspect', '--format', '{{.Size}}', `${large.repository}:${keyTag(large.key)}`))).toBeGreaterThan(
      megabytes * 1e6,
    )
    const failure = await failureOf(scan(toScan(large), here().ports))
    expect(failure).toMatchObject({ code: 'SCAN_BLOCKED', message: 'app: 1 finding blocks this release: 1 CRITICAL' })
    expect(failure.part?.scan?.images[0]?.config).toBe(large.config)
  })

  it('that the disk has no room for passes nothing, and where room is needed is said', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'only root can make a disk that is full')
    await using folder = await openFolder()
    await call('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder.path])
    try {
      const fresh = await imageOf({ ...system, ...installed('httpx', '0.18.0'), 'opt/model.bin': Buffer.alloc(4_000_000, 'model') })
      const failure = await failureOf(scan(toScan(fresh), await around(`TMPDIR='${folder.path}'; export TMPDIR\nexec "$TRIVY" "$@"`)))
      expect(failure).toMatchObject({
        code: 'COMMAND_FAILED',
        message: 'the disk was full before Trivy had looked through app, so nothing passed',
      })
      expect(failure.hint).toMatch(/no space left on device[^]*as much room as the image has/)
    } finally {
      await call('umount', [folder.path])
    }
  })

  it('that is removed while it is looked at is asked for again, with a build', async () => {
    const fresh = await imageWith(['httpx', '0.18.2'])
    const reference = `${fresh.repository}:${keyTag(fresh.key)}`
    const failure = await failureOf(scan(toScan(fresh), await around(atImages(`docker image rm --force ${reference} >&2`))))
    expect(failure).toMatchObject({ code: 'BUILD_FAILED', message: `app was built, but the engine does not have ${reference} any more` })
  })

  it('that the registry has lost passes nothing', async () => {
    const fresh = await imageWith(['httpx', '0.18.1'])
    const release = toScan(fresh)
    const [image, ...others] = await upload(release, here().ports)
    await docker('image', 'rm', '--force', `${fresh.repository}:${keyTag(fresh.key)}`)
    if (image === undefined) throw new TypeError('nothing was uploaded')
    const digest = `sha256:${'0'.repeat(64)}`
    const lost = { ...image, registries: { [fresh.repository]: { digest, mediaType: 'application/vnd.oci.image.manifest.v1+json' } } }
    const failure = await failureOf(scan({ ...release, build: { builder: 'test', images: [lost, ...others] } }, here().ports))
    expect(failure).toMatchObject({ code: 'COMMAND_FAILED', message: 'Trivy could not scan app' })
    expect(failure.hint).toMatch(/MANIFEST_UNKNOWN|NOT_FOUND|manifest unknown|not found/i)
  })
})

describe('a report', () => {
  // The campaign has one of 50 MB, every other run one of 4 MB.
  it('that is long is read, and what is in it still blocks', async () => {
    const megabytes = isCampaign ? 50 : 4
    const packages = Array.from({ length: 1_200 * megabytes }, (_, index) => `package-of-a-name-that-is-not-short-${index}`)
    const status = [...packages.map((name) => stanza(name, '1.0-1')), `${stanza('zlib1g', '1:1.2.13.dfsg-1')}Source: zlib\n`].join('\n')
    const large = await imageOf({ ...debian, 'var/lib/dpkg/status': status })
    let bytes = 0
    const { ports } = here()
    const files: Ports['files'] = {
      ...ports.files,
      async read(path) {
        const body = await ports.files.read(path)
        if (path.endsWith('report.json')) bytes = body?.length ?? 0
        return body
      },
    }
    const failure = await failureOf(scan(toScan(large, { rules: [failOn({ severity: 'CRITICAL' })] }), { ...ports, files }))
    expect(bytes).toBeGreaterThan(megabytes * 1_000_000)
    expect(failure).toMatchObject({ code: 'SCAN_BLOCKED', message: 'app: 1 finding blocks this release: 1 CRITICAL' })
    expect(failure.part?.scan?.images[0]?.findings).toHaveLength(1)
  })

  it.each([
    ['that is none', ': > "$out"'],
    ['that is cut off', '"$TRIVY" "$@"; head -c 200 "$out" > "$out.cut"; mv "$out.cut" "$out"'],
    ['that is not there', ':'],
  ])('%s passes nothing', async (_, program) => {
    const fresh = await imageWith(['h11', '0.9.0'])
    const out = 'for word in "$@"; do [ "$last" = --output ] && out=$word; last=$word; done'
    const failure = await failureOf(scan(toScan(fresh), await around(atImages(`${out}; ${program}; exit 0`))))
    expect(failure).toMatchObject({ code: 'COMMAND_FAILED', message: 'Trivy wrote no report about app that launchway can read' })
  })
})

/** With one package that has a vulnerability, in Debian 12. */
const ofDebian = (version: string): Record<string, string> => ({
  'etc/os-release': `ID=debian\nVERSION_ID="${version}"\n`,
  'etc/debian_version': `${version}\n`,
  'var/lib/dpkg/status': `${stanza('zlib1g', '1:1.2.13.dfsg-1')}Source: zlib\n`,
})

describe('an image whose packages cannot be looked up', () => {
  // The real one of the first kind, an image of Debian with what was removed from it, is in scan.test.ts.
  it.each<[string, Record<string, string>, RegExp]>([
    ['without its package database', debian, /it is debian 12\S*, and not one package of it was found$/],
    [
      'without that of apk',
      { 'etc/os-release': 'ID=alpine\nVERSION_ID=3.20.3\n', 'etc/alpine-release': '3.20.3\n' },
      /it is alpine 3\.20\.3, and not one package of it was found$/,
    ],
    [
      'without that of rpm',
      { 'etc/os-release': 'ID="rocky"\nVERSION_ID="9.4"\n', 'etc/redhat-release': 'Rocky Linux release 9.4 (Blue Onyx)\n' },
      /it is rocky 9\.4, and not one package of it was found$/,
    ],
    [
      'without the file that names the system',
      { 'var/lib/dpkg/status': [stanza('base-files', '12.4'), stanza('zlib1g', '1:1.2.13.dfsg-1')].join('\n') },
      /it has 2 packages of a system that does not say/,
    ],
    [
      'without either, but with what installs them',
      { 'usr/bin/apt-get': 'apt', 'etc/hosts': '' },
      /it has \/usr\/bin\/apt-get, and neither a/,
    ],
    ['without either, but with the list of apk', { 'etc/apk/world': 'busybox\n' }, /it has \/etc\/apk, and neither a/],
    [
      'of a system that Trivy does not know',
      { 'etc/os-release': 'ID=fedora\nVERSION_ID=40\n', 'etc/fedora-release': 'Fedora release 40 (Forty)\n' },
      /Trivy knows no vulnerabilities of fedora 40$/,
    ],
    ['of a version that nobody knows', ofDebian('99.5'), /the vulnerability database has nothing about debian 99\.5$/],
    [
      'of a version that Trivy knows, and its database does not',
      ofDebian('13.1'),
      /the vulnerability database has nothing about debian 13\.1$/,
    ],
    ['of a version that is not released', ofDebian('forky/sid'), /the vulnerability database has nothing about debian forky\/sid$/],
  ])('%s is no pass, unless somebody says so', async (_, files, why) => {
    const blind = await imageOf({ ...files, ...installed('h11', '0.9.1') })
    const failure = await failureOf(scan(toScan(blind, { rules: [] }), here().ports))
    expect(failure).toMatchObject({ code: 'SCAN_BLOCKED', message: expect.stringMatching(why) })
    expect(failure.part?.scan).toMatchObject({ verdict: 'failed', images: [{ looked: { blind: expect.stringMatching(why) } }] })
    const section = await scan(toScan(blind, { rules: [], unknownSystem: 'warn' }), here().ports)
    expect(section).toMatchObject({ verdict: 'passed', images: [{ looked: { blind: expect.stringMatching(why) } }] })
    expect(here().log.said('warning').join()).toContain('scan.unknown-system: warn')
  })

  it('with what installs them and without either is no pass where it comes from a registry', async () => {
    const blind = await imageOf({ 'usr/bin/apt-get': 'apt', ...installed('h11', '0.9.3') })
    const release = toScan(blind, { rules: [] })
    const images = await upload(release, here().ports)
    await docker('image', 'rm', '--force', `${blind.repository}:${keyTag(blind.key)}`)
    const failure = await failureOf(scan({ ...release, build: { builder: 'test', images } }, here().ports))
    expect(failure).toMatchObject({ code: 'SCAN_BLOCKED', message: expect.stringContaining('it has /usr/bin/apt-get, and neither') })
  })

  it('is read layer by layer in a registry: what a layer above has removed is not in it', async () => {
    const traces = '/usr/bin/apt-get /usr/bin/dpkg-query /etc/apt'
    const without = await buildHere(`FROM python:3\nRUN rm -rf ${traces}\n`)
    const [image] = await upload(toScan(without), here().ports)
    const digest = image?.registries[without.repository]?.digest ?? ''
    const paths = [...traces.split(' '), '/usr/bin/dpkg', '/etc/passwd', '/no/such']
    const found = await filesInRegistry({ repository: without.repository, digest }, paths, toScan(without).plan.registries, here().ports)
    expect(found).toEqual(['/usr/bin/dpkg', '/etc/passwd'])
  })

  it('is told from one that has no system at all, or a system without a finding', async () => {
    const bare = await imageOf(installed('h11', '0.9.1'))
    const clean = await imageOf({ ...ofDebian('12.5'), 'var/lib/dpkg/status': stanza('base-files', '12.4') })
    for (const one of [bare, clean]) expect((await scan(toScan(one, { rules: [] }), here().ports)).verdict).toBe('passed')
  })

  it('is warned of where Trivy is older than its system, and its database is not', async () => {
    const fresh = await imageOf({ ...debian, 'var/lib/dpkg/status': `${stanza('zlib1g', '1:1.2.13.dfsg-1')}Source: zlib\n` })
    const says = 'printf \'2026-11-22T00:00:00Z\\tWARN\\tThis OS version is not on the EOL list\\tfamily="debian"\\n\' >&2'
    const section = await scan(toScan(fresh, { rules: [] }), await around(atImages(says)))
    expect(section.images[0]?.looked).toMatchObject({
      at: '1 package, debian 12.5',
      notes: [expect.stringContaining('this Trivy is older than debian 12.5')],
    })
  })
})

describe('a list of exceptions', () => {
  it.each([
    ['that is no YAML', 'vulnerabilities: [\n', 'not YAML'],
    [
      'with a pattern of a path that is none',
      'vulnerabilities:\n  - id: CVE-1\n    paths: ["[a"]\n',
      'not a list of exceptions that Trivy reads',
    ],
    ['with a package URL that is none', 'vulnerabilities:\n  - id: CVE-1\n    purls: [zlib1g]\n', 'is no package URL'],
    ['with a list in the place of an id', 'vulnerabilities:\n  - id: [CVE-1]\n', 'has no id'],
    ['of bytes that are no text', '\u0000\u0001', 'must be a map of lists'],
  ])('%s passes nothing', async (_, text, problem) => {
    write('.trivyignore.yaml', text)
    const failure = await failureOf(scan(toScan(image, { ignoreFile: '.trivyignore.yaml' }), here().ports))
    expect(failure.code).toBe('CONFIG_INVALID')
    expect(failure.message).toContain(problem)
  })
})
