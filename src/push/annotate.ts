import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import { missingAnnotations } from '../core/image-labels.ts'
import { parseJson } from '../core/json.ts'
import type { Descriptor, Repository } from '../core/ports.ts'

const Part = z.looseObject({ mediaType: z.string() })
const Annotations = z.record(z.string(), z.string())
const Manifest = z.looseObject({
  mediaType: z.string().optional(),
  config: Part.optional(),
  layers: z.array(Part).optional(),
  annotations: Annotations.optional(),
})

/**
 * What Docker's own formats are called by OCI, which alone has annotations. The bytes of the parts are the same.
 * @see https://github.com/opencontainers/image-spec/blob/main/media-types.md#compatibility-matrix
 */
const called: Readonly<Record<string, string>> = {
  'application/vnd.docker.distribution.manifest.list.v2+json': 'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json': 'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.container.image.v1+json': 'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.image.rootfs.diff.tar': 'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.docker.image.rootfs.diff.tar.gzip': 'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.docker.image.rootfs.diff.tar.zstd': 'application/vnd.oci.image.layer.v1.tar+zstd',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip': 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
}

/** The same image with these annotations, as a registry is to have it; the same bytes for the same manifest and annotations. */
function annotatedManifest(
  reference: string,
  { descriptor, body }: { descriptor: Descriptor; body: Buffer },
  annotations: Readonly<Record<string, string>>,
): { mediaType: string; body: Buffer } {
  const manifest = parseJson(body.toString(), Manifest)
  if (manifest === undefined)
    throw new LaunchwayError('DIGEST_MISMATCH', `${reference} is no manifest`, { hint: body.toString().slice(0, 500) })
  const mediaType = ociType(manifest.mediaType ?? descriptor.mediaType)
  const { config, layers } = manifest
  const as = {
    ...manifest,
    mediaType,
    ...(config === undefined ? {} : { config: { ...config, mediaType: ociType(config.mediaType) } }),
    ...(layers === undefined ? {} : { layers: layers.map((layer) => ({ ...layer, mediaType: ociType(layer.mediaType) })) }),
    annotations: { ...manifest.annotations, ...annotations },
  }
  return { mediaType, body: Buffer.from(JSON.stringify(as)) }
}

function ociType(type: string): string {
  return called[type] ?? type
}

/** Gives a tag the image with its annotations, where it has them not yet. @returns the digest that it has now */
export async function annotate(
  repository: Repository,
  tag: string,
  digest: string,
  annotations: Readonly<Record<string, string>>,
): Promise<string> {
  const found = await repository.manifest(digest)
  if (found === undefined)
    throw new LaunchwayError('DIGEST_MISMATCH', `${repository.name}@${digest} was pushed, but the registry does not have it`)
  if (missingAnnotations(found.body, annotations).length === 0) return digest
  const { mediaType, body } = annotatedManifest(`${repository.name}@${digest}`, found, annotations)
  return (await repository.putManifest(tag, mediaType, body)).digest
}
