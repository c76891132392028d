import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { parseAnswer, traffic } from '../../lab/traffic.ts'

/** A server that answers the nth request of a connection as it is told, byte for byte. */
async function serve(answer: (nth: number, socket: Socket) => string | undefined): Promise<{ port: number } & AsyncDisposable> {
  const open = new Set<Socket>()
  const server: Server = createServer((socket) => {
    open.add(socket)
    let [nth, received] = [0, '']
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      received += chunk.toString()
      const end = received.indexOf('\r\n\r\n')
      if (end === -1 || received.length < end + 4 + 512) return
      received = ''
      nth += 1
      const text = answer(nth, socket)
      if (text !== undefined) socket.write(text)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const ok = (body: string, more = ''): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`

/** What the client makes of a server. */
async function tallyOf(answer: Parameters<typeof serve>[0], requests = 40) {
  await using server = await serve(answer)
  const running = traffic({ port: server.port, serverName: 'x', connections: 4, requests, seconds: 20 })
  await running.seen('never')
  return running.stop()
}

describe('the traffic of the lab', () => {
  test('counts every answer under its version, and stops by itself', async () => {
    const tally = await tallyOf((nth) => ok(nth % 2 === 0 ? 'two\n' : 'one\n'))
    expect(tally).toMatchObject({ requests: 40, failed: 0, reconnects: 0 })
    expect((tally.versions.get('one') ?? 0) + (tally.versions.get('two') ?? 0)).toBe(40)
  })

  test('opens another connection where the server has said that it closes this one', async () => {
    const tally = await tallyOf((_, socket) => {
      setImmediate(() => socket.end())
      return ok('one', 'Connection: close\r\n')
    })
    expect(tally).toMatchObject({ requests: 40, failed: 0, reconnects: 36 })
  })

  test.each<[string, Parameters<typeof serve>[0]]>([
    ['reset', (_, socket) => void socket.resetAndDestroy()],
    ['status 502', () => 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'],
    [
      'short',
      (_, socket) => {
        setImmediate(() => socket.end())
        return 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'
      },
    ],
  ])('counts %s as a failure, each time, and sends nothing twice', async (kind, answer) => {
    const tally = await tallyOf(answer)
    expect(tally.requests).toBe(40)
    expect(Object.fromEntries(tally.failures)).toEqual({ [kind]: 40 })
  })

  test('counts nobody listening as a failure', async () => {
    const { port } = await (async () => {
      await using server = await serve(() => undefined)
      return server
    })()
    const running = traffic({ port, serverName: 'x', connections: 2, requests: 4 })
    await running.seen('never')
    expect(Object.fromEntries((await running.stop()).failures)).toEqual({ refused: 4 })
  })

  test.each<[string, string | undefined]>([
    ['a TLS handshake', 'no certificate is ever looked at'],
    ['an answer', undefined],
  ])('counts waiting in vain for %s as a timeout, and comes to an end', async (_, ca) => {
    await using server = await serve(() => undefined)
    const load = { port: server.port, serverName: 'x', connections: 2, requests: 2, answerWithinMs: 200, bytes: 1 }
    const running = traffic(ca === undefined ? load : { ...load, ca })
    await running.seen('never')
    expect(Object.fromEntries((await running.stop()).failures)).toEqual({ timeout: 2 })
  })

  test('reads an answer in chunks, however it arrives', () => {
    const whole = Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\nnext')
    const length = whole.length - 'next'.length
    for (let cut = 0; cut < length; cut += 1) expect(parseAnswer(whole.subarray(0, cut))).toBeUndefined()
    expect(parseAnswer(whole)).toEqual({ status: 200, close: false, body: 'one two', length })
  })
})
