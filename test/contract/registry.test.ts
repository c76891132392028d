import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { ociRegistries } from '../../src/adapters/registry/repository.ts'
import type { Descriptor, Registries, Repository } from '../../src/core/ports.ts'
import type { Registry as Settings } from '../../src/core/release.ts'
import { Secret } from '../../src/core/secret.ts'
import { fakeClock } from '../fakes/clock.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { failureOf } from './support/errors.ts'

const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const indexType = 'application/vnd.oci.image.index.v1+json'
const nowhere = `sha256:${'0'.repeat(64)}`

function digestOf(body: Buffer): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`
}

/** The lab's registry with TLS and a login, as launchway.yml would describe it. */
function secure(of: Partial<Settings> = {}): Settings {
  const { address, ca, username } = inject('lab').secureRegistry
  return { host: address, ca, username, plainHttp: false, ...of }
}

function real(password = inject('lab').secureRegistry.password): Registries {
  return ociRegistries(fakeClock(), async ({ username }) =>
    username === undefined ? undefined : { username, password: new Secret(password) },
  )
}

const worlds: { name: string; open: () => { registries: Registries; settings: Settings } }[] = [
  { name: 'plain, no login', open: () => ({ registries: real(), settings: { host: inject('lab').registry.address, plainHttp: true } }) },
  { name: 'TLS and a login', open: () => ({ registries: real(), settings: secure() }) },
  { name: 'the fake', open: () => ({ registries: fakeRegistries(), settings: { host: 'registry.example.org', plainHttp: false } }) },
]

describe.each(worlds)('registry: $name', ({ open }) => {
  const fresh = (): Promise<Repository> => {
    const { registries, settings } = open()
    return registries.repository(`${settings.host}/contract/${randomUUID()}`, settings)
  }

  /** An image of one layer, under its digest. */
  async function putImage(repository: Repository, text: string, tag?: string): Promise<Descriptor & { body: Buffer }> {
    const config = await repository.putBlob(Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', text })))
    const layer = await repository.putBlob(Buffer.from(`the layer of ${text}`))
    const body = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        config: { ...config, mediaType: 'application/vnd.oci.image.config.v1+json' },
        layers: [{ ...layer, mediaType: 'application/vnd.oci.image.layer.v1.tar' }],
      }),
    )
    return { ...(await repository.putManifest(tag ?? digestOf(body), manifestType, body)), body }
  }

  it('has nothing of a repository that nobody wrote to', async () => {
    const repository = await fresh()
    const looked = [await repository.resolve('latest'), await repository.manifest(nowhere), await repository.blob(nowhere)]
    expect([...looked, await repository.tags(), await repository.referrers(nowhere)]).toEqual([undefined, undefined, undefined, [], []])
  })

  it('lets somebody try whether they may push, and has nothing of it afterwards', async () => {
    const repository = await fresh()
    expect(await repository.tryPush()).toBeUndefined()
    expect([await repository.tags(), await repository.resolve('latest')]).toEqual([[], undefined])
  })

  it('keeps a blob, also one that is sent twice, or large', async () => {
    const repository = await fresh()
    for (const body of [Buffer.from('small'), Buffer.from('small'), randomBytes(9_000_000)]) {
      const descriptor = await repository.putBlob(body)
      expect(descriptor).toMatchObject({ digest: digestOf(body), size: body.length })
      expect((await repository.blob(descriptor.digest))?.equals(body)).toBe(true)
    }
  })

  it('keeps a manifest byte for byte, under its digest and its tag', async () => {
    const repository = await fresh()
    const { body, ...written } = await putImage(repository, 'one', 'v1')
    expect(written).toEqual({ mediaType: manifestType, digest: digestOf(body), size: body.length })
    for (const reference of ['v1', written.digest]) {
      expect(await repository.resolve(reference)).toEqual(written)
      expect(await repository.manifest(reference)).toEqual({ descriptor: written, body })
    }
  })

  it('moves a tag: promotion is the same bytes under another name', async () => {
    const repository = await fresh()
    const [old, candidate] = [await putImage(repository, 'old', 'production'), await putImage(repository, 'new', 'launchway-key')]
    expect((await repository.resolve('production'))?.digest).toBe(old.digest)
    const found = await repository.manifest('launchway-key')
    await repository.putManifest('production', found?.descriptor.mediaType ?? '', found?.body ?? Buffer.alloc(0))
    expect((await repository.resolve('production'))?.digest).toBe(candidate.digest)
    expect((await repository.manifest(old.digest))?.body).toEqual(old.body)
    expect((await repository.tags()).toSorted()).toEqual(['launchway-key', 'production'])
  })

  it('keeps an index of several platforms, and its own media type', async () => {
    const repository = await fresh()
    const images = [await putImage(repository, 'amd64'), await putImage(repository, 'arm64')]
    const manifests = images.map(({ mediaType, digest, size }, n) => ({
      mediaType,
      digest,
      size,
      platform: { os: 'linux', architecture: n === 0 ? 'amd64' : 'arm64' },
    }))
    const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }))
    const written = await repository.putManifest('multi', indexType, body)
    expect(await repository.resolve('multi')).toEqual({ mediaType: indexType, digest: digestOf(body), size: body.length })
    expect(await repository.manifest('multi')).toEqual({ descriptor: written, body })
  })

  it('refuses a manifest whose layers it does not have', async () => {
    const repository = await fresh()
    const part = { mediaType: 'application/octet-stream', digest: nowhere, size: 2 }
    const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config: part, layers: [part] }))
    expect(await failureOf(repository.putManifest('v1', manifestType, body))).toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.stringContaining('answered 400 to PUT'),
    })
    expect(await repository.resolve('v1')).toBeUndefined()
  })

  it('finds what was attached to an image, by its kind', async () => {
    const repository = await fresh()
    const [image, other] = [await putImage(repository, 'one'), await putImage(repository, 'two')]
    const [record, scan] = ['application/vnd.example.record+json', 'application/vnd.example.scan+json']
    const annotations = { 'org.example.environment': 'production' }
    const first = await repository.attach(image, record, Buffer.from('{"release":1}'), annotations)
    const second = await repository.attach(image, scan, Buffer.from('{"findings":[]}'))
    expect(await repository.attach(image, record, Buffer.from('{"release":1}'), annotations)).toEqual(first)
    const found = await repository.referrers(image.digest)
    expect(found.map(({ digest }) => digest).toSorted()).toEqual([first.digest, second.digest].toSorted())
    expect(await repository.referrers(image.digest, record)).toEqual([{ ...first, artifactType: record, annotations }])
    expect(await repository.referrers(other.digest)).toEqual([])
    const layer = JSON.parse((await repository.manifest(first.digest))?.body.toString() ?? '{}') as { layers: Descriptor[] }
    expect((await repository.blob(layer.layers[0]?.digest ?? ''))?.toString()).toBe('{"release":1}')
  })
})

describe('a registry on the loopback', () => {
  it('is asked without TLS, also where nobody has said so', async () => {
    const host = inject('lab').registry.address
    const repository = await real().repository(`${host}/contract/${randomUUID()}`, { host, plainHttp: false })
    const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [] }))
    const written = await repository.putManifest('v1', indexType, body)
    expect(await repository.manifest('v1')).toEqual({ descriptor: written, body })
    const blob = await repository.putBlob(Buffer.from('small'))
    expect((await repository.blob(blob.digest))?.toString()).toBe('small')
  })
})

describe('trying whether one may push', () => {
  /** A registry that says 202 to an upload, or refuses it, and what it was asked. */
  async function openRegistry(status: number): Promise<{ asked: string[]; repository: Repository } & AsyncDisposable> {
    const asked: string[] = []
    const server = createServer(({ method, url }, response) => {
      asked.push(`${method} ${url}`)
      response
        .writeHead(method === 'DELETE' ? 405 : status, status === 202 ? { location: '/v2/team/app/blobs/uploads/u1?_state=s' } : {})
        .end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = z.object({ port: z.int() }).parse(server.address())
    const repository = await real().repository(`127.0.0.1:${port}/team/app`, { host: `127.0.0.1:${port}`, plainHttp: true })
    return {
      asked,
      repository,
      [Symbol.asyncDispose]: async () => {
        server.closeAllConnections()
        server.close()
        await once(server, 'close')
      },
    }
  }

  it('begins an upload and cancels that one, also where a registry knows no cancelling', async () => {
    await using there = await openRegistry(202)
    expect(await there.repository.tryPush()).toBeUndefined()
    expect(there.asked).toEqual(['POST /v2/team/app/blobs/uploads/', 'DELETE /v2/team/app/blobs/uploads/u1?_state=s'])
  })

  it('ends with what a push would be refused with, and there is nothing to cancel', async () => {
    await using there = await openRegistry(403)
    expect(await failureOf(there.repository.tryPush())).toMatchObject({ code: 'REGISTRY_DENIED' })
    expect(there.asked).toEqual(['POST /v2/team/app/blobs/uploads/'])
  })
})

describe('a registry that asks for a login', () => {
  const repository = async (registries: Registries, settings: Settings): Promise<Repository> =>
    registries.repository(`${settings.host}/contract/login`, settings)

  it.each([
    ['is wrong', () => real('not-the-password'), () => secure(), /as lab \(401\)/],
    [
      'is missing',
      () => real(),
      () => ({ host: secure().host, ca: inject('lab').secureRegistry.ca, plainHttp: false }),
      /without a login \(401\)/,
    ],
  ])('refuses when it %s, and says what to give', async (_, registries, settings, message) => {
    const error = await failureOf((await repository(registries(), settings())).putBlob(Buffer.from('x')))
    expect(error).toMatchObject({
      code: 'REGISTRY_DENIED',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('registries: in launchway.yml'),
    })
    expect(`${error.message}${error.hint}`).not.toContain('not-the-password')
  })

  it('with a certificate that nobody here knows is refused at once, with the setting that helps', async () => {
    const clock = fakeClock()
    const { ca: _, ...settings } = secure()
    const registries = ociRegistries(clock, async () => undefined)
    const error = await failureOf((await repository(registries, settings)).resolve('latest'))
    expect(error).toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.stringContaining(`the certificate of ${settings.host} is not trusted`),
      hint: expect.stringContaining(`registries.${settings.host}.ca`),
    })
    expect(clock.slept).toEqual([])
  })

  it('with a certificate authority that is not there is a mistake in the configuration', async () => {
    expect(await failureOf((await repository(real(), secure({ ca: '/no/such/ca.pem' }))).resolve('latest'))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'the certificate authority /no/such/ca.pem cannot be read',
    })
  })
})
