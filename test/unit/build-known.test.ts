import { describe, expect, it } from 'vitest'
import { packed } from '../../src/build/inputs.ts'
import { keepInputs, whyBuilt } from '../../src/build/why.ts'
import { environmentTag, inputsType, recordType } from '../../src/core/names.ts'
import type { Registries } from '../../src/core/ports.ts'
import type { BuiltImage, PlannedImage, PlanSection } from '../../src/core/release.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { environment, record } from './support/deploy.ts'
import { far, image, json, key, list, near, place, portsOf, seen, settings, take, type, type Wish } from './support/known.ts'

/** As a release writes them that was of another commit: what tells of it is that commit's. */
const asked: Partial<PlannedImage> = {
  annotations: { team: 'shop', commit: '4f2a9c1', constructor: 'x' },
  written: { annotations: { commit: '{{sha}}' } },
}
const annotated = { team: 'shop', commit: 'c0ffee0', constructor: 'x', 'org.opencontainers.image.version': 'dev', 'launchway.key': key }

/** An index of images that are there already. */
async function indexOf(
  registry: Registries,
  at: string,
  of: { architecture: string; variant?: string }[],
): Promise<Record<string, string>> {
  const repository = await registry.repository(at, settings)
  const configs: Record<string, string> = {}
  const manifests = []
  for (const platform of of) {
    const layer = await repository.putBlob(Buffer.from(JSON.stringify(platform)))
    const labels = { 'launchway.key': key }
    const config = await repository.putBlob(json({ os: 'linux', ...platform, config: { Labels: labels }, rootfs: { diff_ids: ['a'] } }))
    const put = await repository.putManifest('x', type, json({ schemaVersion: 2, config, layers: [layer] }))
    manifests.push({ ...put, platform: { os: 'linux', ...platform } })
    configs[['linux', platform.architecture, platform.variant ?? []].flat().join('/')] = config.digest
  }
  await repository.putManifest(`launchway-${key}`, 'application/vnd.oci.image.index.v1+json', json({ manifests }))
  return configs
}

describe('an image whose key the registry knows', () => {
  it('has annotations that tell of the release that built it, whatever this one would write', async () => {
    const registry = fakeRegistries()
    await place(registry, near, { annotations: annotated })
    expect((await take(registry, asked)).taken).toMatchObject({ how: 'promoted' })
  })

  it.each<[string, Record<string, string> | undefined, Partial<PlannedImage>]>([
    ['launchway.key', undefined, { annotations: {} }],
    ['launchway.key', { commit: 'c0ffee0', team: 'shop', constructor: 'x' }, asked],
    ['launchway.key', { ...annotated, 'launchway.key': 'other' }, asked],
    ['team', { ...annotated, team: 'other' }, asked],
    ['constructor', { ...annotated, constructor: 'y' }, asked],
  ])('is not taken where it lacks the annotation %s', async (lacks, annotations, of) => {
    const registry = fakeRegistries()
    await place(registry, near, annotations === undefined ? {} : { annotations })
    expect((await take(registry, of)).distrusted).toContain(`lacks the annotation ${lacks}`)
  })

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
    ['is for another variant', { architecture: 'arm' }, { platforms: ['linux/arm/v6'] }, /is for linux\/arm\/v7, not for linux\/arm\/v6/],
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

  it('is not taken when its repositories have different ones', async () => {
    const registry = fakeRegistries()
    await place(registry, near)
    await place(registry, far, { layer: 'another' })
    expect((await take(registry, { repositories: [near, far] })).distrusted).toMatch(/have different images under its key/)
    await place(registry, far)
    expect((await take(registry, { repositories: [near, far] })).taken?.registries).toHaveProperty([far])
  })

  it.each<[string, string[], { architecture: string; variant?: string }[], string[]]>([
    ['two', ['linux/amd64', 'linux/arm64'], [{ architecture: 'amd64' }, { architecture: 'arm64' }], ['linux/amd64', 'linux/arm64']],
    [
      'two, one of them with the variant that goes without saying',
      ['linux/amd64', 'linux/arm64'],
      [{ architecture: 'amd64' }, { architecture: 'arm64', variant: 'v8' }],
      ['linux/amd64', 'linux/arm64'],
    ],
    [
      'two of one architecture',
      ['linux/arm/v6', 'linux/arm/v7'],
      [
        { architecture: 'arm', variant: 'v7' },
        { architecture: 'arm', variant: 'v6' },
      ],
      ['linux/arm/v6', 'linux/arm/v7'],
    ],
    ['one, as an engine of it says it', ['linux/arm'], [{ architecture: 'arm', variant: 'v7' }], ['linux/arm/v7']],
  ])('is taken for all of its platforms: %s', async (_, platforms, of, expected) => {
    const registry = fakeRegistries()
    const configs = await indexOf(registry, near, of)
    const { taken, distrusted } = await take(registry, { platforms })
    expect(distrusted).toBeUndefined()
    expect(Object.keys(taken?.config ?? {})).toEqual(expected)
    expect(Object.values(taken?.config ?? {}).toSorted()).toEqual(Object.values(configs).toSorted())
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
    expect(await whyBuilt(image, seen('2'), new Set(), release, portsOf(registry))).toBe('app.py changed')
    expect(await whyBuilt(image, seen('1', 0o755), new Set(), release, portsOf(registry))).toBe('app.py is executable now')
  })
})

function wrong(): never {
  throw new Error('it was not taken')
}
