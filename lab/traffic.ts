import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/**
 * Traffic that hides nothing: raw keep-alive connections, each of which POSTs a body, reads the answer, and POSTs
 * again. Nothing is ever sent twice, so a request that a connection takes down with it is counted, where wrk, ab and
 * browsers quietly ask again. Only to this machine's loopback, and only for so long.
 */
export interface Load {
  /** On 127.0.0.1. */
  port: number
  /** The Host header, and what TLS asks for. */
  serverName: string
  /** With it the connections are TLS ones, checked against this certificate. */
  ca?: string
  path?: string
  /** GET has no body. Default: POST, which no client may repeat by itself. */
  method?: 'POST' | 'GET'
  /** Default: 50. */
  connections?: number
  /** Bytes of each request's body. Default: 512. */
  bytes?: number
  /** Milliseconds between an answer and the next request of a connection. Default: none. */
  pauseMs?: number
  /** Milliseconds in which each request is sent, in four parts. Default: at once. */
  uploadMs?: number
  /** Told of each answer that was well: its first line, when it was asked for by the clock of `performance`, and how long it took. */
  onAnswer?(this: void, version: string, began: number, ms: number): void
  /** Milliseconds that a connection and each answer may take. Default: 15,000. */
  answerWithinMs?: number
  /** What ends it by itself. Default: ten minutes, since a busy machine is slow, and 200,000 requests. */
  seconds?: number
  requests?: number
}

interface Tally {
  /** Requests that were sent, or whose connection was refused. */
  requests: number
  /** How often each version answered: the first line of the body. */
  versions: Map<string, number>
  /** How often each thing went wrong: `refused`, `reset`, `timeout`, `short`, `status 502`. */
  failures: Map<string, number>
  failed: number
  /** The first twenty of them: what, when, and in which request of its connection. */
  told: string[]
  /** Connections beyond the first of each: the server had said that it closes them, or closed them while idle. */
  reconnects: number
}

export interface Traffic {
  /** The tally so far. */
  readonly tally: Tally
  /** Resolves when a version answers, or the traffic ends. */
  seen(version: string): Promise<void>
  /** Lets each connection finish the request it is in. */
  stop(): Promise<Tally>
}

export function traffic(load: Load): Traffic {
  const tally: Tally = { requests: 0, versions: new Map(), failures: new Map(), failed: 0, told: [], reconnects: 0 }
  const deadline = performance.now() + (load.seconds ?? 600) * 1000
  const most = load.requests ?? 200_000
  let ending = false
  const waiting = new Map<string, (() => void)[]>()
  const goesOn = (): boolean => !ending && tally.requests < most && performance.now() < deadline
  const failed = (kind: string, nth: number): void => {
    tally.failed += 1
    if (tally.told.length < 20) tally.told.push(`${kind} at ${new Date().toISOString()}, request ${nth} of its connection`)
    tally.failures.set(kind, (tally.failures.get(kind) ?? 0) + 1)
  }
  const answered = (version: string): void => {
    tally.versions.set(version, (tally.versions.get(version) ?? 0) + 1)
    for (const tell of waiting.get(version)?.splice(0) ?? []) tell()
  }
  const request = requestOf(load)

  const client = async (): Promise<void> => {
    let opened = 0
    let asked = 0
    let open: Connection | undefined
    while (goesOn()) {
      tally.requests += 1
      if (open === undefined || open.ended()) {
        const made = await openConnection(load)
        if (typeof made === 'string') {
          open = undefined
          failed(made, 1)
          await pause(50)
          continue
        }
        open = made
        asked = 0
        opened += 1
        if (opened > 1) tally.reconnects += 1
      }
      asked += 1
      const began = performance.now()
      const answer = await open.ask(request)
      if (typeof answer === 'string') failed(answer, asked)
      else if (answer.status !== 200) failed(`status ${answer.status}`, asked)
      else {
        const version = answer.body.split('\n')[0] ?? ''
        answered(version)
        load.onAnswer?.(version, began, performance.now() - began)
      }
      if (typeof answer === 'string' || answer.close) {
        open.destroy()
        open = undefined
      }
      if (load.pauseMs !== undefined) await pause(load.pauseMs)
    }
    open?.destroy()
  }
  const all = Promise.all(Array.from({ length: load.connections ?? 50 }, client)).then(() => {
    for (const tells of waiting.values()) for (const tell of tells) tell()
  })
  return {
    tally,
    async seen(version) {
      if (tally.versions.has(version)) return
      await Promise.race([all, new Promise<void>((resolve) => void waiting.set(version, [...(waiting.get(version) ?? []), resolve]))])
    },
    async stop() {
      ending = true
      await all
      return tally
    },
  }
}

