import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Ports } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { maintain, status } from '../../src/deploy/index.ts'
import { confirm, goBack } from '../../src/moves.ts'
import { findEnvironment, startRedeploy } from '../../src/plan/index.ts'
import { type Trigger, triggerOf } from '../../src/plan/trigger.ts'
import { fakeExec } from '../fakes/exec.ts'
import { type FakeSsh, fakeSsh } from '../fakes/ssh.ts'
import { digest, environment, first, second, service } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const address = 'deploy@a.example.org'
const projects = { compose: 'compose: compose.yml', swarm: 'swarm: compose.yml' }
const noCompose = { 'docker compose': { code: 1, stderr: "docker: 'compose' is not a docker command." } }

/** What the host keeps of the version before, which published a port. */
const kept = (release: string): string =>
  JSON.stringify({
    version: 1,
    release,
    app: 'app',
    label: release === first ? 'v1' : 'v2',
    images: { app: `ghcr.io/team/app@${digest}` },
    repositories: ['ghcr.io/team/app'],
    environment: environment([service({ port: 80, publish: '8080' })], { hosts: [address] }),
  })

const facts = [
  ['uid', '0'],
  ...['docker', 'flock', 'setsid', 'awk', 'curl'].map((tool) => ['tool', tool]),
  ['docker', 'direct'],
  ['state', 'direct'],
  ['release', first, kept(first)],
  ['release', second, kept(second)],
  ['current', second],
  ['previous', first],
  ['now', '1790000000'],
  ['detach', 'setsid'],
  ['free', '50000000'],
  ['engine', '26.1.5 linux/amd64'],
  ['seen', 'yes'],
].map((words) => words.join('\t'))

/** A checkout with a project, no docker compose and no registry; and a host on which somebody else has the port. */
function placeOf(how: keyof typeof projects, said = ''): { config: string; ports: Ports; ssh: FakeSsh; asked: string[] } {
  const root = temporaryFolder()
  const text = `image: ghcr.io/team/app\nbranches: { main: production }\nenvironments:\n  production:\n    host: ${address}\n    ${projects[how]}\n${said}`
  writeFileSync(join(root, 'launchway.yml'), text)
  writeFileSync(join(root, 'compose.yml'), 'services: { web: { image: ghcr.io/team/app }, cache: { image: redis:8 } }\n')
  const asked: string[] = []
  const refuses = (): never => {
    asked.push('a registry')
    throw new LaunchwayError('REGISTRY_UNAVAILABLE', 'the registry is down')
  }
  const ssh = fakeSsh({
    [address]: (program) => ({
      // What maintenance.sh says where no service has ports for its slots.
      stdout: `${/^LW_MAINTENANCE=/m.test(program) ? 'maintenance nowhere\n' : ''}${[...facts, ...(/^LW_WANTED='?8080/m.test(program) ? ['publishes\tsomebody-else\t0.0.0.0:8080->80/tcp'] : [])].join('\n')}\n`,
    }),
  })
  const { ports } = localPorts(root, { SSH_KEY: 'key', SMTP_PASSWORD: 'hunter2' })
  return {
    config: 'launchway.yml',
    asked,
    ssh,
    ports: { ...ports, ssh, exec: fakeExec({ ...noCompose, git: {} }), registry: { repository: refuses, credentials: refuses } },
  }
}

describe.each(['compose', 'swarm'] as const)('an environment with %s, where compose is not installed and the registry is down', (how) => {
  it('is found, with all that leads to its hosts', async () => {
    const said = '    keep: 3\n    url: https://app.example.org\n    secrets: [SMTP_PASSWORD]\n'
    const { config, ports, asked } = placeOf(how, said)
    const { app, environment: found, repositories } = await findEnvironment(config, undefined, ports)
    expect({ app, repositories }).toEqual({ app: 'app', repositories: ['ghcr.io/team/app'] })
    expect(found).toMatchObject({ name: 'production', hosts: [address], keep: 3, url: 'https://app.example.org', services: [] })
    expect(asked).toEqual([])
  })

  it('needs no compose file either', async () => {
    const { config, ports } = placeOf(how)
    writeFileSync(join(ports.root, 'compose.yml'), 'services: { web: [this is none] }\n')
    await expect(findEnvironment(config, 'production', ports)).resolves.toMatchObject({ environment: { name: 'production' } })
  })
})

