import { describe, expect, it } from 'vitest'
import { isOfRecord } from '../../src/core/local-image.ts'
import type { EngineImage } from '../../src/core/ports.ts'
import type { BuiltImage, Release } from '../../src/core/release.ts'
import { locate } from '../../src/scan/look.ts'
import { watchSize } from '../../src/size/run.ts'
import { presentImages } from '../../src/smoke/candidates.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { fakeExec } from '../fakes/exec.ts'
import { record } from './support/deploy.ts'
import { localPorts } from './support/ports.ts'

const repository = 'registry.example.org/addie'
const key = '0f'.repeat(16)
const candidate = `${repository}:launchway-${key}`
const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`
const [config, uploaded, other] = [digestOf('c'), digestOf('d'), digestOf('e')]

function built(of: Partial<BuiltImage> = {}): BuiltImage {
  return {
    name: 'app',
    key,
    how: 'promoted',
    config: { 'linux/amd64': config },
    registries: { [repository]: { digest: uploaded, mediaType: 'application/vnd.oci.image.manifest.v1+json' } },
    size: 1,
    layers: 1,
    ms: 0,
    ...of,
  }
}

function inEngine(of: Partial<EngineImage> = {}): EngineImage {
  return { id: other, platform: 'linux/amd64', size: 1, layers: 1, repoDigests: [], ...of }
}

describe('what the engine has under the name of an image', () => {
  it.each<[string, Partial<EngineImage>, Partial<BuiltImage>, boolean, boolean]>([
    ['is it by its configuration', { id: config }, {}, false, true],
    ['is it by its manifest', { id: uploaded }, {}, true, true],
    ['is it where it was pulled as that', { repoDigests: [`${repository}@${uploaded}`] }, {}, true, true],
    ['is an earlier build of the same key, where the image was taken', {}, {}, true, false],
    ['is one that was pulled as another', { repoDigests: [`${repository}@${other}`] }, { how: 'cached' }, true, false],
    ['is another in the classic store', {}, {}, false, false],
    ['is what was just built there, by whatever name', {}, { how: 'built' }, true, true],
    ['is not what was built, in the classic store', {}, { how: 'built' }, false, false],
  ])('%s', (_, found, of, containerdStore, expected) => {
    expect(isOfRecord(inEngine(found), built(of), containerdStore)).toBe(expected)
  })
})

describe('a taken image, of whose key the containerd store has a build of its own', () => {
  const release: Release = record({ build: { builder: 'none', images: [built()] } })
  const by = `${repository}@${uploaded}`
  const images = { [candidate]: inEngine(), pulled: inEngine({ id: uploaded, repoDigests: [by] }) }
  const engine = {
    ...fakeEngine(images, { containerdStore: true }),
    history: async (reference: string) => [{ size: 7e6, by: `COPY ${reference} /` }],
  }
  const outside = (): ReturnType<typeof localPorts>['ports'] => {
    const registry = { ...localPorts('/nowhere').ports.registry, credentials: async () => undefined }
    return { ...localPorts('/nowhere').ports, engine, registry, exec: fakeExec({ 'docker pull': {} }) }
  }

  it('is tested as the registry has it', async () => {
    expect(await presentImages(release, outside())).toMatchObject([{ reference: by, id: uploaded }])
  })

  it('is scanned as the registry has it', async () => {
    const { source } = await locate({ image: built() }, { reference: candidate, registries: [] }, outside())
    expect(source).toMatchObject({ from: 'registry', repository, digest: uploaded })
  })

  it('is not shown with the layers of the other', async () => {
    expect((await watchSize(release, outside())).images[0]?.layers).toEqual([])
  })
})
