import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { tools } from '../../lab/paths.ts'
import { call } from '../../lab/run.ts'
import type { SizeLimits, Verification } from '../../src/core/evidence.ts'
import { keyTag } from '../../src/core/names.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { Release } from '../../src/core/release.ts'
import { openRepository } from '../../src/core/repository.ts'
import { requireSignatures } from '../../src/deploy/verify.ts'
import { besideOf } from '../../src/plan/beside.ts'
import { findRecord } from '../../src/plan/index.ts'
import { attachEvidence, keepRecord, markCurrent, upload } from '../../src/push/index.ts'
import { scan } from '../../src/scan/index.ts'
import { watchSize } from '../../src/size/index.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'
import { type BuiltHere, buildHere, imageWith, openEach, toScan } from './support/scanned.ts'

/** What lies beside an image: on a real registry that knows no referrers, with the real Trivy and the real cosign. */

const cosign = join(tools, 'cosign')

let kept: Folder
let image: BuiltHere
let other: BuiltHere
/** Made by OpenSSL, without a password. */
const pair = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const { here, openHere, write } = openEach(() => kept.path)

beforeAll(async () => {
  kept = await openFolder()
  image = await imageWith(['httpx', '0.22.0'])
  other = await imageWith(['httpx', '0.23.0'])
  return () => kept[Symbol.asyncDispose]()
})

async function uploaded(of: BuiltHere, ports: Ports, evidence: NonNullable<Release['plan']['evidence']>): Promise<Release> {
  const release = toScan(of, { rules: [] })
  const planned: Release = { ...release, plan: { ...release.plan, source: 'https://github.com/team/app', evidence } }
  return { ...planned, build: { builder: 'default (docker)', images: await upload(planned, ports) } }
}

/** A release that has passed its gates, with all that comes of its scan. */
async function passed(of: BuiltHere, ports: Ports): Promise<Release> {
  const release = await uploaded(of, ports, { sbom: ['spdx', 'cyclonedx'], provenance: true })
  return { ...release, scan: await scan(release, ports) }
}

/** One that is signed, and nothing else: that takes no scan. */
function toSign(of: BuiltHere, ports: Ports): Promise<Release> {
  const sign = { kind: 'key', key: 'COSIGN_PRIVATE_KEY', password: 'COSIGN_PASSWORD' } as const
  return uploaded(of, ports, { sbom: [], provenance: false, sign })
}

function referenceOf({ build }: Release, { repository }: BuiltHere): string {
  return `${repository}@${build?.images[0]?.registries[repository]?.digest}`
}

/** The deploy's own check. */
async function check(of: BuiltHere, release: Release, ports: Ports, verify: Verification): Promise<void> {
  const images = new Map([['app', { reference: referenceOf(release, of), bytes: 0, platforms: [] }]])
  await requireSignatures({ environment: { name: 'production', verify }, images }, release.plan.registries, ports)
}

const Document = z.looseObject({})
async function documentAt(digest: string, release: Release, ports: Ports): Promise<Record<string, unknown>> {
  const repository = await openRepository(image.repository, release.plan.registries, ports)
  const manifest = await repository.manifest(digest)
  const { layers } = z.object({ layers: z.array(z.object({ digest: z.string() })) }).parse(JSON.parse(manifest?.body.toString() ?? ''))
  return Document.parse(JSON.parse((await repository.blob(layers[0]?.digest ?? ''))?.toString() ?? ''))
}

