import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { call } from '../../lab/run.ts'
import type { Command } from '../../src/core/command.ts'
import { keyTag, recordType } from '../../src/core/names.ts'
import type { Repository } from '../../src/core/ports.ts'
import { type BuiltImage, parseRelease, type Release } from '../../src/core/release.ts'
import { documentOf } from '../../src/core/record-document.ts'
import { runSteps, stepsOf } from '../../src/pipeline.ts'
import { besideOf } from '../../src/plan/beside.ts'
import { startRelease, type Trigger } from '../../src/plan/index.ts'
import { openPorts } from '../../src/ports.ts'
import { fakeLog } from '../fakes/log.ts'
import { type OwnEngine, openEngine } from './support/containerd.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'

const { name: lab, registry, vulnerabilities } = inject('lab')
const [amd64, arm64] = ['linux/amd64', 'linux/arm64']
let engine: OwnEngine
let folder: Folder
/** What the runs write of their own is no part of a build context. */
let beside: Folder
let name = ''

beforeAll(async () => {
  engine = await openEngine(lab)
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
})
beforeEach(async () => {
  ;[folder, beside] = [await openFolder(), await openFolder()]
  name = `${registry.address}/contract-platforms-${randomBytes(4).toString('hex')}`
})
afterEach(async () => {
  await folder[Symbol.asyncDispose]()
  await beside[Symbol.asyncDispose]()
})

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true })
    writeFileSync(join(folder.path, path), text)
  }
}

function open() {
  return openPorts({
    env: { ...process.env, RUNNER_TEMP: join(beside.path, 'temp') },
    log: fakeLog(),
    root: folder.path,
    evidence: join(beside.path, 'evidence'),
    who: 'ada@laptop',
    signal: new AbortController().signal,
    onSecret: () => undefined,
    github: false,
  })
}

/** A release of what lies there, from its build to its tags; and what was run for it. */
async function released(branch: string, more: Partial<Trigger> = {}): Promise<{ images: BuiltImage[]; release: Release; calls: string[] }> {
  const { close, ...ports } = open()
  const calls: string[] = []
  const noting = (command: Command): Command => (calls.push([command.file, ...command.args].join(' ')), command)
  const exec = {
    read: (command: Command) => ports.exec.read(noting(command)),
    run: (command: Command, options?: Parameters<typeof ports.exec.run>[1]) => ports.exec.run(noting(command), options),
  }
  const trigger: Trigger = { event: 'push', sha: 'a'.repeat(40), ref: `refs/heads/${branch}`, ...more }
  const planned = await startRelease('launchway.yml', trigger, ports)
  const { release, error } = await runSteps(stepsOf(undefined), planned, { ...ports, exec })
  close()
  if (error !== undefined) throw error
  return { images: release.build?.images ?? [], release, calls }
}

const Document = z.object({
  mediaType: z.string(),
  annotations: z.record(z.string(), z.string()).optional(),
  config: z.object({ digest: z.string() }).optional(),
  layers: z.array(z.object({ digest: z.string(), size: z.number() })).optional(),
  manifests: z
    .array(
      z.object({ digest: z.string(), platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }) }),
    )
    .optional(),
})

async function documentAt(repository: Repository, reference: string): Promise<z.infer<typeof Document> & { digest: string }> {
  const found = await repository.manifest(reference)
  if (found === undefined) throw new Error(`${repository.name} has no ${reference}`)
  return { ...Document.parse(JSON.parse(found.body.toString())), digest: found.descriptor.digest }
}

/** What a registry has under a tag, read back piece by piece: its index, and by platform the configuration. */
async function readBack(of: string, tag: string) {
  const { close, registry: client } = open()
  const repository = await client.repository(of, { host: registry.address, plainHttp: true })
  const index = await documentAt(repository, tag)
  const configs: Record<string, string> = {}
  for (const { digest, platform } of index.manifests ?? []) {
    const { config, layers = [] } = await documentAt(repository, digest)
    for (const layer of layers) expect(await repository.blobSize(layer.digest)).toBe(layer.size)
    const body = JSON.parse((await repository.blob(config?.digest ?? ''))?.toString() ?? '{}') as { architecture: string }
    expect(body.architecture).toBe(platform.architecture)
    configs[`${platform.os}/${platform.architecture}`] = config?.digest ?? ''
  }
  close()
  return { ...index, configs }
}

const built = (calls: readonly string[]): string[] => calls.filter((call) => /^docker (buildx bake|push|pull)/.test(call))

