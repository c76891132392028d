import { z } from 'zod'
import { parseJson } from '../core/json.ts'
import type { Descriptor, Repository } from '../core/ports.ts'

type Found = NonNullable<Awaited<ReturnType<Repository['manifest']>>>

const Entry = z.object({
  digest: z.string(),
  platform: z.object({ os: z.string() }).optional(),
})
const Document = z.object({ config: z.object({ digest: z.string() }).optional(), manifests: z.array(Entry).optional() })

/**
 * The digests of the image configurations behind a manifest, or behind each manifest of an index: what an image is,
 * wherever it lies. The classic store pushes a manifest, the containerd store may push an index around it; both have
 * digests that the build cannot know, of the same configuration.
 */
export async function configDigests(found: Found, repository: Repository): Promise<string[]> {
  const { config, manifests = [] } = parse(found.body)
  if (config !== undefined) return [config.digest]
  const digests: string[] = []
  for (const { digest, platform } of manifests) {
    // An attestation stands beside the images under this platform.
    if (platform?.os === 'unknown') continue
    const inner = await repository.manifest(digest)
    digests.push((inner === undefined ? undefined : parse(inner.body).config?.digest) ?? 'unknown')
  }
  return digests
}

/** The manifests of an index, each by the digest of its configuration. */
export async function partsByConfig(index: Found, repository: Repository): Promise<Map<string, Descriptor>> {
  const parts = new Map<string, Descriptor>()
  for (const { digest } of parse(index.body).manifests ?? []) {
    const inner = await repository.manifest(digest)
    const config = inner === undefined ? undefined : parse(inner.body).config?.digest
    if (inner !== undefined && config !== undefined) parts.set(config, inner.descriptor)
  }
  return parts
}

/** What is no manifest has nothing of one. */
function parse(body: Buffer): z.infer<typeof Document> {
  return parseJson(body.toString(), Document) ?? {}
}
