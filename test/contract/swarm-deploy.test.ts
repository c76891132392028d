import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { failureOf, useHosts } from './support/hosts.ts'
import { nodeOf, type StackUnderTest, stackUnderTest, type StackWish } from './support/swarm.ts'

const { image } = useHosts()

interface Written {
  /** What the page says. */
  web?: string
  /** The environment of the second service. */
  other?: string
  /** What runs once before them, if anything does. */
  migrate?: string
}

/** The kernel of the lab has no IPVS: services are found by DNS, and ports are those of the nodes. */
function composed({ web = 'one', other = '{}', migrate }: Written): string {
  const { repository } = image()
  const monitored = 'endpoint_mode: dnsrr, update_config: { monitor: 1s }, rollback_config: { monitor: 1s }'
  return `
services:
  web:
    image: ${repository}
    environment: { VERSION: '${web}' }
    stop_grace_period: 2s
    secrets: [key]
    configs: [{ source: motd, target: /etc/motd }]
    deploy: { replicas: 2, ${monitored} }
  other: { image: ${repository}, environment: ${other}, deploy: { ${monitored} } }
${migrate === undefined ? '' : `  migrate: { image: ${repository}, restart: 'no', command: [sh, -c, '${migrate}'], deploy: { endpoint_mode: dnsrr } }`}
secrets: { key: { environment: APP_KEY } }
configs: { motd: { content: 'hello $\${name}' } }
`
}

