import { LaunchwayError } from '../../core/error.ts'
import type { Clock, Credentials } from '../../core/ports.ts'
import { apiHost, isLoopback } from '../../core/reference.ts'
import { refusalOf } from '../../core/registry-refusal.ts'
import type { Registry as Settings } from '../../core/release.ts'
import { insist, retryAfterMs, type Tried } from '../insist.ts'
import { type Challenge, parseChallenge } from './challenge.ts'
import { hasNoName, isNotTls, isUntrusted, refusedBy, unavailable } from './failures.ts'
import { Connection, type Limits, type Opened, type Request, type Response, usualLimits } from './http.ts'
import { tokenIn, tokenQuestion } from './token.ts'

const attempts = 6
const pauseMs = 250
const longestPauseMs = 60_000

interface Surroundings {
  settings: Settings
  credentials(this: void): Promise<Credentials | undefined>
  clock: Clock
  limits?: Limits
  /** Told of each pause before another try. */
  onPause?: ((line: string) => void) | undefined
}

/** What one question may do. */
interface Allowance {
  /** What a token must allow: `repository:team/app:pull,push`; several with a space between them. */
  scope: string
  signal: AbortSignal | undefined
}

/**
 * HTTP to one registry: finds out whether it speaks TLS, answers its challenge, follows what it redirects to, and
 * tries again what failed in passing. node:https rather than fetch, for a certificate authority of the registry's own.
 */
export class Transport {
  readonly #of: Surroundings
  readonly #connection: Connection
  readonly #tokens = new Map<string, string>()
  /** One question for a token at a time: requests that go side by side need the same. */
  readonly #asked = new Map<string, Promise<string | undefined>>()
  #base: Promise<string> | undefined

  constructor(of: Surroundings) {
    this.#of = of
    this.#connection = new Connection(of.settings.ca, of.limits ?? usualLimits)
  }

  async send(request: Request, allowance: Allowance): Promise<Response> {
    const ask = await this.#asker(request, allowance, (url, headers) => this.#connection.ask(url, request, headers, allowance.signal))
    return this.#insist(request, allowance.signal, ask)
  }

  /** Without a second try: for what the caller takes up where it broke off. The body is the caller's to read. */
  async open(request: Request, allowance: Allowance): Promise<Opened> {
    const ask = await this.#asker(request, allowance, (url, headers) => this.#connection.open(url, request, headers, allowance.signal))
    const opened = await ask()
    if (request.accept.includes(opened.status)) return opened
    const chunks: Buffer[] = []
    for await (const chunk of opened.stream as AsyncIterable<Buffer>) chunks.push(chunk)
    throw await this.#refused(request, { ...opened, body: Buffer.concat(chunks) })
  }