describe('beside an image', () => {
  it('lie its SBOMs and where it comes from, once a digest, and nothing in them that was found by the scan', async () => {
    const { ports } = here()
    write('Dockerfile', 'FROM scratch\n')
    const release = await passed(image, ports)
    const first = await attachEvidence(release, ports)
    expect(first?.items.map(({ kind, added }) => [kind, added])).toEqual([
      ['spdx', true],
      ['cyclonedx', true],
      ['provenance', true],
    ])
    const [spdx, cyclonedx, provenance] = await Promise.all(
      (first?.items ?? []).map(async ({ digest }) => documentAt(digest ?? '', release, ports)),
    )
    expect(spdx).toMatchObject({ spdxVersion: expect.stringMatching(/^SPDX-2/) })
    expect(JSON.stringify(spdx)).toContain('httpx')
    expect(cyclonedx).toMatchObject({
      bomFormat: 'CycloneDX',
      components: expect.arrayContaining([expect.objectContaining({ name: 'httpx' })]),
    })
    expect(JSON.stringify(cyclonedx)).not.toContain('CVE-')
    const digest = release.build?.images[0]?.registries[image.repository]?.digest ?? ''
    expect(provenance).toMatchObject({
      subject: [{ name: image.repository, digest: { sha256: digest.slice('sha256:'.length) } }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          internalParameters: { contentKey: image.key },
          resolvedDependencies: [{ uri: 'git+https://github.com/team/app', digest: { gitCommit: release.plan.sha } }],
        },
      },
    })
    await keepRecord(release, ports)
    write('launchway.yml', `app: app\nimage: ${image.repository}\nbranches: { main: {} }\n`)
    const { record, beside } = await findRecord('launchway.yml', digest, undefined, ports)
    expect(record.id).toBe(release.id)
    // Neither files of this machine nor names of secrets are anybody else's.
    expect([record.scan?.images[0]?.seen, record.plan.evidence]).toEqual([undefined, undefined])
    expect(beside.map(({ kind, digest: of, subject }) => [kind, of.length, subject])).toEqual([
      ['SBOM (SPDX)', 71, digest],
      ['SBOM (CycloneDX)', 71, digest],
      ['provenance (SLSA)', 71, digest],
      ['release record', 71, digest],
    ])
    const again = await attachEvidence({ ...release, id: '20261121-111500-4f2a9c1' }, ports)
    expect(again?.items.map(({ kind, digest: of, added }) => [kind, of, added])).toEqual(
      first?.items.map(({ kind, digest: of }) => [kind, of, false]),
    )
    expect(here().log.said('warning')).toEqual([])
  })

  it('gives no SBOM of a list that was changed since the scan', async () => {
    const { ports } = here()
    const release = await passed(other, ports)
    writeFileSync(join(ports.evidence, release.scan?.images[0]?.seen?.path ?? ''), '{}')
    expect(await failureOf(attachEvidence(release, ports))).toMatchObject({ code: 'DIGEST_MISMATCH' })
  })
})