describe('a stack on a swarm of three managers', { timeout: 300_000 }, () => {
  let stack: StackUnderTest
  let said: string
  let first: Awaited<ReturnType<StackUnderTest['deploy']>>
  /** Each test leaves it as the one that runs, or what it is made of. */
  let current: string
  beforeAll(async () => {
    stack = stackUnderTest(image())
    first = await deploy('one', { migrate: 'echo migrated' }, 'first-value\n')
    said = stack.told.infos.join('\n')
    current = first.release
  }, 300_000)
  afterAll(() => stack[Symbol.asyncDispose]())

  const deploy = (version: string, written: Written, key: string, wish: Partial<StackWish> = {}): ReturnType<StackUnderTest['deploy']> =>
    stack.deploy({ version, compose: composed(written), secrets: { APP_KEY: key }, ...wish })
  const envs = (): Promise<string> =>
    stack.docker(
      ...['service', 'inspect', '--format', '{{.Spec.TaskTemplate.ContainerSpec.Env}}', `${stack.name}_web`, `${stack.name}_other`],
    )
  const secrets = async (): Promise<string[]> =>
    (await stack.docker('secret', 'ls', '--format', '{{.Name}}', '--filter', `label=launchway.app=${stack.app}`)).split('\n')

  const serving = async (): Promise<string[]> => {
    const seen = await stack.status()
    return 'containers' in seen ? seen.containers.map(({ service }) => service).toSorted() : []
  }

  /** What a container of the page finds in its files. */
  async function read(): Promise<string> {
    const format = ['--filter', 'desired-state=running', '--format', '{{.Node}} {{.Name}}.{{.ID}}', '--no-trunc']
    const found = await stack.docker('service', 'ps', ...format, `${stack.name}_web`)
    const [node = '', task = ''] = found.split('\n')[0]?.split(' ') ?? []
    return docker('exec', nodeOf(node), 'docker', 'exec', task, 'sh', '-c', 'cat /run/secrets/key; echo .; cat /etc/motd')
  }

  test('comes up after what ends by itself has run once', async () => {
    expect(said).toContain('before-switch migrate | migrated')
    expect(first.services).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'web', container: `${stack.name}_web`, health: '2/2 tasks, updated' }),
        expect.objectContaining({ name: 'other', health: '1/1 tasks, updated' }),
        expect.objectContaining({ name: 'migrate', health: 'ran once, before the others' }),
      ]),
    )
    expect(await serving()).toEqual(['other', 'web'])
  })

  test('is replaced by the next version, and goes back to it by a rollback that needs nothing; a changed secret is a new object, nowhere to be read', async () => {
    const [one = ''] = await secrets()
    expect(await read()).toBe('first-value\n.\nhello ${name}')
    const [web, other] = [await stack.tasks('web'), await stack.tasks('other')]
    const second = await deploy('two', { web: 'two' }, 'second')
    expect(second.previous).toBe(current)
    expect(stack.told.infos.join('\n')).toMatch(/web 2\/2/)
    expect(await stack.tasks('web')).not.toEqual(web)
    expect(await stack.tasks('other')).toEqual(other)
    expect(await read()).toBe('second.\nhello ${name}')
    // The one before is kept: a rollback returns to it.
    expect(await secrets()).toHaveLength(2)
    const ofStack = ['--filter', 'label=launchway.kind=release', '--filter', `label=launchway.stack=${stack.name}`]
    const kept = await stack.docker('config', 'ls', '--quiet', ...ofStack)
    const texts = await stack.docker('config', 'inspect', '--format', '{{printf "%s" .Spec.Data}}', ...kept.split('\n'))
    expect(texts).toContain(one)
    expect(texts).not.toMatch(/first-value|second/)

    const whole = async (): Promise<string[]> => [
      await stack.docker('config', 'ls', '--quiet'),
      await stack.docker('service', 'inspect', ...(await stack.docker('service', 'ls', '--quiet')).split('\n')),
    ]
    const before = await whole()
    expect(await stack.propose()).toMatchObject({
      release: current,
      version: 'one',
      hosts: [{ runs: `two (${second.release})`, changes: true, notes: ['other, web: as one has them; what is the same keeps its tasks'] }],
    })
    expect(await failureOf(stack.propose('v9'))).toMatchObject({ code: 'VERSION_UNKNOWN' })
    expect(await whole()).toEqual(before)

    const back = await stack.rollback()
    expect(back).toMatchObject({ release: current, version: 'one' })
    expect(await envs()).toBe('[VERSION=one]\n[]')
    expect(await read()).toBe('first-value\n.\nhello ${name}')
    await expect
      .poll(() => stack.status(), { timeout: 60_000, interval: 500 })
      .toMatchObject({
        current,
        previous: second.release,
        versions: { [current]: 'one', [second.release]: 'two' },
        containers: expect.arrayContaining([
          expect.objectContaining({ service: 'web', release: current, state: 'running', status: '2/2 tasks' }),
        ]),
      })
  })

  test('a version that ends at once rolls back by itself, and the error has the task and its last words', async () => {
    const error = await failureOf(deploy('three', { web: 'three', other: '{ MODE: crash, VERSION: three }' }, 'first-value\n'))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect(error.message).toContain(`release ${current} serves`)
    expect(error.hint).toContain('boom: no "configuration"')
    expect(await envs()).toBe('[VERSION=one]\n[]')
    expect(await stack.status()).toMatchObject({ current })
  })

  test('what runs once stops the deploy when it fails', async () => {
    const before = await stack.tasks('web')
    const error = await failureOf(deploy('four', { web: 'four', migrate: 'echo no such table >&2; exit 3' }, 'first-value\n'))
    expect(error).toMatchObject({ code: 'RELEASE_COMMAND_FAILED' })
    expect(error.hint).toContain('no such table')
    expect(await stack.tasks('web')).toEqual(before)
    expect(await stack.status()).toMatchObject({ current })
    expect(await serving()).toEqual(['other', 'web'])
  })

  test('what has not changed keeps its tasks, and is soon done', async () => {
    const [web, other] = [await stack.tasks('web'), await stack.tasks('other')]
    const again = await deploy('five', {}, 'first-value\n')
    current = again.release
    expect(again.services).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'web', health: '2/2 tasks, kept as it was' }),
        expect.objectContaining({ name: 'other', health: '1/1 tasks, kept as it was' }),
      ]),
    )
    expect([await stack.tasks('web'), await stack.tasks('other')]).toEqual([web, other])
  })

  test('a first version that never gets well leaves nothing', async () => {
    await using sick = stackUnderTest(image())
    const compose = `services: { web: { image: ${image().repository}, environment: { MODE: crash }, deploy: { endpoint_mode: dnsrr } } }`
    const error = await failureOf(sick.deploy({ version: 'one', timeoutMs: 15_000, compose }))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect(error.hint).toContain('boom')
    expect(await sick.docker('service', 'ls', '--quiet', '--filter', `label=com.docker.stack.namespace=${sick.name}`)).toBe('')
  })
})
