import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Clock, Credentials, Registries, Removal, Repository } from '../../core/ports.ts'
import { parseRepository } from '../../core/reference.ts'
import type { Registry as Settings } from '../../core/release.ts'
import { blobsOf, describe, type Place, verify } from './blobs.ts'
import type { Limits, Response } from './http.ts'
import { Transport } from './transport.ts'

const indexType = 'application/vnd.oci.image.index.v1+json'
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const manifestTypes = [
  indexType,
  manifestType,
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')
/** The two bytes `{}`, which OCI prescribes as the configuration of what is no image. */
const empty = Buffer.from('{}')
const emptyType = 'application/vnd.oci.empty.v1+json'

const anyStatus: readonly number[] = Array.from({ length: 500 }, (_, index) => 100 + index)

const ReferrerDescriptor = z.object({
  mediaType: z.string(),
  digest: z.string(),
  size: z.number(),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
})
const Index = z.object({ manifests: z.array(ReferrerDescriptor) })
const TagList = z.object({ tags: z.array(z.string()).nullable() })

/**
 * A client of the OCI distribution API. Our own: a promotion is a manifest PUT and a record a referrer, which is what
 * launchway is for, and no kept client for Node has them (docs/adr/0005-registry-client.md).
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export function ociRegistries(
  clock: Clock,
  findCredentials: (settings: Settings) => Promise<Credentials | undefined>,
  signal?: AbortSignal,
  more: { limits?: Limits; onPause?: (line: string) => void } = {},
): Registries {
  const transports = new Map<string, Transport>()
  const found = new Map<string, Promise<Credentials | undefined>>()

  const credentials = (settings: Settings): Promise<Credentials | undefined> => {
    const known = found.get(settings.host) ?? findCredentials(settings)
    found.set(settings.host, known)
    return known
  }
  return {
    credentials,
    async repository(name, settings, own = signal) {
      const transport =
        transports.get(settings.host) ?? new Transport({ settings, credentials: () => credentials(settings), clock, ...more })
      transports.set(settings.host, transport)
      return openRepository(name, { transport, clock, signal: own, ...parseRepository(name) })
    },
  }
}

function openRepository(name: string, place: Place): Repository {
  const { transport, path, signal } = place
  const pull = { scope: `repository:${path}:pull`, signal }
  const push = { scope: `repository:${path}:pull,push`, signal }
  const remove = { scope: `repository:${path}:pull,push,delete`, signal }

  /** A list comes in as many pages as the registry likes, each naming the next; none where there is no such thing. */
  async function pages(first: string, headers: Record<string, string>): Promise<string[]> {
    const bodies: string[] = []
    for (let next: string | undefined = first; next !== undefined;) {
      const page: Response = await transport.send({ method: 'GET', path: next, headers, accept: [200, 404] }, pull)
      if (page.status === 404) break
      bodies.push(page.body.toString())
      next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(page.header('link') ?? '')?.[1]
    }
    return bodies
  }

  /** Not every registry lets manifests be removed, and of those that do not all take a tag. */
  async function ask(reference: string): Promise<Removal> {
    const accept = [200, 202, 204, 400, 404, 405, 501]
    const { status } = await transport.send({ method: 'DELETE', path: `${path}/manifests/${reference}`, accept }, remove)
    return status < 300 || status === 404 ? 'removed' : 'not permitted'
  }

  const repository: Repository = {
    name,
    ...blobsOf(place),

    remove: ask,

    async untag(tag) {
      if ((await ask(tag)) === 'removed') return 'removed'
      // Where only what has a digest can be removed, its tags go with it: with something that nobody needs.
      const config = await repository.putBlob(empty)
      const layer = { ...config, mediaType: emptyType }
      const annotations = { 'launchway.removes': `${tag} ${randomUUID()}` }
      const manifest = { schemaVersion: 2, mediaType: manifestType, artifactType: emptyType, config: layer, layers: [layer], annotations }
      const body = Buffer.from(JSON.stringify(manifest))
      const { digest } = describe(manifestType, body)
      await repository.putManifest(digest, manifestType, body)
      // First without the tag: where even that cannot be removed, the tag goes on naming what it names.
      if ((await ask(digest)) === 'not permitted') return 'not permitted'
      await repository.putManifest(tag, manifestType, body)
      return ask(digest)
    },

    async resolve(reference) {
      const response = await transport.send(
        { method: 'HEAD', path: `${path}/manifests/${reference}`, headers: { accept: manifestTypes }, accept: [200, 404] },
        pull,
      )
      if (response.status === 404) return undefined
      const digest = response.header('docker-content-digest')
      const size = Number(response.header('content-length'))
      // The headers are optional; the bytes never lie.
      if (digest === undefined || !(size > 0)) return (await repository.manifest(reference))?.descriptor
      return { mediaType: mediaTypeOf(response), digest, size }
    },

    async manifest(reference) {
      const response = await transport.send(
        { method: 'GET', path: `${path}/manifests/${reference}`, headers: { accept: manifestTypes }, accept: [200, 404] },
        pull,
      )
      if (response.status === 404) return undefined
      const descriptor = describe(mediaTypeOf(response), response.body)
      const expected = reference.startsWith('sha256:') ? reference : response.header('docker-content-digest')
      if (expected !== undefined) verify(expected, descriptor.digest, `${path}@${expected}`)
      return { descriptor, body: response.body }
    },

    async putManifest(reference, mediaType, body) {
      const descriptor = describe(mediaType, body)
      const response = await transport.send(
        { method: 'PUT', path: `${path}/manifests/${reference}`, headers: { 'content-type': mediaType }, body, accept: [201] },
        push,
      )
      const answered = response.header('docker-content-digest')
      if (answered !== undefined) verify(descriptor.digest, answered, `${path}:${reference}`)
      return descriptor
    },

    async tryPush() {
      const opened = await transport.send({ method: 'POST', path: `${path}/blobs/uploads/`, accept: [202] }, push)
      const location = opened.header('location')
      if (location === undefined) return
      // A registry that cannot cancel forgets it by itself; the right to push is known in any case.
      await transport.send({ method: 'DELETE', path: location, accept: anyStatus }, push).catch(() => signal?.throwIfAborted())
    },

    async tags() {
      const found = await pages(`${path}/tags/list`, {})
      return found.flatMap((page) => TagList.parse(JSON.parse(page)).tags ?? [])
    },

    async referrers(digest, artifactType) {
      const listed = await pages(`${path}/referrers/${digest}`, { accept: indexType })
      const body = listed.length > 0 ? undefined : (await repository.manifest(fallbackTag(digest)))?.body
      return [...listed, ...(body === undefined ? [] : [body.toString()])]
        .flatMap((index) => Index.parse(JSON.parse(index)).manifests)
        .map((found) => ({ ...found, artifactType: found.artifactType ?? '', annotations: found.annotations ?? {} }))
        .filter((found) => artifactType === undefined || found.artifactType === artifactType)
    },

    async attach(subject, artifactType, body, annotations = {}) {
      const [config, layer] = [await repository.putBlob(empty), await repository.putBlob(body)]
      const manifest = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: manifestType,
          artifactType,
          config: { ...config, mediaType: emptyType },
          layers: [{ ...layer, mediaType: artifactType }],
          subject,
          annotations,
        }),
      )
      const descriptor = describe(manifestType, manifest)
      const response = await transport.send(
        {
          method: 'PUT',
          path: `${path}/manifests/${descriptor.digest}`,
          headers: { 'content-type': manifestType },
          body: manifest,
          accept: [201],
        },
        push,
      )
      // A registry that knows referrers says so; for the others the client keeps the list, under a tag.
      if (response.header('oci-subject') === undefined) {
        const tag = fallbackTag(subject.digest)
        const known = await repository.manifest(tag)
        const manifests = known === undefined ? [] : Index.parse(JSON.parse(known.body.toString())).manifests
        const others = manifests.filter(({ digest }) => digest !== descriptor.digest)
        const index = { schemaVersion: 2, mediaType: indexType, manifests: [...others, { ...descriptor, artifactType, annotations }] }
        await repository.putManifest(tag, indexType, Buffer.from(JSON.stringify(index)))
      }
      return descriptor
    },
  }
  return repository
}

/** @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema */
function fallbackTag(digest: string): string {
  return digest.replace(':', '-')
}

function mediaTypeOf(response: Response): string {
  return response.header('content-type')?.split(';')[0]?.trim() ?? manifestType
}
