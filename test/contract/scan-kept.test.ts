import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { docker } from '../../lab/run.ts'
import { publishDatabase } from '../../lab/vulnerabilities/publish.ts'
import { keyTag } from '../../src/core/names.ts'
import type { Ports } from '../../src/core/ports.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder } from './support/folder.ts'
import { type BuiltHere, failOn, imageWith, openEach, toScan } from './support/scanned.ts'

/** What Trivy has said about an image is not asked twice. */

const { registry } = inject('lab')
let kept: Folder
let image: BuiltHere
const { here, write } = openEach(() => kept.path)
beforeAll(async () => {
  kept = await openFolder()
  image = await imageWith(['httpx', '0.22.0'])
})

afterAll(() => kept[Symbol.asyncDispose]())
/** The database is there for all of them; what Trivy has said, for none. */
beforeEach(() => here().ports.files.remove(folder()))

/** How many programs a scan starts. */
function counting(): { ports: Ports; count: () => number } {
  const { ports } = here()
  let calls = 0
  const exec: Ports['exec'] = {
    read: (...asked) => ((calls += 1), ports.exec.read(...asked)),
    run: (...asked) => ((calls += 1), ports.exec.run(...asked)),
  }
  return {
    ports: { ...ports, exec },
    count: () => {
      const since = calls
      calls = 0
      return since
    },
  }
}
const folder = (): string => join(here().ports.tools.folder, 'trivy/reports')
const report = (): string => {
  const [database = ''] = readdirSync(folder())
  const [name = ''] = readdirSync(join(folder(), database))
  return join(folder(), database, name)
}

describe('a second scan of the same image', () => {
  it('starts no program, finds the same, and asks the rules anew', async () => {
    const { ports, count } = counting()
    const first = await scan(toScan(image, { rules: [] }), ports)
    expect(count()).toBeGreaterThan(0)
    const second = await scan(toScan(image, { rules: [] }), ports)
    expect(count()).toBe(0)
    expect(second).toEqual({ ...first, ms: second.ms })
    const failure = await failureOf(scan(toScan(image, { rules: [failOn({ severity: 'CRITICAL' })] }), ports))
    expect([failure.code, count()]).toEqual(['SCAN_BLOCKED', 0])
    expect(here().log.said('line').join('\n')).toContain('app: 1 CRITICAL in 2 packages, debian 12.5, known from an earlier look')
  })

  it('looks again where the exceptions, the scanners or the database are others', async () => {
    const { ports, count } = counting()
    const named = { ignoreFile: '.trivyignore.yaml', rules: [] }
    write('.trivyignore.yaml', '# none\n')
    await scan(toScan(image, named), ports)
    count()
    write('.trivyignore.yaml', 'vulnerabilities:\n  - id: CVE-2021-41945\n')
    expect((await scan(toScan(image, named), ports)).images[0]?.findings).toMatchObject([{ exempt: true }])
    expect(count()).toBeGreaterThan(0)
    await scan(toScan(image, { ...named, scanners: ['vuln', 'secret'] }), ports)
    expect(count()).toBeGreaterThan(0)
    const other = `${registry.address}/kept-${process.pid}:2`
    await publishDatabase(other, new Date(Date.now() - 3_600_000))
    await scan(toScan(image, { ...named, databases: [other] }), ports)
    expect(count()).toBeGreaterThan(1)
    expect(readdirSync(folder())).toHaveLength(1)
  })

  it('looks again on the day that an exception ends', async () => {
    const { ports, count } = counting()
    const day = 24 * 3_600_000
    const end = new Date(Date.now() + day).toISOString()
    write('.trivyignore.yaml', `vulnerabilities:\n  - id: CVE-2021-41945\n    expired_at: ${end}\n`)
    await scan(toScan(image, { rules: [] }), ports)
    const release = toScan(image, { ignoreFile: '.trivyignore.yaml', rules: [], offline: true, maxDbAgeMs: 10 * day })
    await scan(release, ports)
    count()
    await scan(release, ports)
    expect(count()).toBe(0)
    // Trivy's own clock has not moved: it lets pass what has ended, and nothing passes on that.
    const later = { ...ports, clock: { ...ports.clock, now: () => new Date(Date.now() + 2 * day) } }
    expect(await failureOf(scan(release, later))).toMatchObject({
      code: 'SCAN_BLOCKED',
      message: 'the exception for CVE-2021-41945 has ended, and Trivy still lets app: CVE-2021-41945 in httpx 0.22.0 pass',
    })
    expect(count()).toBeGreaterThan(0)
  })

  it('looks again with a Trivy that is another program, whatever version it says it is', async () => {
    const { ports, count } = counting()
    const file = join(here().root, 'trivy')
    const none = `jq 'del(.Results[].Vulnerabilities)' "$out" > "$out.none" && mv "$out.none" "$out"`
    const out = 'for word in "$@"; do [ "$last" = --output ] && out=$word; last=$word; done'
    const real = await ports.tools.trivy({ offline: false })
    writeFileSync(file, `#!/bin/sh\n'${real}' "$@" || exit $?\n${out}\n[ -z "$out" ] || { ${none}; }\n`, { mode: 0o755 })
    const blind = { ...ports, tools: { ...ports.tools, trivy: async () => file } }
    expect((await scan(toScan(image, { rules: [] }), blind)).images[0]?.findings).toEqual([])
    count()
    expect((await scan(toScan(image, { rules: [] }), ports)).images[0]?.findings).toHaveLength(1)
    expect(count()).toBeGreaterThan(0)
  })

  it('does not believe what was damaged', async () => {
    const { ports, count } = counting()
    await scan(toScan(image, { rules: [] }), ports)
    count()
    writeFileSync(report(), 'garbage')
    expect((await scan(toScan(image, { rules: [] }), ports)).images[0]?.findings).toHaveLength(1)
    expect(count()).toBeGreaterThan(0)
    expect(gunzipSync((await ports.files.read(report())) ?? '').toString()).toContain(image.config)
  })

  it('is no second scan where another image has taken the name', async () => {
    const { ports } = counting()
    await scan(toScan(image, { rules: [] }), ports)
    const other = await imageWith(['httpx', '0.23.0'])
    expect(await failureOf(scan(toScan({ ...other, config: image.config }), ports))).toMatchObject({ code: 'DIGEST_MISMATCH' })
  })

  it('is of what was uploaded, where this engine has another image of its name', async () => {
    const { ports } = counting()
    const there = await imageWith(['httpx', '0.22.0'])
    const reference = `${there.repository}:${keyTag(there.key)}`
    const digest = /sha256:[0-9a-f]{64}/.exec(await docker('push', reference))?.[0] ?? ''
    const other = await imageWith(['httpx', '0.23.0'])
    await docker('tag', `${other.repository}:${keyTag(other.key)}`, reference)
    const { build, ...release } = toScan(there, { rules: [] })
    const images = (build?.images ?? []).map((one) => ({ ...one, registries: { [there.repository]: { digest, mediaType: 'm' } } }))
    const { images: found } = await scan({ ...release, build: { builder: 'none', images } }, ports)
    expect(found).toMatchObject([{ config: there.config, findings: [{ id: 'CVE-2021-41945' }] }])
  })
})
