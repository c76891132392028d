import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import type { Batch } from '../../src/core/batches.ts'
import { JournalLine } from '../../src/core/journal.ts'
import { hostPaths } from '../../src/core/names.ts'
import type { Ports, Remote } from '../../src/core/ports.ts'
import type { Release } from '../../src/core/release.ts'
import { rollback } from '../../src/deploy/rollback.ts'
import { deploy } from '../../src/deploy/run.ts'
import { environmentName, newStateRoot } from './support/host.ts'
import { failureOf } from './support/hosts.ts'
import { portsOf, releaseOf, type Way } from './support/lifecycle.ts'
import { type PushedImage, removeImage, worker } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { site, type SiteHost, siteHost } from './support/site.ts'

const names = ['bookworm', 'trixie', 'forky'] as const
type Name = (typeof names)[number]

let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushServer(inject('lab').registry.address)
})
afterAll(() => removeImage(image))

/** The hosts of the lab as one environment. */
function newFleet() {
  const of = { app: `t${randomBytes(5).toString('hex')}`, stateRoot: newStateRoot() }
  const [bookworm, trixie, forky] = [siteHost('bookworm', of), siteHost('trixie', of), siteHost('forky', of)]
  const hosts: Record<Name, SiteHost> = { bookworm, trixie, forky }
  const { home } = hostPaths(of.stateRoot, of.app, environmentName)

  const connectTo = (name: string, beforeLaunch: (name: Name) => Promise<unknown>): Remote => {
    const known = names.find((one) => one === name)
    if (known === undefined) throw new Error(`no host ${name}`)
    const remote = hosts[known].remote({ beforeLaunch: () => beforeLaunch(known) })
    return { host: name, sh: (...said) => remote.sh(...said), [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose]() }
  }
  return {
    ...of,
    ...hosts,
    all: names.map((name) => hosts[name]),
    ports: (beforeLaunch: (name: Name) => Promise<unknown> = () => Promise.resolve()): Ports => ({
      ...portsOf(bookworm, {}),
      ssh: { connect: (name) => Promise.resolve(connectTo(name, beforeLaunch)) },
    }),
    recordOf: (version: string, batch: Batch, way: Partial<Way> = {}, hosts: readonly Name[] = names) => {
      const record = releaseOf(bookworm, image, { version, services: [site(bookworm)], ...way })
      if (record.plan.environment === undefined) throw new Error('no environment')
      const environment = { ...record.plan.environment, hosts: [...hosts], batch }
      return { ...record, plan: { ...record.plan, environment } }
    },
    running: (): Promise<string[]> => Promise.all(names.map((name) => hosts[name].ask(`cat ${home}/current 2> /dev/null || echo nothing`))),
    /** When the program was at work for a release: its first and its last second, of each attempt. */
    spans: async (name: Name, { id }: Release): Promise<{ from: number; to: number; end: string }[]> => {
      const text = await hosts[name].ask(`cat ${home}/journal.jsonl`)
      const lines = text.split('\n').map((line) => JournalLine.parse(JSON.parse(line)))
      const attempts = Map.groupBy(
        lines.filter(({ release }) => release === id),
        ({ attempt }) => attempt,
      )
      return [...attempts.values()].map((some) => ({ from: some[0]?.at ?? 0, to: some.at(-1)?.at ?? 0, end: some.at(-1)?.state ?? '' }))
    },
    [Symbol.asyncDispose]: async () => {
      for (const name of names) await hosts[name][Symbol.asyncDispose]()
    },
  }
}

/** Holds back whoever comes, until all of them are there: with one after the other nobody would get on. */
function meeting(...expected: readonly Name[]): (name: Name) => Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const missing = new Set(expected)
  return (name) => {
    if (!expected.includes(name)) return Promise.resolve()
    missing.delete(name)
    if (missing.size === 0) resolve()
    return promise
  }
}

