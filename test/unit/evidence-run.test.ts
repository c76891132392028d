import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import type { EvidencePlan, Verification } from '../../src/core/evidence.ts'
import type { Ports } from '../../src/core/ports.ts'
import { onlyLayer } from '../../src/core/record-document.ts'
import type { BuiltImage, PlannedImage, Release } from '../../src/core/release.ts'
import { deploy } from '../../src/deploy/index.ts'
import { type Step, runSteps } from '../../src/pipeline.ts'
import { attachEvidence } from '../../src/push/index.ts'
import { type Answer, fakeExec } from '../fakes/exec.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { record, environment, service } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const repository = 'registry.example.org/addie'
const token = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://token.example.org' }
const workflow = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_WORKFLOW_REF: 'team/app/.github/workflows/r.yml@refs/heads/main' }

/** An image in a registry of this test alone, and a release of it. */
async function opened(
  evidence: EvidencePlan,
  env: Record<string, string> = {},
  cosign: Record<string, Answer> = {},
): Promise<{
  ports: Ports
  release: Release
  reference: string
  calls: readonly { args: readonly string[] }[]
  warnings: string[]
  root: string
}> {
  const root = temporaryFolder()
  const { ports, warnings } = localPorts(root, env)
  const registry = fakeRegistries()
  const opened = await registry.repository(repository, { host: 'registry.example.org', plainHttp: false })
  const config = await opened.putBlob(Buffer.from('{}'))
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const { digest } = await opened.putManifest(
    'main',
    mediaType,
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] })),
  )
  const exec = fakeExec(cosign)
  const of = record()
  const image = { name: 'app', key: '0'.repeat(32), how: 'built' as const, config: {}, size: 1, layers: 1, ms: 1 }
  return {
    root,
    warnings,
    calls: exec.calls,
    reference: `${repository}@${digest}`,
    ports: { ...ports, exec, registry, tools: { ...ports.tools, cosign: async () => 'cosign' } },
    release: {
      ...of,
      plan: {
        ...of.plan,
        images: [{ name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: [repository] }],
        evidence,
      },
      build: { builder: 'default (docker)', images: [{ ...image, registries: { [repository]: { digest, mediaType } } }] },
    },
  }
}

const keyless: EvidencePlan = { sbom: [], provenance: false, sign: { kind: 'keyless' } }

describe('signing as the workflow', () => {
  it('asks cosign, once a digest', async () => {
    const { ports, release, calls, reference } = await opened(
      keyless,
      { ...token, ...workflow },
      { 'cosign verify': { code: 10 }, 'cosign sign': {} },
    )
    expect((await attachEvidence(release, ports))?.items).toEqual([
      { image: 'app', repository, subject: reference.split('@')[1], kind: 'signature', added: true },
    ])
    expect(calls.map(({ args }) => args.join(' '))).toEqual([
      `verify --certificate-identity https://github.com/${workflow.GITHUB_WORKFLOW_REF} --certificate-oidc-issuer https://token.actions.githubusercontent.com ${reference}`,
      `sign --yes ${reference}`,
    ])
  })

  it('enters nothing a second time in the public log', async () => {
    const { ports, release, calls } = await opened(keyless, { ...token, ...workflow }, { 'cosign verify': {} })
    expect((await attachEvidence(release, ports))?.items.map(({ added }) => added)).toEqual([false])
    expect(calls).toHaveLength(1)
  })

  it('fails the release where cosign cannot, in its words', async () => {
    const stderr = 'WARNING: x\nError: getting signer: fetching Fulcio certificate: 503\nerror during command execution: getting signer\n'
    const { ports, release, reference } = await opened(keyless, token, { 'cosign sign': { code: 1, stderr } })
    await expect(attachEvidence(release, ports)).rejects.toMatchObject({
      code: 'SIGNING_FAILED',
      message: `${reference} could not be signed: getting signer: fetching Fulcio certificate: 503`,
    })
  })

  it('opens no browser where the run has no identity: it says what to permit', async () => {
    const { ports, release, calls } = await opened(keyless, workflow)
    await expect(attachEvidence(release, ports)).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      hint: expect.stringContaining('id-token: write'),
    })
    expect(calls).toEqual([])
  })
})

