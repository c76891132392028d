import { describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { placesOf } from '../support/places.ts'
import { type HostUnderTest, labHost } from './support/host.ts'
import { failureOf, isCampaign, pathsOf, pushAnother, running, useHosts } from './support/hosts.ts'
import { hostAt, journalAt } from './support/place.ts'
import { deployTo, web, type Wish, worker } from './support/release.ts'

const lab = inject('lab')
const { image, machine } = useHosts()

const Inspected = z.array(
  z.object({
    Name: z.string(),
    State: z.object({ StartedAt: z.string(), FinishedAt: z.string() }),
    HostConfig: z.object({
      RestartPolicy: z.object({ Name: z.string(), MaximumRetryCount: z.number() }),
      LogConfig: z.object({ Type: z.string(), Config: z.record(z.string(), z.string()) }),
    }),
  }),
)

async function inspect(host: HostUnderTest): Promise<z.infer<typeof Inspected>> {
  const names = (await host.containers()).map(({ name }) => name)
  return Inspected.parse(JSON.parse(await host.ask(`docker inspect ${names.join(' ')}`)))
}

/** Of a service: the most that ran at once since then, by what the engine says of its containers. */
async function mostAtOnce(host: HostUnderTest, service: string, since: string): Promise<number> {
  const filters = `--filter label=launchway.app=${host.app} --filter label=launchway.service=${service} --filter event=start --filter event=die`
  const events = await host.ask(`docker events --since ${since} --until "$(date +%s)" ${filters} --format '{{.Action}}'`)
  let now = 0
  const counts = events.split('\n').map((action) => (now += action === 'start' ? 1 : -1))
  expect(counts.length).toBeGreaterThan(2)
  return Math.max(...counts)
}

const beat = { name: 'beat', command: ['/bin/sh', '-c', '[ "$MODE" != crash ] || exit 3; exec sleep 1000'], overlap: false }

/** The newest engine; the campaign has the other two as well. */
const suites = isCampaign ? ['bookworm', 'trixie', 'forky'] : ['forky']
const hostOf = (suite: string): HostUnderTest => labHost(lab.hosts[suite]?.container ?? '', 'deploy', 8097)

describe.each(suites)('services on a host of the lab, %s', (suite) => {
  test('overlap: false never has two at once, and the old one comes back when the new one fails', async () => {
    await using host = hostOf(suite)
    const notes: string[] = []
    const since = await host.ask('date +%s')
    const settle = { health: { kind: 'container' as const, timeoutMs: 10_000, settleMs: 500 } }
    const restart = 'on-failure:3'
    const first = await deployTo(host, image(), { version: 'one', services: [worker, { ...beat, restart }] })
    await deployTo(host, image(), { version: 'two', services: [worker, { ...beat, restart }], onInfo: (line) => notes.push(line) })
    const [old, fresh] = (await inspect(host)).filter(({ Name }) => Name.includes('.beat.'))
    expect(old?.State.FinishedAt.localeCompare(fresh?.State.StartedAt ?? '')).toBeLessThan(0)
    expect(notes.join('\n')).toContain('beat: the old one is stopped first, since two must not overlap')
    expect((await journalAt(host)).find(({ step }) => step === 'downtime')).toMatchObject({
      service: 'beat',
      note: 'stopped first: it must not overlap',
    })

    const error = await failureOf(
      deployTo(host, image(), { version: 'three', services: [worker, { ...beat, env: { MODE: 'crash' }, ...settle }] }),
    )
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect(await running(host)).toEqual([`beat ${fresh?.Name.split('.').at(-1)}`, `worker ${fresh?.Name.split('.').at(-1)}`])
    const [, back] = (await inspect(host)).filter(({ Name }) => Name.includes('.beat.'))
    expect(back?.HostConfig.RestartPolicy).toEqual({ Name: 'on-failure', MaximumRetryCount: 3 })
    expect(await mostAtOnce(host, 'beat', since)).toBe(1)
    expect(first.downtimeMs).toBe(0)
  })
})

test.for(placesOf('bookworm, sudo only', 'trixie, busybox', 'forky, docker group'))(
  'on $name, each is found by its name on each of its networks; a bad flag, and a bad value, are told while all of the old version still runs',
  { tags: ['unknown-flag'] },
  async (place) => {
    await using host = await hostAt(place)
    const networks = [`${host.app}-a`, `${host.app}-b`]
    const reached = web(host, { networks })
    const others = [
      { ...worker, networks: networks.slice(0, 1) },
      { name: 'other', networks: networks.slice(1) },
    ] as const
    await deployTo(host, image(), { version: 'one', services: [reached, ...others] })
    for (const { name } of (await host.containers()).filter(({ service }) => service !== 'web'))
      expect(await host.ask(`docker exec ${name} wget -q -O - http://web:8000/`)).toBe('one')

    const before = await inspect(host)
    const flag = await failureOf(
      deployTo(host, image(), { version: 'two', services: [reached, { ...others[0], options: ['--no-such-flag=1'] }, others[1]] }),
    )
    expect(flag.message).toContain('worker: create failed')
    expect(flag.hint).toContain('unknown flag: --no-such-flag')
    const lots = web(host, { networks, memory: 'lots' })
    const memory = await failureOf(deployTo(host, image(), { version: 'three', services: [lots, ...others] }))
    expect(memory.hint).toContain('invalid')
    expect(await inspect(host)).toEqual(before)
    expect(await host.answer()).toBe('one')
  },
)

describe('the order', () => {
  test.for(placesOf('bookworm, docker group', 'trixie, sudo only', 'forky, busybox'))(
    'on $name, kamal#1133: a published port goes from the old container to the new one, which was made before the old one stopped; workers never start when the web is unhealthy',
    { tags: ['workers-wait', 'kamal#1133'] },
    async (place) => {
      await using host = await hostAt(place)
      const first = await deployTo(host, image(), { version: 'one', services: [worker, web(host)] })
      const { release } = await deployTo(host, image(), { version: 'two', services: [worker, web(host)] })
      expect(await host.answer()).toBe('two')
      const done = (await journalAt(host)).filter(
        (line) => line.release !== first.release && line.state === 'done' && line.service === 'web',
      )
      expect(done.map(({ step }) => step).filter((step) => ['create', 'stop', 'run', 'downtime'].includes(step))).toEqual([
        'create',
        'stop',
        'run',
        'downtime',
        'stop',
      ])

      const health = { kind: 'http' as const, path: '/', intervalMs: 100, timeoutMs: 500, settleMs: 0 }
      await failureOf(deployTo(host, image(), { version: 'three', services: [worker, web(host, { env: { MODE: 'sick' }, health })] }))
      const third = (await journalAt(host)).filter((line) => ![first.release, release].includes(line.release ?? ''))
      expect(third.some(({ step, service }) => step === 'create' && service === 'worker')).toBe(true)
      expect(third.some(({ step, service }) => step === 'run' && service === 'worker')).toBe(false)
      expect(await running(host)).toEqual([`web ${release}`, `worker ${release}`])
    },
  )

  test('old workers that take their time are stopped side by side, each by its own signal, and it is told that they were killed; restart policy and log driver are those of the configuration, the policy from the record on', async () => {
    const host = await machine()
    const logging = { driver: 'json-file', options: { 'max-size': '1m', 'max-file': '2' } }
    // It does not end by TERM, so its whole time passes.
    const slow = { command: ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 1; done'], stopSignal: 'TERM', stopTimeoutMs: 2000 }
    const services = (restart: string): NonNullable<Wish['services']> => [
      { ...worker, ...slow, restart, logging },
      { name: 'mailer', ...slow },
    ]
    const first = await deployTo(host, image(), { version: 'one', services: services('always') })
    const workers = async () => (await inspect(host)).filter(({ Name }) => Name.includes('.worker.')).map(({ HostConfig }) => HostConfig)
    const LogConfig = { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } }
    expect(await workers()).toEqual([{ RestartPolicy: { Name: 'always', MaximumRetryCount: 0 }, LogConfig }])
    const warnings: string[] = []
    await deployTo(host, image(), { version: 'two', services: services('no'), onWarning: (line) => warnings.push(line) })
    const none = { RestartPolicy: { Name: 'no', MaximumRetryCount: 0 }, LogConfig }
    expect(await workers()).toEqual([none, none])
    const stops = (await journalAt(host)).filter(({ step, release }) => step === 'stop' && release !== first.release)
    expect(stops.slice(0, 2).map(({ state }) => state)).toEqual(['start', 'start'])
    for (const name of ['worker', 'mailer'])
      expect(stops.filter(({ service }) => service === name).map(({ state }) => state)).toEqual(['start', 'says', 'done'])
    const told = warnings.filter((line) => line.includes(`${first.release} was killed`))
    expect(told.map((line) => /: stop (\w+) \| .* stop-timeout of 2 s: /.exec(line)?.[1]).toSorted()).toEqual(['mailer', 'worker'])
  })
})

describe('what a container is given', () => {
  test.for(placesOf('bookworm, root', 'trixie, docker group', 'forky, sudo only'))(
    'on $name, kamal#1467: an env file with quotes, newlines, $ and Unicode arrives byte for byte, and nowhere else',
    { tags: ['kamal#1467', 'secrets'] },
    async (place) => {
      await using host = await hostAt(place)
      const text = [
        `PLAIN=it's here`,
        'QUOTED="two\nlines and a \\n third"',
        `SINGLE='$HOME \`id\` "x" \\n'`,
        'export UNICODE=ü€𝄞😀',
        'HASH="a # b" # a comment',
        'EMPTY=',
        'BOTH=from the file',
        'TOKEN=from the file as well',
      ].join('\n')
      const services = [
        { ...worker, envFiles: ['deploy/worker.env'], env: { BOTH: 'from env' }, secrets: ['TOKEN'] },
        { name: 'other', envFiles: ['deploy/other.env'] },
      ]
      const said: string[] = []
      const { release } = await deployTo(host, image(), {
        version: 'one',
        services,
        secrets: { TOKEN: 'from the step' },
        files: { 'deploy/worker.env': text, 'deploy/other.env': 'PLAIN=another service, another value' },
        onInfo: (line) => said.push(line),
      })
      const environOf = async (service: string): Promise<Record<string, string>> => {
        const { name } = (await host.containers()).find((one) => one.service === service) ?? { name: '' }
        const environ = await host.ask(`docker exec ${name} cat /proc/1/environ`)
        return Object.fromEntries(
          environ.split('\0').map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)] as const),
        )
      }
      expect(await environOf('worker')).toMatchObject({
        PLAIN: `it's here`,
        QUOTED: 'two\nlines and a \n third',
        SINGLE: '$HOME `id` "x" \\n',
        UNICODE: 'ü€𝄞😀',
        HASH: 'a # b',
        EMPTY: '',
        BOTH: 'from env',
        TOKEN: 'from the step',
      })
      expect((await environOf('other'))['PLAIN']).toBe('another service, another value')
      expect((await environOf('other'))['UNICODE']).toBeUndefined()
      const kept = await host.ask(`grep -rlF 'lines and a' ${host.stateRoot}`)
      expect(kept).toBe(`${pathsOf(host).release(release)}/secrets`)
      expect(await host.ask(`cat ${pathsOf(host).release(release)}/release.json`)).toContain('"QUOTED"')
      expect(said.join('\n')).not.toContain('𝄞')
    },
  )

  test('an env file that is not there is told before the host is looked at', async () => {
    const host = await machine()
    const error = await failureOf(deployTo(host, image(), { version: 'one', services: [{ ...worker, envFiles: ['deploy/gone.env'] }] }))
    expect(error).toMatchObject({ code: 'SECRET_MISSING', message: expect.stringContaining('deploy/gone.env') })
    expect(error.hint).toContain('env-files of worker are read from')
    expect(await host.containers()).toEqual([])
  })
})

