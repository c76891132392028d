import { createHash } from 'node:crypto'
import { z } from 'zod'
import { LaunchwayError } from '../../core/error.ts'
import type { Clock, Credentials, Descriptor, Registries, Repository } from '../../core/ports.ts'
import { parseRepository } from '../../core/reference.ts'
import type { Registry as Settings } from '../../core/release.ts'
import type { Response } from './transport.ts'
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
    async repository(name, settings) {
      const transport = transports.get(settings.host) ?? new Transport(settings, () => credentials(settings), clock, signal)
      transports.set(settings.host, transport)
      return openRepository(parseRepository(name).path, transport)
    },
  }
}

function openRepository(path: string, transport: Transport): Repository {
  const pull = `repository:${path}:pull`
  const push = `repository:${path}:pull,push`

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

  const repository: Repository = {
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

    async blob(digest) {
      const response = await transport.send({ method: 'GET', path: `${path}/blobs/${digest}`, accept: [200, 404] }, pull)
      if (response.status === 404) return undefined
      verify(digest, describe('', response.body).digest, `${path}@${digest}`)
      return response.body
    },

    async blobSize(digest) {
      const response = await transport.send({ method: 'HEAD', path: `${path}/blobs/${digest}`, accept: [200, 404] }, pull)
      const size = Number(response.header('content-length'))
      return response.status === 404 || !Number.isInteger(size) ? undefined : size
    },

    async putBlob(body) {
      const descriptor = describe('application/octet-stream', body)
      const found = await transport.send({ method: 'HEAD', path: `${path}/blobs/${descriptor.digest}`, accept: [200, 404] }, push)
      if (found.status === 200) return descriptor
      const opened = await transport.send({ method: 'POST', path: `${path}/blobs/uploads/`, accept: [202] }, push)
      const location = new URL(locationOf(opened), 'http://relative.invalid')
      location.searchParams.set('digest', descriptor.digest)
      const target = location.host === 'relative.invalid' ? `${location.pathname}${location.search}` : location.href
      await transport.send(
        { method: 'PUT', path: target, headers: { 'content-type': 'application/octet-stream' }, body, accept: [201] },
        push,
      )
      return descriptor
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

function locationOf(response: Response): string {
  const location = response.header('location')
  if (location === undefined) throw new LaunchwayError('REGISTRY_UNAVAILABLE', 'the registry opened an upload without saying where')
  return location
}

function describe(mediaType: string, body: Buffer): Descriptor {
  return { mediaType, digest: `sha256:${createHash('sha256').update(body).digest('hex')}`, size: body.length }
}

function verify(expected: string, actual: string, what: string): void {
  if (expected !== actual) {
    throw new LaunchwayError('DIGEST_MISMATCH', `${what} came back with digest ${actual}`, {
      hint: `Expected ${expected}. Something between here and the registry changed it.`,
    })
  }
}
