import { describe, expect, it } from 'vitest'
import type { SmokeCheck, SmokePlan } from '../../src/core/gates.ts'
import type { PlannedImage } from '../../src/core/release.ts'
import type { Candidate } from '../../src/smoke/images.ts'
import { type Prepared, prepare } from '../../src/smoke/plan.ts'
import { ComposeProject, type ComposeService } from '../../src/tools/compose.ts'
import { failureIn } from './support/deploy.ts'

const marks = { 'launchway.smoke': 'launchway-smoke-addie-1', 'launchway.smoke.owner': 'laptop:1' }
/** Of a service that says nothing of its log. */
const logging = { driver: 'json-file', options: { 'max-size': '100m', 'max-file': '2' } }
const nothing: SmokePlan = { compose: ['compose.yml'], profiles: [], env: {}, timeoutMs: 1, prepare: [], checks: [] }

function candidate(image: Partial<PlannedImage> = {}): Candidate {
  const planned = {
    name: 'app',
    context: '.',
    dockerfile: 'Dockerfile',
    platforms: [],
    args: {},
    repositories: ['ghcr.io/team/app'],
    ...image,
  }
  return { image: planned, reference: `${planned.repositories[0] ?? ''}:launchway-1` }
}

function prepared(rendered: unknown, checks: readonly SmokeCheck[] = [], candidates: readonly Candidate[] = [candidate()]): Prepared {
  return prepare(ComposeProject.parse(rendered), {
    plan: { ...nothing, checks: [...checks] },
    candidates,
    root: '/srv/team',
    project: 'launchway-smoke-addie-1',
    owner: 'laptop:1',
  })
}

/** What becomes of a service beside one that runs the image. */
function service(
  of: Record<string, unknown>,
  checks: readonly SmokeCheck[] = [],
  rest: Record<string, unknown> = {},
): ComposeService | undefined {
  const { file } = prepared({ services: { it: of, ours: { image: 'ghcr.io/team/app' } }, ...rest }, checks)
  return file.services['it']
}

const http = (of: string, port: number): SmokeCheck => ({
  kind: 'http',
  name: 'h',
  scheme: 'http',
  service: of,
  port,
  path: '/',
  headers: {},
  timeoutMs: 1,
})

describe('the image of the release', () => {
  const build = { context: '/srv/team', dockerfile: 'Dockerfile' }
  it.each<[string, Record<string, unknown>, Partial<PlannedImage>]>([
    ['takes the place of the same build', { build }, {}],
    ['takes the place of the same build with a target', { build: { ...build, target: 'web' } }, { target: 'web' }],
    [
      'takes the place of a build in a folder',
      { build: { context: '/srv/team/server', dockerfile: 'docker/Dockerfile' } },
      { context: 'server', dockerfile: 'docker/Dockerfile' },
    ],
    ['takes the place of its repository without a tag', { image: 'ghcr.io/team/app' }, {}],
    ['takes the place of its repository with any tag', { image: 'ghcr.io/team/app:v3', pull_policy: 'always' }, {}],
    ['takes the place of its repository on a port', { image: 'localhost:5000/app:1' }, { repositories: ['localhost:5000/app'] }],
    ['takes the place of its repository in short', { image: 'team/app' }, { repositories: ['docker.io/team/app'] }],
    ['takes the place of its second repository', { image: 'b/b:1' }, { repositories: ['a/a', 'b/b'] }],
    ['takes the place of another build that has its name', { build: { context: '/elsewhere' }, image: 'ghcr.io/team/app' }, {}],
  ])('%s', (_, of, image) => {
    const ours = candidate(image)
    const { file, ours: found, builds } = prepared({ services: { it: of } }, [], [ours])
    expect(file.services['it']).toEqual({ image: ours.reference, pull_policy: 'never', logging, labels: marks })
    expect([...found.keys()]).toEqual(['it'])
    expect(builds).toEqual([])
  })

  it.each<[string, Record<string, unknown>]>([
    ['another target', { build: { ...build, target: 'test' } }],
    ['another Dockerfile', { build: { context: '/srv/team', dockerfile: 'Other' } }],
    ['another context', { build: { context: '/srv/team/other' } }],
    ['a Dockerfile of its own', { build: { context: '/srv/team', dockerfile_inline: 'FROM x' } }],
    ['another repository', { image: 'ghcr.io/team/app-worker' }],
    ['a digest', { image: `ghcr.io/team/app@sha256:${'0'.repeat(64)}` }],
  ])('does not take the place of %s, and a file in which nothing runs it is refused with what there is', (_, of) => {
    const failure = failureIn(() => prepared({ services: { it: of } }))
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('the image app') })
    expect(failure.hint).toContain('ghcr.io/team/app')
    expect(failure.hint).toContain('  it: ')
  })

  it('takes the place of the name that a service which builds it gives it, wherever others run that; not of a digest, nor of another name', () => {
    const services = {
      web: { build, image: 'master-image' },
      worker: { image: 'master-image' },
      old: { image: `master-image@sha256:${'0'.repeat(64)}` },
      other: { image: 'master-image:next' },
      redis: { image: 'redis:7' },
    }
    const { file, ours } = prepared({ services })
    expect([...ours.keys()]).toEqual(['web', 'worker'])
    expect(file.services['worker']).toMatchObject({ image: candidate().reference, pull_policy: 'never' })
  })

  it('of two that differ by their arguments is the one with the same', () => {
    const images = [
      candidate({ name: 'one', args: { V: '1' }, repositories: ['a/one'] }),
      candidate({ name: 'two', args: { V: '2' }, repositories: ['a/two'] }),
    ]
    const { ours } = prepared(
      { services: { x: { build: { ...build, args: { V: '2' } } }, y: { build: { ...build, args: { V: '1' } } } } },
      [],
      images,
    )
    expect([...ours].map(([name, { image }]) => [name, image.name])).toEqual([
      ['x', 'two'],
      ['y', 'one'],
    ])
  })

  it('is asked for each image: one that no service runs is an error', () => {
    const images = [candidate(), candidate({ name: 'worker', context: 'worker', repositories: ['ghcr.io/team/worker'] })]
    expect(failureIn(() => prepared({ services: { it: { image: 'ghcr.io/team/app' } } }, [], images)).message).toContain('the image worker')
  })
})

