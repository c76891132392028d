import { describe, expect, test } from 'vitest'
import { failureOf, useHosts } from './support/hosts.ts'
import { stackUnderTest } from './support/swarm.ts'

const { image } = useHosts()
const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

/** The kernel of the lab has no IPVS: services are found by DNS, and ports are those of the nodes. */
const web = (version: string, more = ''): string => `
services:
  web:
    image: ${image().repository}
    environment: { VERSION: '${version}' }
    healthcheck: { test: [CMD, /bin/busybox, wget, -q, -O-, 'http://127.0.0.1:8000/'], interval: 1s, retries: 2, start_period: 5s }
    stop_grace_period: 2s
    deploy: { replicas: 2, endpoint_mode: dnsrr, update_config: { monitor: 1s } }
${more}`

describe('a stack on a swarm of three managers', { timeout: 300_000 }, () => {
  test('comes up, is replaced by the next version, and goes back to it by a rollback that needs nothing', async () => {
    await using stack = stackUnderTest(image())
    const first = await stack.deploy({ version: 'one', compose: web('one') })
    expect(first.services).toMatchObject([{ name: 'web', container: `${stack.name}_web`, health: '2/2 tasks, updated' }])
    const old = await stack.tasks('web')
    const second = await stack.deploy({ version: 'two', compose: web('two') })
    expect(second.previous).toBe(first.release)
    expect(await stack.tasks('web')).not.toEqual(old)
    expect(stack.told.infos.join('\n')).toMatch(/web 2\/2/)

    const back = await stack.rollback()
    expect(back).toMatchObject({ release: first.release, version: 'one' })
    expect(await stack.docker('service', 'inspect', '--format', '{{.Spec.TaskTemplate.ContainerSpec.Env}}', `${stack.name}_web`)).toBe(
      '[VERSION=one]',
    )
    await expect
      .poll(() => stack.status(), { timeout: 60_000 })
      .toMatchObject({
        current: first.release,
        previous: second.release,
        versions: { [first.release]: 'one', [second.release]: 'two' },
        containers: [{ service: 'web', release: first.release, state: 'running', status: '2/2 tasks' }],
      })
  })

  // The test of the secret below shows it as well, by the way.
  test.runIf(isCampaign)('what has not changed keeps its tasks, and is soon done', async () => {
    await using stack = stackUnderTest(image())
    await stack.deploy({ version: 'one', compose: web('one') })
    const before = await stack.tasks('web')
    const again = await stack.deploy({ version: 'two', compose: web('one') })
    expect(again.services).toMatchObject([{ health: '2/2 tasks, kept as it was' }])
    expect(await stack.tasks('web')).toEqual(before)
  })

  test('a version that ends at once rolls back by itself, and the error has the task and its last words', async () => {
    await using stack = stackUnderTest(image())
    const first = await stack.deploy({
      version: 'one',
      compose: web('one', '  other: { image: ' + image().repository + ', deploy: { endpoint_mode: dnsrr } }'),
    })
    const error = await failureOf(
      stack.deploy({
        version: 'two',
        compose: web(
          'two',
          `  other: { image: ${image().repository}, environment: { MODE: crash, VERSION: two }, deploy: { endpoint_mode: dnsrr } }`,
        ),
      }),
    )
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect(error.message).toContain(`release ${first.release} serves`)
    expect(error.hint).toContain('boom: no "configuration"')
    const envs = await stack.docker(
      'service',
      'inspect',
      '--format',
      '{{.Spec.TaskTemplate.ContainerSpec.Env}}',
      `${stack.name}_web`,
      `${stack.name}_other`,
    )
    expect(envs).toBe('[VERSION=one]\n[]')
    expect(await stack.status()).toMatchObject({ current: first.release })
  })

  test('a first version that never gets well leaves nothing', async () => {
    await using stack = stackUnderTest(image())
    const error = await failureOf(
      stack.deploy({ version: 'one', timeoutMs: 15_000, compose: web('one').replace('VERSION:', 'MODE: crash, VERSION:') }),
    )
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect(error.hint).toContain('boom')
    expect(await stack.docker('service', 'ls', '--quiet', '--filter', `label=com.docker.stack.namespace=${stack.name}`)).toBe('')
  })

  test('what ends by itself runs once before the others, and stops the deploy when it fails', async () => {
    await using stack = stackUnderTest(image())
    const migrate = (command: string): string =>
      `  migrate: { image: ${image().repository}, restart: 'no', command: [sh, -c, '${command}'], deploy: { endpoint_mode: dnsrr } }`
    const first = await stack.deploy({ version: 'one', compose: web('one', migrate('echo migrated to one')) })
    expect(stack.told.infos.join('\n')).toContain('before-switch migrate | migrated to one')
    const before = await stack.tasks('web')
    const error = await failureOf(stack.deploy({ version: 'two', compose: web('two', migrate('echo no such table >&2; exit 3')) }))
    expect(error).toMatchObject({ code: 'RELEASE_COMMAND_FAILED' })
    expect(error.hint).toContain('no such table')
    expect(await stack.tasks('web')).toEqual(before)
    expect(await stack.status()).toMatchObject({ current: first.release, containers: [{ service: 'web' }] })
  })

  test('a secret is a new object when its value changes, and is nowhere to be read', async () => {
    await using stack = stackUnderTest(image())
    const compose = web(
      'one',
      `    secrets: [key]
    configs: [{ source: motd, target: /etc/motd }]
secrets: { key: { environment: APP_KEY } }
configs: { motd: { content: 'hello $\${name}' } }`,
    )
    await stack.deploy({ version: 'one', compose, secrets: { APP_KEY: 'first-value\n' } })
    const named = (): Promise<string> =>
      stack.docker('secret', 'ls', '--format', '{{.Name}}', '--filter', `label=launchway.app=${stack.app}`)
    const one = await named()
    const read = async (): Promise<string> => {
      const found = await stack.docker(
        'service',
        'ps',
        '--filter',
        'desired-state=running',
        '--format',
        '{{.Node}} {{.Name}}.{{.ID}}',
        '--no-trunc',
        `${stack.name}_web`,
      )
      const [node = '', task = ''] = found.split('\n')[0]?.split(' ') ?? []
      return (await import('../../lab/run.ts')).docker(
        'exec',
        (await import('./support/swarm.ts')).nodeOf(node),
        'docker',
        'exec',
        task,
        'sh',
        '-c',
        'cat /run/secrets/key; echo .; cat /etc/motd',
      )
    }
    expect(await read()).toBe('first-value\n.\nhello ${name}')
    const before = await stack.tasks('web')
    const same = await stack.deploy({ version: 'two', compose, secrets: { APP_KEY: 'first-value\n' } })
    expect(same.services).toMatchObject([{ health: '2/2 tasks, kept as it was' }])
    expect(await stack.tasks('web')).toEqual(before)
    await stack.deploy({ version: 'three', compose, secrets: { APP_KEY: 'second' } })
    expect(await read()).toBe('second.\nhello ${name}')
    // The one before is kept: a rollback returns to it.
    expect((await named()).split('\n')).toHaveLength(2)
    const kept = await stack.docker(
      'config',
      'ls',
      '--quiet',
      '--filter',
      'label=launchway.kind=release',
      '--filter',
      `label=launchway.stack=${stack.name}`,
    )
    const texts = await stack.docker('config', 'inspect', '--format', '{{printf "%s" .Spec.Data}}', ...kept.split('\n'))
    expect(texts).toContain(one)
    expect(texts).not.toMatch(/first-value|second/)
    await stack.rollback()
    expect(await read()).toBe('first-value\n.\nhello ${name}')
  })
})
