import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { z } from 'zod'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Credentials, Descriptor, Registries, Repository } from '../../src/core/ports.ts'
import { parseRepository } from '../../src/core/reference.ts'

interface Stored {
  descriptor: Descriptor
  body: Buffer
}

const Part = z.object({ digest: z.string() })
/** What a manifest or an index needs to be there. */
const Manifest = z.object({ config: Part.optional(), layers: z.array(Part).optional(), manifests: z.array(Part).optional() })

/** Registries that keep everything in memory, and refuse what a real one refuses. */
export function fakeRegistries(logins: Readonly<Record<string, Credentials>> = {}): Registries {
  const repositories = new Map<string, Repository>()
  return {
    credentials: async ({ host }) => logins[host],
    async repository(name) {
      const { host, path } = parseRepository(name)
      const key = `${host}/${path}`
      const repository = repositories.get(key) ?? fakeRepository(name, host, path)
      repositories.set(key, repository)
      return repository
    },
  }
}

function fakeRepository(name: string, host: string, path: string): Repository {
  const blobs = new Map<string, Buffer>()
  const manifests = new Map<string, Stored>()
  const tags = new Map<string, string>()
  const referrers: { subject: string; found: Awaited<ReturnType<Repository['referrers']>>[number] }[] = []
  const find = (reference: string): Stored | undefined => manifests.get(tags.get(reference) ?? reference)

  const repository: Repository = {
    name,
    resolve: async (reference) => find(reference)?.descriptor,
    manifest: async (reference) => find(reference),
    async putManifest(reference, mediaType, body) {
      const { config, layers = [], manifests: entries = [] } = Manifest.parse(JSON.parse(body.toString()))
      const lacks =
        [config, ...layers].some((part) => part !== undefined && !blobs.has(part.digest)) ||
        entries.some(({ digest }) => !manifests.has(digest))
      if (lacks) throw new LaunchwayError('REGISTRY_UNAVAILABLE', `${host} answered 400 to PUT ${path}/manifests/${reference}`)
      const descriptor = describe(mediaType, body)
      manifests.set(descriptor.digest, { descriptor, body })
      if (reference !== descriptor.digest) tags.set(reference, descriptor.digest)
      return descriptor
    },
    blob: async (digest) => blobs.get(digest),
    blobSize: async (digest) => blobs.get(digest)?.length,
    async putBlob(body) {
      const descriptor = describe('application/octet-stream', body)
      blobs.set(descriptor.digest, body)
      return descriptor
    },
    readBlob: async (digest, offset) => Readable.from([(blobs.get(digest) ?? Buffer.alloc(0)).subarray(offset)]),
    async copyBlob({ digest }, from) {
      if (blobs.has(digest)) return 'there'
      const body = await from.blob(digest)
      if (body === undefined) throw new LaunchwayError('REGISTRY_UNAVAILABLE', `${host} answered 404 to GET ${digest}`)
      blobs.set(digest, body)
      return parseRepository(from.name).host === host ? 'mounted' : 'sent'
    },
    async remove(digest) {
      manifests.delete(digest)
      for (const [tag, of] of tags) if (of === digest) tags.delete(tag)
      return 'removed'
    },
    async untag(tag) {
      tags.delete(tag)
      return 'removed'
    },
    tryPush: async () => undefined,
    tags: async () => [...tags.keys()].toSorted(),
    referrers: async (digest, artifactType) =>
      referrers
        .filter(({ subject, found }) => subject === digest && (artifactType ?? found.artifactType) === found.artifactType)
        .map(({ found }) => found),
    async attach(subject, artifactType, body, annotations = {}) {
      const layer = await repository.putBlob(body)
      const config = await repository.putBlob(Buffer.from('{}'))
      const mediaType = 'application/vnd.oci.image.manifest.v1+json'
      const manifest = Buffer.from(
        JSON.stringify({ schemaVersion: 2, mediaType, artifactType, config, layers: [layer], subject, annotations }),
      )
      const descriptor = await repository.putManifest(describe(mediaType, manifest).digest, mediaType, manifest)
      const known = referrers.some(({ found }) => found.digest === descriptor.digest)
      if (!known) referrers.push({ subject: subject.digest, found: { ...descriptor, artifactType, annotations } })
      return descriptor
    },
  }
  return repository
}

function describe(mediaType: string, body: Buffer): Descriptor {
  return { mediaType, digest: `sha256:${createHash('sha256').update(body).digest('hex')}`, size: body.length }
}
