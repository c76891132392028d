import { createServer, type IncomingMessage, request as ask, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Asked {
  method: string
  /** Path and query. */
  url: string
  authorization: string | undefined
  body: string
}

export interface Answer {
  status: number
  headers?: Record<string, string | number>
  body?: string | Buffer
}

/** What a server does with a request: answers it, breaks the connection, or keeps it waiting, with half an answer or none. */
export type Act = Answer | 'break' | 'hang' | 'stall'

export interface Server extends AsyncDisposable {
  readonly address: string
  readonly url: string
  readonly asked: readonly Asked[]
}

/** A server of HTTP that does as a test says, and remembers what it was asked. */
export async function openServer(act: (asked: Asked, count: number) => Act): Promise<Server> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('latin1').on('data', (chunk: string) => (body += chunk))
    request.once('end', () => {
      const { method = '', url = '' } = request
      const one = { method, url, authorization: request.headers.authorization, body }
      asked.push(one)
      perform(act(one, asked.length), request, response)
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

/**
 * A proxy that knows some names without TLS, and refuses all others and every tunnel.
 * @param known address by name
 */
export async function openProxy(known: Readonly<Record<string, string>>): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    const { hostname, pathname, search } = new URL(request.url ?? '', 'http://nobody.invalid')
    const address = known[hostname]
    if (address === undefined) {
      response.writeHead(502).end()
      return
    }
    const { method = 'GET', headers } = request
    const asked = ask(`http://${address}${pathname}${search}`, { method, headers: { ...headers, host: address } }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    asked.on('error', () => response.destroy())
    request.pipe(asked)
  })
  server.on('connect', (_, socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'))
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

/** A proxy that is asked for tunnels, remembers where to, and makes none. */
export async function openTunnels(): Promise<{ url: string; asked: readonly string[] } & AsyncDisposable> {
  const asked: string[] = []
  const server = createServer()
  server.on('connect', (request, socket) => {
    asked.push(request.url ?? '')
    socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n')
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

function perform(act: Act, request: IncomingMessage, response: ServerResponse): void {
  if (act === 'hang') return
  if (act === 'break') return void request.socket.destroy()
  if (act === 'stall') return void response.writeHead(200, { 'content-length': 9999 }).write('half')
  const body = Buffer.from(act.body ?? '')
  response.writeHead(act.status, { 'content-length': body.length, ...act.headers })
  response.end(request.method === 'HEAD' ? undefined : body)
}