  async #asker<Answer extends Response | Opened>(
    request: Request,
    allowance: Allowance,
    exchange: (url: URL, headers: Record<string, string>) => Promise<Answer>,
  ): Promise<() => Promise<Answer>> {
    const base = await this.#found(allowance.signal)
    const url = new URL(request.path, `${base}/v2/`)
    const once = (authorization: string | undefined): Promise<Answer> => this.#follow(url, request, authorization, exchange)
    // A registry may send an upload elsewhere; that place must not see what was meant for the registry.
    return url.origin === new URL(base).origin ? () => this.#authorised(allowance, once) : () => once(undefined)
  }

  #insist(request: Request, signal: AbortSignal | undefined, ask: () => Promise<Response>): Promise<Response> {
    const { settings, clock, onPause } = this.#of
    const patience = { attempts, pauseMs, longestPauseMs, clock, signal, onPause }
    return insist(`${settings.host}: ${request.method} ${request.path}`, () => this.#try(request, signal, ask), patience)
  }

  async #try(request: Request, signal: AbortSignal | undefined, ask: () => Promise<Response>): Promise<Tried<Response>> {
    let response: Response
    try {
      response = await ask()
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof LaunchwayError) throw error
      const failure = unavailable(this.#of.settings.host, error)
      if (isUntrusted(error) || hasNoName(error)) throw failure
      return { why: error instanceof Error && error.message !== '' ? error.message : 'did not answer', failure: async () => failure }
    }
    if (request.accept.includes(response.status)) return { answer: response }
    const failure = () => this.#refused(request, response)
    if (!isPassing(response)) throw await failure()
    return { why: `answered ${response.status}`, asksMs: retryAfterMs(response.header('retry-after'), this.#of.clock.now()), failure }
  }

  async #authorised<Answer extends Response | Opened>(
    allowance: Allowance,
    once: (authorization: string | undefined) => Promise<Answer>,
  ): Promise<Answer> {
    const authorization = this.#tokens.get(allowance.scope)
    const first = await once(authorization)
    if (first.status !== 401) return first
    const challenge = parseChallenge(first.header('www-authenticate'))
    if (challenge === undefined) return first
    const answer = await this.#freshAnswer(challenge, allowance)
    if (answer === undefined || answer === authorization) return first
    if ('stream' in first) first.stream.destroy()
    this.#tokens.set(allowance.scope, answer)
    return once(answer)
  }

  async #freshAnswer(challenge: Challenge, allowance: Allowance): Promise<string | undefined> {
    const under = this.#asked.get(allowance.scope) ?? this.#answer(challenge, allowance)
    this.#asked.set(allowance.scope, under)
    try {
      return await under
    } finally {
      this.#asked.delete(allowance.scope)
    }
  }

  /** The Authorization header that a challenge asks for. */
  async #answer(challenge: Challenge, { scope, signal }: Allowance): Promise<string | undefined> {
    const login = await this.#of.credentials()
    const basic =
      login === undefined || login.isIdentity === true
        ? undefined
        : `Basic ${Buffer.from(`${login.username}:${login.password.reveal()}`).toString('base64')}`
    if (challenge.scheme === 'basic') return basic
    const request = tokenQuestion(challenge, scope, login)
    const url = new URL(request.path)
    // What is in a body goes nowhere else.
    const redirects = request.body === undefined ? undefined : 0
    const response = await this.#insist(request, signal, () =>
      this.#follow(url, request, basic, (at, headers) => this.#connection.ask(at, request, headers, signal), redirects),
    )
    const token = tokenIn(this.#of.settings.host, response)
    return token === undefined ? undefined : `Bearer ${token}`
  }

  async #follow<Answer extends Response | Opened>(
    url: URL,
    request: Request,
    authorization: string | undefined,
    exchange: (url: URL, headers: Record<string, string>) => Promise<Answer>,
    redirects = 3,
  ): Promise<Answer> {
    const response = await exchange(url, { ...request.headers, ...(authorization === undefined ? {} : { authorization }) })
    const location = response.header('location')
    if (response.status < 300 || response.status > 399 || location === undefined || redirects === 0) return response
    if ('stream' in response) response.stream.destroy()
    // Blobs are often kept elsewhere; that place must not see the registry's token.
    const target = new URL(location, url)
    return this.#follow(target, request, target.origin === url.origin ? authorization : undefined, exchange, redirects - 1)
  }

  /** As Docker does it: TLS, but on the loopback plain HTTP where TLS is not spoken. */
  async #found(signal: AbortSignal | undefined): Promise<string> {
    try {
      return await (this.#base ??= this.#findBase(signal))
    } catch (error) {
      this.#base = undefined
      throw error
    }
  }

  async #findBase(signal: AbortSignal | undefined): Promise<string> {
    const { settings } = this.#of
    const host = apiHost(settings.host)
    if (settings.plainHttp) return `http://${host}`
    if (!isLoopback(host)) return `https://${host}`
    const ping: Request = { method: 'GET', path: '/v2/', accept: [] }
    try {
      await this.#connection.ask(new URL(`https://${host}/v2/`), ping, {}, signal)
      return `https://${host}`
    } catch (error) {
      if (error instanceof LaunchwayError) throw error
      signal?.throwIfAborted()
      return isNotTls(error) ? `http://${host}` : `https://${host}`
    }
  }

  async #refused(request: Request, response: Response): Promise<LaunchwayError> {
    return refusedBy(this.#of.settings.host, request, response, await this.#of.credentials())
  }
}

/** What is said of a full disk with a 500 does not pass by itself. */
function isPassing({ status, body }: Response): boolean {
  return (status === 408 || status === 429 || status >= 500) && refusalOf(body.toString(), status) === 'REGISTRY_UNAVAILABLE'
}
