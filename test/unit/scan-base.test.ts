import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import type { EngineImage, Ports, Registries } from '../../src/core/ports.ts'
import { baseLayers, baseOf } from '../../src/scan/base.ts'
import type { Found } from '../../src/tools/trivy-report.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { fakeFiles } from '../fakes/files.ts'
import { fakeLog } from '../fakes/log.ts'
import { fakeRegistries } from '../fakes/registry.ts'

const planned = { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: ['linux/amd64'], args: {}, repositories: ['a/b'] }
const findings: Found[] = [{ class: 'os', id: 'CVE-1', severity: 'HIGH', package: 'p', installed: '1' }]
const image = (diffIds: string[]): EngineImage => ({
  id: 'x',
  platform: 'linux/amd64',
  size: 1,
  layers: diffIds.length,
  diffIds,
  repoDigests: [],
})
const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`
const [one, two, mine, other] = [digestOf('1'), digestOf('2'), digestOf('3'), digestOf('4')]

function outside(
  images: Record<string, EngineImage>,
  registry: Registries = fakeRegistries(),
  dockerfile = 'FROM registry.example.org/python:3\n',
): Ports {
  const reached = {
    engine: fakeEngine(images),
    registry,
    files: fakeFiles({ '/tree/Dockerfile': dockerfile }),
    log: fakeLog(),
    clock: systemClock,
    signal: new AbortController().signal,
    root: '/tree',
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it reaches of the outside
  return reached as unknown as Ports
}

/** A registry whose image has these layers: of several platforms where one is named. */
async function withImage(diffIds: string[], architecture?: string): Promise<Registries> {
  const registry = fakeRegistries()
  const opened = await registry.repository('registry.example.org/python', { host: 'registry.example.org', plainHttp: false })
  const config = await opened.putBlob(Buffer.from(JSON.stringify({ rootfs: { diff_ids: diffIds } })))
  const type = 'application/vnd.oci.image.manifest.v1+json'
  const body = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [] }))
  const manifest = await opened.putManifest(architecture === undefined ? '3' : 'one', type, body)
  if (architecture !== undefined) {
    const index = { schemaVersion: 2, manifests: [{ ...manifest, platform: { os: 'linux', architecture } }] }
    await opened.putManifest('3', 'application/vnd.oci.image.index.v1+json', Buffer.from(JSON.stringify(index)))
  }
  return registry
}

const found = (ports: Ports, layers: readonly string[] = [one, two, mine]): Promise<unknown> =>
  baseOf(planned, { layers, findings }, { registries: [], offline: false }, ports)
const reference = 'registry.example.org/python:3'

describe('the base of an image', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['an image of a registry', { base: `docker-image://${reference}` }, reference],
    ['another image of the build', { base: 'target:below' }, undefined],
    ['a folder', { base: 'below' }, undefined],
  ])('behind a named context is known for %s', async (_, contexts, expected) => {
    const ports = outside({ [reference]: image([one, two]), base: image([one]) }, fakeRegistries(), 'FROM base\n')
    const settings = { registries: [], offline: true }
    const base = await baseOf({ ...planned, contexts }, { layers: [one, two, mine], findings }, settings, ports)
    expect(base?.reference).toBe(expected)
  })

  it.each<[string, string[], string[], number | undefined]>([
    ['all of its layers', ['a', 'b'], ['a', 'b'], 2],
    ['the lowest of them', ['a', 'b', 'c'], ['a'], 1],
    ['not where one differs', ['a', 'b', 'c'], ['a', 'x'], undefined],
    ['not where it has more', ['a'], ['a', 'b'], undefined],
    ['not where it has none', ['a'], [], undefined],
  ])('is %s', (_, layers, base, count) => {
    expect(baseLayers(layers, base)).toBe(count)
  })

  it('is what the engine has under the name in the Dockerfile, where the layers prove it', async () => {
    expect(await found(outside({ [reference]: image([one, two]) }))).toEqual({ reference, layers: 2 })
  })

  it.each([undefined, 'amd64'])('is what its registry has, where the engine has none (of several platforms: %s)', async (architecture) => {
    expect(await found(outside({}, await withImage([one], architecture)))).toEqual({ reference, layers: 1 })
  })

  it('is not known where the name has moved since the build, here and there', async () => {
    expect(await found(outside({ [reference]: image([other]) }, await withImage([other])))).toBeUndefined()
    expect(await found(outside({}, await withImage([one], 'arm64')))).toBeUndefined()
  })

  it('is not known where the registry cannot be asked, and that is no failure', async () => {
    const registry = { ...fakeRegistries(), repository: () => Promise.reject(new Error('no route')) }
    expect(await found(outside({}, registry))).toBeUndefined()
  })

  it('is not known where the engine refuses its name, and that is no failure', async () => {
    const ports = outside({})
    const engine = { ...ports.engine, image: () => Promise.reject(new Error('invalid reference format')) }
    expect(await found({ ...ports, engine })).toBeUndefined()
  })

  it('is not asked of a registry where nothing may be fetched', async () => {
    const ports = outside({}, await withImage([one]))
    expect(await baseOf(planned, { layers: [one], findings }, { registries: [], offline: true }, ports)).toBeUndefined()
  })

  it('is nothing for what is made from scratch, and where the Dockerfile is not there', async () => {
    expect(await found(outside({}, fakeRegistries(), 'FROM scratch\n'))).toBeUndefined()
    expect(
      await baseOf({ ...planned, context: 'web' }, { layers: [one], findings }, { registries: [], offline: false }, outside({})),
    ).toBeUndefined()
  })
})
