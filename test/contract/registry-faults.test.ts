import { createHash } from 'node:crypto'
import { describe, expect, inject, it } from 'vitest'
import { ociRegistries } from '../../src/adapters/registry/repository.ts'
import type { Clock, Credentials, Repository } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { fakeClock } from '../fakes/clock.ts'
import { failureOf } from './support/errors.ts'
import { setEnv } from './support/folder.ts'
import { type Act, type Answer, type Asked, openServer, openTunnels, type Server } from './support/http.ts'
import { openDoor, openNothing } from './support/tcp.ts'

const indexType = 'application/vnd.oci.image.index.v1+json'
const body = '{"schemaVersion":2,"manifests":[]}'
const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`
const manifest: Answer = { status: 200, headers: { 'content-type': indexType, 'docker-content-digest': digest }, body }
const login: Credentials = { username: 'ada', password: new Secret('pass:word') }
const basic = `Basic ${Buffer.from('ada:pass:word').toString('base64')}`

interface Opened {
  clock?: Clock
  credentials?: Credentials | undefined
}

function repositoryAt(host: string, { clock = fakeClock(), credentials }: Opened = {}): Promise<Repository> {
  return ociRegistries(clock, async () => credentials).repository(`${host}/team/app`, { host, plainHttp: true })
}

describe('what fails in passing is tried again', () => {
  it.each<[string, Act, number]>([
    ['an overloaded registry', { status: 503 }, 500],
    ['a gateway without a registry behind it', { status: 502, body: '<html>' }, 500],
    ['a connection that breaks', 'break', 500],
    ['an answer that is cut short', { status: 200, headers: { 'content-length': 9999, connection: 'close' }, body: 'half' }, 500],
    ['too many requests, with the pause that was asked for', { status: 429, headers: { 'retry-after': 7 } }, 7000],
    ['too many requests, until a date', { status: 429, headers: { 'retry-after': 'Sat, 01 Mar 2025 12:00:09 GMT' } }, 9000],
  ])('%s', async (name, fault, pause) => {
    const clock = fakeClock(new Date('2025-03-01T12:00:00Z'))
    await using server = await openServer((_, count) => (count === 1 ? fault : manifest))
    const found = await (await repositoryAt(server.address, { clock })).manifest('v1')
    expect({ name, digest: found?.descriptor.digest, slept: clock.slept }).toEqual({ name, digest, slept: [pause] })
  })

  it('but not where a registry asks for a longer pause than a run has: who asks sooner is only kept waiting longer', async () => {
    const clock = fakeClock()
    await using server = await openServer(() => ({ status: 429, headers: { 'retry-after': 86_400 } }))
    expect(await failureOf((await repositoryAt(server.address, { clock })).resolve('v1'))).toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      hint: 'It asks to be left alone for now (Retry-After: 86400).',
    })
    expect({ asked: server.asked.length, slept: clock.slept }).toEqual({ asked: 1, slept: [] })
  })

  it('six times, with longer and longer pauses, and then given up', async () => {
    const clock = fakeClock()
    await using server = await openServer(() => ({ status: 500, body: 'disk full' }))
    expect(await failureOf((await repositoryAt(server.address, { clock })).resolve('v1'))).toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: `${server.address} answered 500 to HEAD team/app/manifests/v1`,
    })
    expect({ asked: server.asked.length, slept: clock.slept }).toEqual({ asked: 6, slept: [500, 1000, 2000, 4000, 8000] })
  })

  it('also by the server that gives out tokens', async () => {
    await using server = await openServer((asked) => {
      if (asked.url.startsWith('/token')) return server.asked.length < 4 ? { status: 503 } : { status: 200, body: '{"token":"t"}' }
      return asked.authorization === 'Bearer t' ? manifest : challenge(server)
    })
    expect((await (await repositoryAt(server.address)).resolve('v1'))?.digest).toBe(digest)
  })

  it.each<[string, Answer, string]>([
    ['a right that is missing', { status: 403, body: 'no right to push' }, 'REGISTRY_DENIED'],
    ['a login that is wrong', { status: 401, body: 'incorrect username or password' }, 'REGISTRY_DENIED'],
    ['a repository that is not there', { status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}' }, 'REPOSITORY_UNKNOWN'],
    ['a question that makes no sense to it', { status: 400, body: 'what?' }, 'REGISTRY_UNAVAILABLE'],
    ['a quota', { status: 412, body: 'adding 2 GiB will exceed the configured upper limit of 1 GiB' }, 'REGISTRY_FULL'],
    ['a disk that is full, though it says so with a 500', { status: 500, body: 'write: no space left on device' }, 'REGISTRY_FULL'],
  ])('but not %s', async (_, answer, code) => {
    const clock = fakeClock()
    await using server = await openServer((asked) => (asked.method === 'HEAD' ? { status: 404 } : answer))
    const repository = await repositoryAt(server.address, { clock, credentials: login })
    const error = await failureOf(repository.putBlob(Buffer.from('x')))
    expect(error).toMatchObject({ code, message: expect.stringContaining(`${server.address} `), hint: expect.any(String) })
    expect(error.message).toMatch(code === 'REGISTRY_DENIED' ? /as ada/ : /answered \d+ to POST/)
    expect({ slept: clock.slept, asked: server.asked.length }).toEqual({ slept: [], asked: 2 })
  })

  it('but not where nobody has that name', async () => {
    const clock = fakeClock()
    expect(await failureOf((await repositoryAt('registry.invalid', { clock })).resolve('v1'))).toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.stringContaining('registry.invalid does not answer'),
    })
    expect(clock.slept).toEqual([])
  })

  it('when nobody answers at all', async () => {
    await using there = await openNothing()
    const error = await failureOf((await repositoryAt(`127.0.0.1:${there.port}`)).resolve('v1'))
    expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', message: expect.stringMatching(/does not answer: .*ECONNREFUSED/) })
  })

  it('when the way to a real registry is cut between two requests', async () => {
    const { address } = inject('lab').registry
    const door = await openDoor({ port: Number(address.split(':')[1]) })
    const repository = await repositoryAt(`127.0.0.1:${door.port}`)
    const kept = await repository.putBlob(Buffer.from('kept'))
    door.cut()
    expect(await failureOf(repository.blob(kept.digest))).toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
    expect((await (await repositoryAt(address)).blob(kept.digest))?.toString()).toBe('kept')
  })
})

describe('what was changed on its way is noticed', () => {
  const mutated: Answer = { ...manifest, body: body.replace('2', '3') }
  it.each<[string, Answer, (repository: Repository) => Promise<unknown>]>([
    ['a manifest that was asked for by digest', mutated, (repository) => repository.manifest(digest)],
    ['a manifest that was asked for by tag', mutated, (repository) => repository.manifest('v1')],
    ['a blob', mutated, (repository) => repository.blob(digest)],
    [
      'a manifest that was written',
      { ...mutated, status: 201, headers: { 'docker-content-digest': `sha256:${'1'.repeat(64)}` } },
      (repository) => repository.putManifest('v1', indexType, Buffer.from(body)),
    ],
  ])('%s', async (_, answer, ask) => {
    await using server = await openServer(() => answer)
    expect(await failureOf(ask(await repositoryAt(server.address)))).toMatchObject({
      code: 'DIGEST_MISMATCH',
      hint: expect.stringContaining('Expected sha256:'),
    })
  })

  it.each<[string, Record<string, string>]>([
    ['says no digest', { 'content-type': indexType }],
    ['says more than the media type', { 'content-type': `${indexType}; charset=utf-8`, 'docker-content-digest': digest }],
  ])('and a registry that %s is understood', async (_, headers) => {
    await using server = await openServer(() => ({ status: 200, headers, body }))
    expect(await (await repositoryAt(server.address)).resolve('v1')).toEqual({ mediaType: indexType, digest, size: body.length })
  })
})

function challenge(server: Server): Answer {
  return {
    status: 401,
    headers: { 'www-authenticate': `Bearer realm="${server.url}/token?a=b",service="registry of tests",scope="repository:team/app:pull"` },
  }
}

describe('a registry that wants tokens', () => {
  /** Gives out a token that names its scope, and takes what has the right one. */
  function withTokens(server: () => Server, { lasts = Number.POSITIVE_INFINITY } = {}): (asked: Asked) => Act {
    let [uses, given] = [0, 0]
    return (asked) => {
      const { pathname, searchParams } = new URL(asked.url, 'http://there')
      if (pathname === '/token') {
        uses = 0
        given += 1
        return { status: 200, body: JSON.stringify({ access_token: `${given} for ${searchParams.get('scope')}` }) }
      }
      const right = asked.method === 'GET' || asked.url.includes('/manifests/v1') ? /pull/ : /pull,push/
      uses += 1
      if (!right.test(asked.authorization ?? '') || uses > lasts) return challenge(server())
      if (asked.method === 'PUT') return { status: 201 }
      return pathname.includes('/manifests/') ? manifest : { status: 404 }
    }
  }

  it('is asked for one a scope, with the login, and for no more than is needed', async () => {
    await using server: Server = await openServer((asked) => act(asked))
    const act = withTokens(() => server)
    const repository = await repositoryAt(server.address, { credentials: login })
    await repository.resolve('v1')
    await repository.manifest('v1')
    await repository.putManifest('v2', indexType, Buffer.from(body))
    await repository.putManifest('v3', indexType, Buffer.from(body))
    const tokens = server.asked.filter(({ url }) => url.startsWith('/token'))
    expect(tokens.map(({ authorization }) => authorization)).toEqual([basic, basic])
    expect(tokens.map(({ url }) => Object.fromEntries(new URL(url, server.url).searchParams))).toEqual([
      { a: 'b', service: 'registry of tests', scope: 'repository:team/app:pull' },
      { a: 'b', service: 'registry of tests', scope: 'repository:team/app:pull,push' },
    ])
    expect(server.asked.filter(({ url, authorization }) => url.startsWith('/v2/') && authorization === basic)).toEqual([])
  })

  it('gives one to everybody for what is public', async () => {
    await using server: Server = await openServer((asked) => act(asked))
    const act = withTokens(() => server)
    expect((await (await repositoryAt(server.address)).resolve('v1'))?.digest).toBe(digest)
    expect(server.asked.filter(({ url }) => url.startsWith('/token')).map(({ authorization }) => authorization)).toEqual([undefined])
  })

  it('gets a new one when the old one has run out', async () => {
    await using server: Server = await openServer((asked) => act(asked))
    const act = withTokens(() => server, { lasts: 2 })
    const repository = await repositoryAt(server.address, { credentials: login })
    for (let n = 0; n < 6; n += 1) expect((await repository.resolve('v1'))?.digest).toBe(digest)
  })

  it('that refuses the login is quoted', async () => {
    await using server: Server = await openServer((asked) =>
      asked.url.startsWith('/token') ? { status: 401, body: 'unknown user' } : challenge(server),
    )
    expect(await failureOf((await repositoryAt(server.address, { credentials: login })).resolve('v1'))).toMatchObject({
      code: 'REGISTRY_DENIED',
      message: expect.stringContaining('as ada (401)'),
      hint: expect.stringContaining('unknown user'),
    })
  })
})

describe('what was meant for the registry', () => {
  const blob = Buffer.from('kept elsewhere')
  const blobDigest = `sha256:${createHash('sha256').update(blob).digest('hex')}`
  const asksBasic = (asked: Asked, then: Act): Act =>
    asked.authorization === basic ? then : { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } }

  it('is not shown to the place where it keeps its blobs', async () => {
    await using store = await openServer(() => ({ status: 200, body: blob }))
    await using server = await openServer((asked) =>
      asksBasic(asked, { status: 307, headers: { location: `${store.url}/kept?signature=s` } }),
    )
    expect(await (await repositoryAt(server.address, { credentials: login })).blob(blobDigest)).toEqual(blob)
    expect(store.asked).toEqual([{ method: 'GET', url: '/kept?signature=s', authorization: undefined, body: '' }])
  })

  it('is not shown to the place where it wants its uploads, even when that asks', async () => {
    await using store = await openServer(() => ({ status: 401, headers: { 'www-authenticate': 'Basic realm="give me"' } }))
    await using server = await openServer((asked) =>
      asksBasic(asked, asked.method === 'HEAD' ? { status: 404 } : { status: 202, headers: { location: `${store.url}/upload?state=1` } }),
    )
    await failureOf((await repositoryAt(server.address, { credentials: login })).putBlob(blob))
    expect(store.asked.map(({ url, authorization }) => ({ url, authorization }))).toEqual([
      { url: `/upload?state=1&digest=${encodeURIComponent(blobDigest)}`, authorization: undefined },
    ])
  })

  it('is shown again where the registry sends on to itself', async () => {
    await using server = await openServer((asked) =>
      asksBasic(asked, asked.url === '/kept' ? { status: 200, body: blob } : { status: 307, headers: { location: '/kept' } }),
    )
    expect(await (await repositoryAt(server.address, { credentials: login })).blob(blobDigest)).toEqual(blob)
  })
})

describe('lists', () => {
  it('are read to their last page', async () => {
    const pages = [['a', 'b'], ['c'], ['d']]
    await using server = await openServer(({ url }) => {
      const page = Number(new URL(url, 'http://there').searchParams.get('page') ?? 0)
      const link: Record<string, string> = page < 2 ? { link: `</v2/team/app/tags/list?page=${page + 1}>; rel="next"` } : {}
      return { status: 200, headers: link, body: JSON.stringify({ tags: pages[page] }) }
    })
    expect(await (await repositoryAt(server.address)).tags()).toEqual(['a', 'b', 'c', 'd'])
  })

  it('of referrers come from the registry itself where it keeps them', async () => {
    const found = { mediaType: indexType, digest, size: 2, artifactType: 'application/vnd.example+json' }
    await using server = await openServer(({ url }) =>
      url.endsWith(`/referrers/${digest}`) ? { status: 200, body: JSON.stringify({ manifests: [found] }) } : { status: 404 },
    )
    expect(await (await repositoryAt(server.address)).referrers(digest)).toEqual([{ ...found, annotations: {} }])
  })
})

describe('Docker Hub', () => {
  it.each(['addie', 'library/addie', 'docker.io/addie'])(
    'is found for %s where its API is, through the proxy of this network',
    async (name) => {
      await using proxy = await openTunnels()
      using _ = setEnv({ HTTPS_PROXY: proxy.url, https_proxy: undefined, NO_PROXY: '', no_proxy: undefined })
      const repository = await ociRegistries(fakeClock(), async () => undefined).repository(name, { host: 'docker.io', plainHttp: false })
      expect(await failureOf(repository.resolve('latest'))).toMatchObject({
        code: 'REGISTRY_UNAVAILABLE',
        message: expect.stringContaining('docker.io'),
      })
      expect(new Set(proxy.asked)).toEqual(new Set(['registry-1.docker.io:443']))
    },
  )
})
