import { LaunchwayError } from '../../core/error.ts'
import type { Credentials } from '../../core/ports.ts'
import { adviceFor, refusalOf, Status } from '../../core/registry-refusal.ts'
import type { Request, Response } from './http.ts'

/** Characters of an answer that a message quotes. */
const quoted = 500

/** What a registry that answered would not do. */
export function refusedBy(host: string, request: Request, response: Response, login: Credentials | undefined): LaunchwayError {
  const { status } = response
  const cause = new Status(status)
  const said = quote(response)
  const isReading = request.method === 'GET' || request.method === 'HEAD'
  const asked = `${request.method} ${request.path}`
  const found = refusalOf(said, status)
  // To open an upload is the first thing that a repository which is not there refuses.
  const code = found === 'REGISTRY_UNAVAILABLE' && status === 404 && request.method === 'POST' ? 'REPOSITORY_UNKNOWN' : found
  if (code === 'REGISTRY_DENIED') {
    const who = login === undefined ? 'without a login' : `as ${login.username}`
    const basic = /^\s*basic\b/i.test(response.header('www-authenticate') ?? '')
    const other = login?.isIdentity === true && basic ? 'It asks for a password, and docker has an identity token for it. ' : ''
    const advice = `${other}Give a username and a password or token with the right to ${isReading ? 'read' : 'write'} there (registries: in launchway.yml).`
    return new LaunchwayError(code, `${host} refused ${asked} ${who} (${status})`, {
      cause,
      hint: `${said}\n${advice}`.trim(),
    })
  }
  const asks = response.header('retry-after')
  const pause = status === 429 && asks !== undefined ? `It asks to be left alone for now (Retry-After: ${asks}).` : ''
  const advice = code === 'REGISTRY_UNAVAILABLE' ? pause : adviceFor[code]
  const hint = [said, advice].filter((line) => line !== '').join('\n')
  return new LaunchwayError(code, `${host} answered ${status} to ${asked}`, { cause, hint: hint === '' ? 'It gave no reason.' : hint })
}

/** What an answer says, as far as a message shows it. */
export function quote({ body }: Response): string {
  return body.toString().trim().slice(0, quoted)
}

/** What kept a registry from answering. */
export function unavailable(host: string, error: unknown): LaunchwayError {
  const why = error instanceof Error && error.message !== '' ? error.message : hasCode(error) ? error.code : String(error)
  return new LaunchwayError(
    'REGISTRY_UNAVAILABLE',
    isUntrusted(error) ? `the certificate of ${host} is not trusted: ${why}` : `${host} does not answer: ${why}`,
    {
      cause: error,
      hint: isUntrusted(error)
        ? `Give the certificate of its authority as a PEM file: registries.${host}.ca in launchway.yml.`
        : 'Check the name of the registry and that this machine can reach it.',
    },
  )
}

function hasCode(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

export function isNotTls(error: unknown): boolean {
  return hasCode(error) && ['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'].includes(error.code)
}

/** Nobody has the name: it is misspelt, or of another network. What is wrong with the way to who knows names is another code. */
export function hasNoName(error: unknown): boolean {
  return hasCode(error) && error.code === 'ENOTFOUND'
}

/** No second try makes a certificate better. */
export function isUntrusted(error: unknown): boolean {
  return hasCode(error) && /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/.test(error.code)
}
