import { once } from 'node:events'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Nginx } from '../../src/core/deployment.ts'
import { maintain } from '../../src/deploy/maintenance.ts'
import { status, showStatus } from '../../src/deploy/status.ts'
import { placesOf } from '../support/places.ts'
import { newStateRoot } from './support/host.ts'
import { failureOf } from './support/hosts.ts'
import { siteAt } from './support/place.ts'
import { deployTo, portsFor, type PushedImage, releaseFor, removeImage } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { certified, rollBack, site, siteHost, type SiteHost } from './support/site.ts'

const lab = inject('lab')
let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushServer(lab.registry.address)
})
afterAll(() => removeImage(image))

const get = (host: SiteHost, path: string, ...words: string[]): Promise<string> =>
  host.ask(`curl -s ${words.join(' ')} -H 'Host: ${host.name}' http://127.0.0.1${path}`)

describe('two applications of one host', () => {
  test.for(placesOf('bookworm, docker group'))(
    'on $name, two apps share one nginx, removing one keeps the other: by path, and in whichever order',
    { tags: ['two-apps'] },
    async (place) => {
      const stateRoot = newStateRoot()
      await using host = await siteAt(place, { stateRoot })
      await using other = await siteAt(place, { stateRoot })
      const at = (path?: string): { nginx: Nginx } => ({ nginx: { serverNames: [host.name], ...(path === undefined ? {} : { path }) } })
      const api = [site(other, { ...at('/api'), health: { kind: 'container', timeoutMs: 10_000, settleMs: 0 } })]
      await deployTo(other, image, { version: 'api', services: api })
      expect(await get(host, '/api/x')).toBe('api')
      expect(await get(host, '/', '-o /dev/null', "-w '%{http_code}'")).toBe('404')
      await deployTo(host, image, { version: 'shop', services: [site(host, at())] })
      expect([await get(host, '/x'), await get(host, '/api/x')]).toEqual(['shop', 'api'])
      // The path is the other's: told with the file, and nothing is touched.
      const error = await failureOf(deployTo(host, image, { version: 'greedy', services: [site(host, at('/api'))] }))
      expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining(`is taken: /etc/nginx/launchway.d/servers/`) })
      expect(error.message).toContain(other.app)
      expect([await get(host, '/x'), await get(host, '/api/x')]).toEqual(['shop', 'api'])
      const published = [site(other, { nginx: undefined, publish: '127.0.0.1:8098' })]
      await deployTo(other, image, { version: 'gone', services: published })
      expect([await get(host, '/x'), await get(host, '/api/x')]).toEqual(['shop', 'shop'])
      await rollBack(other, published)
      expect([await get(host, '/x'), await get(host, '/api/x')]).toEqual(['shop', 'api'])
      await deployTo(host, image, { version: 'gone', services: [site(host, { nginx: undefined, publish: '127.0.0.1:8099' })] })
      expect([await get(host, '/x', '-o /dev/null', "-w '%{http_code}'"), await get(host, '/api/x')]).toEqual(['404', 'api'])
      // And the last one takes the server along.
      await deployTo(other, image, { version: 'gone again', services: published })
      expect(await host.ask(`find /etc/nginx -name '*${host.name}*'`)).toBe('')
    },
  )

  test('a service that takes other names leaves none of its files behind, and comes back under the old ones when that fails', async () => {
    await using host = siteHost('forky')
    const named = (...serverNames: string[]): { nginx: Nginx } => ({ nginx: { serverNames } })
    await deployTo(host, image, { version: 'one', services: [site(host, named(host.name, `z.${host.name}`))] })
    const wanted = site(host, named(`a.${host.name}`, host.name))
    const error = await failureOf(deployTo(host, image, { version: 'bad', services: [{ ...wanted, env: { MODE: 'brittle' } }] }))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect([await host.page(), await host.page(`z.${host.name}`)]).toEqual(['one', 'one'])
    await deployTo(host, image, { version: 'two', services: [wanted] })
    expect([await host.page(), await host.page(`a.${host.name}`)]).toEqual(['two', 'two'])
    const servers = await host.ask(`find /etc/nginx -name 'launchway-server.*${host.name}*' -printf '%f\\n'`)
    expect(servers).toBe(`launchway-server.a.${host.name}.conf`)
    expect(await host.ask(`find /etc/nginx/launchway.d/servers -name '*${host.name}' -printf '%f\\n'`)).toBe(`a.${host.name}`)
  })
})

