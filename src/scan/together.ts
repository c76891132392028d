import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { z } from 'zod'
import { parseJson } from '../core/json.ts'
import type { Ports } from '../core/ports.ts'
import type { BuiltImage } from '../core/release.ts'
import { saveAll, unpack } from '../tools/docker.ts'

/**
 * Images on one base, written out together. For one layer that it does not know Trivy has the engine write out all of an
 * image. Written out together, what they share comes once, and Trivy reads of it what it does not know.
 */

/** An image among others in an OCI layout. */
export interface Layout {
  folder: string
  manifest: Entry
}

const Entry = z.object({ mediaType: z.string(), digest: z.string(), size: z.int() })
type Entry = z.infer<typeof Entry>
const Index = z.object({ manifests: z.array(Entry) })
const Manifest = z.object({ config: z.object({ digest: z.string() }) })

interface Wanted {
  image: BuiltImage
  source: { from: string; reference: string }
  base?: string | undefined
  size: number
}

/**
 * Writes out what shares its lowest layer with others. What comes of it stands under the configuration of its image; what is not
 * there is fetched from the engine by Trivy, as an image that stands alone is.
 */
export async function writeTogether(wanted: readonly Wanted[], ports: Ports): Promise<Map<string, Layout>> {
  const layouts = new Map<string, Layout>()
  const inEngine = wanted.filter(({ source, base }) => source.from !== 'registry' && base !== undefined)
  for (const group of Map.groupBy(inEngine, ({ base }) => base).values()) {
    if (group.length === 1) continue
    const folder = await ports.files.temporary('layout')
    if (!(await written(group, folder, ports))) {
      await ports.files.remove(folder)
      continue
    }
    const manifests = await manifestsIn(folder, ports)
    for (const { image } of group) {
      // By its configuration: a name may lead to another image by now.
      const manifest = Object.values(image.config).flatMap((config) => manifests.get(config) ?? [])[0]
      const [config = ''] = Object.values(image.config)
      if (manifest !== undefined) layouts.set(config, { folder, manifest })
    }
  }
  return layouts
}

/** A disk that is full, an engine that does not know how: no reason to fail, since there is another way. */
async function written(group: readonly Wanted[], folder: string, { exec, files, log, signal }: Ports): Promise<boolean> {
  // One of several platforms is written out once.
  const references = [...new Set(group.map(({ source }) => source.reference))]
  // One after the other they need the disk of the largest alone, and a smoke test beside may need the rest.
  if (group.reduce((sum, { size }) => sum + size, 0) > (await files.free(folder)) / 2) {
    log.debug(`${references.join(', ')}: looked at one after the other, to spare the disk`)
    return false
  }
  const broken = new AbortController()
  const archive = new PassThrough({ highWaterMark: 1 << 20 })
  const said: string[] = []
  const words = (): Writable =>
    new Writable({ write: (chunk: Buffer, _encoding, done) => (said.push(chunk.toString().trim().slice(0, 500)), done()) })
  const run = (...[command, streams]: [Parameters<typeof exec.run>[0], { input: PassThrough | undefined; output: Writable }]) =>
    exec
      .run(command, { signal: AbortSignal.any([signal, broken.signal]), streams: { ...streams, errors: words() } })
      .catch((error: unknown) => {
        // The other one would wait for ever for one that has ended.
        broken.abort()
        throw error
      })
  const ended = await Promise.allSettled([
    run(saveAll(references), { input: undefined, output: archive }).finally(() => archive.end()),
    run(unpack('-', folder), { input: archive, output: words() }),
  ])
  signal.throwIfAborted()
  if (ended.every(({ status }) => status === 'fulfilled')) return true
  log.debug(`${references.join(', ')}: not written out together, so looked at one after the other: ${said.join(' ')}`)
  return false
}

/** What lies in a layout, by the configuration. An older engine writes none. */
export async function manifestsIn(folder: string, { files }: Ports): Promise<Map<string, Entry>> {
  const read = async (path: string): Promise<string> => (await files.read(join(folder, path)))?.toString() ?? ''
  const found = new Map<string, Entry>()
  const walk = async (text: string, depth: number): Promise<void> => {
    for (const entry of parseJson(text, Index)?.manifests ?? []) {
      const body = await read(`blobs/${entry.digest.replace(':', '/')}`)
      const config = parseJson(body, Manifest)?.config.digest
      if (config !== undefined) found.set(config, entry)
      // An image of several platforms, or with its provenance.
      else if (depth > 0) await walk(body, depth - 1)
    }
  }
  await walk(await read('index.json'), 1)
  return found
}

/** Leaves one image in sight, and says where. Trivy takes the first; how one asks for another differs from version to version. */
export async function openLayout({ folder, manifest }: Layout, { files }: Ports): Promise<string> {
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  await files.write(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType, manifests: [manifest] }))
  return folder
}

type Of = readonly { layout?: Layout }[]

/** Gives the disk back of what nobody looks at any more. @param still who has yet to be looked at */
export async function removeLayouts(of: Of, still: Of, { files }: Ports): Promise<void> {
  const needed = new Set(still.map(({ layout }) => layout?.folder))
  const folders = new Set(of.flatMap(({ layout }) => layout?.folder ?? []))
  for (const folder of folders) if (!needed.has(folder)) await files.remove(folder)
}
