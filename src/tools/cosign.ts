import { type Command, command, option } from '../core/command.ts'

/**
 * cosign, for signatures by identity: a certificate of a few minutes from Fulcio, for who a token says runs this, and an
 * entry in Rekor's public log. It is asked to do that, since it is what others trust to check it.
 * @see https://docs.sigstore.dev/cosign/signing/overview/
 */

export interface Cosign {
  file: string
  /** A folder with the logins, where there are any. */
  config?: string
  /** A certificate authority for the registry. */
  ca?: string
  plainHttp: boolean
}

/** Of the service that gives a runner its identity, and of others that cosign asks by itself. */
export const tokenVariables = ['ACTIONS_ID_TOKEN_REQUEST_URL', 'SIGSTORE_ID_TOKEN'] as const

const timeoutMs = 180_000

function cosign({ file, config, ca, plainHttp }: Cosign, verb: string, args: Parameters<typeof command>[1]): Command {
  const registry = [plainHttp && '--allow-http-registry', option('--registry-cacert', ca)]
  return command(file, [verb, ...registry, ...args], { timeoutMs, ...(config === undefined ? {} : { env: { DOCKER_CONFIG: config } }) })
}

/** @param reference with the digest: a tag may move meanwhile */
export function signKeyless(of: Cosign, reference: string): Command {
  return cosign(of, 'sign', ['--yes', reference])
}

export function verifyKeyless(of: Cosign, reference: string, { identity, issuer }: { identity: string; issuer: string }): Command {
  const who = identity.includes('*') ? ['--certificate-identity-regexp', pattern(identity)] : ['--certificate-identity', identity]
  return cosign(of, 'verify', [...who, '--certificate-oidc-issuer', issuer, reference])
}

/** The whole identity, in which `*` stands for any text. */
function pattern(identity: string): string {
  return `^${identity
    .split('*')
    .map((part) => part.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`))
    .join('.*')}$`
}

/** What cosign says in the end, in one line, without what it warned of. */
export function reasonOf(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('WARNING: '))
  const error = lines.findLast((line) => /^(Error|error|main\.go:\d+: error): ?/.test(line)) ?? lines.at(-1) ?? ''
  const text = error.replace(/^(?:Error|error|main\.go:\d+: error(?: during command execution)?): ?/, '').trim()
  return text.length > 400 ? `${text.slice(0, 400)}…` : text
}