describe('maintenance', () => {
  const turned = (host: SiteHost, services: Parameters<typeof rollBack>[1], wanted: 'on' | 'off') => {
    const wish = { version: 'as configured now', ...(services === undefined ? {} : { services }) }
    const { environment } = releaseFor(host, { repository: 'registry.invalid/nothing', digest: `sha256:${'0'.repeat(64)}` }, wish).plan
    if (environment === undefined) throw new Error('no environment')
    const ports = portsFor(() => host.remote(), wish)
    return {
      done: () => maintain(host.app, environment, wanted, ports),
      seen: () => status(host.app, environment, ports).then((hosts) => showStatus(hosts, 'production')),
    }
  }

  test('is turned on and off by a verb without a failed connection, in the form of the service, and status says so', async () => {
    await using host = siteHost('trixie', { user: 'ops' })
    const page = `/srv/${host.app}.html`
    const services = [
      site(host, { nginx: { serverNames: [host.name], maintenancePage: page } }),
      site(host, { name: 'api', nginx: { serverNames: [host.name], path: '/api', errors: 'json', headers: { 'X-A': 'b' } } }),
    ]
    await expect(turned(host, services, 'on').done()).rejects.toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('yet') })
    const unfit = await failureOf(deployTo(host, image, { version: 'one', services }))
    expect(unfit.message).toContain(`${page}, the maintenance page of web, is not there`)
    await host.ask(`echo 'Opens at nine' | sudo tee ${page}`)
    await using _ = { [Symbol.asyncDispose]: async () => void (await host.ask(`sudo rm ${page}`)) }
    await deployTo(host, image, { version: 'one', services })
    const on = turned(host, services, 'on')
    const requests = host.traffic({ connections: 20 })
    await requests.seen('one')
    await on.done()
    await on.done()
    expect(await on.seen()).toMatch(/maintenance: visitors get a page instead \(ada@laptop, since 20/)
    expect(await get(host, '/x', '-i', '--request POST --data x=1')).toMatch(/^HTTP\/1\.1 503 [^]*Retry-After: 300[^]*Opens at nine$/)
    const api = await get(host, '/api/x', '-i')
    expect(api).toMatch(/^HTTP\/1\.1 503 [^]*\{"error":\{"code":503,"message":"Service Unavailable"\}\}$/)
    expect(api).toContain('X-A: b')
    await deployTo(host, image, { version: 'two', services })
    expect(await get(host, '/x')).toBe('Opens at nine')
    await turned(host, services, 'off').done()
    expect(await on.seen()).not.toContain('maintenance')
    await requests.seen('two')
    const tally = await requests.stop()
    expect([...tally.failures.keys()].filter((kind) => kind !== 'status 503')).toEqual([])
  })

  test('of what no nginx leads to is refused', async () => {
    await using host = siteHost('trixie')
    const asked = turned(host, [site(host, { nginx: undefined, publish: '8080' })], 'on')
    await expect(asked.done()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('behind nginx') })
  })
})

