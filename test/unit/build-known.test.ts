import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import { takeKnown } from '../../src/build/known.ts'
import { FileList, type InputList, inputList, packed } from '../../src/build/inputs.ts'
import { keepInputs, whyBuilt } from '../../src/build/why.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { environmentTag, inputsType, recordType } from '../../src/core/names.ts'
import type { Ports, Registries, Repository } from '../../src/core/ports.ts'
import { Status } from '../../src/core/registry-refusal.ts'
import type { BuiltImage, PlannedImage, PlanSection } from '../../src/core/release.ts'
import { upload } from '../../src/push/index.ts'
import { fakeLog } from '../fakes/log.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { environment, record } from './support/deploy.ts'

const key = '0f'.repeat(16)
const [near, far] = ['registry.example.org/app', 'ghcr.io/team/app']
const settings = { host: '', plainHttp: false }
const type = 'application/vnd.oci.image.manifest.v1+json'
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

interface Wish {
  label?: string
  architecture?: string
  /** What its layer holds, and how much the manifest says of it. */
  layer?: string
  says?: number
  /** Around it an index, as the containerd store makes one. */
  index?: boolean
  tags?: string[]
}

/** Puts an image under its key into a repository. @returns the digest of its configuration, and what the tag leads to */
async function place(
  registry: Registries,
  at: string,
  { label = key, architecture = 'amd64', layer = 'layer', says, index = false, tags = [] }: Wish = {},
) {
  const repository = await registry.repository(at, settings)
  const labels = { 'launchway.key': label, 'org.opencontainers.image.version': 'dev' }
  const config = await repository.putBlob(json({ os: 'linux', architecture, config: { Labels: labels }, rootfs: { diff_ids: [layer] } }))
  const { mediaType, digest, size } = await repository.putBlob(Buffer.from(layer))
  const body = json({ schemaVersion: 2, config, layers: [{ mediaType, digest, size: says ?? size }] })
  let put = await repository.putManifest(index ? 'x' : `launchway-${key}`, type, body)
  if (index) {
    const attestation = await repository.putManifest('y', type, json({ config, layers: [] }))
    const manifests = [
      { ...put, platform: { os: 'linux', architecture } },
      { ...attestation, platform: { os: 'unknown', architecture: 'unknown' } },
    ]
    put = await repository.putManifest(`launchway-${key}`, 'application/vnd.oci.image.index.v1+json', json({ manifests }))
  }
  for (const tag of tags) await repository.putManifest(tag, put.mediaType, body)
  return { config: config.digest, ...put }
}

const image: PlannedImage = {
  name: 'app',
  context: '.',
  dockerfile: 'Dockerfile',
  platforms: ['linux/amd64'],
  args: {},
  repositories: [near],
}

const inputs = { tree: '', dockerfile: 'FROM scratch', bases: {}, contexts: {} }
const list = (blob: string): InputList => {
  const files = new FileList()
  files.add({ path: 'app.py', kind: 'file', mode: 0o644, blob })
  return inputList(image, inputs, files)
}

function portsOf(registry: Registries): Ports {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it reaches of the outside
  return { registry, log: fakeLog(), clock: systemClock, signal: new AbortController().signal } as unknown as Ports
}

const without = (stage: 'push'): PlanSection['stages'] => ({ ...record().plan.stages, [stage]: { run: false, reason: 'a proposal' } })

/** A registry whose repositories answer otherwise than those of another. */
function changed(registry: Registries, name: string, change: Partial<Repository>): Registries {
  return {
    ...registry,
    async repository(one, ...more) {
      const opened = await registry.repository(one, ...more)
      return one === name ? { ...opened, ...change } : opened
    },
  }
}

async function take(registry: Registries, of: Partial<PlannedImage> = {}, more: Partial<PlanSection> = {}, unknown?: string) {
  const { plan } = record()
  const release = record({ plan: { ...plan, version: 'main', tags: ['main'], ...more } })
  const { taken, distrusted, silent } = await takeKnown([{ image: { ...image, ...of }, key, unknown }], release, portsOf(registry))
  return { taken: taken.get('app'), distrusted: distrusted.get('app'), silent: [...silent] }
}

