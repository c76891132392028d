import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import { ociRegistries } from '../../src/adapters/registry/repository.ts'
import { keyTag, labels, recordType } from '../../src/core/names.ts'
import type { Clock, Descriptor, Ports, Repository } from '../../src/core/ports.ts'
import { documentOf as textOf } from '../../src/core/record-document.ts'
import { signatureTag } from '../../src/core/signature.ts'
import { pruneRegistries } from '../../src/push/index.ts'
import { fakeLog } from '../fakes/log.ts'
import { openOwnRegistry, type OwnRegistry } from './support/own-registry.ts'
import { releaseOf } from './support/uploaded.ts'

const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const indexType = 'application/vnd.oci.image.index.v1+json'
/** Everything here is older than a day. */
const clock: Clock = { ...systemClock, now: () => new Date('2026-12-24T00:00:00Z') }

/** A repository as years of releases leave it. */
async function filled(address: string, team: string) {
  const registry = ociRegistries(clock, async () => undefined)
  const settings = { host: address, plainHttp: true }
  const repository = await registry.repository(`${address}/${team}/app`, settings)
  const worker = await registry.repository(`${address}/${team}/worker`, settings)
  const one = await image(repository, 1, keyTag('1'.repeat(32)), 'sha-1111111')
  const two = await image(repository, 2, keyTag('2'.repeat(32)), 'sha-2222222', '1.0.0')
  const three = await image(repository, 3, keyTag('3'.repeat(32)))
  for (const { digest } of [one, three]) {
    const signature = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config: await signed(repository, digest), layers: [] }),
    )
    await repository.putManifest(signatureTag(digest), manifestType, signature)
  }
  const parts = [await image(repository, 4), await image(repository, 5)]
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: parts }))
  const four = await repository.putManifest(keyTag('4'.repeat(32)), indexType, index)
  await image(worker, 1, keyTag('1'.repeat(32)))
  await image(worker, 3, keyTag('3'.repeat(32)))
  // What runs in production is the oldest: somebody has rolled back.
  const record = await recordBeside(repository, one, '2026-10-01T10:00:00Z')
  const found = await repository.manifest(record.digest)
  await repository.putManifest('launchway-env-production', manifestType, found?.body ?? Buffer.alloc(0))
  await recordBeside(repository, three, '2026-10-02T10:00:00Z')
  const same = { ...registry, repository: async (name: string) => (name === worker.name ? worker : repository) }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what pruning reaches
  const ports = { registry: same, clock, log: fakeLog(), signal: new AbortController().signal } as unknown as Ports
  const target = { registries: [settings], repositories: [repository.name, worker.name], keep: new Map([['production', -1]]) }
  const prune = (yes: boolean) => pruneRegistries(target, { more: 0, yes }, ports)
  return { repository, worker, prune, images: { one, two, three, four, parts }, record }
}

/** Something of its own in each signature, as in a real one. */
function signed(repository: Repository, digest: string): Promise<Descriptor> {
  return repository.putBlob(Buffer.from(JSON.stringify({ signs: digest })))
}

async function image(repository: Repository, n: number, ...tags: string[]): Promise<Descriptor> {
  const config = await repository.putBlob(
    Buffer.from(JSON.stringify({ created: `2026-09-0${n}T00:00:00Z`, architecture: 'amd64', os: 'linux' })),
  )
  const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers: [] }))
  const [first = config.digest, ...others] = tags
  const named = tags.length === 0 ? `part-${n}` : first
  const written = await repository.putManifest(named, manifestType, body)
  for (const tag of others) await repository.putManifest(tag, manifestType, body)
  if (tags.length > 0) return written
  // By its digest alone, as the manifests of an index are.
  await repository.putManifest(written.digest, manifestType, body)
  await repository.untag(named)
  await repository.putManifest(written.digest, manifestType, body)
  return written
}

