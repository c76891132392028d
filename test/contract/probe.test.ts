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

/** Serves under a certificate of its own for that name; notes the names that it is asked for. */
async function secureServer(folder: string, name: string): Promise<{ port: number; certificate: string; asked: string[] }> {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' })
  const asked: string[] = []
  const server = createSecure(
    { key: readFileSync(key), cert: readFileSync(cert), SNICallback: (asking, done) => (asked.push(asking), done(null)) },
    echo,
  )
  return { port: await portOf(server), certificate: readFileSync(cert, 'utf8'), asked }
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
    const { port, asked } = await secureServer(folder.path, 'other')
    expect(await localProbe.get(`https://127.0.0.1:${port}/`, { host: 'web:8443', signal })).toMatchObject({
      status: 200,
      body: 'web:8443 /',
    })
    expect(asked).toEqual(['web'])
  })

  it('takes a certificate only of those whose authority is given, and only for the name that was asked', async () => {
    await using folder = await openFolder()
    const [web, other] = [await secureServer(folder.path, 'web'), await secureServer(folder.path, 'other')]
    const ask = async (port: number, ca: string) =>
      localProbe.ask(`https://127.0.0.1:${port}/`, { method: 'GET', headers: { host: 'web:8443' }, isChecked: true, ca, signal })
    expect(await ask(web.port, web.certificate)).toMatchObject({ status: 200 })
    expect(await ask(web.port, `${other.certificate}${web.certificate}`)).toMatchObject({ status: 200 })
    await expect(ask(web.port, other.certificate)).rejects.toThrow(/self-signed|certificate/)
    await expect(ask(other.port, other.certificate)).rejects.toThrow(/altnames|Hostname/)
  })

  it('is sent with its method, its headers and its body', async () => {
    const port = await portOf(
      createServer((request, answer) => {
        let body = ''
        request.on('data', (chunk: Buffer) => (body += chunk.toString()))
        request.on('end', () => answer.end([request.method, request.headers['x-a'], request.headers['content-length'], body].join(' ')))
      }),
    )
    const asked = { headers: { host: 'web', 'x-a': 'b' }, isChecked: false, signal }
    expect((await localProbe.ask(`http://127.0.0.1:${port}/`, { ...asked, method: 'PUT', body: 'grüße' })).body).toBe('PUT b 7 grüße')
    expect(await localProbe.ask(`http://127.0.0.1:${port}/`, { ...asked, method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
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
