import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { refusedCaches } from '../../src/build/cache.ts'
import { configWith, lendConfig } from '../../src/build/lent-config.ts'
import { buildLogins } from '../../src/build/logins.ts'
import { solve } from '../../src/build/solve.ts'
import type { Command } from '../../src/core/command.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Credentials, Registries } from '../../src/core/ports.ts'
import type { PlannedImage, Registry } from '../../src/core/release.ts'
import { Secret } from '../../src/core/secret.ts'
import type { BakeDefinition, BakeTarget } from '../../src/tools/buildx.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { record } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const login = (username: string, of?: Credentials['of']): Credentials => ({
  username,
  password: new Secret('p'),
  ...(of === undefined ? {} : { of }),
})
const auth = (username: string): { auth: string } => ({ auth: Buffer.from(`${username}:p`).toString('base64') })
const host = 'r.example.org'

describe("the user's configuration of docker with the logins of a run in it", () => {
  it.each<[string, Record<string, Credentials>, object | undefined, object | undefined]>([
    ['has them where the user has none', { [host]: login('ada') }, undefined, { auths: { [host]: auth('ada') } }],
    [
      'keeps what else it says, and logins for others',
      { [host]: login('ada') },
      { auths: { 'q.example.org': auth('bob') }, currentContext: 'far', proxies: { default: { httpProxy: 'http://p' } } },
      {
        auths: { 'q.example.org': auth('bob'), [host]: auth('ada') },
        currentContext: 'far',
        proxies: { default: { httpProxy: 'http://p' } },
      },
    ],
    [
      'has them in the place of those for the same registry',
      { [host]: login('ada') },
      { auths: { [host]: auth('bob') } },
      { auths: { [host]: auth('ada') } },
    ],
    [
      'asks no store for what is in the file',
      { [host]: login('ada') },
      { credsStore: 'desktop' },
      { auths: { [host]: auth('ada') }, credsStore: 'desktop', credHelpers: { [host]: '' } },
    ],
    [
      'asks no helper for it, and helpers for theirs',
      { [host]: login('ada') },
      { credHelpers: { [host]: 'pass', 'ecr.example.org': 'ecr-login' } },
      { auths: { [host]: auth('ada') }, credHelpers: { [host]: '', 'ecr.example.org': 'ecr-login' } },
    ],
    [
      'calls the Hub as docker does',
      { 'docker.io': login('ada') },
      { credsStore: 'desktop' },
      {
        auths: { 'https://index.docker.io/v1/': auth('ada') },
        credsStore: 'desktop',
        credHelpers: { 'https://index.docker.io/v1/': '' },
      },
    ],
    ["is not needed for the user's own", { [host]: login('ada', 'docker') }, { auths: { [host]: auth('ada') } }, undefined],
    ['is not needed without any', {}, { auths: {} }, undefined],
    ["has GitHub's where the user has none", { 'ghcr.io': login('ada', 'GitHub') }, {}, { auths: { 'ghcr.io': auth('ada') } }],
    ["has not GitHub's where the user has one", { 'ghcr.io': login('ada', 'GitHub') }, { auths: { 'ghcr.io': auth('bob') } }, undefined],
    [
      "has not GitHub's where a store of the user's has one",
      { 'ghcr.io': login('ada', 'GitHub') },
      { auths: { 'ghcr.io': {} }, credsStore: 'desktop' },
      undefined,
    ],
    [
      "has not GitHub's where a helper of the user's has one",
      { 'ghcr.io': login('ada', 'GitHub') },
      { credHelpers: { 'ghcr.io': 'pass' } },
      undefined,
    ],
  ])('%s', (_, logins, own, expected) => {
    const text = configWith(new Map(Object.entries(logins)), own === undefined ? undefined : JSON.stringify(own))
    expect(text === undefined ? undefined : JSON.parse(text.reveal())).toEqual(expected)
  })

  it('counts for nothing where it is none, as it does for docker', () => {
    expect(configWith(new Map([[host, login('ada')]]), '{ half')?.reveal()).toBe(JSON.stringify({ auths: { [host]: auth('ada') } }))
  })
})