function requestOf({ serverName, path = '/', method = 'POST', bytes = 512 }: Load): string {
  if (method === 'GET') return `GET ${path} HTTP/1.1\r\nHost: ${serverName}\r\n\r\n`
  const head = [`POST ${path} HTTP/1.1`, `Host: ${serverName}`, 'Content-Type: text/plain', `Content-Length: ${bytes}`]
  return `${head.join('\r\n')}\r\n\r\n${'x'.repeat(bytes)}`
}

type Failure = 'reset' | 'timeout' | 'short'

interface Connection {
  /** The other side has closed it. */
  ended(): boolean
  ask(request: string): Promise<Answer | Failure>
  destroy(): void
}

/** A connection; else why there is none. */
async function openConnection({
  port,
  serverName,
  ca,
  uploadMs,
  answerWithinMs = 15_000,
}: Load): Promise<Connection | 'refused' | 'timeout'> {
  const to = { host: '127.0.0.1', port, timeout: answerWithinMs }
  const socket: Socket = ca === undefined ? connectTcp(to) : connectTls({ ...to, ca, servername: serverName })
  const opened = once(socket, ca === undefined ? 'connect' : 'secureConnect').then(
    () => 'open' as const,
    () => 'refused' as const,
  )
  const late = new Promise<'timeout'>((resolve) => void socket.once('timeout', () => resolve('timeout')))
  const how = await Promise.race([opened, late])
  if (how !== 'open') {
    socket.destroy()
    return how
  }
  socket.setNoDelay(true)
  let received = Buffer.alloc(0)
  let ended = false
  let settle: ((result: Answer | Failure) => void) | undefined
  const end = (failure: Failure): void => {
    ended = true
    settle?.(received.length > 0 ? 'short' : failure)
  }
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    const answer = parseAnswer(received)
    if (answer === undefined) return
    received = received.subarray(answer.length)
    settle?.(answer)
  })
  socket.on('end', () => end('reset'))
  socket.on('error', () => end('reset'))
  socket.on('close', () => end('reset'))
  socket.on('timeout', () => end('timeout'))
  return {
    ended: () => ended,
    destroy: () => void socket.destroy(),
    ask: (request) =>
      new Promise((resolve) => {
        settle = (result) => {
          settle = undefined
          resolve(result)
        }
        // What has come to an end between two requests is found out by the next one, as it would be anywhere.
        if (ended) settle('reset')
        else void send(socket, request, uploadMs)
      }),
  }
}

async function send(socket: Socket, request: string, ms = 0): Promise<void> {
  const size = ms === 0 ? request.length : Math.ceil(request.length / 4)
  for (let at = 0; at < request.length && !socket.destroyed; at += size) {
    if (at > 0) await pause(ms / 3)
    if (!socket.destroyed) socket.write(request.slice(at, at + size))
  }
}

export interface Answer {
  status: number
  body: string
  /** The server closes the connection after it. */
  close: boolean
  /** Bytes of the whole answer. */
  length: number
}

/** The first answer in what has come so far; undefined while it is not whole. */
export function parseAnswer(received: Buffer): Answer | undefined {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const head = received.toString('latin1', 0, headEnd)
  const header = (name: string): string | undefined => new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'im').exec(head)?.[1]
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1])
  const close = /\bclose\b/i.test(header('connection') ?? '')
  const start = headEnd + 4
  const chunked = /\bchunked\b/i.test(header('transfer-encoding') ?? '')
  const body = chunked ? unchunk(received, start) : plainBody(received, start, Number(header('content-length') ?? 0))
  return body === undefined ? undefined : { status, close, ...body }
}

type Body = Pick<Answer, 'body' | 'length'> | undefined

function plainBody(received: Buffer, start: number, size: number): Body {
  if (received.length < start + size) return undefined
  return { body: received.toString('utf8', start, start + size), length: start + size }
}

function unchunk(received: Buffer, start: number): Body {
  let body = ''
  for (let at = start; ;) {
    const lineEnd = received.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(received.toString('latin1', at, lineEnd), 16)
    const next = lineEnd + 2 + size + 2
    if (received.length < next) return undefined
    if (size === 0) return { body, length: next }
    body += received.toString('utf8', lineEnd + 2, lineEnd + 2 + size)
    at = next
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
