import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecure } from 'node:https'
import { createServer as createTcp, type Server } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { localProbe } from '../../src/adapters/probe.ts'
import { openFolder } from './support/folder.ts'

const { signal } = new AbortController()

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  onTestFinished(() => void server.close())
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const echo: RequestListener = ({ headers: { host }, url }, answer) => {
  answer.writeHead(url === '/moved' ? 302 : 200, { location: '/', 'x-two': ['a', 'b'] })
  answer.end(`${host ?? ''} ${url ?? ''}`)
}

describe('a request', () => {
  it('carries the host that it was given, and brings status, headers and body', async () => {
    const port = await portOf(createServer(echo))
    expect(await localProbe.get(`http://127.0.0.1:${port}/a?b=1`, { host: 'web:5000', signal })).toMatchObject({
      status: 200,
      headers: { 'x-two': 'a, b' },
      body: 'web:5000 /a?b=1',
    })
  })

  it('follows no redirect', async () => {
    const port = await portOf(createServer(echo))
    expect(await localProbe.get(`http://127.0.0.1:${port}/moved`, { host: 'web', signal })).toMatchObject({ status: 302 })
  })

  it('takes a certificate as it is, asked for by the name of the service', async () => {
    await using folder = await openFolder()
    const [key, cert] = [join(folder.path, 'key'), join(folder.path, 'cert')]
    const openssl = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-subj',
      '/CN=other',
      '-keyout',
      key,
      '-out',
      cert,
    ]
    execFileSync('openssl', openssl, { stdio: 'pipe' })
    const asked: string[] = []
    const server = createSecure(
      { key: readFileSync(key), cert: readFileSync(cert), SNICallback: (name, done) => (asked.push(name), done(null)) },
      echo,
    )
    const port = await portOf(server)
    expect(await localProbe.get(`https://127.0.0.1:${port}/`, { host: 'web:8443', signal })).toMatchObject({
      status: 200,
      body: 'web:8443 /',
    })
    expect(asked).toEqual(['web'])
  })

  it('of a body without an end brings the beginning', async () => {
    const endless: RequestListener = (_, answer) => {
      const more = (): void => void (answer.destroyed || answer.write('x'.repeat(100_000), more))
      more()
    }
    const port = await portOf(createServer(endless))
    expect((await localProbe.get(`http://127.0.0.1:${port}/`, { host: 'web', signal })).body).toHaveLength(1_000_000)
  })

  it('that nobody answers fails, and one that hangs ends with the signal', async () => {
    await expect(localProbe.get('http://127.0.0.1:1/', { host: 'web', signal })).rejects.toThrow('ECONNREFUSED')
    const cancel = new AbortController()
    const port = await portOf(createServer(() => cancel.abort()))
    await expect(localProbe.get(`http://127.0.0.1:${port}/`, { host: 'web', signal: cancel.signal })).rejects.toThrow(/abort/i)
  })
})

describe('a connection', () => {
  it.each<[string, (server: Server) => Server, boolean]>([
    ['is taken by who keeps it', (server) => server.on('connection', (socket) => socket.on('error', () => undefined)), true],
    ['is taken by who speaks first', (server) => server.on('connection', (socket) => socket.end('hello')), true],
    [
      'is not taken by who closes it at once, as a proxy does that finds nobody',
      (server) => server.on('connection', (socket) => socket.destroy()),
      false,
    ],
  ])('%s', async (_, set, taken) => {
    expect(await localProbe.connects('127.0.0.1', await portOf(set(createTcp())), signal)).toBe(taken)
  })

  it('is not taken where nobody listens', async () => {
    expect(await localProbe.connects('127.0.0.1', 1, signal)).toBe(false)
  })
})
