import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { baseFinder } from '../../src/build/bases.ts'
import { keysOf } from '../../src/build/keys.ts'
import { requireStore } from '../../src/build/platforms.ts'
import type { PlannedBase } from '../../src/core/planned-image.ts'
import type { Ports } from '../../src/core/ports.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { record } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const both = ['linux/amd64', 'linux/arm64']
const workshop = { platform: Promise.resolve('linux/amd64'), usesEngine: async () => true }
const image = (name: string, platforms: string[], contexts: Record<string, string> = {}): PlannedBase => ({
  ...{ name, context: '.', dockerfile: 'Dockerfile', platforms, args: {} },
  contexts,
})

function here(): Ports {
  const root = temporaryFolder()
  writeFileSync(join(root, 'Dockerfile'), 'FROM scratch\n')
  const { ports } = localPorts(root)
  return { ...ports, exec: { ...ports.exec, run: () => Promise.reject(new Error('git was not found')) } }
}

it('what others stand on and names no platform is for all of theirs, and the rest for that of the engine', async () => {
  const images = [
    image('app', both, { below: 'target:middle' }),
    image('small', ['linux/arm/v7'], { below: 'target:lowest' }),
    image('middle', [], { below: 'target:lowest' }),
    image('lowest', []),
    image('own', ['linux/s390x'], {}),
    image('alone', []),
  ]
  const keyed = await keysOf(images, workshop, record(), here())
  const platformsOf = (name: string): string[] | undefined => keyed.find((one) => one.image.name === name)?.image.platforms
  expect(platformsOf('middle')).toEqual(both)
  expect(platformsOf('lowest')?.toSorted()).toEqual(['linux/amd64', 'linux/arm/v7', 'linux/arm64'])
  expect([platformsOf('own'), platformsOf('alone')]).toEqual([['linux/s390x'], ['linux/amd64']])
})

it('what any platform is built on is in the key, and is what is built on', async () => {
  const registry = fakeRegistries()
  for (const name of ['base-amd64', 'base-arm64', 'builder']) {
    const opened = await registry.repository(`ghcr.io/a/${name}`, { host: '', plainHttp: false })
    const config = await opened.putBlob(Buffer.from(name))
    await opened.putManifest('1', 'm', Buffer.from(JSON.stringify({ config, layers: [] })))
  }
  const ports = { ...localPorts('/nowhere').ports, registry, engine: fakeEngine() }
  const dockerfile =
    'FROM --platform=$BUILDPLATFORM ghcr.io/a/builder:1 AS made\nFROM ghcr.io/a/base-$TARGETARCH:1\nCOPY --from=made /a /\n'
  const bases = await baseFinder(record(), workshop, ports)(image('app', both), dockerfile.replace('FROM --', 'ARG TARGETARCH\nFROM --'))
  const named = ['ghcr.io/a/base-amd64:1', 'ghcr.io/a/base-arm64:1', 'ghcr.io/a/builder:1']
  expect([Object.keys(bases.is).toSorted(), Object.keys(bases.pins).toSorted(), bases.unknown]).toEqual([named, named, undefined])
})

it('a store with room for one platform is said with what would have been built, and one platform goes anywhere', async () => {
  const classic = { engine: fakeEngine({}, { containerdStore: false }) }
  await expect(requireStore([image('app', both), image('web', ['linux/amd64'])], classic)).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    message: 'this engine keeps images of one platform, and of several are app (linux/amd64, linux/arm64): nothing was built',
    hint: expect.stringContaining('"containerd-snapshotter": true'),
  })
  await expect(requireStore([image('web', ['linux/arm64']), image('own', [])], classic)).resolves.toBeUndefined()
  await expect(requireStore([image('app', both)], { engine: fakeEngine({}, { containerdStore: true }) })).resolves.toBeUndefined()
})
