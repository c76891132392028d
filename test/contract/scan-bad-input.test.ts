import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Ports } from '../../src/core/ports.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder } from './support/folder.ts'
import { type BuiltHere, debian, failOn, imageOf, imageWith, installed, openEach, stanza, toScan } from './support/scanned.ts'

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

describe('a report', () => {
  // The campaign has one of 50 MB, every other run one of 4 MB.
  it('that is long is read, and what is in it still blocks', async () => {
    const megabytes = process.env['LAUNCHWAY_CAMPAIGN'] === undefined ? 4 : 50
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

describe('an image whose packages cannot be looked up any more', () => {
  // The real one of the first kind, an image of Debian with what was removed from it, is in scan.test.ts.
  it.each<[string, Record<string, string>, RegExp]>([
    ['without its package database', debian, /it is debian 12\S*, and not one package of it was found$/],
    [
      'without the file that names the system',
      { 'var/lib/dpkg/status': [stanza('base-files', '12.4'), stanza('zlib1g', '1:1.2.13.dfsg-1')].join('\n') },
      /it has 2 packages of a system that does not say/,
    ],
  ])('%s is no pass', async (_, files, why) => {
    const blind = await imageOf({ ...files, ...installed('h11', '0.9.1') })
    const failure = await failureOf(scan(toScan(blind, { rules: [] }), here().ports))
    expect(failure).toMatchObject({ code: 'SCAN_BLOCKED', message: expect.stringMatching(why) })
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
    [
      'with a package URL that is none',
      'vulnerabilities:\n  - id: CVE-1\n    purls: [zlib1g]\n',
      'not a list of exceptions that Trivy reads',
    ],
    ['with a list in the place of an id', 'vulnerabilities:\n  - id: [CVE-1]\n', 'has no id'],
    ['of bytes that are no text', '\u0000\u0001', '.trivyignore.yaml'],
  ])('%s passes nothing', async (_, text, problem) => {
    write('.trivyignore.yaml', text)
    const failure = await failureOf(scan(toScan(image, { ignoreFile: '.trivyignore.yaml' }), here().ports))
    expect(failure.code).toBe('CONFIG_INVALID')
    expect(failure.message).toContain(problem)
  })
})