test(
  'one host first, then the others together: until then they serve the old version; what fails in a batch goes back on all; and no request fails',
  { tags: ['batches', 'traffic'], timeout: 600_000 },
  async () => {
    await using fleet = newFleet()
    const { bookworm, trixie, forky, all, ports, recordOf, running, spans } = fleet
    const step = { service: 'web', command: ['echo', 'migrated'], timeoutMs: 20_000 }

    // What runs once has ended on the first host before another one begins.
    const one = recordOf('one', { sizes: [3] }, { beforeSwitch: [step] })
    await deploy(one, ports(meeting('trixie', 'forky')))
    const pages = (): Promise<string[]> => Promise.all(all.map((host) => host.page()))
    expect(await pages()).toEqual(['one', 'one', 'one'])
    const [[led], [second], [third]] = [await spans('bookworm', one), await spans('trixie', one), await spans('forky', one)]
    expect(Math.min(second?.from ?? 0, third?.from ?? 0)).toBeGreaterThanOrEqual(led?.to ?? Infinity)

    const traffic = all.map((host) => host.traffic({ connections: 4 }))
    await Promise.all(traffic.map((some) => some.seen('one')))
    const two = recordOf('two', { sizes: [1, 3] })
    const together = meeting('trixie', 'forky')
    const before: string[] = []
    const done = await deploy(
      two,
      ports(async (name) => {
        if (name === 'trixie') before.push(...(await pages()))
        await together(name)
      }),
    )
    expect(before).toEqual(['two', 'one', 'one'])
    expect(done.hosts.map(({ host, previous }) => [host, previous])).toEqual(names.map((name) => [name, one.id]))
    const [[first], [left], [right]] = [await spans('bookworm', two), await spans('trixie', two), await spans('forky', two)]
    if (first === undefined || left === undefined || right === undefined) throw new Error('a host has not begun')
    expect(Math.min(left.from, right.from)).toBeGreaterThanOrEqual(first.to)
    expect(Math.max(left.from, right.from)).toBeLessThanOrEqual(Math.min(left.to, right.to))
    await Promise.all(traffic.map((some) => some.seen('two')))

    // A version that cannot run on the last host. The one beside it comes to its end.
    for (const host of [bookworm, trixie]) await host.ask(`mkdir -p ${fleet.stateRoot}/needed; touch ${fleet.stateRoot}/needed/here`)
    await forky.ask(`mkdir -p ${fleet.stateRoot}/needed`)
    const picky = site(bookworm, {
      command: ['sh', '-c', 'test -e /needed/here && exec python3 /server.py'],
      volumes: [`${fleet.stateRoot}/needed:/needed:ro`],
    })
    const three = recordOf('three', { sizes: [1, 2] }, { services: [picky] })
    const failed = await failureOf(deploy(three, ports(meeting('trixie', 'forky'))))
    expect(failed).toMatchObject({
      code: 'DEPLOY_ROLLED_BACK',
      message: expect.stringMatching(
        /^web: \w+ failed on forky; release \S+ serves; bookworm, trixie went back: two@[0-9a-f]{7} serves there again$/,
      ),
    })
    expect((await spans('trixie', three)).map(({ end }) => end)).toEqual(['done'])
    expect(await running()).toEqual([two.id, two.id, two.id])

    // The way back: one host, then as many as the largest batch has.
    const back = await rollback(fleet.app, three.plan.environment, ports(meeting('trixie', 'forky')))
    expect(back).toMatchObject({ version: 'one', hosts: names.map((host) => ({ host })) })
    expect(await pages()).toEqual(['one', 'one', 'one'])
    const returns = [(await spans('bookworm', one))[1], (await spans('trixie', one))[1], (await spans('forky', one))[1]]
    expect(Math.min(returns[1]?.from ?? 0, returns[2]?.from ?? 0)).toBeGreaterThanOrEqual(returns[0]?.to ?? Infinity)
    const tallies = await Promise.all(traffic.map((some) => some.stop()))
    expect(tallies.map(({ failures }) => Object.fromEntries(failures))).toEqual([{}, {}, {}])
    expect(tallies.map(({ versions }) => [...versions.keys()].toSorted())).toEqual([
      ['one', 'three', 'two'],
      ['one', 'three', 'two'],
      ['one', 'two'],
    ])
  },
)

test(
  'a version that dies in the time between two batches goes no further, and back where it is',
  { tags: ['batches', 'ready-then-dies'], timeout: 300_000 },
  async () => {
    await using fleet = newFleet()
    const { bookworm, ports, recordOf, running } = fleet
    const one = recordOf('one', { sizes: [2] }, { services: [worker] }, ['bookworm', 'trixie'])
    await deploy(one, ports())
    const two = recordOf('two', { sizes: [1], waitMs: 60_000 }, { services: [worker] }, ['bookworm', 'trixie'])
    const killed = (): Promise<string> =>
      bookworm.ask(`docker kill $(docker ps --quiet --filter label=launchway.app=${fleet.app} --filter label=launchway.release=${two.id})`)
    const clock = { ...systemClock, sleep: async (ms: number) => void (ms === 60_000 ? await killed() : undefined) }
    const failed = await failureOf(deploy(two, { ...ports(), clock }))
    expect(failed).toMatchObject({
      code: 'DEPLOY_ROLLED_BACK',
      message: expect.stringMatching(
        /^bookworm: worker is not well any more \(Exited \(137\) .*\), 1 min 0 s after its deploy; bookworm went back: one@[0-9a-f]{7} serves there again$/,
      ),
      hint: expect.stringContaining('Untouched, since their turn had not come: trixie'),
    })
    expect(await running()).toEqual([one.id, one.id, 'nothing'])
  },
)

test(
  'a newer release that comes in the time between two batches ends the older one, which takes nothing of it back',
  { tags: ['batches'], timeout: 300_000 },
  async () => {
    await using fleet = newFleet()
    const { ports, recordOf, running } = fleet
    const both = ['bookworm', 'trixie'] as const
    const way = { services: [worker] }
    await deploy(recordOf('one', { sizes: [2] }, way, both), ports())
    const two = recordOf('two', { sizes: [1], waitMs: 60_000 }, way, both)
    const three = recordOf('three', { sizes: [2] }, way, both)
    const clock = { ...systemClock, sleep: async (ms: number) => void (ms === 60_000 ? await deploy(three, ports()) : undefined) }
    const failed = await failureOf(deploy(two, { ...ports(), clock }))
    expect(failed).toMatchObject({
      code: 'DEPLOY_LOCKED',
      message: 'somebody else has changed bookworm while this deploy waited for its next batch',
      part: { deploy: { hosts: [] } },
    })
    expect(failed.hint).toMatch(/^bookworm: runs three \(\S+\) by now\n[^]*Untouched, since their turn had not come: trixie$/)
    expect(await running()).toEqual([three.id, three.id, 'nothing'])
  },
)
