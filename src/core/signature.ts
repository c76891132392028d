import { createHash, type KeyObject, sign, verify } from 'node:crypto'
import { z } from 'zod'
import { parseJson } from './json.ts'
import type { Descriptor, Repository } from './ports.ts'

/**
 * Signatures of images by a key, as cosign has them: a document that names the digest, signed, in a manifest under a tag
 * beside the image. Every registry takes it, and every cosign checks it without being told.
 * @see https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */

const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json'
const signatureKey = 'dev.cosignproject.cosign/signature'
const says = 'cosign container image signature'
/** What cosign writes since version 3, as a referrer: a statement in an envelope. */
const bundleType = /^application\/vnd\.dev\.sigstore\.bundle\./
const predicateType = 'https://sigstore.dev/cosign/sign/v1'

/** The tag that a signature of an image has, in its repository. */
export const signatureTag = (digest: string): string => `${digest.replace(':', '-')}.sig`

const Layer = z.object({
  mediaType: z.string(),
  digest: z.string(),
  size: z.number(),
  annotations: z.record(z.string(), z.string()).optional(),
})
const Manifest = z.object({ layers: z.array(Layer) })
const Payload = z.object({ critical: z.object({ image: z.object({ 'docker-manifest-digest': z.string() }), type: z.literal(says) }) })
const Bundle = z.object({
  dsseEnvelope: z.object({ payload: z.string(), payloadType: z.string(), signatures: z.array(z.object({ sig: z.string() })) }),
})
const Statement = z.object({
  subject: z.array(z.object({ digest: z.object({ sha256: z.string() }) })),
  predicateType: z.literal(predicateType),
})

/** What was signed, and what it says of which image. */
export interface Signed {
  bytes: Buffer
  signatures: readonly Buffer[]
  /** Digests of what it is about; none where it is not about an image. */
  about: readonly string[]
}

/** Everything beside an image that claims to be a signature of it, by whomever. */
export async function signaturesOf(repository: Repository, digest: string): Promise<Signed[]> {
  const found: Signed[] = []
  for (const { mediaType, digest: payload, annotations = {} } of (await layersAt(repository, signatureTag(digest))) ?? []) {
    const signature = annotations[signatureKey]
    const bytes = mediaType === payloadType && signature !== undefined ? await repository.blob(payload) : undefined
    if (bytes === undefined || signature === undefined) continue
    const about = parseJson(bytes.toString(), Payload)?.critical.image['docker-manifest-digest']
    found.push({ bytes, signatures: [Buffer.from(signature, 'base64')], about: about === undefined ? [] : [about] })
  }
  for (const { artifactType, digest: referrer } of await repository.referrers(digest)) {
    const [layer] = bundleType.test(artifactType) ? ((await layersAt(repository, referrer)) ?? []) : []
    const body = layer === undefined ? undefined : await repository.blob(layer.digest)
    const bundle = body === undefined ? undefined : parseJson(body.toString(), Bundle)
    if (bundle !== undefined) found.push(unwrapped(bundle.dsseEnvelope))
  }
  return found
}

/** @see https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
function unwrapped({ payload, payloadType: type, signatures }: z.infer<typeof Bundle>['dsseEnvelope']): Signed {
  const body = Buffer.from(payload, 'base64')
  const statement = parseJson(body.toString(), Statement)
  return {
    bytes: Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body]),
    signatures: signatures.map(({ sig }) => Buffer.from(sig, 'base64')),
    about: (statement?.subject ?? []).map((subject) => `sha256:${subject.digest.sha256}`),
  }
}

async function layersAt(repository: Repository, reference: string): Promise<z.infer<typeof Layer>[] | undefined> {
  const manifest = await repository.manifest(reference)
  return manifest === undefined ? undefined : parseJson(manifest.body.toString(), Manifest)?.layers
}

/** Whether one of these keys has signed it. */
export function isSignedBy({ bytes, signatures }: Signed, keys: readonly KeyObject[]): boolean {
  return keys.some((key) => signatures.some((signature) => isGood(key, bytes, signature)))
}

function isGood(key: KeyObject, bytes: Buffer, signature: Buffer): boolean {
  try {
    return verify(hashFor(key), bytes, key, signature)
  } catch {
    // What is no signature of this kind of key is none.
    return false
  }
}

/** Ed25519 hashes by itself. */
function hashFor(key: KeyObject): string | undefined {
  return key.asymmetricKeyType === 'ed25519' ? undefined : 'sha256'
}

/**
 * Signs an image, beside what others have signed.
 * @param name of the repository, for those who read the signature
 * @returns the manifest under the tag of signatures
 */
export async function addSignature(subject: Descriptor, name: string, repository: Repository, key: KeyObject): Promise<Descriptor> {
  const payload = Buffer.from(
    JSON.stringify({
      critical: { identity: { 'docker-reference': name }, image: { 'docker-manifest-digest': subject.digest }, type: says },
      optional: {},
    }),
  )
  const tag = signatureTag(subject.digest)
  const others = (await layersAt(repository, tag)) ?? []
  const { digest, size } = await repository.putBlob(payload)
  const annotations = { [signatureKey]: sign(hashFor(key), payload, key).toString('base64') }
  const layers = [...others, { mediaType: payloadType, digest, size, annotations }]
  const config = await repository.putBlob(
    Buffer.from(
      JSON.stringify({ architecture: '', os: '', config: {}, rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) } }),
    ),
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: { ...config, mediaType: 'application/vnd.oci.image.config.v1+json' },
      layers,
    }),
  )
  const written = await repository.putManifest(tag, manifestType, manifest)
  return { ...written, digest: `sha256:${createHash('sha256').update(manifest).digest('hex')}` }
}
