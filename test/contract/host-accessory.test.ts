import { describe, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { status } from '../../src/deploy/status.ts'
import { recreate, type Recreated } from '../../src/deploy/recreate.ts'
import { killer } from './support/docker-killer.ts'
import { environmentName, type HostUnderTest, labHost } from './support/host.ts'
import { failureOf, isCampaign, running, useHosts } from './support/hosts.ts'
import { deployTo, portsFor, releaseFor, web, worker, type Wish } from './support/release.ts'
import { rollBack } from './support/site.ts'

const lab = inject('lab')
const { image, machine } = useHosts()

const reference = (): string => `${image().repository}@${image().digest}`

/** Writes on its volume once, and serves what it wrote. */
const script =
  'mkdir -p /www; [ -e /data/born ] || cat /proc/sys/kernel/random/uuid > /data/born; ln -sf /data/born /www/index.html; exec /serve'

function store(host: HostUnderTest, of: Partial<NonNullable<Wish['accessories']>[number]> = {}): NonNullable<Wish['accessories']>[number] {
  return {
    name: 'store',
    image: reference(),
    // The image's own program writes a page of its own, unless it is told to be sick.
    command: ['/bin/sh', '-c', script],
    env: { MODE: 'sick', VERSION: 'store' },
    volumes: [`${host.app}-data:/data`],
    networks: [`${host.app}-net`],
    health: { command: ['wget', '-q', '-O', '-', 'http://127.0.0.1:8000/'], timeoutMs: 10_000, settleMs: 0 },
    ...of,
  }
}

const containerOf = (host: HostUnderTest): string => `${host.app}.${environmentName}.store`

const identity = (host: HostUnderTest): Promise<string> =>
  host.ask(
    `docker inspect --format '{{.Id}} {{.State.StartedAt}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}}' ${containerOf(host)}`,
  )

const born = (host: HostUnderTest): Promise<string> => host.ask(`docker exec ${containerOf(host)} cat /data/born`)

/** Gone with everything else that the test has made. */
const withoutVolume = (host: HostUnderTest): Promise<string> =>
  host.ask(
    `docker rm --force $(docker ps --all --quiet --filter label=launchway.app=${host.app}) > /dev/null; docker volume rm ${host.app}-data`,
  )

function recreated(host: HostUnderTest, accessory: NonNullable<Wish['accessories']>[number], secrets = {}): Promise<Recreated> {
  const wish: Wish = { version: 'as configured now', accessories: [accessory], secrets }
  const { app, plan } = releaseFor(host, image(), wish)
  if (plan.environment === undefined) throw new Error('no environment')
  const of = { app, environment: plan.environment, repositories: [image().repository] as [string], registries: [] }
  return recreate(
    of,
    'store',
    portsFor(() => host.remote(), wish),
  )
}

/** The oldest engine; the campaign has the newest as well. */
const suites = isCampaign ? ['bookworm', 'forky'] : ['bookworm']

describe.each(suites)('an accessory on a host of the lab, %s', (suite) => {
  test('outlives three releases, a rollback and a restart of the engine with its data, found by its name; what differs is told, no value is', async () => {
    await using host = labHost(lab.hosts[suite]?.container ?? '', 'deploy', 8096)
    const services = [web(host), { ...worker, networks: [`${host.app}-net`] }]
    const warnings: string[] = []
    const wish = { services, secrets: { TOKEN: 's3cret-value' }, keep: 1, onWarning: (line: string) => warnings.push(line) }
    await deployTo(host, image(), { ...wish, version: 'one', accessories: [store(host, { secrets: ['TOKEN'] })] })
    const [id, data] = [await identity(host), await born(host)]
    expect(id).toMatch(/ running unless-stopped$/)
    expect(data).toMatch(/^[0-9a-f-]{36}$/)
    expect(warnings).toEqual([])

    await deployTo(host, image(), {
      ...wish,
      version: 'two',
      accessories: [store(host, { env: { VERSION: 'hidden-value' }, memory: '64m' })],
    })
    expect(warnings.join('\n')).toMatch(/another configuration: .*env MODE; env VERSION; secrets \[TOKEN\] → \[\]; memory none → 64m/)
    expect(warnings.join('\n')).toContain(`launchway recreate store -e ${environmentName}`)
    expect(warnings.join('\n')).not.toMatch(/s3cret|hidden-value/)
    warnings.length = 0

    await deployTo(host, image(), { ...wish, version: 'three', accessories: [] })
    expect(warnings.join('\n')).toContain('store is an accessory that the configuration no longer has: it is left alone')
    await rollBack(host, services, { accessories: [store(host)] })
    expect(await host.answer()).toBe('two')

    expect(await identity(host)).toBe(id)
    expect(await born(host)).toBe(data)
    const found = (await host.containers()).find((one) => one.service === 'worker' && one.state === 'running')
    expect(await host.ask(`docker exec ${found?.name} wget -q -O - http://store:8000/`)).toBe(data)
    const { plan } = releaseFor(host, image(), { version: 'any' })
    if (plan.environment === undefined) throw new Error('no environment')
    const [shown] = await status(
      host.app,
      plan.environment,
      portsFor(() => host.remote(), { version: 'any' }),
    )
    await docker('exec', lab.hosts[suite]?.container ?? '', 'lab-service', 'docker', 'restart')
    await expect.poll(() => born(host).catch(() => ''), { timeout: 60_000, interval: 250 }).toBe(data)
    expect((await identity(host)).split(' ')[0]).toBe(id.split(' ')[0])
    expect(shown).toMatchObject({ accessories: [{ name: 'store', state: 'running', image: reference() }] })
    await withoutVolume(host)
  }, 300_000)

  test('is changed by recreate alone, with its data; the old one comes back when the new one is not well', async () => {
    await using host = labHost(lab.hosts[suite]?.container ?? '', 'deploy', 8096)
    const { release } = await deployTo(host, image(), { version: 'one', services: [worker], accessories: [store(host)] })
    const [id, data] = [await identity(host), await born(host)]
    const { hosts } = await recreated(host, store(host, { memory: '64m', restart: 'always' }))
    expect(hosts).toMatchObject([{ container: containerOf(host), changed: ['restart unless-stopped → always', 'memory none → 64m'] }])
    expect(hosts[0]?.downtimeMs).toBeGreaterThan(0)
    const second = await identity(host)
    expect(second).toMatch(/ running always$/)
    expect(second.split(' ')[0]).not.toBe(id.split(' ')[0])
    expect(await born(host)).toBe(data)

    const health = { command: ['false'], timeoutMs: 500, settleMs: 0 }
    const error = await failureOf(recreated(host, store(host, { health })))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('store: healthy failed') })
    const back = await identity(host)
    expect(back.split(' ')[0]).toBe(second.split(' ')[0])
    expect(back).toMatch(/ running always$/)
    expect(await born(host)).toBe(data)
    const names = await host.ask(`docker ps --all --format '{{.Names}}' --filter label=launchway.app=${host.app} | sort`)
    expect(names.split('\n')).toEqual([containerOf(host), `${host.app}.${environmentName}.worker.${release}`])
    await withoutVolume(host)
  }, 300_000)
})

