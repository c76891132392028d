import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { anyCode } from '../core/command.ts'
import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Verification } from '../core/evidence.ts'
import type { Ports } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'
import { openRepository, reachOf } from '../core/repository.ts'
import { isSignedBy, type Signed, signaturesOf } from '../core/signature.ts'
import { reasonOf, verifyKeyless } from '../tools/cosign.ts'
import { readPublicKey } from '../tools/signing-key.ts'
import type { Wanted } from './wanted.ts'

/**
 * Holds every image to the signature that the environment asks for, by the digest that the hosts pull, before one of them
 * is asked for anything. What cannot be checked is refused as well.
 * @throws LaunchwayError SIGNATURE_REFUSED; CONFIG_INVALID for a key that is none; TOOL_MISSING
 */
export async function requireSignatures(
  { environment: { name, verify }, images }: { environment: Pick<Environment, 'name' | 'verify'>; images: Wanted['images'] },
  registries: readonly Registry[],
  ports: Ports,
): Promise<void> {
  if (verify === undefined) return
  const check = verify.kind === 'key' ? await keyCheck(verify, registries, ports) : await identityCheck(verify, registries, ports)
  // What others have built is not signed by whom the environment asks for; its digest has been fixed by the plan.
  const own = [...images.values()].filter(({ isPulled }) => isPulled !== true)
  for (const reference of new Set(own.map((image) => image.reference))) {
    const why = await check(reference)
    if (why !== undefined) {
      throw new LaunchwayError('SIGNATURE_REFUSED', `${reference} is not deployed to ${name}: ${why}`, {
        hint: whatNext(verify, reference),
      })
    }
    ports.log.info(`${reference}: signed by ${verify.kind === 'key' ? 'the key that' : 'who'} ${name} asks for`)
  }
}

/** Why a reference is not signed as it should be; undefined where it is. */
type Check = (reference: string) => Promise<string | undefined>

/**
 * That the keys are there is known before anything is built.
 * @throws LaunchwayError CONFIG_INVALID
 */
export async function requireKeys({ verify }: Pick<Environment, 'verify'>, ports: Ports): Promise<void> {
  if (verify?.kind === 'key') await Promise.all(verify.keys.map((path) => publicKey(path, ports)))
}

async function keyCheck(
  { keys: paths }: Extract<Verification, { kind: 'key' }>,
  registries: readonly Registry[],
  ports: Ports,
): Promise<Check> {
  const keys = await Promise.all(paths.map((path) => publicKey(path, ports)))
  return async (reference) => {
    const { repository, digest } = taken(reference)
    const found = await signaturesOf(await openRepository(repository, registries, ports), digest)
    return verdict(found, keys, digest, paths)
  }
}

/** @param digest that must have been signed */
export function verdict(
  found: readonly Signed[],
  keys: readonly KeyObject[],
  digest: string,
  paths: readonly string[],
): string | undefined {
  const ours = found.filter((one) => isSignedBy(one, keys))
  if (ours.some(({ about }) => about.includes(digest))) return undefined
  if (found.length === 0) return 'it is not signed'
  const [other] = ours.flatMap(({ about }) => about)
  if (ours.length > 0) return `the signature beside it was made for ${other === undefined ? 'no image' : `another image, ${other}`}`
  const [count, key] = [found.length === 1 ? 'its signature is' : `none of its ${found.length} signatures is`, paths.join(' or ')]
  return found.length === 1 ? `${count} not one by ${key}` : `${count} one by ${key}`
}

async function publicKey(path: string, ports: Ports): Promise<KeyObject> {
  const text = (await ports.files.read(join(ports.root, path)))?.toString()
  const key = text === undefined ? undefined : readPublicKey(text)
  if (key !== undefined) return key
  const wrong = text === undefined ? 'is not there' : 'is no public key in PEM (ECDSA, RSA from 2048 bits on, or Ed25519)'
  throw new LaunchwayError('CONFIG_INVALID', `${path}, the key that signatures are checked with, ${wrong}`, {
    hint: 'The environment names it with verify.key, from the root of the repository. cosign generate-key-pair writes it as cosign.pub; check it out in this job too.',
    ...(text === undefined ? {} : { place: { file: path } }),
  })
}

async function identityCheck(
  { identity, issuer }: Extract<Verification, { kind: 'keyless' }>,
  registries: readonly Registry[],
  ports: Ports,
): Promise<Check> {
  const file = await ports.tools.cosign()
  return async (reference) => {
    const of = { file, ...(await reachOf(taken(reference).repository, registries, ports)) }
    const { code, stderr } = await ports.exec.run(verifyKeyless(of, reference, { identity, issuer }), {
      signal: ports.signal,
      accept: anyCode,
    })
    return code === 0 ? undefined : `cosign does not find it signed by ${identity}: ${ports.redact(reasonOf(stderr))}`
  }
}

/** `name@sha256:…`, as the deploy itself puts it together. */
function taken(reference: string): { repository: string; digest: string } {
  const at = reference.lastIndexOf('@')
  return { repository: reference.slice(0, at), digest: reference.slice(at + 1) }
}

function whatNext(verify: Verification, reference: string): string {
  const look =
    verify.kind === 'key'
      ? `cosign verify --key ${verify.keys[0] ?? ''} --insecure-ignore-tlog ${reference}`
      : `cosign verify --certificate-identity … --certificate-oidc-issuer ${verify.issuer} ${reference}`
  const sign = verify.kind === 'key' ? 'evidence: { sign: { key: COSIGN_PRIVATE_KEY } }' : 'evidence: { sign: keyless }'
  return `Nothing was changed on any host. If launchway builds this image, have it signed (${sign}) and run the release again: an image that is there already is signed then too.\nIf it was signed before, find out who has pushed it since. To see for yourself:\n  ${look}`
}