/** A home with a configuration of docker that has a plugin and a context. */
function home(): string {
  const folder = temporaryFolder()
  mkdirSync(join(folder, '.docker', 'cli-plugins'), { recursive: true })
  writeFileSync(join(folder, '.docker', 'config.json'), '{"currentContext":"far"}')
  writeFileSync(join(folder, '.docker', '.token_seed'), '{}')
  return folder
}

describe('a configuration that is lent', () => {
  it("leads to everything of the user's, and only this user reads the logins", async () => {
    const folder = home()
    const { ports } = localPorts(temporaryFolder(), { HOME: folder })
    const lent = await lendConfig(new Map([[host, login('ada')]]), ports)
    const at = String(lent.env['DOCKER_CONFIG'])
    expect(readdirSync(at).toSorted()).toEqual(['.token_seed', 'cli-plugins', 'config.json'])
    expect(readlinkSync(join(at, 'cli-plugins'))).toBe(join(folder, '.docker', 'cli-plugins'))
    expect(statSync(join(at, 'config.json')).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(join(at, 'config.json'), 'utf8'))).toEqual({ currentContext: 'far', auths: { [host]: auth('ada') } })
    expect(lent.env['BUILDX_CONFIG']).toBe(join(folder, '.docker', 'buildx'))
    await lent.remove()
    expect([existsSync(at), readdirSync(join(folder, '.docker')).toSorted()]).toEqual([
      false,
      ['.token_seed', 'cli-plugins', 'config.json'],
    ])
  })

  it.each<[string, Record<string, string>, string | undefined]>([
    ['with DOCKER_CONFIG', { DOCKER_CONFIG: '/no/such/docker' }, '/no/such/docker/buildx'],
    ['with BUILDX_CONFIG', { DOCKER_CONFIG: '/no/such/docker', BUILDX_CONFIG: '/etc/builders' }, '/etc/builders'],
    ['without a home', {}, undefined],
  ])('leads to the builders of the user %s', async (_, env, builders) => {
    const lent = await lendConfig(new Map([[host, login('ada')]]), localPorts(temporaryFolder(), env).ports)
    expect(lent.env['BUILDX_CONFIG']).toBe(builders)
    await lent.remove()
  })

  const image: PlannedImage = {
    name: 'app',
    context: '.',
    dockerfile: 'Dockerfile',
    platforms: [],
    args: {},
    repositories: [`${host}/app`],
    cache: { from: [`type=registry,ref=${host}/app:cache`], to: [] },
  }

  test.each<[string, () => Promise<{ code: number; stdout: string; stderr: string; ms: number }>]>([
    ['done', async () => ({ code: 0, stdout: '', stderr: '', ms: 0 })],
    ['failed', async () => ({ code: 1, stdout: '', stderr: '', ms: 0 })],
    ['cancelled', () => Promise.reject(new LaunchwayError('CANCELLED', 'cancelled by SIGTERM'))],
  ])('goes when the build is %s', async (_, run) => {
    const { ports } = localPorts(temporaryFolder(), { HOME: home() })
    const seen: { at: string; isThere: boolean }[] = []
    const exec = {
      ...ports.exec,
      run: async ({ env }: Command) => {
        const at = String(env?.['DOCKER_CONFIG'])
        seen.push({ at, isThere: existsSync(join(at, 'config.json')) })
        return run()
      },
    }
    const registry: Registries = { ...ports.registry, credentials: async () => login('ada') }
    const of = { images: [image], bases: [], keys: new Map<string, string>(), pins: new Map<string, Record<string, string>>() }
    const around = { ...ports, exec, registry, engine: fakeEngine() }
    await solve({ ...of, plan: record().plan, driver: 'docker', metadataFile: 'm' }, around).catch(() => undefined)
    expect(seen).toHaveLength(1)
    expect(seen.map(({ at, isThere }) => [isThere, existsSync(at)])).toEqual([[true, false]])
  })
})

const target = (more: Partial<BakeTarget>): BakeDefinition => ({
  group: { default: { targets: ['app'] } },
  target: { app: { context: '.', dockerfile: 'Dockerfile', args: {}, labels: {}, tags: [], output: [], ...more } },
})

