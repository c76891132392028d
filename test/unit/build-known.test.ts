import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import { takeKnown } from '../../src/build/known.ts'
import { FileList, type InputList, inputList, packed } from '../../src/build/inputs.ts'
import { keepInputs, whyBuilt } from '../../src/build/why.ts'
import { environmentTag, inputsType, recordType } from '../../src/core/names.ts'
import type { Ports, Registries } from '../../src/core/ports.ts'
import type { BuiltImage, PlannedImage, PlanSection } from '../../src/core/release.ts'
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
  const { digest, size } = await repository.putBlob(Buffer.from(layer))
  const body = json({ schemaVersion: 2, config, layers: [{ digest, size: says ?? size }] })
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

const image: PlannedImage = {
  name: 'app',
  context: '.',
  dockerfile: 'Dockerfile',
  platforms: ['linux/amd64'],
  args: {},
  repositories: [near],
}

function portsOf(registry: Registries): Ports {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it reaches of the outside
  return { registry, log: fakeLog(), clock: systemClock, signal: new AbortController().signal } as unknown as Ports
}

async function take(registry: Registries, of: Partial<PlannedImage> = {}, more: Partial<PlanSection> = {}, unknown?: string) {
  const { plan } = record()
  const release = record({ plan: { ...plan, version: 'main', tags: ['main'], ...more } })
  const { taken, distrusted } = await takeKnown([{ image: { ...image, ...of }, key, unknown }], release, portsOf(registry))
  return { taken: taken.get('app'), distrusted: distrusted.get('app') }
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

  it('is not taken when its repositories have different ones, or one of them none', async () => {
    const registry = fakeRegistries()
    await place(registry, near)
    expect(await take(registry, { repositories: [near, far] })).toEqual({ taken: undefined, distrusted: undefined })
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
    expect(await take(away)).toEqual({ taken: undefined, distrusted: undefined })
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
  const inputs = { tree: '', dockerfile: 'FROM scratch', bases: {}, contexts: {} }
  const list = (blob: string): InputList => {
    const files = new FileList()
    files.add({ path: 'app.py', kind: 'file', mode: 0o644, blob })
    return inputList(image, inputs, files)
  }

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
    expect(await whyBuilt(image, list('2'), release, portsOf(registry))).toBe('app.py changed')
  })
})

function wrong(): never {
  throw new Error('it was not taken')
}