describe('an image whose key the registry knows', () => {
  it.each<[string, Wish, Partial<PlanSection>, Partial<BuiltImage>]>([
    ['is promoted to a tag that leads elsewhere', {}, {}, { how: 'promoted', reason: 'built before as dev' }],
    ['is there already', { tags: ['main'] }, {}, { how: 'cached', reason: 'nothing of it has changed' }],
    ['is taken for a proposal, which moves nothing', {}, { event: 'pull_request' }, { how: 'cached' }],
    ['may have an index around it', { index: true }, {}, { how: 'promoted' }],
  ])('%s', async (_, wish, plan, expected) => {
    const registry = fakeRegistries()
    const { config, digest, mediaType } = await place(registry, near, wish)
    const { taken, distrusted } = await take(registry, {}, plan)
    expect(distrusted).toBeUndefined()
    expect(taken).toMatchObject({
      key,
      config: { 'linux/amd64': config },
      registries: { [near]: { digest, mediaType } },
      layers: 1,
      ...expected,
    })
  })

  it.each<[string, Wish, Partial<PlannedImage>, RegExp]>([
    ['says itself that it has another', { label: 'other' }, {}, /is of the key other, as it says itself/],
    ['is for another platform', { architecture: 'arm64' }, {}, /is for linux\/arm64, not for linux\/amd64/],
    ['lacks a part of a layer', { says: 400 }, {}, /lacks sha256:[0-9a-f]{64}, or a part of it/],
    [
      'has fewer platforms than are asked for',
      { index: true },
      { platforms: ['linux/amd64', 'linux/arm64'] },
      /is for linux\/amd64, not for/,
    ],
  ])('is not taken when it %s', async (_, wish, of, why) => {
    const registry = fakeRegistries()
    await place(registry, near, wish)
    const { taken, distrusted } = await take(registry, of)
    expect(taken).toBeUndefined()
    expect(distrusted).toMatch(why)
  })

  it('is taken where one repository has it and another lacks it, with what it was built of, and the upload brings it there', async () => {
    const registry = fakeRegistries()
    const { digest, mediaType } = await place(registry, far, { tags: ['main'] })
    const repository = await registry.repository(far, settings)
    const kept = Buffer.from('what it was built of')
    await repository.attach({ mediaType, digest, size: 1 }, inputsType, kept, { 'launchway.size': '5' })
    const { taken, distrusted } = await take(registry, { repositories: [near, far] })
    const is = { how: 'cached', registries: { [far]: { digest, mediaType } }, size: 5, inputs: kept.toString('base64') }
    expect([taken, distrusted]).toEqual([expect.objectContaining(is), undefined])
    const proposed = await take(registry, { repositories: [near, far] }, { event: 'pull_request', stages: without('push') })
    expect([proposed.taken?.registries, proposed.taken?.inputs]).toEqual([is.registries, undefined])

    const release = record({ plan: { ...record().plan, images: [{ ...image, repositories: [near, far] }], registries: [] } })
    if (taken === undefined) throw new Error('nothing was taken')
    const [copied] = await upload({ ...release, build: { builder: 'none', images: [taken] } }, portsOf(registry))
    expect(copied?.registries).toEqual({ [near]: { digest, mediaType }, [far]: { digest, mediaType } })
    await keepInputs(copied === undefined ? [] : [copied], release, portsOf(registry))
    const there = (await take(registry, { repositories: [near] })).taken
    expect([there?.registries, there?.size]).toEqual([{ [near]: { digest, mediaType } }, 5])
  })

  it('is not taken when its repositories have different ones', async () => {
    const registry = fakeRegistries()
    await place(registry, near)
    await place(registry, far, { layer: 'another' })
    expect((await take(registry, { repositories: [near, far] })).distrusted).toMatch(/have different images under its key/)
    await place(registry, far)
    expect((await take(registry, { repositories: [near, far] })).taken?.registries).toHaveProperty([far])
  })

  it('is not asked for where everything shall be built, or where something of it is not known', async () => {
    const registry = fakeRegistries()
    await place(registry, near)
    expect((await take(registry, {}, { rebuild: true })).taken).toBeUndefined()
    expect((await take(registry, {}, {}, 'its base is not known')).taken).toBeUndefined()
  })

  it('is built where the registry does not answer', async () => {
    const away: Registries = { credentials: async () => undefined, repository: () => Promise.reject(new Error('it does not answer')) }
    expect(await take(away)).toEqual({ taken: undefined, distrusted: undefined, silent: [] })
  })

  describe('in a registry that', () => {
    const rejects = (error: Error) => async (): Promise<never> => {
      throw error
    }
    const failing = (error: Error): Partial<Repository> => ({ manifest: rejects(error) })
    const refusal = new LaunchwayError('REGISTRY_DENIED', 'refused GET as u (401)', { cause: new Status(401) })
    const denied = new LaunchwayError('REGISTRY_DENIED', 'refused POST as u (401)', { cause: new Status(401) })
    const away = new LaunchwayError('REGISTRY_UNAVAILABLE', 'registry.example.org does not answer: connect ECONNREFUSED')
    const busy = new LaunchwayError('REGISTRY_UNAVAILABLE', 'answered 429', { cause: new Status(429) })
    const both = { repositories: [near, far] }

    it.each<[string, Partial<Repository>, string]>([
      ['does not answer', failing(away), 'does not answer: connect ECONNREFUSED; nothing was built'],
      [
        'refuses the login, for a push as well',
        { ...failing(refusal), tryPush: rejects(denied) },
        'refused POST as u (401); nothing was built',
      ],
    ])('%s it ends a run that would push there, before it builds, and no other', async (_, change, says) => {
      const registry = fakeRegistries()
      await place(registry, far)
      const strange = changed(registry, near, change)
      await expect(take(strange, both)).rejects.toThrow(says)
      const proposed = await take(strange, both, { event: 'pull_request', stages: without('push') })
      expect(Object.keys(proposed.taken?.registries ?? {})).toEqual([far])
    })

    it('refuses to be read until the first push, and takes that, it is what is lacking', async () => {
      const registry = fakeRegistries()
      await place(registry, far)
      expect(Object.keys((await take(changed(registry, near, failing(refusal)), both)).taken?.registries ?? {})).toEqual([far])
    })

    it('is only busy, nobody knows whether it is there', async () => {
      expect(await take(changed(fakeRegistries(), near, failing(busy)))).toEqual({ taken: undefined, distrusted: undefined, silent: [] })
    })

    it('has just not answered, nobody is asked what it was built of before', async () => {
      const strange = changed(fakeRegistries(), near, failing(away))
      const { silent } = await take(strange, {}, { stages: without('push') })
      expect(silent).toEqual(['registry.example.org'])
      expect(await whyBuilt(image, list('1'), new Set(silent), record(), portsOf(strange))).toMatch(/registry\.example\.org did not answer/)
    })
  })

  it('has the size that its build told, where that lies beside it', async () => {
    const registry = fakeRegistries()
    const { digest, mediaType } = await place(registry, near)
    const before = (await take(registry)).taken
    expect(before?.compressed).toBe(true)
    const built: BuiltImage = {
      ...(before ?? wrong()),
      how: 'built',
      inputs: 'aaaa',
      size: 123_456,
      registries: { [near]: { digest, mediaType } },
    }
    const [kept] = await keepInputs([built], record(), portsOf(registry))
    expect(kept).not.toHaveProperty('inputs')
    expect(await (await registry.repository(near, settings)).referrers(digest, inputsType)).toHaveLength(1)
    const { taken } = await take(registry)
    expect([taken?.size, taken?.compressed]).toEqual([123_456, undefined])
  })

  it('is built where nobody has told its size and it may not be too large', async () => {
    const registry = fakeRegistries()
    await place(registry, near)
    expect((await take(registry, { size: { warn: { total: 1 } } })).taken?.compressed).toBe(true)
    const { taken, distrusted } = await take(registry, { size: { fail: { total: 1 } } })
    expect([taken, distrusted]).toEqual([
      undefined,
      'how large the one in the registry is was never told, and images.app.size.fail asks for it',
    ])
  })
})

