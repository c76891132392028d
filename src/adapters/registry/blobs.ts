import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { LaunchwayError } from '../../core/error.ts'
import type { Clock, Descriptor, Repository } from '../../core/ports.ts'
import { parseRepository } from '../../core/reference.ts'
import { unavailable } from './failures.ts'
import type { Request, Response } from './http.ts'
import type { Transport } from './transport.ts'

/** Where blobs go: a repository, as seen with the rights of one login. */
export interface Place {
  transport: Transport
  clock: Clock
  signal: AbortSignal | undefined
  /** Of the registry, as users write it. */
  host: string
  path: string
}

/** What a proxy before a registry lets through in one piece, as a rule. */
const chunkBytes = 8_000_000
/** Times that a blob may break off without having got further. */
const barren = 5
const pauseMs = 500
const binary = 'application/octet-stream'

export function blobsOf(place: Place): Pick<Repository, 'blob' | 'blobSize' | 'putBlob' | 'readBlob' | 'copyBlob'> {
  const { transport, path, signal } = place
  const pull = { scope: `repository:${path}:pull`, signal }
  const push = { scope: `repository:${path}:pull,push`, signal }

  return {
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
      const descriptor = describe(binary, body)
      const found = await transport.send({ method: 'HEAD', path: `${path}/blobs/${descriptor.digest}`, accept: [200, 404] }, push)
      if (found.status === 200) return descriptor
      const opened = await transport.send({ method: 'POST', path: `${path}/blobs/uploads/`, accept: [202] }, push)
      const request: Request = {
        method: 'PUT',
        path: withDigest(locationOf(opened), descriptor.digest),
        headers: { 'content-type': binary },
        body,
        accept: [201],
      }
      await transport.send(request, push)
      return descriptor
    },

    async readBlob(digest, offset) {
      const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` }
      const opened = await transport.open({ method: 'GET', path: `${path}/blobs/${digest}`, headers, accept: [200, 206] }, pull)
      return opened.status === 206 || offset === 0 ? opened.stream : withoutFirst(opened.stream, offset)
    },

    async copyBlob(blob, from) {
      const other = parseRepository(from.name)
      const mounts = other.host === place.host
      const query = mounts ? `?mount=${encodeURIComponent(blob.digest)}&from=${encodeURIComponent(other.path)}` : ''
      // A registry mounts for a login that may read the other repository, and says so by its token.
      const allowed = mounts ? { ...push, scope: `${push.scope} repository:${other.path}:pull` } : push
      if (!mounts) {
        const found = await transport.send({ method: 'HEAD', path: `${path}/blobs/${blob.digest}`, accept: [200, 404] }, push)
        if (found.status === 200) return 'there'
      }
      const opened = await transport.send({ method: 'POST', path: `${path}/blobs/uploads/${query}`, accept: [201, 202] }, allowed)
      if (opened.status === 201) return 'mounted'
      await sendBlob(place, blob, from, locationOf(opened))
      return 'sent'
    },
  }
}

/**
 * From one repository through here to another, without holding it: in one stream; where that is too much for whatever
 * stands before the registry, in chunks. After a break it goes on where the registry says that it is, or from the
 * beginning where the registry has thrown away what it had.
 */
async function sendBlob({ transport, clock, path, host, signal }: Place, blob: Descriptor, from: Repository, first: string): Promise<void> {
  const push = { scope: `repository:${path}:pull,push`, signal }
  let location = first
  let offset = 0
  let chunk = Number.POSITIVE_INFINITY
  let [breaks, furthest] = [0, 0]
  const broke = async (error: unknown): Promise<void> => {
    signal?.throwIfAborted()
    if (error instanceof LaunchwayError && error.code !== 'REGISTRY_UNAVAILABLE') throw error
    breaks = offset > furthest ? 1 : breaks + 1
    furthest = Math.max(furthest, offset)
    if (breaks >= barren) throw error instanceof LaunchwayError ? error : unavailable(host, error)
    await clock.sleep(pauseMs * 2 ** (breaks - 1), signal)
    // What is sent in chunks need not be sent again as a whole after the next break.
    chunk = chunkBytes
    const { status, header } = await transport.send({ method: 'GET', path: location, accept: [204, 202, 200, 400, 404, 416] }, push)
    const end = status < 300 ? rangeEnd(header('range')) : undefined
    if (end === undefined) {
      location = locationOf(await transport.send({ method: 'POST', path: `${path}/blobs/uploads/`, accept: [202] }, push))
      offset = 0
    } else {
      location = header('location') === undefined ? location : (relative(header('location') ?? '') ?? location)
      offset = end
    }
  }
  while (offset < blob.size) {
    const size = Math.min(chunk, blob.size - offset)
    const at = offset
    const open = async (): Promise<Readable> => limited(await from.readBlob(blob.digest, at), size)
    const range = size === blob.size ? {} : { 'content-range': `${at}-${at + size - 1}` }
    const request: Request = {
      method: 'PATCH',
      path: location,
      headers: { 'content-type': binary, ...range },
      body: { size, open },
      accept: [202, 204, 413, 416],
    }
    try {
      const answer = await drained(transport, request, push)
      if (answer.status === 413 && size > chunkBytes) {
        chunk = chunkBytes
        location = locationOf(await transport.send({ method: 'POST', path: `${path}/blobs/uploads/`, accept: [202] }, push))
        offset = 0
        continue
      }
      if (answer.status === 413 || answer.status === 416) throw new Error(`answered ${answer.status} to ${size} bytes from ${at} on`)
      offset = rangeEnd(answer.header('range')) ?? at + size
      location = answer.header('location') === undefined ? location : locationOf(answer)
    } catch (error) {
      await broke(error)
    }
  }
  await transport.send({ method: 'PUT', path: withDigest(location, blob.digest), headers: { 'content-type': binary }, accept: [201] }, push)
}

async function drained(transport: Transport, request: Request, push: { scope: string; signal: AbortSignal | undefined }) {
  const opened = await transport.open(request, push)
  for await (const _ of opened.stream as AsyncIterable<Buffer>);
  return opened
}

/** `0-1023`: where to go on. Of nothing some say `0-0`, which could be one byte: from there it is sent again. */
function rangeEnd(header: string | undefined): number | undefined {
  const [, end] = /^(?:bytes=)?\d+-(\d+)$/.exec(header ?? '') ?? []
  return end === undefined ? undefined : end === '0' ? 0 : Number(end) + 1
}

/** That many bytes of a stream, which is then ended. */
async function limited(stream: Readable, size: number): Promise<Readable> {
  async function* bytes(): AsyncGenerator<Buffer> {
    let left = size
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const part = chunk.subarray(0, left)
      left -= part.length
      yield part
      if (left === 0) break
    }
    if (left > 0) throw new Error(`the blob broke off ${left} bytes before its end`)
  }
  return Readable.from(bytes(), { objectMode: false })
}

/** The rest of a stream: of a registry that knows no ranges. */
function withoutFirst(stream: Readable, count: number): Readable {
  async function* bytes(): AsyncGenerator<Buffer> {
    let skip = count
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (skip < chunk.length) yield chunk.subarray(skip)
      skip = Math.max(0, skip - chunk.length)
    }
  }
  return Readable.from(bytes(), { objectMode: false })
}

function locationOf(response: Pick<Response, 'header'>): string {
  const location = relative(response.header('location') ?? '')
  if (location === undefined) throw new LaunchwayError('REGISTRY_UNAVAILABLE', 'the registry opened an upload without saying where')
  return location
}

/** A place in the registry without its origin, which may be written in another way; a whole URL elsewhere. */
function relative(location: string): string | undefined {
  if (location === '') return undefined
  const url = new URL(location, 'http://relative.invalid')
  return url.host === 'relative.invalid' ? `${url.pathname}${url.search}` : url.href
}

function withDigest(location: string, digest: string): string {
  const url = new URL(location, 'http://relative.invalid')
  url.searchParams.set('digest', digest)
  return url.host === 'relative.invalid' ? `${url.pathname}${url.search}` : url.href
}

export function describe(mediaType: string, body: Buffer): Descriptor {
  return { mediaType, digest: `sha256:${createHash('sha256').update(body).digest('hex')}`, size: body.length }
}

export function verify(expected: string, actual: string, what: string): void {
  if (expected !== actual) {
    throw new LaunchwayError('DIGEST_MISMATCH', `${what} came back with digest ${actual}`, {
      hint: `Expected ${expected}. Something between here and the registry changed it.`,
    })
  }
}
