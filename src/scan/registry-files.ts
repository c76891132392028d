import { Writable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { z } from 'zod'
import { command } from '../core/command.ts'
import { parseJson } from '../core/json.ts'
import type { Ports, Repository } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'

const Manifest = z.object({ layers: z.array(z.object({ digest: z.string(), mediaType: z.string() })) })

/** What removes a file of the layers below, and all of a folder of theirs. @see https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts */
const [whiteout, opaque] = ['.wh.', '.wh..wh..opq']

/**
 * Which of these paths are in an image of a registry, read layer by layer as they come. Undefined where that cannot be known.
 * @param paths absolute, of files or folders
 */
export async function filesInRegistry(
  { repository: name, digest }: { repository: string; digest: string },
  paths: readonly string[],
  registries: readonly Registry[],
  ports: Ports,
): Promise<string[] | undefined> {
  const repository = await openRepository(name, registries, ports)
  const found = await repository.manifest(digest)
  const manifest = found === undefined ? undefined : parseJson(found.body.toString(), Manifest)
  if (manifest === undefined) return undefined
  const there = new Set<string>()
  for (const layer of manifest.layers) {
    // What a layer removes it removes of those below it, wherever that stands in it.
    const [added, removed] = [new Set<string>(), new Set<string>()]
    await readNames(repository, layer, ports, (entry) => {
      for (const path of paths) {
        if (`${entry}/`.startsWith(`${path}/`)) added.add(path)
        if (removes(entry, path)) removed.add(path)
      }
    })
    for (const path of removed) there.delete(path)
    for (const path of added) there.add(path)
  }
  return paths.filter((path) => there.has(path))
}

/** Whether an entry removes a path: it, what it is in, or all that was in one of its folders. */
function removes(entry: string, path: string): boolean {
  const at = entry.lastIndexOf('/')
  const [folder, name] = [entry.slice(0, at), entry.slice(at + 1)]
  if (name === opaque) return path.startsWith(`${folder}/`)
  return name.startsWith(whiteout) && `${path}/`.startsWith(`${folder}/${name.slice(whiteout.length)}/`)
}

/** @param tell of each entry, by its absolute path without a slash at its end */
async function readNames(
  repository: Repository,
  { digest, mediaType }: { digest: string; mediaType: string },
  { exec, signal }: Ports,
  tell: (path: string) => void,
): Promise<void> {
  const unpacked = mediaType.endsWith('zstd') ? createZstdDecompress() : createGunzip()
  const blob = await repository.readBlob(digest, 0)
  const isPacked = /[+.](gzip|zstd)$/.test(mediaType)
  const input = isPacked ? blob.pipe(unpacked) : blob
  blob.once('error', (error) => input.destroy(error))
  let rest = ''
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const lines = `${rest}${chunk.toString()}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) tell(`/${line.replace(/^\.?\//, '').replace(/\/$/, '')}`)
      done()
    },
  })
  const errors = new Writable({ write: (_chunk, _encoding, done) => done() })
  await exec.run(command('tar', ['-tf', '-'], { timeoutMs: 600_000 }), { signal, streams: { input, output, errors } })
}
