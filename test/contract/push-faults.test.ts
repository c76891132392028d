import { createHash, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { docker } from '../../lab/run.ts'
import { servicesImage } from '../../lab/setup/images.ts'
import { systemClock } from '../../src/adapters/clock.ts'
import { ociRegistries } from '../../src/adapters/registry/repository.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Clock, Ports, Repository } from '../../src/core/ports.ts'
import type { Registry, Release } from '../../src/core/release.ts'
import { Secret } from '../../src/core/secret.ts'
import { push } from '../../src/push/index.ts'
import { fakeLog } from '../fakes/log.ts'
import { failureOf } from './support/errors.ts'
import { type Fault, openInterposer, type Passing } from './support/interposer.ts'
import { releaseOf } from './support/uploaded.ts'

/**
 * A set of tags moves in two real registries, one with TLS and a login, through every fault. LAUNCHWAY_CAMPAIGN=1 takes
 * each fault at every single request; every other run takes those where it hurts most.
 */
const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined
const { registry, secureRegistry, folder, network } = inject('lab')
const tls = { ca: secureRegistry.ca, certificate: join(folder, 'tls', 'server.pem'), key: join(folder, 'tls', 'server.key') }
const mediaType = 'application/vnd.oci.image.manifest.v1+json'
const tags = ['main', 'latest', '1.4.0']

/** Nobody here waits for a pause that is meant for a registry far away. */
const hurried: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms > 10_000 ? ms : ms / 1000, signal) }
/** When nobody is moving tags any more. */
const later: Clock = { ...hurried, now: () => new Date(Date.now() + 600_000) }

let act: (passing: Passing) => Fault | undefined = () => undefined
const counter = { count: 0 }
const doors: ({ address: string } & AsyncDisposable)[] = []
beforeAll(async () => {
  const passing = (one: Passing): Fault | undefined => act(one)
  doors.push(await openInterposer({ address: registry.address, act: passing, counter }))
  doors.push(await openInterposer({ address: secureRegistry.address, tls, act: passing, counter }))
})
afterAll(async () => {
  for (const door of doors) await door[Symbol.asyncDispose]()
})

function portsAt(clock: Clock): Ports {
  const login = { username: secureRegistry.username, password: new Secret(secureRegistry.password) }
  const found = ociRegistries(clock, async ({ ca }) => (ca === undefined ? undefined : login))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a push reaches
  return { registry: found, clock, log: fakeLog(), signal: new AbortController().signal } as unknown as Ports
}

function settingsOf(address: string, isSecure: boolean): Registry {
  return { host: address, plainHttp: !isSecure, ...(isSecure ? { ca: tls.ca } : {}) }
}

/** Two repositories with an old and a new image, and a release that moves three tags in both. @param addresses where they are asked */
async function world(addresses: readonly string[]) {
  const path = `contract/push-${randomUUID()}`
  const { registry: direct } = portsAt(hurried)
  const real = [settingsOf(registry.address, false), settingsOf(secureRegistry.address, true)]
  const opened = await Promise.all(real.map((settings) => direct.repository(`${settings.host}/${path}`, settings)))
  const put = async (text: string, names: readonly string[]): Promise<string> => {
    const body = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType, config: await configOf(opened), layers: [], annotations: { text } }),
    )
    for (const one of opened) for (const name of names) await one.putManifest(name, mediaType, body)
    return `sha256:${createHash('sha256').update(body).digest('hex')}`
  }
  const before = await put('old', ['main', 'latest'])
  const digest = await put('new', ['launchway-key'])
  const repositories = addresses.map((address) => `${address}/${path}`)
  const base = releaseOf({ repository: repositories[0] ?? '', key: '0'.repeat(32), config: digest, tags })
  const [image, [built]] = [base.plan.images[0], base.build?.images ?? []]
  if (image === undefined || built === undefined) throw new Error('a release without an image')
  const release: Release = {
    ...base,
    plan: {
      ...base.plan,
      images: [{ ...image, repositories }],
      registries: addresses.map((address, n) => settingsOf(address, n === 1)),
      immutable: ['1.4.0'],
    },
    build: {
      builder: 'test',
      images: [{ ...built, registries: Object.fromEntries(repositories.map((one) => [one, { digest, mediaType }])) }],
    },
  }
  const state = (): Promise<(string | undefined)[][]> =>
    Promise.all(opened.map((one) => Promise.all(tags.map(async (tag) => (await one.resolve(tag))?.digest))))
  const both = (of: (string | undefined)[]): (string | undefined)[][] => [of, of]
  return { release, state, asBefore: both([before, before, undefined]), asWanted: both([digest, digest, digest]) }
}

async function configOf(opened: readonly Repository[]) {
  const [config] = await Promise.all(opened.map((one) => one.putBlob(Buffer.from('{}'))))
  return config
}

const passing: [string, Fault][] = [
  ['answered with 429', { status: 429, headers: { 'retry-after': '1' } }],
  ['answered with 503', { status: 503 }],
  ['cut before the registry sees it', 'cut before'],
  ['cut after the registry has done it', 'cut after'],
  ['answered only by half', 'truncated'],
]