describe('a compose project, where compose is not installed and the registry is down', () => {
  it('has a status', async () => {
    const { config, ports } = placeOf('compose')
    const { app, environment: found } = await findEnvironment(config, undefined, ports)
    expect(await status(app, found, ports)).toEqual([
      { host: address, current: second, previous: first, versions: { [first]: 'v1', [second]: 'v2' }, containers: [] },
    ])
  })

  it('can be confirmed', async () => {
    const { config, ports } = placeOf('compose', '    confirm: true\n')
    expect((await confirm({ config }, ports)).confirmed).toEqual({ environment: 'production', release: second, version: 'v2', hosts: [] })
  })

  it('is rolled back by what the host keeps: what the version before needs there is looked for first', async () => {
    const { config, ports, ssh } = placeOf('compose')
    const refused = await goBack('rollback', { config }, {}, ports).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'HOST_UNFIT',
      message: `${address} cannot take this deploy: port 8080 is held by the container somebody-else`,
    })
    expect(ssh.programs.map(({ program }) => /^LW_WANTED=(.*)$/m.exec(program)?.[1]?.replaceAll("'", ''))).toEqual(['', '8080'])
  })

  it('asks its host whether anything is behind nginx', async () => {
    const { config, ports } = placeOf('compose')
    const { app, environment: found } = await findEnvironment(config, undefined, ports)
    await expect(maintain(app, found, 'on', ports)).rejects.toMatchObject({
      code: 'HOST_UNFIT',
      message: `${address}: nothing of app in production is behind nginx there yet`,
    })
  })

  it.each([
    ['a redeploy', ({ config, ports }: ReturnType<typeof placeOf>) => startRedeploy(config, 'v1', { environment: undefined }, ports)],
    ['a recreate', ({ config, ports }: ReturnType<typeof placeOf>) => findEnvironment(config, undefined, ports, 'images')],
    ['env diff', ({ config, ports }: ReturnType<typeof placeOf>) => findEnvironment(config, undefined, ports, 'services')],
  ])('%s says that compose is missing', async (_, act) => {
    await expect(act(placeOf('compose'))).rejects.toMatchObject({ code: expect.stringMatching(/^(TOOL_MISSING|CONFIG_INVALID)$/) })
  })
})

describe('the secrets of a compose project that is not rendered', () => {
  it('are known to whoever redacts its logs', async () => {
    const { config, ports } = placeOf('compose', '    secrets: [SMTP_PASSWORD]\n    services: { web: { secrets: [API_KEY] } }\n')
    const asked: string[] = []
    await findEnvironment(config, undefined, {
      ...ports,
      secret: (name) => {
        asked.push(name)
        return new Secret(name)
      },
    })
    expect(asked.toSorted()).toEqual(['API_KEY', 'SMTP_PASSWORD'])
  })
})

describe('a job that deploys its commit', () => {
  const trigger = (name: string, payload: object, ref = 'refs/heads/main'): Trigger => ({
    ...triggerOf({ GITHUB_EVENT_NAME: name, GITHUB_REF: ref, GITHUB_SHA: 'a'.repeat(40) }, JSON.stringify(payload)),
    environment: 'production',
  })

  it.each([
    ['a branch is deleted', trigger('push', { deleted: true }), 'the branch or tag was deleted'],
    ['a tag is deleted', trigger('push', { deleted: true }, 'refs/tags/v1'), 'the branch or tag was deleted'],
    [
      'a merge queue pushes a branch of its own',
      trigger('push', {}, 'refs/heads/gh-readonly-queue/main/pr-1'),
      'a branch of the merge queue is built on merge_group only',
    ],
    [
      'a published release is deleted',
      trigger('release', { action: 'deleted', release: { tag_name: 'v1' } }),
      'the release was deleted, not published',
    ],
  ])('does nothing, and asks no registry, when %s', async (_, asked, message) => {
    const place = placeOf('compose')
    const { outcome, plan } = await startRedeploy(place.config, asked.sha, asked, place.ports)
    expect(outcome).toEqual({ state: 'nothing-to-do', message })
    expect(Object.values(plan.stages).filter(({ run }) => run)).toEqual([])
    expect(place.asked).toEqual([])
  })

  it('looks for it when a branch is pushed', async () => {
    const place = placeOf('compose')
    const asked = trigger('push', { deleted: false })
    await expect(startRedeploy(place.config, asked.sha, asked, place.ports)).rejects.toMatchObject({
      code: expect.stringMatching(/^(TOOL_MISSING|CONFIG_INVALID)$/),
    })
  })
})