describe('an accessory', () => {
  test('whose data a new configuration would leave behind is not recreated, and it is told what would be lost', async () => {
    const host = await machine()
    await deployTo(host, image(), { version: 'one', services: [worker], accessories: [store(host)] })
    const id = await identity(host)
    const error = await failureOf(recreated(host, store(host, { volumes: [`${host.app}-other:/data`] })))
    expect(error).toMatchObject({ code: 'HOST_UNFIT' })
    expect(error.message).toContain(`store on host would lose what is in the volume ${host.app}-data at /data`)
    expect(error.hint).toContain(`volumes: ["${host.app}-data:/data"]`)
    expect(await identity(host)).toBe(id)
    await withoutVolume(host)
  })

  test('that was being recreated by a program that was killed is there after the next deploy, with its data, once', async () => {
    const host = await machine()
    const wish = { services: [worker], accessories: [store(host)] }
    await deployTo(host, image(), { ...wish, version: 'first' })
    const data = await born(host)
    const calling = killer(host.bin)
    calling.arm(0, 'before')
    await recreated(host, store(host))
    const calls = calling.disarm()
    expect(calls).toBeGreaterThan(10)
    // Three of them; the campaign has them all.
    const step = isCampaign ? 1 : Math.ceil((calls - 1) / 3)
    for (let call = 2; call <= calls; call += step) {
      calling.arm(call, call % 4 === 0 ? 'before' : 'after')
      await recreated(host, store(host, { memory: '64m' })).catch(() => undefined)
      calling.disarm()
      await deployTo(host, image(), { ...wish, version: `after ${call}` })
      expect(await identity(host), `after call ${call}`).toMatch(/ running unless-stopped$/)
      expect(await born(host), `after call ${call}`).toBe(data)
      const others = await host.ask(
        `docker ps --format '{{if .Label "launchway.accessory"}}{{.Names}}{{end}}' --filter label=launchway.app=${host.app} | sed '/^$/d'`,
      )
      expect(others, `after call ${call}`).toBe(containerOf(host))
    }
    await withoutVolume(host)
  })

  test('that is never well keeps the services from starting, and leaves nothing but its volume', async () => {
    const host = await machine()
    const health = { command: ['sh', '-c', 'echo not yet; false'], timeoutMs: 500, settleMs: 0 }
    const error = await failureOf(deployTo(host, image(), { version: 'one', services: [worker], accessories: [store(host, { health })] }))
    expect(error.message).toContain('store: healthy failed')
    expect(await host.containers()).toEqual([])
    await host.ask(`docker volume rm ${host.app}-data`)
  })

  test('that has ended is started again by the next deploy, and stays when that fails', async () => {
    const host = await machine()
    await deployTo(host, image(), { version: 'one', services: [worker], accessories: [store(host)] })
    const data = await born(host)
    await host.ask(`docker stop -t 0 ${containerOf(host)}`)
    const settle = { kind: 'container' as const, timeoutMs: 10_000, settleMs: 500 }
    await failureOf(
      deployTo(host, image(), {
        version: 'two',
        services: [{ ...worker, env: { MODE: 'crash' }, health: settle }],
        accessories: [store(host)],
      }),
    )
    expect(await identity(host)).toMatch(/ running unless-stopped$/)
    expect(await born(host)).toBe(data)
    expect((await running(host)).filter((one) => one.startsWith('worker'))).toHaveLength(1)
    await withoutVolume(host)
  })
})
