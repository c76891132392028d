import { beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import type { LaunchwayError } from '../../src/core/error.ts'
import { recordType } from '../../src/core/names.ts'
import type { Descriptor, Ports, Registries } from '../../src/core/ports.ts'
import type { Registry, Release } from '../../src/core/release.ts'
import { planRedeploy, type Redeploy, tagsFor } from '../../src/plan/redeploy.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { environment, record, service } from './support/deploy.ts'

const whole = '4f2a9c1d00aabbccddeeff001122334455667788'

describe('a version as somebody names it', () => {
  test.each([
    ['v1.2.3', ['v1.2.3', '1.2.3']],
    ['1.2.3', ['1.2.3']],
    ['master', ['master']],
    ['vendor', ['vendor']],
    ['4f2a9c1', ['4f2a9c1', 'sha-4f2a9c1']],
    [whole, [whole, 'sha-4f2a9c1', `sha-${whole}`, '4f2a9c1']],
    ['4f2a9c1d0', ['4f2a9c1d0', 'sha-4f2a9c1', 'sha-4f2a9c1d0', '4f2a9c1']],
    [`sha256:${'a'.repeat(64)}`, [`sha256:${'a'.repeat(64)}`]],
  ])('%s is looked for as %j', (version, tags) => {
    expect(tagsFor(version)).toEqual(tags)
  })
})

const [web, worker] = ['registry.example.org/team/web', 'registry.example.org/team/worker']
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const registries: Registry[] = [{ host: 'registry.example.org', plainHttp: false }]

describe('the release that a version is of', () => {
  let registry: Registries
  let asked: Registry[]

  beforeEach(() => {
    const fake = fakeRegistries()
    asked = []
    registry = { ...fake, repository: (name, settings) => (asked.push(settings), fake.repository(name, settings)) }
  })

  async function push(repository: string, content: string, [first, ...tags]: [string, ...string[]]): Promise<Descriptor> {
    const opened = await registry.repository(repository, { host: 'registry.example.org', plainHttp: false })
    const layer = await opened.putBlob(Buffer.from(content))
    const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: manifestType, layers: [layer] }))
    for (const tag of tags) await opened.putManifest(tag, manifestType, body)
    return opened.putManifest(first, manifestType, body)
  }

  /** A release of two images, with its record beside the first. */
  async function released(
    minute: number,
    tags: string[],
    images: Record<string, Descriptor>,
    more: Partial<Release['plan']> = {},
    size?: Release['size'],
  ): Promise<Release> {
    const of = record()
    const created = `2026-11-21T10:${String(minute).padStart(2, '0')}:00.000Z`
    const release: Release = {
      ...of,
      id: `20261121-10${String(minute).padStart(2, '0')}00-aaaaaaa`,
      created,
      plan: { ...of.plan, images: Object.keys(images).map((name) => planned(name)), tags, registries: [], ...more },
      build: { builder: 'default', images: Object.entries(images).map(([name, at]) => built(name, at)) },
      ...(size === undefined ? {} : { size }),
    }
    const [first] = Object.entries(images)
    if (first === undefined) throw new Error('a release has an image')
    const opened = await registry.repository(nameOf(first[0]), { host: 'registry.example.org', plainHttp: false })
    const annotations = { 'org.opencontainers.image.created': created, 'launchway.environment': 'production' }
    await opened.attach(first[1], recordType, Buffer.from(JSON.stringify(release)), annotations)
    return release
  }

  const nameOf = (name: string): string => (name === 'web' ? web : worker)
  const planned = (name: string): Release['plan']['images'][number] => ({
    name,
    context: '.',
    dockerfile: 'Dockerfile',
    platforms: [],
    args: {},
    repositories: [nameOf(name)],
  })
  const built = (name: string, { digest, mediaType }: Descriptor): NonNullable<Release['build']>['images'][number] => ({
    name,
    key: '0'.repeat(32),
    how: 'built',
    config: {},
    registries: { [nameOf(name)]: { digest, mediaType } },
    size: 1,
    layers: 1,
    ms: 1,
  })

  function redeploy(version: string, of: Partial<Redeploy> = {}): Promise<Release> {
    const log = { info: () => undefined }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a redeploy reaches
    const ports = { registry, clock: systemClock, log } as unknown as Ports
    const target = environment([service({ image: 'web' })])
    return planRedeploy(
      { app: 'shop', environment: target, event: 'local', version, repositories: [web, worker], registries, ...of },
      ports,
    )
  }
  const refused = (version: string, of?: Partial<Redeploy>): Promise<LaunchwayError> =>
    redeploy(version, of).then(
      () => Promise.reject(new Error('it was not refused')),
      (error: LaunchwayError) => error,
    )

  test('is the one that gave the tag, where a later one has the same first image and another second', async () => {
    const same = await push(web, 'same', ['v1.0', 'v1.1'])
    const first = await released(1, ['v1.0'], { web: same, worker: await push(worker, 'one', ['v1.0']) })
    await released(2, ['v1.1'], { web: same, worker: await push(worker, 'two', ['v1.1']) })
    const again = await redeploy('v1.0')
    expect(again.plan).toMatchObject({ redeploys: first.id, version: 'v1.0' })
    expect(again.build?.images.map(({ registries: at }) => at)).toEqual(first.build?.images.map(({ registries: at }) => at))
  })

  test('leaves out the command before the switch where that was asked for, and says so', async () => {
    await released(1, ['v1.0'], { web: await push(web, 'one', ['v1.0']) })
    const beforeSwitch = [{ service: 'web', command: ['flask', 'db', 'upgrade'], timeoutMs: 300_000 }]
    const target = environment([service({ image: 'web' })], { beforeSwitch })
    const planned = async (withoutBeforeSwitch: boolean, of = target): Promise<unknown> => {
      const { plan } = await redeploy('v1.0', { repositories: [web], environment: of, withoutBeforeSwitch })
      return [plan.environment?.beforeSwitch, plan.stages.deploy.reason]
    }
    expect(await planned(false)).toEqual([beforeSwitch, 'v1.0 was asked for, in production'])
    expect(await planned(true)).toEqual([undefined, 'v1.0 was asked for, in production, without before-switch'])
    expect(await planned(true, environment([]))).toEqual([undefined, 'v1.0 was asked for, in production'])
  })

  test('keeps the name that people call it by, where it was named exactly: by digest, or by a whole commit', async () => {
    const one = await push(web, 'one', ['v1.0', 'sha-4f2a9c1'])
    await released(1, ['v1.0', 'sha-4f2a9c1'], { web: one }, { version: 'v1.0', sha: `4f2a9c1${'0'.repeat(33)}` })
    const called = async (version: string): Promise<string> => (await redeploy(version, { repositories: [web] })).plan.version
    expect(await called(one.digest)).toBe('v1.0')
    expect(await called(`4f2a9c1${'0'.repeat(33)}`)).toBe('v1.0')
    expect(await called('sha-4f2a9c1')).toBe('sha-4f2a9c1')
  })

  const [commit, branch] = [`4f2a9c1${'0'.repeat(33)}`, 'refs/heads/main']

  test.each<[string, string]>([
    ['type=sha', 'sha-4f2a9c1'],
    ['type=sha,format=long', `sha-${whole}`],
    ['type=sha,prefix=', '4f2a9c1'],
    ['type=sha,format=long,prefix=', whole],
    ['type=sha,prefix=main-', 'main-4f2a9c1'],
    ['a suffix for all', 'sha-4f2a9c1-alpine'],
    ['a time beside it', '20261121-101500-4f2a9c1'],
  ])('is found by its whole commit, however its tag is spelled: %s', async (_, tag) => {
    const tags: [string, ...string[]] = ['main', tag]
    const release = await released(1, tags, { web: await push(web, 'one', tags) }, { sha: whole, version: 'main' })
    // Built of changed files, and of another commit that begins alike: neither is what the commit says.
    await released(2, ['4f2a9c1-dirty'], { web: await push(web, 'two', ['4f2a9c1-dirty']) }, { sha: whole, dirty: true })
    const alike = `4f2a9c1${'f'.repeat(33)}`
    await released(3, ['0-4f2a9c1'], { web: await push(web, 'three', ['0-4f2a9c1']) }, { sha: alike })
    expect((await redeploy(whole, { repositories: [web] })).plan).toMatchObject({ redeploys: release.id, version: 'main' })
    expect((await redeploy(alike, { repositories: [web] })).plan.sha).toBe(alike)
  })

  test.each<[string, [string, ...string[]]]>([
    ['a branch', ['main']],
    ['a version', ['1.10.0']],
    ['a day', ['20261121']],
  ])('is found by its commit where its tag has nothing of it: %s', async (_, tags) => {
    const release = await released(2, tags, { web: await push(web, 'one', tags) }, { sha: whole, version: 'main' })
    for (const [at, other] of ['other', '1.9.0', '1.2.0'].entries())
      await released(1, [other], { web: await push(web, other, [other]) }, { sha: `${at}${'f'.repeat(39)}` })
    expect((await redeploy(whole, { repositories: [web] })).plan.redeploys).toBe(release.id)
    expect(await refused('e'.repeat(40))).toMatchObject({ code: 'VERSION_UNKNOWN' })
  })

  test('is not that of another commit that begins alike, whose tag it has become', async () => {
    await released(1, ['sha-4f2a9c1'], { web: await push(web, 'one', ['sha-4f2a9c1']) }, { sha: `4f2a9c1${'f'.repeat(33)}` })
    expect(await refused(whole)).toMatchObject({
      code: 'VERSION_UNKNOWN',
      message: `${web}:sha-4f2a9c1 is there, but no record of its release`,
      hint: expect.stringContaining('or it is of another commit by now'),
    })
  })

  test('is looked for among some of the tags that could be its own, not among thousands', async () => {
    const many = Array.from({ length: 60 }, (__, at) => `a${at}-4f2a9c1`)
    await released(1, many, { web: await push(web, 'one', ['main', ...many]) }, { sha: `4f2a9c1${'f'.repeat(33)}` })
    const opened = await registry.repository(web, { host: 'registry.example.org', plainHttp: false })
    const resolved: string[] = []
    const counting = { ...opened, resolve: (tag: string) => (resolved.push(tag), opened.resolve(tag)) }
    registry = { ...registry, repository: async () => counting }
    expect(await refused(whole)).toMatchObject({ code: 'VERSION_UNKNOWN' })
    expect(resolved.length).toBeLessThan(30)
  })

  test.each<[string, Partial<Redeploy>, string | undefined]>([
    ['of the branch that was pushed, where a push deploys its own commit', { event: 'push', pushed: { ref: branch, sha: commit } }, branch],
    ['of no ref, where a push deploys another', { event: 'push', pushed: { ref: branch, sha: 'e'.repeat(40) } }, undefined],
    ['of the ref that it was released for, at a button', { event: 'workflow_dispatch' }, 'refs/tags/v1.0'],
    ['of the ref that it was released for, at a terminal', {}, 'refs/tags/v1.0'],
  ])('is %s', async (_, of, expected) => {
    const tags: [string, ...string[]] = ['v1.0', 'sha-4f2a9c1']
    await released(1, tags, { web: await push(web, 'one', tags) }, { sha: commit, ref: 'refs/tags/v1.0' })
    const { plan } = await redeploy(commit, { repositories: [web], ...of })
    expect([plan.event, plan.ref]).toEqual([of.event ?? 'local', expected])
  })

  test('is none where a tag was set by hand and several images could be meant', async () => {
    const same = await push(web, 'same', ['v1.0', 'stable'])
    await released(1, ['v1.0'], { web: same, worker: await push(worker, 'one', ['v1.0']) })
    expect(await refused('stable')).toMatchObject({
      code: 'VERSION_UNKNOWN',
      message: `${web}:stable is there, but no record of its release`,
    })
  })

  test('is the newest of that image, where a tag was set by hand', async () => {
    const same = await push(web, 'same', ['v1.0', 'stable'])
    await released(1, ['v1.0'], { web: same })
    const newer = await released(2, ['v1.0'], { web: same })
    expect((await redeploy('stable', { repositories: [web] })).plan.redeploys).toBe(newer.id)
  })

  test('has the sizes of then: what the environment runs is what the next release is compared with', async () => {
    const layers = [{ size: 9, by: 'COPY . .' }]
    const size: Release['size'] = { images: [{ name: 'web', size: 9, layers, exceeds: [], advice: [] }], verdict: 'passed' }
    await released(1, ['v1.0'], { web: await push(web, 'one', ['v1.0']) }, {}, size)
    expect((await redeploy('v1.0')).size).toEqual(size)
  })

  test('names no registry and no login: those are of the configuration alone', async () => {
    const settings = { host: 'evil.example', username: 'x', password: 'SSH_KEY', plainHttp: true }
    await released(1, ['v1.0'], { web: await push(web, 'one', ['v1.0']) }, { registries: [settings] })
    expect((await redeploy('v1.0')).plan.registries).toEqual(registries)
    expect(asked.map(({ host }) => host)).not.toContain('evil.example')
  })

  test('is refused where it was pushed to a repository that the configuration does not name', async () => {
    const elsewhere = { ...planned('web'), repositories: ['evil.example/team/web'] }
    await released(1, ['v1.0'], { web: await push(web, 'one', ['v1.0']) }, { images: [elsewhere] })
    expect(await refused('v1.0')).toMatchObject({
      code: 'VERSION_UNKNOWN',
      message: expect.stringContaining('which launchway.yml does not name'),
    })
    expect(asked.map(({ host }) => host)).not.toContain('evil.example')
  })

  test('is not there: the versions that are there are listed, without what launchway itself keeps', async () => {
    await push(web, 'one', ['v1.0', 'main', `launchway-${'0'.repeat(32)}`])
    expect(await refused('v9')).toMatchObject({ code: 'VERSION_UNKNOWN', hint: 'It has: main, v1.0' })
  })
})
