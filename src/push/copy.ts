import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import { parseJson } from '../core/json.ts'
import { Digest } from '../core/names.ts'
import type { Ports, Repository } from '../core/ports.ts'
import { showBytes } from '../core/units.ts'
import { gone } from './set.ts'

const Part = z.object({ mediaType: z.string(), digest: Digest, size: z.number(), urls: z.array(z.string()).optional() })
const Manifest = z.object({ config: Part.optional(), layers: z.array(Part).optional(), manifests: z.array(Part).optional() })

/** Blobs that go at once. */
const parallel = 4

/**
 * Brings an image from one repository to another as it is: the same bytes, and so the same digest. Blobs first, then what
 * names them, the tag last.
 * @param tag it gets there
 */
export async function copyImage(from: Repository, to: Repository, digest: string, tag: string, ports: Pick<Ports, 'log'>): Promise<void> {
  const sizes = { there: 0, mounted: 0, sent: 0 }
  await copyManifest(from, to, digest, tag, sizes)
  const parts = Object.entries(sizes).flatMap(([how, bytes]) => (bytes === 0 ? [] : [`${showBytes(bytes)} ${how}`]))
  ports.log.info(`${to.name}@${digest}: copied from ${from.name}${parts.length === 0 ? '' : `, ${parts.join(', ')}`}`)
}

type Sizes = Record<Awaited<ReturnType<Repository['copyBlob']>>, number>

async function copyManifest(from: Repository, to: Repository, digest: string, tag: string | undefined, sizes: Sizes): Promise<void> {
  const found = await from.manifest(digest)
  if (found === undefined) throw gone(from.name, digest)
  const manifest = parseJson(found.body.toString(), Manifest)
  if (manifest === undefined) {
    throw new LaunchwayError('DIGEST_MISMATCH', `${from.name}@${digest} is no manifest`, { hint: found.body.toString().slice(0, 500) })
  }
  for (const inner of manifest.manifests ?? []) await copyManifest(from, to, inner.digest, undefined, sizes)
  // Those with addresses of their own are not a registry's to give away.
  const blobs = [manifest.config ?? [], manifest.layers ?? []].flat().filter(({ urls }) => urls === undefined)
  const queue = new Map(blobs.map((blob) => [blob.digest, blob])).values()
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const blob of queue) sizes[await to.copyBlob(blob, from)] += blob.size
    }),
  )
  await to.putManifest(tag ?? digest, found.descriptor.mediaType, found.body)
}
