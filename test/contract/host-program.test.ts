import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { exitCodeOf } from '../../src/core/error.ts'
import { type Place, type PlaceName, placesOf } from '../support/places.ts'
import { killer } from './support/docker-killer.ts'
import type { HostUnderTest, Toolbox } from './support/host.ts'
import { failureOf, isCampaign, pathsOf, running, stepsOf, useHosts } from './support/hosts.ts'
import { hostAt, journalAt, stepsAt } from './support/place.ts'
import { deployTo, web, worker } from './support/release.ts'

const { image, machine } = useHosts()

/** What `docker inspect` says of a container: what arrived there. */
const Inspected = z.object({
  Args: z.array(z.string()),
  Config: z.object({ Env: z.array(z.string()), Labels: z.record(z.string(), z.string()) }),
})

const toolboxes = [
  { name: 'dash, GNU tools and curl', shell: 'dash', probe: 'curl' },
  { name: 'dash, GNU tools and GNU wget', shell: 'dash', probe: 'wget' },
  { name: 'busybox alone', shell: 'busybox', probe: 'wget' },
] as const satisfies Toolbox[]
const [curl, , busybox] = toolboxes

/** This machine with the tools of a toolbox and no others, or a host of the lab. */
type Where = Toolbox | Place
async function open(where: Where): Promise<HostUnderTest> {
  // A machine goes with the test by itself.
  return 'suite' in where ? hostAt(where) : { ...(await machine(where)), [Symbol.asyncDispose]: () => Promise.resolve() }
}
/** Each of what is the same by all tools by one of them; the campaign has it by all. */
const by = (taken: readonly Toolbox[], ...sample: PlaceName[]): Where[] => [...(isCampaign ? toolboxes : taken), ...placesOf(...sample)]

test.for(by([busybox], 'bookworm, docker group', 'trixie, sudo only', 'forky, root'))(
  'on $name: a first deploy serves, a second one replaces it and keeps the old container',
  { tags: ['docker-rollout#38', 'kamal#1133'] },
  async (where) => {
    await using host = await open(where)
    const sick = { kind: 'http' as const, path: '/nowhere', intervalMs: 100, timeoutMs: 500, settleMs: 0 }
    const none = await failureOf(deployTo(host, image(), { version: 'none', services: [web(host, { health: sick }), worker] }))
    expect(none).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('web: healthy failed') })
    expect(await running(host)).toEqual([])
    const first = await deployTo(host, image(), { version: 'one', services: [web(host), worker] })
    expect(await host.answer()).toBe('one')
    expect(first).toMatchObject({ downtimeMs: 0, stopped: [] })

    const second = await deployTo(host, image(), { version: 'two', services: [web(host), worker] })
    expect(await host.answer()).toBe('two')
    expect(second.previous).toBe(first.release)
    expect(second.downtimeMs).toBeGreaterThan(0)
    expect(second.services[0]?.health).toBe(`http://127.0.0.1:${host.port}/ 200`)
    expect(await host.containers()).toMatchObject([
      { service: 'web', release: first.release, state: 'exited' },
      { service: 'web', release: second.release, state: 'running' },
      { service: 'worker', release: first.release, state: 'exited' },
      { service: 'worker', release: second.release, state: 'running' },
    ])
    expect(await host.ask(`cat ${pathsOf(host).current} ${pathsOf(host).previous}`)).toBe(`${second.release}\n${first.release}`)
  },
)

test.for(by(toolboxes, 'bookworm, sudo only', 'trixie, docker group'))(
  'on $name: a new version that is not healthy goes back to the old one, and the last answer is told',
  { tags: ['kamal#842', 'failure-exit', 'broken-image'] },
  async (where) => {
    await using host = await open(where)
    const first = await deployTo(host, image(), { version: 'one', services: [web(host), worker] })
    const health = { kind: 'http' as const, path: '/', intervalMs: 100, timeoutMs: 500, settleMs: 0 }
    const error = await failureOf(
      deployTo(host, image(), { version: 'two', services: [worker, web(host, { env: { MODE: 'sick' }, health })] }),
    )
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect(exitCodeOf(error)).toBeGreaterThan(0)
    expect(error.message).toContain(`release ${first.release} serves`)
    expect(error.hint).toContain(`http://127.0.0.1:${host.port}/ answered 404`)
    expect(error.hint).toContain('starting two')
    expect(await host.answer()).toBe('one')
    expect(await running(host)).toEqual([`web ${first.release}`, `worker ${first.release}`])
    expect((await stepsAt(host)).at(-1)).toBe('end undone')
    // And on the host it is kept for whoever comes later.
    const failed = (await journalAt(host)).filter(({ state }) => state === 'failed')
    expect(failed.map(({ note }) => note).join('\n')).toContain('answered 404')
  },
)

