import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docker } from '../../lab/run.ts'
import { keyTag } from '../../src/core/names.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { Release } from '../../src/core/release.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder } from './support/folder.ts'
import { type BuiltHere, buildHere, imageWith, openEach, together } from './support/scanned.ts'

/** Several images of one release: what stands on one base is written out by the engine once. */

let kept: Folder
let base: string
const { here } = openEach(() => kept.path)
beforeAll(async () => {
  kept = await openFolder()
  const { repository, key } = await imageWith(['httpx', '0.22.0'])
  base = `${repository}:${keyTag(key)}`
})
afterAll(() => kept[Symbol.asyncDispose]())

/** On the base, with a Python package of its own: never seen before. */
let versions = 0
function onBase(name: string): Promise<BuiltHere> {
  versions += 1
  const path = `/usr/lib/python3/site-packages/${name}-2.2.2.dist-info/METADATA`
  return buildHere(`FROM ${base}\nLABEL nth=${versions}-${process.pid}\nCOPY METADATA ${path}\n`, {
    METADATA: `Metadata-Version: 2.1\nName: ${name}\nVersion: 2.2.2\nSummary: ${versions}\n`,
  })
}

const release = (images: Readonly<Record<string, BuiltHere>>): Release => together(images, { rules: [], reports: ['json'] })

interface Seen {
  /** How many images each of the engine's archives has. */
  saved: number[]
  /** What Trivy was shown: a file, or a name for the engine. */
  shown: string[]
}

/** Ports that note how images come to Trivy. @param change what a program is instead */
function noting(ports: Ports, seen: Seen, change: (args: readonly string[]) => readonly string[] = (args) => args): Ports {
  const exec: Ports['exec'] = {
    ...ports.exec,
    run: (command, options) => {
      const { args } = command
      if (args[1] === 'save') seen.saved.push(args.length - 2)
      if (args.includes('--list-all-pkgs')) seen.shown.push(args.includes('--input') ? 'files' : 'engine')
      return ports.exec.run({ ...command, args: change(args) }, options)
    },
  }
  return { ...ports, exec }
}

const found = (section: Awaited<ReturnType<typeof scan>>): unknown[] =>
  section.images.map(({ name, config, findings }) => [name, config, findings.map(({ id }) => id)])
const [httpx, werkzeug] = ['CVE-2021-41945', 'CVE-2023-25577']

describe('images on one base', () => {
  it('are written out together, once, and each is known for what it is', async () => {
    const [app, worker, other] = [await onBase('Werkzeug'), await onBase('click'), await imageWith(['requests', '2.30.0'])]
    const seen: Seen = { saved: [], shown: [] }
    const section = await scan(release({ app, worker, other }), noting(here().ports, seen))
    expect(found(section)).toEqual([
      ['app', app.config, [httpx, werkzeug]],
      ['worker', worker.config, [httpx]],
      ['other', other.config, ['CVE-2023-32681']],
    ])
    expect(seen).toEqual({ saved: [2], shown: ['files', 'files', 'engine'] })
    // Under their names, as if the engine had been asked for each.
    expect(section.reports.map(({ image }) => image)).toEqual(['app', 'worker', 'other'])
    for (const name of ['app', 'worker'])
      expect(readFileSync(join(here().root, `launchway-reports/${name}.json`), 'utf8')).not.toContain('layout')
  })

  it('leave nothing on the disk', async () => {
    await scan(release({ app: await onBase('Werkzeug'), worker: await onBase('click') }), here().ports)
    const scratch = join(here().root, 'temp')
    const left = existsSync(scratch) ? readdirSync(scratch, { recursive: true, encoding: 'utf8' }) : []
    expect(left.filter((path) => path.includes('blobs'))).toEqual([])
  })

  it('are not written out for what is known from an earlier look', async () => {
    const images = { app: await onBase('Werkzeug'), worker: await onBase('click') }
    await scan(release(images), here().ports)
    const seen: Seen = { saved: [], shown: [] }
    const again = await scan(release({ ...images, third: await onBase('flask') }), noting(here().ports, seen))
    expect([again.images.length, seen]).toEqual([3, { saved: [], shown: ['engine'] }])
  })

  it.each<[string, (args: readonly string[]) => readonly string[]]>([
    ['the engine breaks off', (args) => (args[1] === 'save' ? ['image', 'save', 'no/such/image'] : args)],
    ['the archive cannot be unpacked', (args) => (args[0] === '-xf' ? ['-xf', '-', '-C', '/no/such/folder'] : args)],
  ])('are looked at one after the other where %s', async (_, change) => {
    const [app, worker] = [await onBase('Werkzeug'), await onBase('click')]
    const seen: Seen = { saved: [], shown: [] }
    const section = await scan(release({ app, worker }), noting(here().ports, seen, change))
    expect(found(section)).toEqual([
      ['app', app.config, [httpx, werkzeug]],
      ['worker', worker.config, [httpx]],
    ])
    expect(seen.shown).toEqual(['engine', 'engine'])
  })

  it('are looked at one after the other where the disk has not twice the room for them', async () => {
    const { ports } = here()
    const images = { app: await onBase('Werkzeug'), worker: await onBase('click') }
    const sizes = await Promise.all(
      Object.values(images).map(async ({ repository, key }) =>
        Number(await docker('image', 'inspect', '--format', '{{.Size}}', `${repository}:${keyTag(key)}`)),
      ),
    )
    const needed = 2 * sizes.reduce((sum, size) => sum + size, 0)
    const seen: Seen = { saved: [], shown: [] }
    const tight = { ...noting(ports, seen), files: { ...ports.files, free: async () => needed - 1 } }
    expect((await scan(release(images), tight)).images).toHaveLength(2)
    expect(seen).toEqual({ saved: [], shown: ['engine', 'engine'] })
  })

  it('are not taken for each other when a name leads to another image by now', async () => {
    const [app, worker] = [await onBase('Werkzeug'), await onBase('click')]
    await docker('tag', `${worker.repository}:${keyTag(worker.key)}`, `${app.repository}:${keyTag(app.key)}`)
    expect(await failureOf(scan(release({ app, worker }), here().ports))).toMatchObject({ code: 'DIGEST_MISMATCH' })
  })
})