const algorithms = z.enum(['sha256', 'sha512', 'gitCommit'])
const digests = z.partialRecord(algorithms, z.string().regex(/^[0-9a-f]{40,}$/))
/** @see https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md */
const Resource = z
  .strictObject({ name: z.string().optional(), uri: z.url().optional(), digest: digests.optional() })
  .refine(({ uri, digest }) => uri !== undefined || digest !== undefined)
/** As SLSA v1 has it, with no field that it does not know. @see https://slsa.dev/spec/v1.0/provenance#schema */
const Statement = z.strictObject({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.array(z.strictObject({ name: z.string(), digest: digests })).length(1),
  predicateType: z.literal('https://slsa.dev/provenance/v1'),
  predicate: z.strictObject({
    buildDefinition: z.strictObject({
      buildType: z.url(),
      externalParameters: z.record(z.string(), z.unknown()),
      internalParameters: z.record(z.string(), z.unknown()),
      resolvedDependencies: z.array(Resource),
    }),
    runDetails: z.strictObject({
      builder: z.strictObject({ id: z.url(), version: z.record(z.string(), z.string()) }),
      metadata: z.strictObject({ invocationId: z.string(), startedOn: z.iso.datetime() }),
    }),
  }),
})
type Resource = z.infer<typeof Resource>

describe('provenance', () => {
  const alone: EvidencePlan = { sbom: [], provenance: true }

  it('is attached once, also where the engine that built the image is out of reach', async () => {
    const { ports, release, root, warnings } = await opened(alone)
    writeFileSync(join(root, 'Dockerfile'), 'FROM debian:trixie\n')
    expect((await attachEvidence(release, ports))?.items.map(({ kind, added }) => [kind, added])).toEqual([['provenance', true]])
    expect((await attachEvidence(release, ports))?.items.map(({ added }) => added)).toEqual([false])
    expect(warnings).toEqual([])
  })

  const digestOf = (digit: string): string => `sha256:${digit.repeat(64)}`
  /** The images among the dependencies of what is built FROM base. */
  async function basesIn(planned: Partial<PlannedImage>, built: Partial<BuiltImage> = {}): Promise<Resource[]> {
    const { ports, release, root, reference } = await opened(alone)
    writeFileSync(join(root, 'Dockerfile'), 'FROM base\n')
    const images = release.plan.images.map((image) => ({ ...image, ...planned }))
    const build = { builder: 'b', images: release.build?.images.map((image) => ({ ...image, ...built })) ?? [] }
    const section = await attachEvidence({ ...release, build, plan: { ...release.plan, images } }, ports)
    const opener = await ports.registry.repository(reference.split('@')[0] ?? '', { host: 'registry.example.org', plainHttp: false })
    const text = await onlyLayer(opener, section?.items[0]?.digest ?? '')
    const statement = Statement.parse(JSON.parse(text?.toString() ?? ''))
    const [source, ...others] = statement.predicate.buildDefinition.resolvedDependencies
    expect(source?.digest).toEqual({ gitCommit: release.plan.sha })
    return others
  }

  const pinned = `docker-image://registry.example.org/python@sha256:${'1'.repeat(64)}`
  it.each<[string, Record<string, string>, string | undefined]>([
    ['the image that the Dockerfile names', {}, 'docker-image://base'],
    ['the image behind a named context', { base: pinned }, pinned],
    ['nothing, where a named context is another image of the build', { base: 'target:below' }, undefined],
    ['nothing, where it is a folder', { base: 'below' }, undefined],
  ])('names as the base %s', async (_, contexts, expected) => {
    const [base, ...more] = await basesIn({ contexts })
    expect(base?.uri).toBe(expected)
    expect(more).toEqual([])
  })

  it.each<[string, Record<string, string>, Resource[]]>([
    [
      'each image that the build was held to, with its digest',
      { base: digestOf('1'), 'ghcr.io/astral-sh/uv:0.9': digestOf('2') },
      [
        { uri: 'docker-image://base', digest: { sha256: '1'.repeat(64) } },
        { uri: 'docker-image://ghcr.io/astral-sh/uv:0.9', digest: { sha256: '2'.repeat(64) } },
      ],
    ],
    [
      'a base beside those that it was not held to',
      { 'python:3': digestOf('1') },
      [{ uri: 'docker-image://python:3', digest: { sha256: '1'.repeat(64) } }, { uri: 'docker-image://base' }],
    ],
  ])('names %s', async (_, bases, expected) => {
    expect(await basesIn({}, { bases })).toEqual(expected)
  })

  it.each(['cached', 'promoted'] as const)('is not written by a run that has not built the image: %s', async (how) => {
    const { ports, release } = await opened(alone)
    const images = release.build?.images.map((one) => ({ ...one, how })) ?? []
    expect((await attachEvidence({ ...release, build: { builder: 'none', images } }, ports))?.items).toEqual([])
  })

  it('that a registry does not take is a warning, and the release goes on', async () => {
    const { ports, release, warnings } = await opened(alone)
    const refusing: Ports['registry'] = {
      ...ports.registry,
      repository: async (...of) => ({
        ...(await ports.registry.repository(...of)),
        attach: () => Promise.reject(new Error('405 UNSUPPORTED')),
      }),
    }
    expect((await attachEvidence(release, { ...ports, registry: refusing }))?.items).toEqual([])
    expect(warnings).toEqual([`${repository}: not all that tells of app could be attached: 405 UNSUPPORTED`])
  })

  it('is not asked of anybody where evidence: false', async () => {
    const { ports, release } = await opened(alone)
    const { evidence: _, ...plan } = release.plan
    expect(await attachEvidence({ ...release, plan }, { ...ports, registry: localPorts('/nowhere').ports.registry })).toBeUndefined()
  })
})