describe('an image of two platforms, on an engine with the containerd store', () => {
  it('is built once, uploaded as an index with all its parts, known the next time, and promoted', async () => {
    using _ = setEnv({ DOCKER_HOST: engine.host, DOCKER_CONTEXT: undefined })
    write({
      'launchway.yml': `images: { app: { platforms: [amd64, linux/arm64/v8], repositories: [${name}/app, ${name}/copy] } }\nbranches: { dev: {}, main: {} }\nsmoke: false\nscan: false\n`,
      Dockerfile:
        'FROM --platform=$BUILDPLATFORM scratch AS made\nARG TARGETARCH\nCOPY text-$TARGETARCH /text\nFROM scratch\nCOPY --from=made /text /\n',
      'text-amd64': 'for an amd64',
      'text-arm64': 'for an arm64',
    })
    const first = await released('dev')
    const [image] = first.images
    expect(image?.how).toBe('built')
    expect(Object.keys(image?.config ?? {})).toEqual([amd64, arm64])
    expect(new Set(Object.values(image?.config ?? {})).size).toBe(2)
    for (const repository of [`${name}/app`, `${name}/copy`]) {
      for (const tag of [keyTag(image?.key ?? ''), 'dev']) {
        const there = await readBack(repository, tag)
        expect(there.configs).toEqual(image?.config)
        expect({ digest: there.digest, mediaType: there.mediaType }).toEqual(image?.registries[repository])
      }
    }

    const again = await released('dev')
    expect(again.images[0]).toMatchObject({ how: 'cached', config: image?.config, registries: image?.registries })
    expect(built(again.calls)).toEqual([])

    const merged = await released('main')
    expect(merged.images[0]).toMatchObject({ how: 'promoted', config: image?.config, registries: image?.registries })
    expect(built(merged.calls)).toEqual([])
    expect((await readBack(`${name}/copy`, 'main')).configs).toEqual(image?.config)
  })

  it('stands on others of those platforms, and its index has the annotations', async () => {
    using _ = setEnv({ DOCKER_HOST: engine.host, DOCKER_CONTEXT: undefined })
    write({
      'launchway.yml': [
        'images:',
        `  base: { context: base }`,
        `  app: { platforms: [${amd64}, ${arm64}], contexts: { base: "target:base" }, annotations: { a.b: c }, repositories: [${name}/app] }`,
        'branches: { dev: {} }\nsmoke: false\nscan: false\n',
      ].join('\n'),
      'base/Dockerfile': 'FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCOPY Dockerfile /\n',
      Dockerfile: 'FROM base\nCOPY Dockerfile /own\n',
    })
    const { images } = await released('dev')
    const there = await readBack(`${name}/app`, 'dev')
    expect(there.configs).toEqual(images[0]?.config)
    expect(there).toMatchObject({ mediaType: 'application/vnd.oci.image.index.v1+json', annotations: { 'a.b': 'c' } })
    expect((await released('dev')).images[0]?.how).toBe('cached')
  })
})

describe('a base of two platforms that lies in a registry', () => {
  it('comes along whole, also the layers that no step of the build has needed', async () => {
    using _ = setEnv({ DOCKER_HOST: engine.host, DOCKER_CONTEXT: undefined })
    const configuration = (of: string): string =>
      `images: { app: { platforms: [${amd64}, ${arm64}], repositories: [${name}/${of}] } }\nbranches: { dev: {} }\nsmoke: false\nscan: false\n`
    write({
      'launchway.yml': configuration('base'),
      Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /base\n',
      amd64: name,
      arm64: `${name}!`,
    })
    const base = (await released('dev')).images[0]?.key ?? ''
    // The engine of this test alone forgets all of it.
    const env = { DOCKER_HOST: engine.host }
    await call('docker', ['image', 'rm', '--force', `${name}/base:${keyTag(base)}`], { env })
    await call('docker', ['buildx', 'prune', '--all', '--force'], { env })
    write({ 'launchway.yml': configuration('app'), Dockerfile: `FROM ${name}/base:dev\nCOPY amd64 /own\n` })
    const { images } = await released('dev')
    expect((await readBack(`${name}/app`, 'dev')).configs).toEqual(images[0]?.config)
  })
})

