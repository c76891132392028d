import { readFile } from 'node:fs/promises'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { Readable } from 'node:stream'
import { LaunchwayError } from '../../core/error.ts'

export interface Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  /** Below `/v2/`, or a whole URL that the registry gave (an upload's location). */
  path: string
  headers?: Record<string, string>
  body?: Buffer | Source
  /** Statuses that are an answer. Any other is an error. */
  accept: readonly number[]
}

/** Bytes that are read when they are needed; opened anew for each try. */
interface Source {
  size: number
  open(this: void): Promise<Readable>
}

interface Head {
  status: number
  header(this: void, name: string): string | undefined
}
export interface Response extends Head {
  body: Buffer
}
/** An answer whose body is still to come. Whoever has it reads it to its end, or destroys it. */
export interface Opened extends Head {
  stream: Readable
}

/** How slow a registry may be. */
export interface Limits {
  /** Without a byte. */
  idleMs: number
  /** For a question and its answer, beside the time that their bytes may take. */
  wholeMs: number
  /** What is slower than that is as good as hanging. */
  bytesPerSecond: number
}
export const usualLimits: Limits = { idleMs: 30_000, wholeMs: 60_000, bytesPerSecond: 50_000 }

/** HTTP to one registry, and to where it keeps its blobs, or to whoever has a release: one question, one answer, within a limit. */
export class Connection {
  readonly #ca: string | undefined
  readonly #limits: Limits
  #client: Promise<Client> | undefined

  constructor(ca: string | undefined, limits: Limits) {
    this.#ca = ca
    this.#limits = limits
  }

  async ask(url: URL, request: Request, headers: Record<string, string>, signal: AbortSignal | undefined): Promise<Response> {
    const { status, header, stream } = await this.open(url, request, headers, signal)
    const chunks: Buffer[] = []
    const length = Number(header('content-length') ?? 0)
    await this.#within(length, stream, async () => {
      for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
    })
    return { status, header, body: Buffer.concat(chunks) }
  }

  /** Until the head of the answer is there. */
  async open(url: URL, request: Request, headers: Record<string, string>, signal: AbortSignal | undefined): Promise<Opened> {
    const client = await (this.#client ??= openClient(this.#ca))
    const { body } = request
    const source = body !== undefined && 'open' in body ? await body.open() : undefined
    try {
      return await this.#headOf(client, url, request, headers, source, signal)
    } finally {
      source?.unpipe()
      source?.destroy()
    }
  }

  #headOf(
    client: Client,
    url: URL,
    { method, body }: Request,
    headers: Record<string, string>,
    source: Readable | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Opened> {
    const length = body === undefined ? 0 : 'open' in body ? body.size : body.length
    const { idleMs } = this.#limits
    const options = {
      method,
      headers: { ...headers, 'content-length': String(length) },
      timeout: idleMs,
      ...(signal === undefined ? {} : { signal }),
    }
    return new Promise((resolve, reject) => {
      let answer: IncomingMessage | undefined
      const question = client(url, options, (message) => {
        clearTimeout(late)
        answer = message
        // A connection that is cut in the middle ends in 'close' alone.
        message.once('close', () => message.complete || message.destroy(new Error('the connection was closed in the middle of the answer')))
        resolve({ status: message.statusCode ?? 0, header: (name) => [message.headers[name]].flat()[0], stream: message })
      })
      const fail = (error: Error): void => void question.destroy(error)
      const late = setTimeout(() => fail(this.#tooSlow(length)), this.#limitFor(length))
      question.once('close', () => clearTimeout(late))
      question.once('timeout', () => {
        if (answer === undefined) fail(new Error(`no answer within ${idleMs / 1000} s`))
        else answer.destroy(new Error(`no byte within ${idleMs / 1000} s`))
      })
      // Not once: what breaks after the answer has begun is said of its stream, and here again.
      question.on('error', reject)
      if (source === undefined) question.end(body !== undefined && 'open' in body ? undefined : body)
      else source.once('error', fail).pipe(question)
    })
  }

  async #within(length: number, stream: Readable, read: () => Promise<void>): Promise<void> {
    const late = setTimeout(() => stream.destroy(this.#tooSlow(length)), this.#limitFor(length))
    try {
      await read()
    } finally {
      clearTimeout(late)
    }
  }

  #limitFor(bytes: number): number {
    return this.#limits.wholeMs + (bytes / this.#limits.bytesPerSecond) * 1000
  }

  #tooSlow(bytes: number): Error {
    const what = bytes === 0 ? 'the whole answer' : `${bytes} bytes`
    return new Error(`${what} took longer than ${Math.round(this.#limitFor(bytes) / 1000)} s`)
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