describe('an environment that asks for a signature', () => {
  const verify: Verification = { kind: 'key', keys: ['cosign.pub'] }
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const to = (release: Release): Release => ({ ...release, plan: { ...release.plan, environment: environment([service()], { verify }) } })

  it('refuses an image without it before a host is asked for anything', async () => {
    const { ports, release, reference, root } = await opened(keyless)
    writeFileSync(join(root, 'cosign.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
    // A host that is reached would fail this test otherwise.
    await expect(deploy(to(release), ports)).rejects.toMatchObject({
      code: 'SIGNATURE_REFUSED',
      message: `${reference} is not deployed to production: it is not signed`,
    })
  })

  it('by identity believes cosign alone', async () => {
    const asked: Verification = {
      kind: 'keyless',
      identity: 'https://github.com/team/*',
      issuer: 'https://token.actions.githubusercontent.com',
    }
    const { ports, release } = await opened(keyless, {}, { 'cosign verify': { code: 12, stderr: 'Error: no matching signatures\n' } })
    const plan = { ...release.plan, environment: environment([service()], { verify: asked }) }
    await expect(deploy({ ...release, plan }, ports)).rejects.toMatchObject({
      code: 'SIGNATURE_REFUSED',
      message: expect.stringContaining('cosign does not find it signed by https://github.com/team/*: no matching signatures'),
    })
  })

  test.each([
    ['the key to check with is not there', undefined, 'cosign.pub, the key that signatures are checked with, is not there'],
    ['the key to check with is none', 'ssh-ed25519 AAAA', 'is no public key in PEM'],
  ])('is told before anything is built that %s', async (_, text, message) => {
    const { ports, release, root } = await opened(keyless)
    if (text !== undefined) writeFileSync(join(root, 'cosign.pub'), text)
    const steps: Step[] = ['build', 'deploy'].map((name) => ({
      name,
      stage: name === 'build' ? 'build' : 'deploy',
      needs: [],
      run: () => Promise.reject(new Error('it was started')),
    }))
    const { error } = await runSteps(steps, to(release), ports)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) })
  })

  it('is told before anything is built that there is nothing to sign with', async () => {
    const sign = { kind: 'key', key: 'COSIGN_PRIVATE_KEY', password: 'COSIGN_PASSWORD' } as const
    const { ports, release } = await opened({ sbom: [], provenance: false, sign })
    const step: Step = { name: 'evidence', stage: 'push', needs: [], run: () => Promise.reject(new Error('it was started')) }
    const { error, release: ended } = await runSteps([step], release, ports)
    expect(error).toMatchObject({ code: 'SECRET_MISSING', message: expect.stringContaining('COSIGN_PRIVATE_KEY') })
    expect(ended.outcome.stage).toBe('evidence')
  })
})
