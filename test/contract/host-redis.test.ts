import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { failureOf, isCampaign, useHosts } from './support/hosts.ts'
import { operated } from './support/operated.ts'
import { type PushedImage, pushImage, removeImage, type Wish } from './support/release.ts'

const { image } = useHosts()
const lab = inject('lab')
const { address: guarded, username, password } = lab.secureRegistry

/** The Redis of the image redis:7 with what it is linked to: a tenth of its size to push and to pull. */
const slim = `FROM redis:7 AS whole
RUN mkdir -p /slim/data && chown redis /slim/data && tools="$(command -v redis-server) $(command -v redis-cli)" \\
 && cp --parents --dereference $tools $(ldd $tools | grep -o '/[^ :]*' | grep '\\.so' | sort -u) /slim
FROM scratch
COPY --from=whole /slim /
USER 999
WORKDIR /data
EXPOSE 6379
ENV PATH=/usr/bin
CMD ["redis-server"]
`
let redis: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  redis = await pushImage(guarded, (context) => writeFileSync(join(context, 'Dockerfile'), slim), { username, password })
  await removeImage(redis)
})

/** An account that may use docker, on the oldest engine; the campaign has the two others as well. */
const at: [string, string][] = [
  ['bookworm', 'deploy'],
  ['trixie', 'root'],
  ['forky', 'ops'],
]

describe.each(isCampaign ? at : at.slice(0, 1))('a Redis from a registry that asks for a login, on %s as %s', (suite, user) => {
  test('keeps what it is told over deploys, a rollback, a recreate and a reboot, and says so', { timeout: 300_000 }, async () => {
    const services = [{ name: 'web', port: 8000, publish: '127.0.0.1:18000' }, { name: 'worker' }]
    await using there = await operated(image, [[suite, user]], { services })
    const [machine] = there.machines
    const [address = ''] = there.addresses
    if (machine === undefined) throw new Error('no machine')
    const volume = `${machine.app}-redis`
    await using _ = {
      [Symbol.asyncDispose]: async () => void (await machine.ask(`docker rm --force ${container}; docker volume rm ${volume} || :`)),
    }
    const container = `${machine.app}.test.redis`
    const reference = `${redis.repository}@${redis.digest}`
    const [command, health] = [
      ['redis-server', '--protected-mode', 'no', '--appendonly', 'yes'],
      ['redis-cli', 'ping'],
    ]
    const accessory = { image: reference, command, volumes: [`${volume}:/data`] }
    const network = `${machine.app}.test`
    const joined = services.map((one) => ({ ...one, networks: [network] }))
    const accessories: Wish['accessories'] = [
      {
        name: 'redis',
        ...accessory,
        networks: [network],
        health: { command: health, timeoutMs: 20_000, settleMs: 0 },
        stopTimeoutMs: 10_000,
      },
    ]
    there.configure(
      { web: { port: 8000, publish: '127.0.0.1:18000' }, worker: {} },
      {
        accessories: { redis: { ...accessory, command: [...command, '--maxmemory', '32mb'], health: { command: health, settle: '0s' } } },
      },
      { [guarded]: { username, password: 'REDIS_REGISTRY' } },
    )
    const deploy = (version: string, secret = password): Promise<string> =>
      there.deploy(version, { services: joined, accessories, login: { username, password: secret, at: guarded } })
    /** As the application speaks to it: by its name, from the container of a service. */
    const say = async (...lines: string[]): Promise<string> => {
      const input = [...lines, 'QUIT', ''].join('\r\n')
      const { out, err } = await there.launchway(['exec', 'worker', '--', 'nc', 'redis', '6379'], { input })
      return `${out
        .replaceAll('\r', '')
        .trim()
        .replace(/\n?\+OK$/, '')}${err}`
    }
    const identity = (): Promise<string> => machine.ask(`docker inspect --format '{{.Id}}' ${container}`)

    const refused = await failureOf(deploy('one', 'wrong-password'))
    expect(refused).toMatchObject({ code: 'PULL_FAILED', hint: expect.stringMatching(/unauthorized|denied/) })
    expect(await machine.containers()).toEqual([])

    await deploy('one')
    expect(await say('SET born "in one"', 'INCR visits')).toBe('+OK\n:1')
    const id = await identity()
    await deploy('two')
    expect(await say('INCR visits')).toBe(':2')
    expect(await there.launchway(['rollback'])).toMatchObject({ code: 0 })
    expect(await say('INCR visits', 'GET born')).toBe(':3\n$6\nin one')
    expect(await identity()).toBe(id)

    expect(await there.launchway(['logs', 'redis'])).toMatchObject({ code: 0, out: expect.stringContaining('redis | ') })
    expect(await there.launchway(['exec', 'redis', '--', 'redis-cli', 'GET', 'born'])).toMatchObject({ code: 0, out: 'in one\n' })
    const { code, out: stopped } = await there.launchway(['stop', 'redis'])
    expect([code, stopped]).toEqual([2, expect.stringContaining(`USAGE: redis on ${address} is an accessory`)])
    expect(stopped).toContain(`docker restart ${container}`)

    // Its login is one of this terminal, and nothing of it stays on the host.
    const lost = await there.launchway(['recreate', 'redis'])
    expect(lost).toMatchObject({ code: expect.any(Number), err: expect.stringContaining('REDIS_REGISTRY') })
    expect(lost.code).not.toBe(0)
    const again = await there.launchway(['recreate', 'redis'], { env: { REDIS_REGISTRY: password } })
    expect(again).toMatchObject({ code: 0 })
    expect(again.out).toMatch(new RegExp(`^${address}: redis runs ${reference}, command; nobody served for \\d+ ms\n$`))
    expect(await say('GET born', 'CONFIG GET maxmemory')).toBe('$6\nin one\n*2\n$9\nmaxmemory\n$8\n33554432')
    expect(await machine.ask(`grep -rlsF '${password}' ${machine.stateRoot} ~/.docker || echo nowhere`)).toBe('nowhere')
    const second = await identity()
    expect(second).not.toBe(id)

    await docker('restart', '--time', '30', lab.hosts[suite]?.container ?? '')
    const page = (): Promise<string> => machine.ask('curl -s --max-time 5 http://127.0.0.1:18000/ || :').catch(() => '')
    await expect.poll(page, { timeout: 90_000, interval: 250 }).toBe('one')
    await expect.poll(() => say('INCR visits', 'GET born'), { timeout: 30_000 }).toBe(':4\n$6\nin one')
    expect(await identity()).toBe(second)
    const { out } = await there.launchway(['status'])
    expect(out).toMatch(new RegExp(`redis +accessory +${reference} +Up`))
  })
})
