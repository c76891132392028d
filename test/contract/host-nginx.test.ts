import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { placesOf } from '../support/places.ts'
import { failureOf, pathsOf } from './support/hosts.ts'
import { siteAt } from './support/place.ts'
import { deployTo, type PushedImage, removeImage } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { rollBack, site, siteHost } from './support/site.ts'
import { suites } from './support/ssh.ts'

const lab = inject('lab')
let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushServer(lab.registry.address)
})
afterAll(() => removeImage(image))

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

/** The newest nginx; that of the others switches under traffic where its servers are tested. */
test.for(placesOf('forky, docker group'))(
  'nginx on $name leads every request to a version that serves: through a new one, broken ones, the way back, and a changed server',
  { tags: ['traffic', 'exact-versions', 'broken-image', 'docker-rollout#21', 'kamal#842', 'getsentry/self-hosted#3894'] },
  async (place) => {
    await using host = await siteAt(place)
    const first = await deployTo(host, image, { version: 'one', services: [site(host)] })
    expect(first).toMatchObject({ slot: 'a', downtimeMs: 0, stopped: [] })
    expect(await host.page()).toBe('one')

    const running = host.traffic()
    await running.seen('one')
    const second = await deployTo(host, image, { version: 'two', services: [site(host)] })
    expect(second).toMatchObject({ slot: 'b', downtimeMs: 0, previous: first.release })
    expect(second.switchMs).toBeLessThan(5000)
    await running.seen('two')
    for (const [mode, step] of [
      ['crash', 'healthy'],
      ['sick', 'healthy'],
      ['shy', 'probe'],
    ] as const) {
      const health = { kind: 'http', path: '/health', intervalMs: 100, timeoutMs: 3000, settleMs: 0 } as const
      const error = await failureOf(
        deployTo(host, image, { version: `bad: ${mode}`, services: [site(host, { env: { MODE: mode }, health })] }),
      )
      expect(error, mode).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
      expect(error.message).toBe(`web: ${step} failed on host; release ${second.release} serves`)
      expect(error.hint).toContain(mode === 'crash' ? 'boom: no configuration' : mode === 'sick' ? 'answered 404' : 'answered 500')
    }
    const back = await rollBack(host, [site(host)])
    expect(back).toMatchObject({ version: 'one', release: first.release })
    expect(await host.page()).toBe('one')
    const again = await rollBack(host, [site(host)])
    expect(again).toMatchObject({ version: 'two', release: second.release })
    expect(await host.page()).toBe('two')
    expect(Object.fromEntries(running.tally.failures)).toEqual({})
    expect([...running.tally.versions.keys()].toSorted()).toEqual(['one', 'two'])
    // A changed server, for which nginx is reloaded, costs no connection where nginx can wait for it.
    if (place.suite !== 'forky') await running.stop()
    const other = `www.${host.name}`
    await deployTo(host, image, { version: 'three', services: [site(host, { nginx: { serverNames: [host.name, other] } })] })
    await running.seen('three')
    expect(await host.page(other)).toBe('three')
    const tally = await running.stop()
    expect(Object.fromEntries(tally.failures)).toEqual({})
    expect(tally.requests).toBeGreaterThan(500)
  },
)

test.for(placesOf('bookworm, sudo only'))(
  'on $name, requests that take longer than a switch are answered by whom they were given to, who is stopped only then; uploads that end later go to the new one',
  { tags: ['in-flight'] },
  async (place) => {
    await using host = await siteAt(place)
    const services = [site(host, { stopTimeoutMs: 10_000, env: { SLOW: '1.5' } })]
    const first = await deployTo(host, image, { version: 'one', services })
    // Begun one after the other, so that at any moment some have just begun.
    const slow = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, index * 250))
        return host.traffic({ path: '/slow', connections: 5, pauseMs: 0 })
      }),
    )
    const upload = beginUpload(lab.hosts[place.suite]?.ports['80'] ?? 0, host.name)
    upload.send()
    const second = await deployTo(host, image, { version: 'two', services })
    expect(second.stopped).toEqual([first.services[0]?.container])
    upload.send()
    expect(await upload.answer).toMatch(/^HTTP\/1\.1 200 OK[^]*two\n$/)
    await Promise.all(slow.map((traffic) => traffic.seen('two')))
    const tallies = await Promise.all(slow.map((traffic) => traffic.stop()))
    expect(tallies.map(({ failed }) => failed)).toEqual(tallies.map(() => 0))
    const steps = await host.ask(`cat ${pathsOf(host).journal}`)
    const drained = /"step":"drain","state":"done","service":"web","ms":(\d+)/.exec(steps)?.[1]
    // A request takes 1.5 s; a starved client begins them late, and one may be all but over at the switch.
    expect(Number(drained)).toBeGreaterThan(0)
  },
)

/** A request whose body comes in two halves. */
function beginUpload(port: number, name: string): { send(): void; answer: Promise<string> } {
  const socket = connect(port, '127.0.0.1')
  const half = 'x'.repeat(1000)
  socket.write(`POST / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\nContent-Length: ${2 * half.length}\r\n\r\n`)
  const answer = new Promise<string>((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
  return { send: () => void socket.write(half), answer }
}

/** What docs/adr/0014 tells: LAUNCHWAY_CAMPAIGN=1, twenty switches on each host under traffic. */
describe.each(suites)('twenty switches on %s', (suite) => {
  test('lose no request', { timeout: 900_000 }, async ({ skip }) => {
    skip(!isCampaign, 'part of the campaign; switches under traffic are elsewhere as well')
    await using host = siteHost(suite)
    const services = [site(host)]
    await deployTo(host, image, { version: 'one', services })
    await deployTo(host, image, { version: 'two', services })
    const requests = host.traffic({ seconds: 800, requests: 2_000_000 })
    const switches: number[] = []
    for (let nth = 0; nth < 20; nth += 1) switches.push((await rollBack(host, services)).hosts[0]?.switchMs ?? 0)
    const tally = await requests.stop()
    const renames = (await host.ask(`cat ${pathsOf(host).journal}`)).matchAll(/"step":"switch","state":"done","ms":(\d+),"note":"slot/g)
    process.stdout.write(
      `${JSON.stringify({ suite, requests: tally.requests, failed: tally.failed, reconnects: tally.reconnects, switches, renames: [...renames].map(([, ms]) => Number(ms)) })}\n`,
    )
    expect(tally.failed).toBe(0)
  })
})