describe('why an image is built', () => {
  it.each<[string, Partial<PlanSection>]>([
    ['the environment of the release runs', { environment: environment([]) }],
    ['the environment runs that a proposal would go to, also where nothing is scanned', { event: 'pull_request', against: 'production' }],
  ])('is what differs from what %s', async (_, more) => {
    const registry = fakeRegistries()
    const { digest, mediaType } = await place(registry, near)
    const built: BuiltImage = {
      ...{ name: 'app', key, how: 'built', config: {}, size: 1, layers: 1, ms: 0 },
      inputs: packed(list('1')),
      registries: { [near]: { digest, mediaType } },
    }
    await keepInputs([built], record(), portsOf(registry))
    const running = record({ build: { builder: 'b', images: [built] } })
    const opened = await registry.repository(near, settings)
    const { digest: at } = await opened.attach({ digest, mediaType, size: 1 }, recordType, json(running))
    const manifest = (await opened.manifest(at)) ?? wrong()
    await opened.putManifest(environmentTag({ repository: near, app: running.app, environment: 'production' }), type, manifest.body)
    const release = record({ plan: { ...record().plan, images: [image], tags: ['new'], ...more } })
    expect(await whyBuilt(image, list('2'), new Set(), release, portsOf(registry))).toBe('app.py changed')
  })
})

function wrong(): never {
  throw new Error('it was not taken')
}
