import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { SmokePlan } from '../../src/core/gates.ts'
import type { EngineImage, Ports, Repository } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { identify, type Judged, keyOf } from '../../src/smoke/key.ts'
import { ComposeProject } from '../../src/tools/compose.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { fakeFiles } from '../fakes/files.ts'
import { digest, record } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const plan: SmokePlan = {
  compose: ['compose.yml'],
  profiles: [],
  env: {},
  timeoutMs: 1_000,
  prepare: [],
  checks: [{ kind: 'exec', name: 'c', service: 'web', command: ['sh', 'check.sh'], timeoutMs: 1 }],
}
const redis: EngineImage = { id: 'sha256:r', platform: 'linux/amd64', size: 1, layers: 1, repoDigests: [`redis@${digest}`] }
const built = { name: 'app', key: '5'.repeat(32), how: 'built', registries: {}, size: 1, layers: 1, ms: 1 } as const

/** A tree with all that can be in a key, and what to ask for it. */
interface World {
  root: string
  rendered: Record<string, unknown>
  services: Record<string, Record<string, unknown>>
  plan: SmokePlan
  config: string
  images: Record<string, EngineImage>
  composeVersion: string
  engine: string
  secrets: Record<string, string>
}

function world(root: string): World {
  mkdirSync(join(root, 'conf/deep'), { recursive: true })
  for (const name of ['conf/deep/a', 'page.html', 'token', 'check.sh']) writeFileSync(join(root, name), name)
  writeFileSync(join(root, 'empty'), '')
  return {
    root,
    services: {
      web: {
        image: 'ghcr.io/team/app:1',
        environment: { PASSWORD: 'short' },
        volumes: [
          { type: 'bind', source: join(root, 'conf'), target: '/conf' },
          { type: 'bind', source: join(root, 'page.html'), target: '/p' },
          { type: 'bind', source: join(root, 'late.html'), target: '/late' },
          { type: 'bind', source: join(root, 'empty'), target: '/empty' },
          { type: 'volume', source: 'data', target: '/data' },
        ],
      },
      redis: { image: 'redis:7' },
    },
    rendered: { volumes: { data: { name: 'x_data' } }, secrets: { token: { file: join(root, 'token') }, env: { environment: 'TOKEN' } } },
    plan,
    config: `sha256:${'a'.repeat(64)}`,
    images: { 'redis:7': redis },
    composeVersion: '2.26.1',
    engine: '26.1.5',
    secrets: { TOKEN: 't-1' },
  }
}

function judged({ rendered, services, plan, config, composeVersion, engine }: World): Judged {
  const image = { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['ghcr.io/team/app'] }
  const release = record({
    plan: { ...record().plan, images: [image], smoke: plan },
    build: { builder: 'b', images: [{ ...built, config: { 'linux/amd64': config } }] },
  })
  return {
    rendered: ComposeProject.parse({ ...rendered, services }),
    plan,
    release,
    info: { version: engine, apiVersion: '1.45', platform: 'linux/amd64', containerdStore: false },
    composeVersion,
  }
}

/** What the key is made of. Its last step is slow on purpose, and the same for all of them. */
async function keyIn(of: World, inRegistry?: string, files = localPorts(of.root).ports.files): Promise<string> {
  const ports: Ports = {
    ...localPorts(of.root).ports,
    files,
    engine: fakeEngine(of.images),
    secret: (name) => (of.secrets[name] === undefined ? undefined : new Secret(of.secrets[name])),
    registry: {
      repository: () =>
        inRegistry === undefined ? Promise.reject(new Error('nobody answers')) : Promise.resolve(registryWith(inRegistry)),
      credentials: () => Promise.resolve(undefined),
    },
  }
  const found = await identify(judged(of), ports)
  return 'digest' in found ? found.digest.toString('hex') : `none: ${found.why}`
}

/** A repository in which every tag is this one. */
function registryWith(found: string): Repository {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked of it
  return { resolve: () => Promise.resolve({ mediaType: 'm', digest: found, size: 1 }) } as unknown as Repository
}