/** What a fault meets: in the sample by what is asked, in the campaign each request by its number. */
type Moment = { name: string; isIt: (passing: Passing) => boolean }
/** @param half which of the sample: the first and the third, or the others; without it, all of it */
async function moments(half?: number): Promise<Moment[]> {
  if (isCampaign) {
    const { release } = await world(doors.map(({ address }) => address))
    counter.count = 0
    await push(release, portsAt(hurried))
    return Array.from({ length: counter.count }, (_, n) => ({ name: `request ${n + 1}`, isIt: ({ count }) => count === n + 1 }))
  }
  const nth = (wanted: number, pattern: RegExp): Moment => {
    let seen = 0
    return {
      name: `${pattern.source}, ${wanted}`,
      isIt: ({ label, count }) => (count === 1 ? (seen = 0) : 0, pattern.test(label) && ++seen === wanted),
    }
  }
  const sample = [
    nth(1, /PUT .*launchway-moving/),
    nth(1, /PUT .*manifests\/latest/),
    nth(2, /PUT .*manifests\/1\.4\.0/),
    nth(2, /PUT .*launchway-moving/),
  ]
  return half === undefined ? sample : sample.filter((_, index) => index % 2 === half % 2)
}
const where = isCampaign ? 'at every request' : 'at a few requests (a sample)'

describe('tags that move in two registries', () => {
  const at = (): string[] => doors.map(({ address }) => address)

  it.each(passing.map(([name, fault], half) => [name, fault, half] as const))(
    `all move when a request is %s, ${where}`,
    { timeout: 900_000 },
    async (_, fault, half) => {
      for (const moment of await moments(half)) {
        act = () => undefined
        const { release, state, asWanted } = await world(at())
        counter.count = 0
        let met = 0
        act = (one) => (moment.isIt(one) ? ((met += 1), fault) : undefined)
        const { references } = await push(release, portsAt(hurried))
        act = () => undefined
        expect({ at: moment.name, met, tags: await state() }).toEqual({ at: moment.name, met: 1, tags: asWanted })
        expect(new Set(references.map(({ digest }) => digest)).size).toBe(1)
      }
    },
  )

  it(`are all as they were when a registry refuses a request, ${where}`, { timeout: 900_000 }, async () => {
    for (const moment of await moments()) {
      act = () => undefined
      const { release, state, asBefore, asWanted } = await world(at())
      counter.count = 0
      act = (one) => (moment.isIt(one) ? { status: 403, body: 'denied: the right was taken away' } : undefined)
      const outcome = await push(release, portsAt(hurried)).then(
        () => 'done',
        (error: unknown) => (error instanceof LaunchwayError ? error.code : String(error)),
      )
      act = () => undefined
      // Only what comes after the last tag does not count.
      expect({ at: moment.name, tags: await state() }).toEqual({ at: moment.name, tags: outcome === 'done' ? asWanted : asBefore })
      expect(['done', 'REGISTRY_DENIED']).toContain(outcome)
      await push(release, portsAt(later))
      expect(await state()).toEqual(asWanted)
    }
  })

  it.each<[string, number[], number]>([
    ['one registry dies', [1], 1],
    ['the run is killed', [0, 1], 0],
  ])(`are whole after the next run when %s, ${where}`, { timeout: 900_000 }, async (_, dies, half) => {
    const addresses = [registry.address, secureRegistry.address]
    for (const moment of await moments(half)) {
      act = () => undefined
      const { release, state, asBefore, asWanted } = await world(at())
      counter.count = 0
      let isDead = false
      act = (one) => {
        isDead ||= moment.isIt(one)
        return isDead && dies.some((n) => one.label.includes(` ${addresses[n]} `)) ? 'cut before' : undefined
      }
      await push(release, portsAt(hurried)).catch(() => undefined)
      // The next release is another one, and does not come to its own tags.
      act = ({ label }) => (/(HEAD|PUT) .*manifests\/other/.test(label) ? { status: 403 } : undefined)
      const next: Release = { ...release, id: '20261121-111500-4f2a9c1', plan: { ...release.plan, tags: ['other'] } }
      await failureOf(push(next, portsAt(later)))
      expect([asBefore, asWanted], moment.name).toContainEqual(await state())
      act = () => undefined
      await push(release, portsAt(later))
      expect(await state()).toEqual(asWanted)
    }
  })

  it('all move through a line that is cut again and again, to a registry with TLS (toxiproxy)', async () => {
    const run = ['run', '--detach', '--rm', '--network', network, '--publish', '127.0.0.1::8474', '--publish', '127.0.0.1::22000']
    const id = await docker(...run, servicesImage(), 'toxiproxy-server', '-host', '0.0.0.0')
    try {
      const port = async (inside: string): Promise<string> => (await docker('port', id, inside)).split('\n')[0]?.split(':').at(-1) ?? ''
      const api = `http://127.0.0.1:${await port('8474')}`
      const address = `127.0.0.1:${await port('22000')}`
      const tell = async (path: string, body: unknown): Promise<void> => {
        await expect
          .poll(() =>
            fetch(`${api}${path}`, { method: 'POST', body: JSON.stringify(body) }).then(
              ({ ok }) => ok,
              () => false,
            ),
          )
          .toBe(true)
      }
      await tell('/proxies', { name: 'push', listen: '0.0.0.0:22000', upstream: 'secure-registry:5000', enabled: true })
      await tell('/proxies/push/toxics', { type: 'limit_data', stream: 'downstream', attributes: { bytes: 3_000 } })
      await tell('/proxies/push/toxics', { type: 'latency', stream: 'upstream', attributes: { latency: 20, jitter: 20 } })
      const { release, state, asWanted } = await world([registry.address, address])
      const paused: string[] = []
      const ports = portsAt({ ...hurried, sleep: (ms, signal) => (paused.push(`${ms}`), hurried.sleep(ms, signal)) })
      await push(release, ports)
      expect(await state()).toEqual(asWanted)
      // Without it the test would show nothing.
      expect(paused.filter((ms) => ms === '500').length).toBeGreaterThan(0)
    } finally {
      await docker('rm', '--force', id)
    }
  })
})