describe('a signature', () => {
  it('is made once, and is what the deploy asks for; unsigned, signed by another, or of another image is refused', async () => {
    write('cosign.pub', pair.publicKey)
    const stranger = generateKeyPairSync('ed25519', {
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    write('stranger.pub', stranger.publicKey)
    const ports = openHere({ COSIGN_PRIVATE_KEY: pair.privateKey })
    const ours: Verification = { kind: 'key', keys: ['cosign.pub'] }
    const release = await toSign(image, ports)
    const unsigned = await failureOf(check(image, release, ports, ours))
    expect(unsigned).toMatchObject({
      code: 'SIGNATURE_REFUSED',
      message: `${referenceOf(release, image)} is not deployed to production: it is not signed`,
      hint: expect.stringContaining('Nothing was changed on any host'),
    })
    const signatures = async (): Promise<unknown[]> =>
      ((await attachEvidence(release, ports))?.items ?? []).filter(({ kind }) => kind === 'signature').map(({ added }) => added)
    expect(await signatures()).toEqual([true])
    expect(await signatures()).toEqual([false])
    const beside = await besideOf(release, [image.repository], release.plan.registries, ports)
    expect(beside).toContainEqual(expect.objectContaining({ image: 'app', kind: 'signature', digest: expect.stringMatching(/^sha256:/) }))
    await check(image, release, ports, ours)
    await check(image, release, ports, { kind: 'key', keys: ['stranger.pub', 'cosign.pub'] })
    expect(await failureOf(check(image, release, ports, { kind: 'key', keys: ['stranger.pub'] }))).toMatchObject({
      code: 'SIGNATURE_REFUSED',
      message: expect.stringContaining('its signature is not one by stranger.pub'),
    })
    // Somebody has put another image there, with the signature of the good one beside it.
    const forged = await uploaded(other, ports, { sbom: [], provenance: false })
    const repository = await openRepository(image.repository, release.plan.registries, ports)
    const tagOf = (one: Release): string => `${referenceOf(one, image).split('@')[1]?.replace(':', '-')}.sig`
    const good = await repository.manifest(tagOf(release))
    await repository.putManifest(tagOf(forged), good?.descriptor.mediaType ?? '', good?.body ?? Buffer.from(''))
    expect(await failureOf(check(other, forged, ports, ours))).toMatchObject({
      code: 'SIGNATURE_REFUSED',
      message: expect.stringContaining(`the signature beside it was made for another image, ${referenceOf(release, image).split('@')[1]}`),
    })
  })

  it('is taken by cosign itself, made with a key that cosign has locked; and one that cosign has made is taken by the deploy', async ({
    skip,
  }) => {
    skip(!existsSync(cosign), 'cosign is not here, and takes 5 minutes to build: node lab/setup.ts --cosign')
    using _config = setEnv({ DOCKER_CONFIG: join(here().root, 'docker') })
    const keys = join(here().root, 'keys')
    mkdirSync(keys)
    using _password = setEnv({ COSIGN_PASSWORD: 'correct horse' })
    await call(cosign, ['generate-key-pair'], { cwd: keys })
    const ports = openHere({ COSIGN_PRIVATE_KEY: readFileSync(join(keys, 'cosign.key'), 'utf8'), COSIGN_PASSWORD: 'correct horse' })
    const release = await toSign(image, ports)
    await attachEvidence(release, ports)
    const verify = ['verify', '--key', join(keys, 'cosign.pub'), '--insecure-ignore-tlog']
    const { stdout } = await call(cosign, [...verify, referenceOf(release, image)])
    expect(stdout).toContain(referenceOf(release, image).split('@')[1])
    const second = await uploaded(other, ports, { sbom: [], provenance: false })
    await expect(call(cosign, [...verify, referenceOf(second, other)])).rejects.toThrow('ended with exit code')
    // As cosign signs today: a statement in an envelope, as a referrer.
    await call(cosign, [
      'sign',
      '--yes',
      '--key',
      join(keys, 'cosign.key'),
      '--use-signing-config=false',
      '--tlog-upload=false',
      referenceOf(second, other),
    ])
    await check(other, second, ports, { kind: 'key', keys: ['keys/cosign.pub'] })
    // Nobody has signed as anybody: cosign says so, and the deploy believes it.
    const asked: Verification = {
      kind: 'keyless',
      identity: 'https://github.com/team/*',
      issuer: 'https://token.actions.githubusercontent.com',
    }
    expect(await failureOf(check(other, second, ports, asked))).toMatchObject({
      code: 'SIGNATURE_REFUSED',
      message: expect.stringContaining('cosign does not find it signed by https://github.com/team/*'),
    })
  })

  it.each([
    ['is not there', {}, 'SECRET_MISSING', 'COSIGN_PRIVATE_KEY, the key that the images are signed with, was not given'],
    ['is none', { COSIGN_PRIVATE_KEY: 'secret' }, 'SIGNING_FAILED', 'the key in COSIGN_PRIVATE_KEY cannot be used: it is no key in PEM'],
  ])('holds the release where its key %s', async (_, env, code, message) => {
    const ports = openHere(env)
    const release = toScan(image)
    const evidence = { sbom: [], provenance: false, sign: { kind: 'key', key: 'COSIGN_PRIVATE_KEY', password: 'COSIGN_PASSWORD' } as const }
    expect(await failureOf(attachEvidence({ ...release, plan: { ...release.plan, evidence } }, ports))).toMatchObject({ code, message })
  })
})

describe('the size of an image', () => {
  /** As the build leaves it, in the plan's words. */
  async function sized(megabytes: number, limits: SizeLimits, ports: Ports): Promise<Release> {
    const built = await buildHere('FROM scratch\nCOPY small /small\nCOPY . /srv\n', { small: 'x', data: Buffer.alloc(megabytes * 1e6) })
    const release = toScan(built)
    const engine = await ports.engine.image(`${built.repository}:${keyTag(built.key)}`)
    const images = (release.build?.images ?? []).map((one) => ({ ...one, size: engine?.size ?? 0 }))
    const planned = release.plan.images.map((one) => ({ ...one, size: limits }))
    return { ...release, plan: { ...release.plan, images: planned, against: 'size' }, build: { builder: 'test', images } }
  }

  it('is told by layer and instruction, and beside what the environment runs it may not grow above its limit', async () => {
    const { ports, log } = here()
    const first = await sized(2, {}, ports)
    const before = await watchSize(first, ports)
    const size = first.build?.images[0]?.size ?? 0
    const layers = [
      { by: 'COPY small /small', size: 1 },
      { by: 'COPY . /srv', size: size - 1 },
    ]
    expect(before.images[0]).toMatchObject({ size, layers, exceeds: [] })
    const uploaded: Release = { ...first, size: before, build: { builder: 'test', images: await upload(first, ports) } }
    await keepRecord(uploaded, ports)
    await markCurrent({ ...uploaded, deploy: { environment: 'size', hosts: [], ms: 1 } }, ports)
    expect(await watchSize(first, ports)).toMatchObject({ verdict: 'passed' })
    expect(log.said('line').join('\n')).toContain('app: 2.0 MB, as large as main in size')
    const error = await failureOf(watchSize(await sized(5, { fail: { growth: 1e6 } }, ports), ports))
    expect(error).toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: 'app has grown by 3.0 MB beside main in size, more than the 1.0 MB of size.fail',
      hint: expect.stringContaining('More than in main in size, which has 2.0 MB:\n   3.0 MB  COPY . /srv'),
      part: { size: { verdict: 'failed' } },
    })
  })
})