function recordBeside(repository: Repository, subject: Descriptor, created: string): Promise<Descriptor> {
  const base = releaseOf({ repository: repository.name, key: '1'.repeat(32), config: subject.digest, tags: [] })
  const images = (base.build?.images ?? []).map((one) => ({
    ...one,
    registries: { [repository.name]: { digest: subject.digest, mediaType: manifestType } },
  }))
  const text = JSON.stringify({ ...base, build: { builder: 'test', images } })
  return repository.attach(subject, recordType, Buffer.from(text), {
    'org.opencontainers.image.created': created,
    [labels.release]: base.id,
    [labels.environment]: 'production',
  })
}

describe('registries that are pruned', () => {
  /** One that permits removal; each test has repositories of its own in it. */
  let own: OwnRegistry
  beforeAll(async () => {
    own = await openOwnRegistry({})
  })
  afterAll(() => own[Symbol.asyncDispose]())

  it('lose what nobody needs, with what refers to it, once somebody has said yes', async () => {
    const { repository, worker, prune, images, record } = await filled(own.address, 'team')
    const before = (await repository.tags()).toSorted()
    const shown = await prune(false)
    expect((await repository.tags()).toSorted()).toEqual(before)
    const short = (one: Descriptor): string => one.digest.slice(0, 19)
    expect(shown.text).toContain(`  goes   ${short(images.three)}  2026-10-02  ${keyTag('3'.repeat(32))}\n`)
    expect(shown.text).toContain(`  stays  ${short(images.one)}: runs in production\n`)
    expect(shown.text).toContain(`  stays  ${short(images.two)}: is called 1.0.0\n`)
    expect(shown.text).toContain(`  stays  ${short(images.one)}: is kept in another repository\n`)
    expect(shown.text).toMatch(/3 images would go; --yes removes them\n$/)

    const done = await prune(true)
    expect({ error: done.error, removed: done.json.map(({ removed }) => removed) }).toEqual({ error: undefined, removed: [true, true] })
    const kept = [keyTag('1'.repeat(32)), keyTag('2'.repeat(32)), 'sha-1111111', 'sha-2222222', '1.0.0', 'launchway-env-production']
    expect((await repository.tags()).filter((tag) => !tag.startsWith('sha256-')).toSorted()).toEqual(kept.toSorted())
    expect((await repository.tags()).filter((tag) => tag.startsWith('sha256-'))).toEqual([
      images.one.digest.replace(':', '-'),
      signatureTag(images.one.digest),
    ])
    expect(await worker.tags()).toEqual([keyTag('1'.repeat(32))])
    for (const part of images.parts) expect(await repository.resolve(part.digest)).toBeUndefined()
    expect(JSON.parse((await textOf(repository, record.digest)) ?? '{}')).toMatchObject({ app: 'app' })
    expect((await prune(false)).text).toMatch(/nothing to remove\n$/)
  })

  it('keep what a release has given a name meanwhile', async () => {
    const { repository, prune, images } = await filled(own.address, 'other-team')
    const tags = repository.tags.bind(repository)
    const body = (await repository.manifest(images.three.digest))?.body ?? Buffer.alloc(0)
    let listed = 0
    repository.tags = async () => {
      listed += 1
      if (listed === 2) await repository.putManifest('main', manifestType, body)
      return tags()
    }
    const { text } = await prune(true)
    expect(text).toContain(`  stays  ${images.three.digest.slice(0, 19)}: got a name just now\n`)
    expect((await repository.resolve('main'))?.digest).toBe(images.three.digest)
  })

  it('that permit no removal say so, and keep everything', async () => {
    await using strict = await openOwnRegistry({ removal: false })
    const { repository, prune } = await filled(strict.address, 'team')
    const before = (await repository.tags()).toSorted()
    expect((await prune(true)).error).toMatchObject({
      code: 'REGISTRY_DENIED',
      message: `${repository.name} does not permit images to be removed; nothing was removed`,
      hint: expect.stringContaining('REGISTRY_STORAGE_DELETE_ENABLED=true'),
    })
    expect((await repository.tags()).toSorted()).toEqual(before)
  })
})
