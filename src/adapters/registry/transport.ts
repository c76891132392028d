import { readFile } from 'node:fs/promises'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { z } from 'zod'
import { LaunchwayError } from '../../core/error.ts'
import type { Clock, Credentials } from '../../core/ports.ts'
import { apiHost, isLoopback } from '../../core/reference.ts'
import type { Registry as Settings } from '../../core/release.ts'
import { type Challenge, parseChallenge } from './challenge.ts'

export interface Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  /** Below `/v2/`, or a whole URL that the registry gave (an upload's location). */
  path: string
  headers?: Record<string, string>
  body?: Buffer
  /** Statuses that are an answer. Any other is an error. */
  accept: readonly number[]
}

export interface Response {
  status: number
  header(name: string): string | undefined
  body: Buffer
}

/** Some token servers use the one name, some the other. */
const TokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() })

/** A registry that hangs is as good as none. */
const timeoutMs = 30_000
const attempts = 4
const pauseMs = 250
/** A registry may ask for more patience than a run has. */
const longestPauseMs = 30_000

/**
 * HTTP to one registry: finds out whether it speaks TLS, answers its challenge, follows what it redirects to, and
 * tries again what failed in passing. node:https rather than fetch, for a certificate authority of the registry's own.
 */
export class Transport {
  readonly #settings: Settings
  readonly #credentials: () => Promise<Credentials | undefined>
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  readonly #tokens = new Map<string, string>()
  #base: Promise<string> | undefined
  #client: Promise<Client> | undefined

  constructor(settings: Settings, credentials: () => Promise<Credentials | undefined>, clock: Clock, signal: AbortSignal | undefined) {
    this.#settings = settings
    this.#credentials = credentials
    this.#clock = clock
    this.#signal = signal
  }

  /** @param scope what a token must allow: `repository:team/app:pull,push` */
  async send(request: Request, scope: string): Promise<Response> {
    const base = await (this.#base ??= this.#findBase())
    const url = new URL(request.path, `${base}/v2/`)
    // A registry may send an upload elsewhere; that place must not see what was meant for the registry.
    return this.#insist(request, () =>
      url.origin === new URL(base).origin ? this.#authorised(url, request, scope) : this.#once(url, request, undefined),
    )
  }