describe('what a stack would take from the machine', () => {
  it.each<[string, string | undefined, string | undefined]>([
    ['nothing said', undefined, undefined],
    ['no', 'no', 'no'],
    ['always', 'always', 'on-failure:8'],
    ['unless-stopped', 'unless-stopped', 'on-failure:8'],
    ['on-failure', 'on-failure', 'on-failure:8'],
    ['a number of its own', 'on-failure:3', 'on-failure:3'],
    ['a larger number', 'on-failure:1000', 'on-failure:8'],
    ['no end', 'on-failure:0', 'on-failure:8'],
  ])('restart: %s', (_, restart, becomes) => {
    expect(service({ image: 'x', ...(restart === undefined ? {} : { restart }) })?.restart).toBe(becomes)
  })

  it.each([
    [{ condition: 'any' }, 'on-failure:8'],
    [{ condition: 'on-failure', max_attempts: 2 }, 'on-failure:2'],
    [{ condition: 'any', max_attempts: 0 }, 'on-failure:8'],
    [{ condition: 'on-failure', max_attempts: 50 }, 'on-failure:8'],
    [{ condition: 'none' }, 'no'],
  ])('deploy.restart_policy: %j', (policy, restart) => {
    const deploy = { replicas: 2, restart_policy: policy }
    expect(service({ image: 'x', deploy })).toMatchObject({ restart, deploy: { replicas: 2 } })
    expect(service({ image: 'x', deploy, restart: 'unless-stopped' })).toMatchObject({ restart })
  })

  it('ports are published for the checks alone, on the loopback, where the engine likes', () => {
    const ports = [
      { target: 80, published: '8080' },
      { target: 53, protocol: 'udp' },
    ]
    const on = (target: number): unknown => ({ target, host_ip: '127.0.0.1', protocol: 'tcp', mode: 'ingress' })
    expect(service({ image: 'x', ports }, [http('it', 9000), http('it', 9000)])?.ports).toEqual([on(9000)])
    expect(service({ image: 'x', ports }, [http('ours', 1)])?.ports).toBeUndefined()
    expect(service({ image: 'x', ports })?.ports).toEqual([on(80)])
    expect(service({ image: 'x', ports, network_mode: 'host' })?.ports).toBeUndefined()
  })

  it('a port of a service in the network of another is published there, also by the name of its container', () => {
    const services = {
      ours: { image: 'ghcr.io/team/app', container_name: 'fixed' },
      side: { image: 'x', network_mode: 'container:fixed', pid: 'container:fixed', volumes_from: ['container:fixed:ro'] },
    }
    const { file } = prepared({ services }, [http('side', 80)])
    expect(file.services['ours']?.ports).toHaveLength(1)
    expect(file.services['side']).toMatchObject({ network_mode: 'service:ours', pid: 'service:ours', volumes_from: ['ours:ro'] })
    expect(file.services['side']?.ports).toBeUndefined()
  })

  it('a container name becomes one more name in its networks', () => {
    expect(service({ image: 'x', container_name: 'db-1' })).toEqual({
      image: 'x',
      networks: { default: { aliases: ['db-1'] } },
      logging,
      labels: marks,
    })
    const joined = service({ image: 'x', container_name: 'db-1', networks: { back: { aliases: ['a'] }, front: null } }, [], {
      networks: { back: {}, front: {} },
    })
    expect(joined?.networks).toEqual({ back: { aliases: ['a', 'db-1'] }, front: { aliases: ['db-1'] } })
  })

  it('networks and volumes become those of the project', () => {
    const { file } = prepared({
      name: 'addie',
      services: {
        ours: { image: 'ghcr.io/team/app', networks: { fixed: { ipv4_address: '10.9.0.2' }, six: { ipv6_address: 'fd00::2' } } },
      },
      networks: {
        default: { name: 'addie_default', ipam: {} },
        outer: { name: 'proxy', external: true, ipam: {} },
        range: { name: 'r', driver: 'bridge', ipam: { config: [{ subnet: '10.8.0.0/24' }] } },
        fixed: { name: 'f', ipam: { config: [{ subnet: '10.9.0.0/24' }] } },
        six: { ipam: { config: [{ subnet: 'fd00::/64' }] } },
        device: { driver_opts: { 'com.docker.network.bridge.name': 'br-app', 'com.docker.network.driver.mtu': '1400' } },
      },
      volumes: { data: { name: 'precious', driver_opts: { o: 'uid=1' }, labels: { a: 'b' } }, plain: null },
      'x-kept': 1,
    })
    expect(file).toMatchObject({ 'x-kept': 1 })
    expect(file.name).toBeUndefined()
    expect(file.networks).toEqual({
      default: { ipam: {}, labels: marks },
      outer: { labels: marks },
      range: { driver: 'bridge', ipam: {}, labels: marks },
      fixed: { ipam: { config: [{ subnet: '10.9.0.0/24' }] }, labels: marks },
      six: { ipam: { config: [{ subnet: 'fd00::/64' }] }, labels: marks },
      device: { driver_opts: { 'com.docker.network.driver.mtu': '1400' }, labels: marks },
    })
    expect(file.volumes).toEqual({ data: { driver_opts: { o: 'uid=1' }, labels: { a: 'b', ...marks } }, plain: { labels: marks } })
  })

  it.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
    ['an external volume', { image: 'x' }, { volumes: { data: { name: 'data', external: true } } }, 'the external volume data'],
    ['the network of a container outside', { image: 'x', network_mode: 'container:proxy' }, {}, 'the container proxy'],
    ['the volumes of a container outside', { image: 'x', volumes_from: ['container:proxy:ro'] }, {}, 'the container proxy'],
    ['a link to a container outside', { image: 'x', external_links: ['redis'] }, {}, 'the container redis'],
  ])('%s is refused', (_, of, rest, message) => {
    expect(failureIn(() => service(of, [], rest))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
      hint: expect.stringMatching(/smoke/),
    })
  })

  it('images that compose builds get names of the project, also where other services run them', () => {
    const { file, builds } = prepared({
      services: {
        ours: { image: 'ghcr.io/team/app' },
        helper: { image: 'helper:1', build: { context: '/srv/team/helper' }, pull_policy: 'build' },
        twin: { image: 'helper:1' },
      },
    })
    expect(builds).toEqual(['helper'])
    expect(file.services['helper']).toEqual({
      image: 'launchway-smoke-addie-1-helper',
      build: { context: '/srv/team/helper', labels: marks },
      logging,
      labels: marks,
    })
    expect(file.services['twin']).toEqual({ image: 'launchway-smoke-addie-1-helper', pull_policy: 'never', logging, labels: marks })
  })

  it('everything else of a service stays what it was, doubled dollars too', () => {
    const kept = {
      image: 'x',
      command: ['sh', '-c', 'echo $$HOME'],
      environment: { A: 'x$$y', B: null },
      cap_drop: ['ALL'],
      'x-own': { a: [1] },
      logging: { driver: 'local' },
    }
    expect(service({ ...kept, profiles: ['debug'], labels: { a: 'b' } })).toEqual({ ...kept, labels: { a: 'b', ...marks } })
  })
})

describe('checks of a service', () => {
  it('that is not there are refused, with the nearest name', () => {
    expect(failureIn(() => service({ image: 'x' }, [http('our', 1)]))).toMatchObject({
      code: 'CONFIG_INVALID',
      hint: 'Did you mean "ours"?',
    })
    expect(failureIn(() => service({ image: 'x' }, [http('database', 1)])).hint).toContain('it, ours')
  })

  it('that others wait for to end know that it has to', () => {
    const services = {
      ours: {
        image: 'ghcr.io/team/app',
        depends_on: { migrate: { condition: 'service_completed_successfully' }, db: { condition: 'service_healthy' } },
      },
      migrate: { image: 'x' },
      db: { image: 'y' },
    }
    expect([...prepared({ services }).mustEnd]).toEqual(['migrate'])
  })
})