const web = (of: World, more: Record<string, unknown>): World => ({
  ...of,
  services: { ...of.services, web: { ...of.services['web'], ...more } },
})
const other = (of: World, more: Record<string, unknown>): World => ({
  ...of,
  services: { ...of.services, redis: { ...of.services['redis'], ...more } },
})
const permitted = (of: World, name: string, mode: number): World => {
  chmodSync(join(of.root, name), mode)
  return of
}
const written = (of: World, name: string, text = 'changed'): World => {
  writeFileSync(join(of.root, name), text)
  return of
}

describe('what a smoke test is known by', () => {
  it('is the same for the same, and tells nothing of what went into it', async () => {
    const [one, two] = [await keyIn(world(temporaryFolder())), await keyIn(world(temporaryFolder()))]
    const files = fakeFiles()
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the tools only the folder is asked for
    const ports = { files, tools: { folder: '/cache' } as Ports['tools'] }
    const keyFor = (digest: string): Promise<string> => keyOf({ digest: Buffer.from(digest, 'hex') }, ports)
    const [key, another, again] = [await keyFor(one), await keyFor(two), await keyFor(one)]
    expect([again, await keyFor(one)]).toEqual([key, key])
    expect(key).toMatch(/^[0-9a-f]{32}$/)
    expect(key).not.toBe(another)
    const root = temporaryFolder()
    expect(await keyIn(world(root))).toBe(await keyIn(world(root)))
    // Another folder is another place for what is mounted.
    expect(one).not.toBe(two)
  })

  it.each<[string, (of: World) => World]>([
    ['another image under test', (of) => ({ ...of, config: `sha256:${'b'.repeat(64)}` })],
    ['another image beside it', (of) => ({ ...of, images: { 'redis:7': { ...redis, id: 'sha256:s', repoDigests: [] } } })],
    ['another digest of it', (of) => ({ ...of, images: { 'redis:7': { ...redis, repoDigests: ['redis@sha256:other'] } } })],
    ['another value of a secret in the files', (of) => web(of, { environment: { PASSWORD: 'shorT' } })],
    ['another command', (of) => web(of, { command: ['serve'] })],
    ['another check', (of) => ({ ...of, plan: { ...plan, checks: [] } })],
    ['another time for a check', (of) => ({ ...of, plan: { ...plan, checks: plan.checks.map((one) => ({ ...one, timeoutMs: 2 })) } })],
    ['more containers of a service', (of) => ({ ...of, plan: { ...plan, scale: { web: 2 } } })],
    ['another mounted file', (of) => written(of, 'page.html')],
    ['another file deep in a mounted folder', (of) => written(of, 'conf/deep/a')],
    ['one more file in a mounted folder', (of) => written(of, 'conf/deep/b', '')],
    ['other permissions of a file in a mounted folder', (of) => permitted(of, 'conf/deep/a', 0o700)],
    ['other permissions of a mounted file', (of) => permitted(of, 'page.html', 0o600)],
    ['other permissions of a mounted folder', (of) => permitted(of, 'conf', 0o700)],
    ['a mounted file where nothing was', (of) => written(of, 'late.html', '')],
    ['other permissions of a script that a check names', (of) => permitted(of, 'check.sh', 0o700)],
    [
      'an empty folder where an empty file was',
      (of) => {
        rmSync(join(of.root, 'empty'))
        mkdirSync(join(of.root, 'empty'), { mode: 0o644 })
        return of
      },
    ],
    ['another file of variables', (of) => written(of, '.env')],
    ['another file of a secret', (of) => written(of, 'token')],
    ['another secret of the environment', (of) => ({ ...of, secrets: { TOKEN: 't-2' } })],
    ['another script that a check names', (of) => written(of, 'check.sh')],
    ['another compose', (of) => ({ ...of, composeVersion: '2.27.0' })],
    ['another engine', (of) => ({ ...of, engine: '27.0.0' })],
  ])('changes with %s', async (_, change) => {
    const of = world(temporaryFolder())
    const before = await keyIn(of)
    const after = await keyIn(change(of))
    expect(after).not.toContain('none')
    expect(after).not.toBe(before)
  })

  it.each<[string, (of: World) => World]>([
    ['the file', (of) => written(of, 'token')],
    ['the variable', (of) => ({ ...of, secrets: { TOKEN: 't-2' } })],
  ])('changes with %s of a secret that a config shares its name with', async (_, change) => {
    const of = world(temporaryFolder())
    const configs = { token: { file: join(of.root, 'page.html') }, env: { environment: 'PAGE' } }
    const shared = { ...of, rendered: { ...of.rendered, configs } }
    const before = await keyIn(shared)
    expect(await keyIn(change(shared))).not.toBe(before)
  })

  it('is the same where an image was not pulled yet, by what its registry says, and another when the tag has moved there', async () => {
    const of = world(temporaryFolder())
    expect(await keyIn({ ...of, images: {} }, digest)).toBe(await keyIn(of))
    expect(await keyIn({ ...of, images: {} }, `sha256:${'e'.repeat(64)}`)).not.toBe(await keyIn(of))
    // What is here is what would run, wherever the tag points by now.
    expect(await keyIn(of, `sha256:${'e'.repeat(64)}`)).toBe(await keyIn(of))
  })

  it('sees what a link leads to where a mount is one', async () => {
    const of = world(temporaryFolder())
    symlinkSync('page.html', join(of.root, 'link.html'))
    const linked = web(of, { volumes: [{ type: 'bind', source: join(of.root, 'link.html'), target: '/p' }] })
    const before = await keyIn(linked)
    expect(await keyIn(written(linked, 'page.html'))).not.toBe(before)
  })

  it.each<[string, (of: World) => World, string]>([
    ['the plan says so', (of) => ({ ...of, plan: { ...plan, remember: false } }), 'smoke.remember is false'],
    ['compose builds something', (of) => other(of, { build: { context: '/srv' } }), 'redis is built by compose'],
    ['an image is pulled anew', (of) => other(of, { pull_policy: 'always' }), 'redis is pulled each time'],
    [
      'nobody knows what an image is',
      (of) => ({ ...of, images: {} }),
      'redis:7 is not on this machine, and its registry does not say what it is',
    ],
    ['a service reaches out of the stack', (of) => other(of, { network_mode: 'host' }), 'redis sees what else runs on the machine'],
  ])('is nothing when %s', async (_, change, why) => {
    expect(await keyIn(change(world(temporaryFolder())))).toBe(`none: ${why}`)
  })

  it('is nothing when a mounted folder has too much in it', async () => {
    const of = world(temporaryFolder())
    const folder = join(of.root, 'conf')
    // In memory: to write that many takes longer than all else here.
    const many = (count: number) =>
      fakeFiles(Object.fromEntries(Array.from({ length: count }, (_, index): [string, string] => [join(folder, `${index}`), ''])))
    expect(await keyIn(of, undefined, many(5_000))).not.toContain('none')
    expect(await keyIn(of, undefined, many(5_001))).toBe(`none: ${folder} has too many files to look through`)
  })
})

describe('a mounted file', () => {
  it('that is larger than what is looked through has no key, though nobody has read it', async () => {
    const of = world(temporaryFolder())
    truncateSync(join(of.root, 'page.html'), 3e9)
    expect(await keyIn(of)).toBe(`none: ${join(of.root, 'page.html')} holds too much to look through`)
  })

  it('that is a pipe has no key, and nobody waits for it', async () => {
    const of = world(temporaryFolder())
    execFileSync('mkfifo', [join(of.root, 'late.html')])
    expect(await keyIn(of)).toBe(`none: ${join(of.root, 'late.html')} is neither a file nor a folder`)
  })
})

it('a script has no key: it finds the whole environment, files that git does not know, and the machine', async () => {
  const script: SmokePlan = { ...plan, checks: [{ kind: 'script', name: 's', script: 'check.sh', args: [], timeoutMs: 1 }] }
  expect(await keyIn({ ...world(temporaryFolder()), plan: script })).toBe('none: "s" may use anything of this machine')
})