  async #insist(request: Request, ask: () => Promise<Response>): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      this.#signal?.throwIfAborted()
      const last = attempt === attempts
      try {
        const response = await ask()
        if (request.accept.includes(response.status)) return response
        const passing = response.status === 429 || response.status >= 500
        if (!passing || last) throw await this.#refused(request, response)
        await this.#clock.sleep(retryAfterMs(response, this.#clock.now()) ?? pauseMs * 2 ** attempt, this.#signal)
      } catch (error) {
        this.#signal?.throwIfAborted()
        if (error instanceof LaunchwayError) throw error
        if (last || isUntrusted(error)) throw this.#unavailable(error)
        await this.#clock.sleep(pauseMs * 2 ** attempt, this.#signal)
      }
    }
  }

  async #authorised(url: URL, request: Request, scope: string): Promise<Response> {
    const authorization = this.#tokens.get(scope)
    const first = await this.#once(url, request, authorization)
    if (first.status !== 401) return first
    const challenge = parseChallenge(first.header('www-authenticate'))
    if (challenge === undefined) return first
    const answer = await this.#answer(challenge, scope)
    if (answer === undefined || answer === authorization) return first
    this.#tokens.set(scope, answer)
    return this.#once(url, request, answer)
  }

  /** The Authorization header that a challenge asks for. */
  async #answer(challenge: Challenge, scope: string): Promise<string | undefined> {
    const login = await this.#credentials()
    const basic =
      login === undefined ? undefined : `Basic ${Buffer.from(`${login.username}:${login.password.reveal()}`).toString('base64')}`
    if (challenge.scheme === 'basic') return basic
    const url = new URL(challenge.realm)
    if (challenge.service !== undefined) url.searchParams.set('service', challenge.service)
    url.searchParams.set('scope', scope)
    const request: Request = { method: 'GET', path: url.href, accept: [200] }
    const response = await this.#insist(request, () => this.#once(url, request, basic))
    const body = TokenAnswer.parse(JSON.parse(response.body.toString()))
    const token = body.token ?? body.access_token
    return token === undefined ? undefined : `Bearer ${token}`
  }

  async #once(url: URL, request: Request, authorization: string | undefined, redirects = 3): Promise<Response> {
    const headers = { ...request.headers, ...(authorization === undefined ? {} : { authorization }) }
    const response = await this.#exchange(url, request, headers)
    const location = response.header('location')
    if (response.status < 300 || response.status > 399 || location === undefined || redirects === 0) return response
    // Blobs are often kept elsewhere; that place must not see the registry's token.
    const target = new URL(location, url)
    return this.#once(target, request, target.origin === url.origin ? authorization : undefined, redirects - 1)
  }

  async #exchange(url: URL, request: Request, headers: Record<string, string | number>): Promise<Response> {
    const client = await (this.#client ??= openClient(this.#settings.ca))
    return new Promise((resolve, reject) => {
      const options = {
        method: request.method,
        headers: { ...headers, 'content-length': request.body?.length ?? 0 },
        timeout: timeoutMs,
        signal: this.#signal,
      }
      const read = (message: IncomingMessage): void => {
        const chunks: Buffer[] = []
        message.on('data', (chunk: Buffer) => chunks.push(chunk))
        message.once('error', reject)
        message.once('end', () => {
          if (!message.complete) return reject(new Error('the answer was cut short'))
          const header = (name: string): string | undefined => [message.headers[name]].flat()[0]
          resolve({ status: message.statusCode ?? 0, header, body: Buffer.concat(chunks) })
        })
        // A connection that is cut in the middle ends in 'close' alone.
        message.once('close', () => reject(new Error('the connection was closed in the middle of the answer')))
      }
      const sent = client(url, options, read)
      sent.once('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)))
      sent.once('error', reject)
      sent.end(request.body)
    })
  }

  /** As Docker does it: TLS, but on the loopback plain HTTP where TLS is not spoken. */
  async #findBase(): Promise<string> {
    const host = apiHost(this.#settings.host)
    if (this.#settings.plainHttp) return `http://${host}`
    if (!isLoopback(host)) return `https://${host}`
    const ping: Request = { method: 'GET', path: '/v2/', accept: [] }
    try {
      await this.#exchange(new URL(`https://${host}/v2/`), ping, {})
      return `https://${host}`
    } catch (error) {
      return isNotTls(error) ? `http://${host}` : `https://${host}`
    }
  }

  async #refused(request: Request, response: Response): Promise<LaunchwayError> {
    const { host } = this.#settings
    const said = response.body.toString().trim().slice(0, 500)
    if (response.status === 401 || response.status === 403) {
      const login = await this.#credentials()
      const who = login === undefined ? 'without a login' : `as ${login.username}`
      return new LaunchwayError('REGISTRY_DENIED', `${host} refused ${request.method} ${request.path} ${who} (${response.status})`, {
        hint: `${said}\nGive a username and a password or token with the right to ${request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'write'} there (registries: in launchway.yml).`.trim(),
      })
    }
    return new LaunchwayError('REGISTRY_UNAVAILABLE', `${host} answered ${response.status} to ${request.method} ${request.path}`, {
      hint: said === '' ? 'It gave no reason.' : said,
    })
  }

  #unavailable(error: unknown): LaunchwayError {
    const { host } = this.#settings
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
}

type Client = (url: URL, options: RequestOptions, read: (message: IncomingMessage) => void) => ClientRequest

/** Node's HTTP takes 20 ms to load, as long as all the rest of an action's start: it is loaded when it is needed. */
async function openClient(ca: string | undefined): Promise<Client> {
  const [http, https, { rootCertificates }] = await Promise.all([import('node:http'), import('node:https'), import('node:tls')])
  // proxyEnv: HTTPS_PROXY and NO_PROXY are honoured where this Node can (24.5 and later).
  const shared = { keepAlive: true, maxSockets: 8, proxyEnv: process.env }
  const plain = new http.Agent(shared)
  const secure = new https.Agent(ca === undefined ? shared : { ...shared, ca: [...rootCertificates, await readAuthority(ca)] })
  return (url, options, read) =>
    url.protocol === 'https:'
      ? https.request(url, { ...options, agent: secure }, read)
      : http.request(url, { ...options, agent: plain }, read)
}

async function readAuthority(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new LaunchwayError('CONFIG_INVALID', `the certificate authority ${path} cannot be read`, {
      cause: error,
      hint: 'registries.<host>.ca in launchway.yml is the path of a PEM file.',
    })
  }
}

function hasCode(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

function isNotTls(error: unknown): boolean {
  return hasCode(error) && ['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'].includes(error.code)
}

/** No second try makes a certificate better. */
function isUntrusted(error: unknown): boolean {
  return hasCode(error) && /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/.test(error.code)
}

/** In seconds, or as a date. */
function retryAfterMs(response: Response, now: Date): number | undefined {
  const value = response.header('retry-after')
  if (value === undefined) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now.getTime()
  return ms > 0 ? Math.min(ms, longestPauseMs) : undefined
}
