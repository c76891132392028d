import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request as ask, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, request as askSecurely } from 'node:https'
import type { AddressInfo } from 'node:net'

/** What happens to one request on its way. */
export type Fault =
  /** An answer that the registry never saw. */
  | { status: number; body?: string; headers?: Record<string, string> }
  /** The connection ends before the registry has seen it. */
  | 'cut before'
  /** The registry does it, and nobody hears of that. */
  | 'cut after'
  /** Half of the answer. */
  | 'truncated'

export interface Passing {
  /** `PUT 127.0.0.1:5000 /v2/team/app/manifests/main`, with the port of the interposer. */
  label: string
  /** From one on, over all interposers that share a counter. */
  count: number
}

interface Wish {
  /** The real registry. */
  address: string
  /** Its authority, and what this one shows instead: with TLS on both sides. */
  tls?: { ca: string; certificate: string; key: string }
  act(this: void, passing: Passing): Fault | undefined
  counter: { count: number }
}

/** Stands before a real registry, and does to each request as a test says. */
export async function openInterposer({ address, tls, act, counter }: Wish): Promise<{ address: string } & AsyncDisposable> {
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', (): void => {
      counter.count += 1
      const { method = 'GET', url = '/' } = request
      const fault = act({ label: `${method} ${address} ${url}`, count: counter.count })
      if (fault === 'cut before') request.socket.destroy()
      if (typeof fault === 'object') response.writeHead(fault.status, fault.headers).end(fault.body ?? '')
      if (fault === 'cut before' || typeof fault === 'object') return
      const [host, port] = address.split(':')
      const options = { host, port, method, path: url, headers: { ...request.headers, host: own() } }
      const read = (answer: IncomingMessage): void => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.once('end', () => {
          const body = Buffer.concat(parts)
          if (fault === 'cut after') request.socket.destroy()
          else response.writeHead(answer.statusCode ?? 502, answer.headers)
          if (fault === undefined) response.end(body)
          if (fault !== 'truncated') return
          response.flushHeaders()
          response.write(body.subarray(0, body.length / 2), () => request.socket.destroy())
        })
      }
      const sent = tls === undefined ? ask(options, read) : askSecurely({ ...options, ca: readFileSync(tls.ca) }, read)
      sent.once('error', () => request.socket.destroy())
      sent.end(Buffer.concat(chunks))
    })
  }
  const server =
    tls === undefined ? createServer(serve) : createSecureServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }, serve)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const own = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    address: own(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
