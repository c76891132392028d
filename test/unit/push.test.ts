import { describe, expect, test } from 'vitest'
import type { BuiltImage, PlanSection } from '../../src/core/release.ts'
import { plan } from '../../src/plan/plan.ts'
import { configDigests } from '../../src/push/identity.ts'
import { planMoves } from '../../src/push/plan.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { configOf, refusal } from './support/config.ts'

const config = configOf(`
images:
  web: { repositories: [ghcr.io/team/web, docker.io/team/web] }
  worker: { repositories: [ghcr.io/team/worker], target: worker }
branches: { main: {} }
image-tags: ["type=raw,value=latest", "type=sha"]
`)

const onMain = plan(config, { event: 'push', ref: 'refs/heads/main', sha: 'a'.repeat(40) }, undefined)

const digests = { web: `sha256:${'1'.repeat(64)}`, hub: `sha256:${'2'.repeat(64)}`, worker: `sha256:${'3'.repeat(64)}` }
const mediaType = 'application/vnd.oci.image.manifest.v1+json'

/** The images of the plan, uploaded: a digest by repository. */
function built(registries: Record<string, Record<string, string>>): BuiltImage[] {
  return Object.entries(registries).map(([name, by]) => ({
    ...{ name, key: '0'.repeat(32), how: 'built', config: {}, size: 1, layers: 1, ms: 1 },
    registries: Object.fromEntries(Object.entries(by).map(([repository, digest]) => [repository, { digest, mediaType }])),
  }))
}

/** `repository@digest → tag`, a line each. */
function lines(section: PlanSection, images: BuiltImage[]): string[] {
  return planMoves(section, images).map(({ image, repository, digest, tag }) => `${image}: ${repository}@${digest} → ${tag}`)
}

describe('the tags that move', () => {
  const images = built({
    worker: { 'ghcr.io/team/worker': digests.worker },
    web: { 'docker.io/team/web': digests.hub, 'ghcr.io/team/web': digests.web },
  })

  test('are those of the plan, of every image in every repository, each to what was uploaded there', () => {
    expect(lines(onMain, images)).toEqual([
      `web: ghcr.io/team/web@${digests.web} → latest`,
      `web: docker.io/team/web@${digests.hub} → latest`,
      `worker: ghcr.io/team/worker@${digests.worker} → latest`,
      `web: ghcr.io/team/web@${digests.web} → sha-aaaaaaa`,
      `web: docker.io/team/web@${digests.hub} → sha-aaaaaaa`,
      `worker: ghcr.io/team/worker@${digests.worker} → sha-aaaaaaa`,
    ])
  })

  test.each([
    ['a plan without tags', { ...onMain, tags: [] }],
    ['a plan that matched nothing', plan(config, { event: 'push', ref: 'refs/heads/fix', sha: 'a'.repeat(40) }, undefined)],
  ])('are none for %s', (_, section) => {
    expect(lines(section, images)).toEqual([])
  })

  test('move nowhere before every image is in every repository', () => {
    const { 'docker.io/team/web': _, ...registries } = images[1]?.registries ?? {}
    const partly = images.map((image) => (image.name === 'web' ? { ...image, registries } : image))
    expect(refusal(() => planMoves(onMain, partly))).toMatchObject({
      code: 'RECORD_INVALID',
      message: 'the record does not say that web was uploaded to docker.io/team/web',
    })
  })
})

describe('what a registry has', () => {
  const imageManifest = (config: string): Buffer => Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config: { digest: config } }))

  /** What is found under a digest, in a repository that has these manifests. */
  async function identity(body: Buffer | string, inner: Record<string, Buffer> = {}): Promise<string[]> {
    const repository = await fakeRegistries().repository('registry.example.org/team/web', {
      host: 'registry.example.org',
      plainHttp: false,
    })
    const found = (bytes: Buffer) => ({ descriptor: { mediaType, digest: digests.web, size: bytes.length }, body: bytes })
    return configDigests(found(Buffer.from(body)), {
      ...repository,
      manifest: async (digest) => (inner[digest] === undefined ? undefined : found(inner[digest])),
    })
  }

  test('is by a manifest the configuration that it names', async () => {
    expect(await identity(imageManifest(digests.web))).toEqual([digests.web])
  })

  test('is by an index the configuration of each platform, without attestations', async () => {
    const entries = [
      { digest: 'sha256:amd64', platform: { os: 'linux', architecture: 'amd64' } },
      { digest: 'sha256:attestation', platform: { os: 'unknown', architecture: 'unknown' } },
      { digest: 'sha256:arm64', platform: { os: 'linux', architecture: 'arm64' } },
    ]
    const inner = {
      'sha256:amd64': imageManifest(digests.web),
      'sha256:attestation': imageManifest(digests.hub),
      'sha256:arm64': imageManifest(digests.worker),
    }
    expect(await identity(JSON.stringify({ manifests: entries }), inner)).toEqual([digests.web, digests.worker])
  })

  test.each([
    ['an index that names what is not there', JSON.stringify({ manifests: [{ digest: digests.web }] }), ['unknown']],
    ['an index of nothing', JSON.stringify({ manifests: [] }), []],
    ['a manifest of another kind', JSON.stringify({ layers: [] }), []],
    ['the page of a proxy', '<html>Please log in</html>', []],
  ])('is not taken for an image: %s', async (_, body, expected) => {
    expect(await identity(body)).toEqual(expected)
  })
})