describe('the scan of an image of two platforms', () => {
  const python = (name: string, version: string): string => `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`
  const files = (scan: object, evidence: object = {}) => ({
    'launchway.yml': JSON.stringify({
      images: { app: { platforms: [amd64, arm64], repositories: [`${name}/app`] } },
      branches: { dev: {}, main: {} },
      smoke: false,
      scan: { databases: [vulnerabilities], reports: ['json'], ...scan },
      ...evidence,
    }),
    '.dockerignore': '*\n!amd64\n!arm64\n',
    Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /\n',
    'amd64/usr/lib/python3/site-packages/click-2.2.2.dist-info/METADATA': python('click', '2.2.2'),
    'arm64/usr/lib/python3/site-packages/httpx-0.22.0.dist-info/METADATA': python('httpx', '0.22.0'),
  })
  const warnings = { 'fail-on': [] }

  it('stops what is found in one that this machine does not run, and nothing is tagged', async () => {
    using _ = setEnv({ DOCKER_HOST: engine.host, DOCKER_CONTEXT: undefined })
    write(files({ 'fail-on': [{ severity: 'CRITICAL' }] }))
    const error = await failureOf(released('dev'))
    expect(error.code).toBe('SCAN_BLOCKED')
    expect(error.hint).toMatch(/CVE-2021-41945 .*httpx .* for linux\/arm64$/m)
    expect(error.part?.scan?.images[0]?.findings).toMatchObject([{ id: 'CVE-2021-41945', platforms: [arm64] }])
  })

  it('tells of each what was looked at, in the engine that built it and in a registry', async () => {
    {
      using _ = setEnv({ DOCKER_HOST: engine.host, DOCKER_CONTEXT: undefined })
      write(files(warnings, { evidence: { sbom: ['cyclonedx'] } }))
      const { images, release } = await released('dev')
      const [scanned] = release.scan?.images ?? []
      const { close, engine: here } = open()
      const [own, other] = ['click-2.2.2', 'httpx-0.22.0'].map((one) => `/usr/lib/python3/site-packages/${one}.dist-info`)
      const reference = `${name}/app:${keyTag(images[0]?.key ?? '')}`
      const found = await Promise.all([undefined, arm64].map((platform) => here.filesIn(reference, [own ?? '', other ?? ''], platform)))
      expect(found).toEqual([[own], [other]])
      close()
      expect(Object.entries(scanned?.platforms ?? {}).map(([platform, { config }]) => [platform, config])).toEqual(
        Object.entries(images[0]?.config ?? {}),
      )
      expect(scanned?.looked?.at).toBe('linux/amd64: 1 package; linux/arm64: 1 package')
      expect(release.scan?.reports.map(({ path }) => path.split('/').at(-1))).toEqual(['app.json', 'app.linux-arm64.json'])
    }
    const { close, ...here } = open()
    const repository = await here.registry.repository(`${name}/app`, { host: registry.address, plainHttp: true })
    const beside = async (digest: string): Promise<string[]> =>
      (await repository.referrers(digest)).map(({ artifactType }) => artifactType).toSorted()
    const { digest, manifests = [] } = await documentAt(repository, 'dev')
    expect(await beside(digest)).not.toContain('application/vnd.cyclonedx+json')
    for (const [index, library] of ['click', 'httpx'].entries()) {
      const [sbom] = await repository.referrers(manifests[index]?.digest ?? '', 'application/vnd.cyclonedx+json')
      expect(await documentOf(repository, sbom?.digest ?? '')).toContain(`"name": "${library}"`)
    }
    const [record] = await repository.referrers(digest, recordType)
    const kept = parseRelease((await documentOf(repository, record?.digest ?? '')) ?? '', 'the record')
    const shown = (await besideOf(kept, [`${name}/app`], [{ host: registry.address, plainHttp: true }], here)).flatMap(
      ({ kind, platform }) => (kind === 'SBOM (CycloneDX)' ? [platform] : []),
    )
    expect(shown).toEqual([amd64, arm64])
    // Files of this run are nobody else's.
    expect(kept.scan?.images[0]?.platforms).toEqual(
      Object.fromEntries(Object.entries(kept.build?.images[0]?.config ?? {}).map(([platform, config]) => [platform, { config }])),
    )
    close()
    // The engine of this machine has the classic store, and nothing of it.
    const taken = await released('main')
    expect(taken.images[0]?.how).toBe('promoted')
    expect(taken.release.scan?.images[0]?.findings).toMatchObject([{ id: 'CVE-2021-41945', platforms: [arm64] }])
    expect(taken.release.scan?.images[0]?.looked?.at).toBe('linux/amd64: 1 package; linux/arm64: 1 package')
  })
})

describe('an image of two platforms, on an engine with the classic store', () => {
  it('is refused before anything is built, with the way out; what the registry has is taken', async () => {
    write({
      'launchway.yml': `images: { app: { platforms: [${amd64}, ${arm64}], repositories: [${name}/app] } }\nbranches: { dev: {} }\nsmoke: false\nscan: false\n`,
      Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n',
    })
    const error = await failureOf(released('dev'))
    expect([error.code, error.message]).toEqual(['TOOL_MISSING', expect.stringContaining('app (linux/amd64, linux/arm64)')])
    expect(error.hint).toContain('containerd-snapshotter')
    {
      using _ = setEnv({ DOCKER_HOST: engine.host, DOCKER_CONTEXT: undefined })
      expect((await released('dev')).images[0]?.how).toBe('built')
    }
    expect((await released('dev')).images[0]).toMatchObject({ how: 'cached', config: { [arm64]: expect.stringMatching(/^sha256:/) } })
  })
})
