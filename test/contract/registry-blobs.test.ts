import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import { ociRegistries } from '../../src/adapters/registry/repository.ts'
import type { Credentials, Repository } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { fakeClock } from '../fakes/clock.ts'
import { failureOf } from './support/errors.ts'
import { type Act, openServer, type Server } from './support/http.ts'

const size = 20_000_000
const layer = randomBytes(size)
const digest = digestOf(layer)
const blob = { mediaType: 'application/octet-stream', digest, size }

function digestOf(body: Buffer): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`
}

function opened(name: string, of: Parameters<typeof ociRegistries>[3] = {}, login?: Credentials): Promise<Repository> {
  const host = name.slice(0, name.indexOf('/'))
  return ociRegistries(fakeClock(), async () => login, undefined, of).repository(name, { host, plainHttp: true })
}

describe('a large layer', () => {
  /** A repository of the lab's with the layer in it. */
  let from: Repository
  beforeAll(async () => {
    from = await opened(`${inject('lab').registry.address}/contract/${randomUUID()}`)
    await from.putBlob(layer)
  })

  it('goes to another repository of the same registry without being sent, and to another registry in a stream', async () => {
    const { address, ca, username, password } = inject('lab').secureRegistry
    const beside = await opened(`${inject('lab').registry.address}/contract/${randomUUID()}`)
    const login = { username, password: new Secret(password) }
    const elsewhere = await ociRegistries(fakeClock(), async () => login).repository(`${address}/contract/${randomUUID()}`, {
      ...{ host: address, ca, plainHttp: false },
    })
    expect(await beside.copyBlob(blob, from)).toBe('mounted')
    expect(await elsewhere.copyBlob(blob, from)).toBe('sent')
    expect(await elsewhere.copyBlob(blob, from)).toBe('there')
    for (const one of [beside, elsewhere]) expect(digestOf((await one.blob(digest)) ?? Buffer.alloc(0))).toBe(digest)
  })

  /** A registry that takes uploads, and does with the first of them as a test says. */
  async function picky(first: (request: IncomingMessage, response: ServerResponse, kept: Buffer[]) => Promise<boolean>) {
    let [kept, patches, uploads]: [Buffer[], string[], number] = [[], [], 0]
    const count = (): number => kept.reduce((sum, { length }) => sum + length, 0)
    const at = (response: ServerResponse, status: number): void =>
      void response.writeHead(status, { location: `/v2/there/blobs/uploads/${uploads}`, range: `0-${Math.max(0, count() - 1)}` }).end()
    const server = createServer((request, response) => {
      const act = async (): Promise<void> => {
        if (request.method === 'HEAD') return void response.writeHead(404).end()
        if (request.method === 'POST') {
          uploads += 1
          kept = []
          return at(response, 202)
        }
        if (request.method === 'GET') return at(response, 204)
        if (request.method === 'PUT') return void response.writeHead(digestOf(Buffer.concat(kept)) === digest ? 201 : 400).end()
        patches.push(request.headers['content-range'] ?? 'all')
        if (patches.length === 1 && (await first(request, response, kept))) return
        for await (const chunk of request as AsyncIterable<Buffer>) kept.push(chunk)
        at(response, 202)
      }
      act().catch(() => response.destroy())
    })
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    return {
      address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      patches,
      uploads: () => uploads,
      async [Symbol.asyncDispose]() {
        server.closeAllConnections()
        await new Promise((closed) => server.close(closed))
      },
    }
  }

  it('goes on where it was cut, in chunks from then on', async () => {
    await using server = await picky(async (request, _, kept) => {
      let got = 0
      for await (const chunk of request as AsyncIterable<Buffer>) {
        kept.push(chunk)
        got += chunk.length
        if (got > 5_000_000) break
      }
      request.socket.destroy()
      return true
    })
    const there = await opened(`${server.address}/there`)
    expect(await there.copyBlob(blob, from)).toBe('sent')
    const [whole, second = '', ...rest] = server.patches
    const start = Number(second.split('-')[0])
    expect({ whole, uploads: server.uploads(), chunks: rest.length + 1 }).toEqual({ whole: 'all', uploads: 1, chunks: 2 })
    expect(start).toBeGreaterThan(5_000_000)
  })

  it('goes in chunks where something before the registry takes no more at once', async () => {
    await using server = await picky(async (request, response) => {
      request.resume()
      await new Promise((read) => request.once('end', read))
      response.writeHead(413).end('too large')
      return true
    })
    expect(await (await opened(`${server.address}/there`)).copyBlob(blob, from)).toBe('sent')
    expect(server.patches).toEqual(['all', '0-7999999', '8000000-15999999', '16000000-19999999'])
  })

  it('that never gets through is given up after a few tries, and a registry that has thrown away what it had begins anew', async () => {
    const { address } = inject('lab').registry
    let broken = 0
    const endless: Repository = {
      ...from,
      readBlob: async (...asked) => {
        broken += 1
        if (broken > 2) return from.readBlob(...asked)
        const stream = await from.readBlob(...asked)
        stream.once('data', () => stream.destroy(new Error('cut')))
        return stream
      },
      name: 'elsewhere.invalid/team/app',
    }
    const name = `${address}/contract/${randomUUID()}`
    expect(await (await opened(name)).copyBlob(blob, endless)).toBe('sent')
    const never: Repository = { ...endless, readBlob: async () => Promise.reject(new Error('gone')) }
    const error = await failureOf((await opened(`${address}/contract/${randomUUID()}`)).copyBlob(blob, never))
    expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', message: `${address} does not answer: gone` })
  })
})

describe('a registry that is slow', () => {
  const limits = { idleMs: 10_000, wholeMs: 150, bytesPerSecond: 1_000_000 }

  it('but never silent is not waited for without end', async () => {
    const drip = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      const timer = setInterval(() => response.write('.'), 10)
      response.once('close', () => clearInterval(timer))
    })
    await new Promise<void>((ready) => drip.listen(0, '127.0.0.1', ready))
    try {
      const there = await opened(`127.0.0.1:${(drip.address() as AddressInfo).port}/team/app`, { limits })
      expect(await failureOf(there.tags())).toMatchObject({
        code: 'REGISTRY_UNAVAILABLE',
        message: expect.stringContaining('the whole answer took longer than'),
      })
    } finally {
      drip.closeAllConnections()
      drip.close()
    }
  })

  it('and answers again is said while it is waited for', async () => {
    const said: string[] = []
    await using server = await openServer((_, count) => (count === 1 ? { status: 503 } : { status: 200, body: '{"tags":[]}' }))
    await (await opened(`${server.address}/team/app`, { onPause: (line) => void said.push(line) })).tags()
    expect(said).toEqual([`${server.address}: GET team/app/tags/list: answered 503; tried again in 0.5 s (2 of 6)`])
  })
})

describe('what a token is asked for', () => {
  it('to mount from another repository is to read that one too, once for all that go side by side', async () => {
    await using server: Server = await openServer((asked) => {
      if (asked.url.startsWith('/token')) return { status: 200, body: '{"token":"t","expires_in":60}' }
      if (asked.authorization !== 'Bearer t') {
        return { status: 401, headers: { 'www-authenticate': `Bearer realm="${server.url}/token",service="s"` } }
      }
      return { status: 201 }
    })
    const login = { username: 'ada', password: new Secret('p') }
    const registries = ociRegistries(fakeClock(), async () => login)
    const open = (path: string) => registries.repository(`${server.address}/${path}`, { host: server.address, plainHttp: true })
    const [to, from] = [await open('team/worker'), await open('team/web')]
    await Promise.all([to.copyBlob(blob, from), to.copyBlob({ ...blob, digest: digestOf(Buffer.from('x')) }, from)])
    const asked = server.asked.filter(({ url }) => url.startsWith('/token')).map(({ url }) => new URL(url, server.url).searchParams)
    expect(asked.map((one) => one.getAll('scope'))).toEqual([['repository:team/worker:pull,push', 'repository:team/web:pull']])
  })
})

describe('a tag that is taken away', () => {
  it('takes nothing with it: the image and its other tags stay, also where only manifests can be removed', async () => {
    const repository = await opened(`${inject('lab').registry.address}/contract/${randomUUID()}`)
    const config = await repository.putBlob(Buffer.from('{}'))
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] }))
    for (const tag of ['candidate', 'new']) await repository.putManifest(tag, mediaType, body)
    expect(await repository.untag('new')).toBe('removed')
    expect(await repository.tags()).toEqual(['candidate'])
    expect((await repository.manifest(digestOf(body)))?.body).toEqual(body)
    expect(await repository.remove(digestOf(body))).toBe('removed')
    expect(await repository.tags()).toEqual([])
  })

  it('stays as it is where a registry permits no removal', async () => {
    await using server = await openServer(({ method }) => {
      if (method === 'DELETE') return { status: 405, body: '{"errors":[{"code":"UNSUPPORTED"}]}' }
      return { status: method === 'HEAD' ? 200 : 201 }
    })
    expect(await (await opened(`${server.address}/team/app`)).untag('v1')).toBe('not permitted')
    expect(server.asked.filter(({ method, url }) => method === 'PUT' && url.endsWith('/manifests/v1'))).toEqual([])
  })
})

describe('a run that is cancelled', () => {
  it.each<[string, Act]>([
    ['does not wait for an answer', 'hang'],
    ['does not wait for its next try', { status: 429, headers: { 'retry-after': 30 } }],
  ])('%s', async (_, act) => {
    const cancel = new AbortController()
    await using server = await openServer(() => {
      setTimeout(() => cancel.abort(new Error('cancelled')), 20)
      return act
    })
    const registries = ociRegistries(systemClock, async () => undefined, cancel.signal)
    const repository = await registries.repository(`${server.address}/team/app`, { host: server.address, plainHttp: true })
    await expect(repository.resolve('v1')).rejects.toThrow('cancelled')
  })
})