test.for(by([curl], 'bookworm, sudo only', 'trixie, busybox', 'forky, docker group'))(
  'on $name: a new version that ends at once fails at once, with its exit code and last words',
  { tags: ['logs-printed', 'broken-image'] },
  async (where) => {
    await using host = await open(where)
    await deployTo(host, image(), { version: 'one' })
    const health = { kind: 'http' as const, path: '/', intervalMs: 100, timeoutMs: 100_000, settleMs: 0 }
    const error = await failureOf(deployTo(host, image(), { version: 'two', services: [web(host, { env: { MODE: 'crash' }, health })] }))
    expect(error.hint).toContain('exit code 3')
    expect(error.hint).toContain('boom: no "configuration" in \\tmp, 50% done')
    expect(await host.answer()).toBe('one')
  },
)

test.for(by([curl, busybox], 'bookworm, docker group', 'trixie, sudo only', 'forky, busybox'))(
  'on $name: values that a shell could take for code arrive as they are',
  { tags: ['secrets'] },
  async (where) => {
    await using host = await open(where)
    const hostile = [
      '$(touch /tmp/x)',
      '`id`',
      `it's "quoted"`,
      'a\nb\n',
      '-leading',
      '%s %d %%',
      '\\n \\\\',
      'ā\u0081é😀',
      ' * ? [a] ~ ',
      '${HOME}',
      '',
    ]
    const env = Object.fromEntries(hostile.map((value, index) => [`H${index}`, value]))
    const labels = Object.fromEntries(hostile.map((value, index) => [`h${index}`, value]))
    const secrets = Object.fromEntries(hostile.map((value, index) => [`S${index}`, value]))
    const entrypoint = ['/bin/sh', '-c', 'sleep 60', 'sh']
    const service = { ...worker, env, labels, secrets: Object.keys(secrets), entrypoint, command: hostile }
    await deployTo(host, image(), { version: 'one', secrets, services: [service] })
    const [container] = await host.containers()
    const seen = Inspected.parse(JSON.parse(await host.ask(`docker inspect --format '{{json .}}' ${container?.name}`)))
    expect(seen.Args).toEqual(['-c', 'sleep 60', 'sh', ...hostile])
    expect(seen.Config.Labels).toMatchObject(labels)
    const wanted = [...Object.entries(env), ...Object.entries(secrets)].map(([name, value]) => `${name}=${value}`)
    expect(seen.Config.Env).toEqual(expect.arrayContaining(wanted))
  },
)

// Most hosts have dash and GNU tools.
describe.each<Toolbox>(isCampaign ? toolboxes : [curl])('on a host with $name', (toolbox) => {
  test('whatever a killed program had done, the next deploy leaves one version serving', { tags: ['leftovers'] }, async () => {
    const host = await machine(toolbox)
    const services = [web(host), worker]
    const deployNext = (version: string): ReturnType<typeof deployTo> => deployTo(host, image(), { version, services, keep: 2 })
    await deployNext('first')
    const docker = killer(host.bin)
    docker.arm(0, 'before')
    await deployNext('second')
    const calls = docker.disarm()
    expect(calls).toBeGreaterThan(10)
    // The campaign kills at each call of docker, every other run at a sample of them: after one, before the next.
    const step = isCampaign ? 1 : 17
    for (let call = 1; call <= calls; call += step) {
      docker.arm(call, call % 2 === 0 ? 'before' : 'after')
      await deployNext('killed').catch(() => undefined)
      // Waiting for health can take a call more or less: the last ones may never come.
      if (docker.disarm() < call) break
      expect(stepsOf(host).at(-1), `call ${call}`).not.toMatch(/^end/)
      expect(
        (await running(host)).some((one) => one.startsWith('worker')),
        `a worker after call ${call}`,
      ).toBe(true)
      const { release } = await deployNext(`after ${call}`)
      expect(await running(host), `after call ${call}`).toEqual([`web ${release}`, `worker ${release}`])
      expect(await host.answer()).toBe(`after ${call}`)
    }
  })
})

test.for(placesOf('bookworm, docker group'))(
  'on $name, as the engine sees it: a deploy serves, a worker that its health check finds ill goes back',
  { tags: ['broken-image'] },
  async (place) => {
    await using host = await hostAt(place)
    const first = await deployTo(host, image(), {
      version: 'one',
      services: [web(host), { ...worker, networks: [`${host.app}-a`, `${host.app}-b`] }],
    })
    const second = await deployTo(host, image(), { version: 'two', services: [web(host), worker] })
    expect(await host.answer()).toBe('two')
    expect(second.previous).toBe(first.release)
    const options = ['--health-cmd', 'echo it hurts; false', '--health-interval', '1s', '--health-retries', '1']
    const error = await failureOf(deployTo(host, image(), { version: 'three', services: [web(host), { ...worker, options }] }))
    expect(error.hint).toContain('health check (exit 1): it hurts')
    expect(await host.answer()).toBe('two')
  },
)