describe('what is open while a switch is made', () => {
  test.for(placesOf('bookworm, sudo only', 'trixie, docker group'))(
    'on $name, a WebSocket keeps its version until the time to drain is over, and new ones reach the new version',
    { tags: ['websockets'] },
    async (place) => {
      await using host = await siteAt(place)
      const services = [site(host, { stopTimeoutMs: 3000 })]
      await deployTo(host, image, { version: 'one', services })
      const open = async (): Promise<{ said: () => string; say: (line: string) => void; ended: Promise<unknown> }> => {
        const socket = connect(lab.hosts[place.suite]?.ports['80'] ?? 0, '127.0.0.1')
        let text = ''
        socket.on('data', (chunk) => (text += chunk.toString()))
        socket.on('error', () => undefined)
        const ended = once(socket, 'close')
        socket.write(`GET /ws HTTP/1.1\r\nHost: ${host.name}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
        await expect.poll(() => text, { timeout: 5000 }).toContain('hello from')
        return { said: () => text, say: (line) => void socket.write(`${line}\n`), ended }
      }
      const before = await open()
      expect(before.said()).toMatch(/^HTTP\/1\.1 101 [^]*hello from one/)
      const deployed = deployTo(host, image, { version: 'two', services })
      await expect.poll(() => host.page(), { timeout: 60_000 }).toBe('two')
      before.say('still there?')
      await expect.poll(before.said).toContain('one heard still there?')
      const after = await open()
      expect(after.said()).toContain('hello from two')
      await deployed
      await before.ended
      after.say('and you?')
      await expect.poll(after.said).toContain('two heard and you?')
    },
  )

  test(
    'HTTPS is what everybody gets, plain HTTP leads there, and a switch loses nothing, nor do HTTP/2 connections with many requests each',
    {
      tags: ['traffic', 'exact-versions'],
    },
    async () => {
      await using host = siteHost('trixie')
      await using tls = await certified(host)
      // It sends plain HTTP away: at its own port, too, it is told how visitors come, or it would not be well.
      const behind = { nginx: { serverNames: [host.name], tls: { certificate: tls.certificate, key: tls.key } } }
      const services = [site(host, { ...behind, env: { MODE: 'secure' } })]
      await deployTo(host, image, { version: 'one', services })
      expect(await get(host, '/x?y=1', '-o /dev/null', "-w '%{http_code} %{redirect_url}'")).toBe(`308 https://${host.name}/x?y=1`)
      const usual = host.traffic({ ca: tls.text })
      await usual.seen('one')
      const running = http2Traffic({ port: lab.hosts['trixie']?.ports['443'] ?? 0, name: host.name, ca: tls.text })
      await expect.poll(() => [...running.versions]).toEqual(['one'])
      await deployTo(host, image, { version: 'two', services })
      await usual.seen('two')
      await expect.poll(() => [...running.versions]).toEqual(['one', 'two'])
      await rollBack(host, services)
      const { requests, failures, sessions } = await running.stop()
      expect(failures).toEqual([])
      // No reload: a session is for as long as nginx's own limit of requests lets it be.
      expect(sessions).toBeLessThan(10 + requests / 500)
      expect(requests).toBeGreaterThan(200)
      expect(Object.fromEntries((await usual.stop()).failures)).toEqual({})
      expect(await host.page()).toBe('one')
    },
  )
})

/** Ten sessions with five requests at a time each, of which none is ever sent twice. */
function http2Traffic({ port, name, ca }: { port: number; name: string; ca: string }) {
  const versions = new Set<string>()
  const failures: string[] = []
  let [requests, sessions, ending] = [0, 0, false]
  const ask = (session: ClientHttp2Session): Promise<void> =>
    new Promise((resolve) => {
      requests += 1
      const stream = session.request({ ':method': 'POST', ':path': '/', ':authority': name })
      let [status, body] = [0, '']
      stream.on('response', (head) => (status = head[':status'] ?? 0))
      stream.on('data', (chunk: Buffer) => (body += chunk.toString()))
      stream.on('error', (error: Error) => failures.push(error.message))
      stream.on('close', () => {
        if (status === 200) versions.add(body.trim())
        else failures.push(`status ${status}`)
        resolve()
      })
      stream.end('x'.repeat(512))
    })
  const deadline = performance.now() + 100_000
  const goesOn = (): boolean => !ending && performance.now() < deadline && failures.length < 100
  const client = async (): Promise<void> => {
    while (goesOn()) {
      sessions += 1
      const session = connectHttp2(`https://127.0.0.1:${port}`, { ca, servername: name })
      session.on('error', (error: Error) => failures.push(error.message))
      const isOpen = (): boolean => goesOn() && !session.closed && !session.destroyed
      await Promise.all(
        Array.from({ length: 5 }, async () => {
          while (isOpen()) {
            await ask(session)
            // As the other traffic: always some under way, and most of the machine is left to the tests beside it.
            await delay(200)
          }
        }),
      )
      session.close()
    }
  }
  const all = Promise.all(Array.from({ length: 10 }, client))
  return {
    versions,
    async stop() {
      ending = true
      await all
      return { requests, failures, sessions }
    },
  }
}