describe('the logins that a build needs', () => {
  const asked = async (definition: BakeDefinition, registries: Registry[] = []): Promise<string[]> => {
    const { ports } = localPorts(temporaryFolder())
    const credentials: Registries['credentials'] = async ({ host: one, password }) => {
      if (password === 'MISSING') throw new LaunchwayError('SECRET_MISSING', `${one} needs MISSING`)
      return login(password ?? 'docker')
    }
    const found = await buildLogins(
      definition,
      { ...record().plan, registries },
      { ...ports, registry: { ...ports.registry, credentials } },
    )
    return [...found].map(([one, { username }]) => `${username}@${one}`)
  }

  it.each<[string, Partial<BakeTarget>, string[]]>([
    ['of the registry of an image by its digest', { contexts: { base: `docker-image://${host}/base@sha256:aa` } }, [`docker@${host}`]],
    ['of the Hub', { contexts: { python: 'docker-image://python@sha256:aa' } }, ['docker@docker.io']],
    ['of a cache that is read', { 'cache-from': [`type=registry,ref=${host}/cache:1`] }, [`docker@${host}`]],
    ['of one whose name is all that is said', { 'cache-from': [`${host}:5000/cache:1`] }, [`docker@${host}:5000`]],
    ['of a cache that is written', { 'cache-to': [`type=registry,ref=${host}/cache:1,mode=max`] }, [`docker@${host}`]],
    ['none of other caches and contexts', { contexts: { a: 'target:b', c: '../d' }, 'cache-from': ['type=gha', 'type=local,src=x'] }, []],
  ])('are those %s', async (_, more, expected) => {
    expect(await asked(target(more))).toEqual(expected)
  })

  it('are also those that somebody has given, and one that is missing is no reason to fail', async () => {
    const given = { host, plainHttp: false, username: 'ada', password: 'GIVEN' }
    const registries = [given, { ...given, host: 'q.example.org', password: 'MISSING' }, { host: 'ghcr.io', plainHttp: false }]
    expect(await asked(target({}), registries)).toEqual([`GIVEN@${host}`])
  })
})

describe('a cache that a registry refuses', () => {
  const place = `type=registry,ref=${host}/team/cache:1`
  const both = { 'cache-from': [place], 'cache-to': [`${place},mode=max`] }
  const said = (more: Partial<BakeTarget>, steps: [string, string][], logins: Record<string, Credentials> = {}): string[] => {
    const failed = steps.map(([step, error]) => ({ step, error, lines: [] }))
    return refusedCaches({ failed, warnings: [], text: [] }, target(more), new Map(Object.entries(logins)))
  }
  // As the BuildKit of an engine 26.1 has said it.
  const read: [string, string] = [
    `importing cache manifest from ${host}/team/cache:1`,
    `failed to configure registry cache importer: unexpected status from HEAD request to https://${host}/v2/team/cache/manifests/1: 401 Unauthorized`,
  ]
  const written: [string, string] = [
    'exporting cache to registry',
    `error writing layer blob: unexpected status from HEAD request to https://${host}/v2/team/cache/blobs/sha256:f79c: 401 Unauthorized`,
  ]

  it.each<[string, [string, string][], Partial<BakeTarget>, Record<string, Credentials>, RegExp[]]>([
    [
      'is said, and that nobody has logged in',
      [read],
      { 'cache-from': [place] },
      {},
      [/cache at r\.example\.org is not read: .* without a login \(401 Unauthorized\).*docker login r\.example\.org/],
    ],
    ['is said with who has', [read], { 'cache-from': [place] }, { [host]: login('ada') }, [/refuses ada \(401/]],
    ['is said once for reading and writing', [read, read, written], both, {}, [/is not read and not written/]],
    [
      'is said when it may be read alone',
      [[written[0], written[1].replace('401 Unauthorized', '403 Forbidden')]],
      both,
      {},
      [/is not written: .*403 Forbidden/],
    ],
    ['is not there yet, where it can be written', [read], both, {}, []],
    [
      'is told from one that is not there',
      [[read[0], `failed to configure registry cache importer: ${host}/team/cache:1: not found`]],
      both,
      {},
      [],
    ],
    ['is told from a step of the build', [['RUN curl', 'HTTP 401 Unauthorized']], both, {}, []],
  ])('%s', (_, steps, more, logins, expected) => {
    const warnings = said(more, steps, logins)
    expect(warnings).toHaveLength(expected.length)
    for (const [index, pattern] of expected.entries()) expect(warnings[index]).toMatch(pattern)
  })
})
