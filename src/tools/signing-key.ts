import { createPrivateKey, createPublicKey, type KeyObject, scrypt } from 'node:crypto'
import { z } from 'zod'
import { parseJson } from '../core/json.ts'

/** Private keys for signatures: what `cosign generate-key-pair` has made, and what OpenSSL makes. */

/** How cosign locks a key away: a key by scrypt, and NaCl's secretbox. */
const Locked = z.object({
  kdf: z.object({
    name: z.literal('scrypt'),
    params: z.object({ N: z.int().max(2 ** 20), r: z.int().max(32), p: z.int().max(16) }),
    salt: z.base64(),
  }),
  cipher: z.object({ name: z.literal('nacl/secretbox'), nonce: z.base64() }),
  ciphertext: z.base64(),
})

const cosignBlock = /-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----([^-]+)-----END/

/** Why a key cannot be used, in words that end a sentence. */
export type Unusable = string

/** @param password of the key; empty for none. @returns the key, or why it is none */
export async function readPrivateKey(pem: string, password: string): Promise<KeyObject | Unusable> {
  // A secret that was pasted as one line, with \n for its line ends.
  const text = pem.includes('\n') ? pem : pem.replaceAll(String.raw`\n`, '\n')
  const [, locked] = cosignBlock.exec(text) ?? []
  try {
    const key = locked === undefined ? createPrivateKey({ key: text, format: 'pem', passphrase: password }) : await unlock(locked, password)
    return typeof key === 'string' ? key : usable(key)
  } catch (error) {
    // OpenSSL's words tell no secret, and no reader what to do.
    const isLocked = /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text)
    if (isLocked) return 'its password is wrong or missing'
    return error instanceof Error && text.includes('-----BEGIN') ? 'it is damaged, or no private key' : 'it is no key in PEM'
  }
}

async function unlock(body: string, password: string): Promise<KeyObject | Unusable> {
  const found = parseJson(Buffer.from(body, 'base64').toString(), Locked)
  if (found === undefined) return 'it is damaged, or of a cosign that is not known'
  const { params, salt } = found.kdf
  const derived = await new Promise<Buffer>((resolve, reject) => {
    const options = { ...params, maxmem: 256 * params.N * params.r }
    scrypt(password, Buffer.from(salt, 'base64'), 32, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js')
  try {
    const opened = xsalsa20poly1305(derived, Buffer.from(found.cipher.nonce, 'base64')).decrypt(Buffer.from(found.ciphertext, 'base64'))
    return createPrivateKey({ key: Buffer.from(opened), format: 'der', type: 'pkcs8' })
  } catch {
    return 'its password is wrong or missing'
  }
}

/** A public key in PEM; undefined for what is none. A private key is none. */
export function readPublicKey(pem: string): KeyObject | undefined {
  if (!pem.includes('-----BEGIN PUBLIC KEY-----')) return undefined
  try {
    const key = createPublicKey({ key: pem, format: 'pem' })
    return typeof usable(key) === 'string' ? undefined : key
  } catch {
    return undefined
  }
}

/** What cosign checks as well. */
function usable(key: KeyObject): KeyObject | Unusable {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  const isGood =
    type === 'ed25519' ||
    (type === 'ec' && details?.namedCurve !== 'secp256k1') ||
    (type === 'rsa' && (details?.modulusLength ?? 0) >= 2048)
  return isGood ? key : `it is of the kind ${type ?? 'unknown'}, which cosign does not check: take ECDSA, RSA from 2048 bits on, or Ed25519`
}