describe('a worker that nobody asks anything', () => {
  const inImage = (script: string): string[] => ['/bin/sh', '-c', script]
  const busybox = { name: 'busybox', shell: 'busybox', probe: 'wget' } as const
  const health = { kind: 'container' as const, timeoutMs: 10_000, settleMs: 500, bareMs: 4_000 }

  test('one that ends when it cannot load its application is told, with its words, and the old worker never stopped', async () => {
    const host = await machine(busybox)
    const well = { ...worker, command: inImage('exec sleep 1000'), health: { ...health, bareMs: 1_200 } }
    const { release } = await deployTo(host, image(), { version: 'one', services: [web(host), well] })
    const before = (await inspect(host)).map(({ State }) => State.StartedAt).toSorted()

    const broken = { ...worker, command: inImage('sleep 2; echo "ImportError: no module named celery" >&2; exit 1'), health }
    const nginxFree = { name: 'web', port: 8000, health: { kind: 'container' as const, timeoutMs: 10_000, settleMs: 0 } }
    const error = await failureOf(deployTo(host, image(), { version: 'two', services: [nginxFree, broken] }))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('worker: healthy failed') })
    expect(error.hint).toContain('it did not stay up')
    expect(error.hint).toContain('exit code 1')
    expect(error.hint).toContain('ImportError: no module named celery')
    expect(await running(host)).toEqual([`web ${release}`, `worker ${release}`])
    expect((await inspect(host)).map(({ State }) => State.StartedAt).toSorted()).toEqual(before)
  })

  test('one that ends after its health check and before the record is named, with its exit code and its words', async () => {
    const host = await machine()
    const late = { kind: 'command' as const, command: ['true'], intervalMs: 100, timeoutMs: 10_000, settleMs: 2_500 }
    const error = await failureOf(
      deployTo(host, image(), {
        version: 'one',
        services: [
          { ...worker, command: inImage('sleep 1; echo "boom" >&2; exit 5') },
          { name: 'slow', health: late },
        ],
      }),
    )
    expect(error.message).toContain('worker: healthy failed')
    expect(error.hint).toContain('it was well, and then ended with exit code 5')
    expect(error.hint).toContain('boom')
    expect(error.hint).not.toContain('engine')
  })

  test('a command says that it is well, and so many in a row that it is not', async () => {
    const host = await machine()
    const asked = { kind: 'command' as const, command: ['test', '-e', '/ready'], intervalMs: 200, timeoutMs: 20_000, settleMs: 0 }
    const well = { ...worker, command: inImage('sleep 1; touch /ready; exec sleep 1000'), health: asked }
    const { services } = await deployTo(host, image(), { version: 'one', services: [well] })
    expect(services).toMatchObject([{ name: 'worker' }])
    const error = await failureOf(
      deployTo(host, image(), {
        version: 'two',
        services: [{ ...worker, command: inImage('exec sleep 1000'), health: { ...asked, retries: 3 } }],
      }),
    )
    expect(error.hint).toContain('3 probes failed one after the other')
  })

  test('the HEALTHCHECK of an image that is meant for the web is named, with what to do; none leaves it out', async () => {
    const host = await machine()
    const check = 'HEALTHCHECK --interval=1s --retries=1 CMD wget -q -O - http://127.0.0.1:8000/'
    const checked = await pushAnother(image(), 'checked', check)
    const idle = { ...worker, command: inImage('exec sleep 1000') }
    const inherits = { ...idle, health: { ...health, bareMs: 30_000 } }
    const error = await failureOf(deployTo(host, checked, { version: 'one', services: [inherits] }))
    expect(error.hint).toContain('What asks is the HEALTHCHECK of its image: CMD-SHELL wget -q -O - http://127.0.0.1:8000/')
    expect(error.hint).toContain('health: none')

    const none = { kind: 'none' as const, timeoutMs: 10_000, settleMs: 1_200 }
    await deployTo(host, checked, { version: 'two', services: [{ ...idle, health: none }] })
    expect((await running(host)).length).toBe(1)
  })

  test('a HEALTHCHECK that is asked too seldom is told with its interval, and what to set', async () => {
    const host = await machine(busybox)
    const seldom = await pushAnother(image(), 'seldom', 'HEALTHCHECK --interval=65s --start-period=5s CMD true')
    const hurried = { kind: 'container' as const, timeoutMs: 1_000, settleMs: 0 }
    const error = await failureOf(deployTo(host, seldom, { version: 'one', services: [web(host, { health: hurried })] }))
    expect(error.hint).toContain('it is asked every 65 s (start period 5 s, timeout 30 s, retries 3), and the deploy waits for 1 s')
    expect(error.hint).toContain('health: { timeout: 290s }')
    expect(error.hint).not.toContain('health: none')
  })
})
