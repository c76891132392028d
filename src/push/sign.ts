import { createPublicKey, type KeyObject } from 'node:crypto'
import { LaunchwayError } from '../core/error.ts'
import type { Signing } from '../core/evidence.ts'
import type { Descriptor, Ports, Repository } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'
import { addSignature, isSignedBy, signaturesOf } from '../core/signature.ts'
import { readPrivateKey } from '../tools/signing-key.ts'
import { keylessSigner, requireIdentity } from './keyless.ts'

/** Signs an image, unless it is signed by the same already. The digest is that of the signature, where it is known. */
export type Signer = (subject: Descriptor, name: string, repository: Repository) => Promise<{ digest?: string; added: boolean }>

/** @throws LaunchwayError SECRET_MISSING, SIGNING_FAILED, TOOL_MISSING */
export async function openSigner(signing: Signing, registries: readonly Registry[], ports: Ports): Promise<Signer> {
  return signing.kind === 'keyless' ? keylessSigner(registries, ports) : keySigner(signing, ports)
}

/**
 * What would keep a run from signing is told before it builds.
 * @throws LaunchwayError SECRET_MISSING, SIGNING_FAILED
 */
export async function requireSigner(signing: Signing, ports: Ports): Promise<void> {
  if (signing.kind === 'keyless') requireIdentity(ports)
  else await privateKey(signing, ports)
}

async function keySigner(signing: KeySigning, ports: Ports): Promise<Signer> {
  const key = await privateKey(signing, ports)
  const its = createPublicKey(key)
  return async (subject, repository, opened) => {
    const before = await signaturesOf(opened, subject.digest)
    if (before.some((one) => one.about.includes(subject.digest) && isSignedBy(one, [its]))) return { added: false }
    const { digest } = await addSignature(subject, repository, opened, key)
    return { digest, added: true }
  }
}

type KeySigning = Extract<Signing, { kind: 'key' }>

async function privateKey({ key: name, password }: KeySigning, ports: Ports): Promise<KeyObject> {
  const pem = ports.secret(name)
  if (pem === undefined) {
    throw new LaunchwayError('SECRET_MISSING', `${name}, the key that the images are signed with, was not given`, {
      hint: `evidence.sign in launchway.yml names it. In a workflow, in the step:\n  env:\n    ${name}: \${{ secrets.${name} }}\nA pair of keys: cosign generate-key-pair`,
    })
  }
  const key = await readPrivateKey(pem.reveal(), ports.secret(password)?.reveal() ?? '')
  if (typeof key === 'string') {
    throw new LaunchwayError('SIGNING_FAILED', `the key in ${name} cannot be used: ${key}`, {
      hint: `The whole file belongs into the secret, from -----BEGIN to -----END; its password into ${password}.`,
    })
  }
  return key
}
