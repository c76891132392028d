import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { dockerEngine } from '../../src/adapters/engine.ts'
import { build } from '../../src/build/index.ts'
import type { Exec, Ports } from '../../src/core/ports.ts'
import type { BuildSection, Release } from '../../src/core/release.ts'
import { startRelease } from '../../src/plan/index.ts'
import { type BakeTarget, bake, failedLine, inspectBuilder, parseBuilder, parseMetadata } from '../../src/tools/buildx.ts'
import { fakeRegistries } from '../fakes/registry.ts'
import { localPorts } from '../unit/support/ports.ts'
import { filled } from './support/folder.ts'

/** What buildx makes of what launchway gives it. Nothing here needs an image that is not there: all are FROM scratch. */

const target: BakeTarget = { context: '.', dockerfile: 'Dockerfile', args: {}, labels: {}, tags: ['a/b:c'], output: ['type=cacheonly'] }

function folder(files: Record<string, string> = {}): string {
  const root = filled(files)
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  return root
}

/** The definition as bake understood it; the call is launchway's own, told not to build. */
function understood(targets: Record<string, BakeTarget>): unknown {
  const { args, stdin } = bake({ group: { default: { targets: Object.keys(targets) } }, target: targets }, '/dev/null', '.')
  return JSON.parse(execFileSync('docker', [...args, '--print'], { input: String(stdin), encoding: 'utf8', stdio: 'pipe' }))
}

describe('bake takes texts as they are', () => {
  const texts = [
    ['an interpolation', '${HOME} ${upper("a")} ${timestamp()}'],
    ['one that was undone already', '$${HOME} $$${HOME} $$$${HOME}'],
    ['a directive', '%{ if true }x%{ endif } %%{ x } %%%{ x }'],
    ['mixed', '$%{x} %${x} ${"${x}"} $${'],
    ['what the shell would read', '$HOME $(id) `id` "quoted" \'quoted\' \\ ; && #'],
    ['lines', 'one\ntwo\r\n\tthree'],
    ['another script', 'ветка 分支 🚀'],
    ['nothing', ''],
  ] as const
  const given = (text: string): Pick<BakeTarget, 'args' | 'labels'> => ({ args: { A: text }, labels: { 'a.b': text } })
  let seen: unknown
  beforeAll(() => {
    seen = understood(Object.fromEntries(texts.map(([, text], index) => [`of-${index}`, { ...target, ...given(text) }])))
  })

  test.each(texts.map(([name, text], index) => [name, text, index] as const))('%s', (_, text, index) => {
    expect(seen).toMatchObject({ target: { [`of-${index}`]: given(text) } })
  })

  test('whatever they hold, names as values', () => {
    const text = fc.string({ unit: fc.constantFrom('$', '%', '{', '}', '"', '\\', '~', 'a', '\n', ' ', '(', '<') })
    const names = fc.uniqueArray(
      text.map((one) => `k${one}`),
      { minLength: 60, maxLength: 60 },
    )
    fc.assert(
      fc.property(names, fc.array(text, { minLength: 60, maxLength: 60 }), (keys, values) => {
        const args = Object.fromEntries(keys.map((key, index) => [key, values[index] ?? '']))
        expect(understood({ app: { ...target, args, labels: args } })).toMatchObject({ target: { app: { args, labels: args } } })
      }),
      { numRuns: 4 },
    )
  })

  test('an image may be called like the group of all', () => {
    expect(understood({ default: target, b: target })).toMatchObject({
      group: { default: { targets: ['default', 'b'] } },
      target: { default: { tags: ['a/b:c'] } },
    })
  })
})

describe('what buildx says is understood', () => {
  test('the builder in use', () => {
    const { file, args } = inspectBuilder()
    const { name, driver } = parseBuilder(execFileSync(file, [...args], { encoding: 'utf8' }))
    expect(name).not.toBe('')
    expect(['docker', 'docker-container', 'remote', 'kubernetes']).toContain(driver)
  })

  test('the digests of each target', () => {
    const root = folder({ Dockerfile: 'FROM scratch\nARG A\nLABEL a=$A\n' })
    const metadata = join(root, 'metadata.json')
    const targets = Object.fromEntries(
      ['one', 'two'].map((name) => [name, { ...target, args: { A: name }, tags: [], output: ['type=docker'] }]),
    )
    const { file, args, stdin } = bake({ group: { default: { targets: ['one', 'two'] } }, target: targets }, metadata, root)
    execFileSync(file, [...args], { input: String(stdin), cwd: root, stdio: 'pipe' })
    const text = execFileSync('cat', [metadata], { encoding: 'utf8' })
    const [one, two] = ['one', 'two'].map((name) => parseMetadata(text, name)['containerimage.config.digest'])
    onTestFinished(() => void execFileSync('docker', ['image', 'rm', ...[one, two].flatMap((id) => id ?? [])], { stdio: 'pipe' }))
    expect(one).toMatch(/^sha256:/)
    expect(two).not.toBe(one)
  })

  test.each([
    ['an instruction that is none', 'FROM scratch\nBOGUS x\n', { file: 'My.Dockerfile', line: 2, text: 'BOGUS x' }],
    ['an instruction that fails', 'FROM scratch\n\nCOPY nothere /\n', { file: 'My.Dockerfile', line: 3, text: 'COPY nothere /' }],
  ])('the place of %s', (_, dockerfile, place) => {
    const root = folder({ 'web/My.Dockerfile': dockerfile })
    const web = { ...target, context: 'web', dockerfile: 'My.Dockerfile' }
    const { args, stdin } = bake({ group: { default: { targets: ['web'] } }, target: { web } }, join(root, 'm'), root)
    const failed = attempt(() => execFileSync('docker', [...args], { input: String(stdin), cwd: root, stdio: 'pipe', encoding: 'utf8' }))
    expect(failedLine(failed)).toEqual(place)
  })
})

test('a failed build points to the line of the Dockerfile that is to blame, in its folder', async () => {
  const root = folder({
    'launchway.yml': 'images: { app: { repositories: [a/app] }, web: { context: web, repositories: [a/web] } }\nbranches: { main: {} }\n',
    Dockerfile: 'FROM scratch\nLABEL a=b\n',
    'web/Dockerfile': 'FROM scratch\nCOPY nothere /\n',
  })
  const { ports } = localPorts(root)
  const release = await planned(ports)
  const engine = dockerEngine()
  await expect(build(release, { ...ports, engine, registry: fakeRegistries() })).rejects.toMatchObject({
    code: 'BUILD_FAILED',
    message: 'the build failed at web/Dockerfile:2: /nothere is not in the build context',
    place: { file: 'web/Dockerfile', line: 2 },
  })
})

/** Nobody has its registries, and what would be pushed there is not built. */
async function planned(ports: Ports): Promise<Release> {
  const release = await startRelease('launchway.yml', { event: 'push', sha: 'a'.repeat(40), ref: 'refs/heads/main' }, ports)
  const stages = { ...release.plan.stages, push: { run: false, reason: 'this is about the build' } }
  return { ...release, plan: { ...release.plan, stages } }
}

/** What launchway builds of a folder, into the engine of this machine, which is then rid of it; and what it warns of. */
async function built(root: string, engine = dockerEngine()): Promise<{ images: BuildSection['images']; warnings: string[] }> {
  const { ports, warnings } = localPorts(root)
  const release = await planned(ports)
  const { images } = await build(release, { ...ports, engine, registry: fakeRegistries() })
  const candidates = release.plan.images.flatMap(({ name, repositories }) =>
    repositories.map((repository) => `${repository}:launchway-${images.find((image) => image.name === name)?.key}`),
  )
  onTestFinished(() => void execFileSync('docker', ['image', 'rm', '--force', ...candidates], { stdio: 'pipe' }))
  return { images, warnings }
}

describe('the platform of the engine', () => {
  const files = (image: string) => ({
    'launchway.yml': `images: { app: { ${image}, repositories: [launchway.invalid/platform] } }\nbranches: { main: {} }\n`,
    '.dockerignore': 'launchway.yml\n.scratch\n',
    Dockerfile: 'FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH\n',
  })
  /** Says it is another machine; the images it makes are looked at as they are. */
  const engineOf = (platform: string): ReturnType<typeof dockerEngine> => ({ ...dockerEngine(), platform: async () => platform })

  test('is part of the key where launchway.yml names none, and is what is built; one that is named holds on any engine', async () => {
    const root = folder(files('context: .'))
    const [laptop] = (await built(root, engineOf('linux/arm64'))).images
    const [runner] = (await built(root, engineOf('linux/amd64'))).images
    expect(Object.keys(laptop?.config ?? {})).toEqual(['linux/arm64'])
    expect(Object.keys(runner?.config ?? {})).toEqual(['linux/amd64'])
    expect(laptop?.key).not.toBe(runner?.key)
    // Where launchway.yml names one, the engine makes no difference: it gives the key of an engine that is one.
    const [named] = (await built(folder(files('platforms: [linux/arm64]')), engineOf('linux/amd64'))).images
    expect(Object.keys(named?.config ?? {})).toEqual(['linux/arm64'])
    expect(named?.key).toBe(laptop?.key)
  })
})

describe('the history of a repository in the build context', () => {
  const configuration = (images: string): string => `images: { ${images} }\nbranches: { main: {} }\n`
  const one = configuration('app: { repositories: [launchway.invalid/history-app] }')
  const both = configuration(
    'app: { repositories: [launchway.invalid/history-app] }, web: { target: web, repositories: [launchway.invalid/history-web] }',
  )
  const below = configuration('app: { context: app, repositories: [launchway.invalid/history-app] }')
  const Dockerfile = 'FROM scratch AS web\nLABEL a=b\nFROM scratch\nCOPY . /\n'
  const warning = (file: string): string =>
    `.git is in the build context: every commit gives another content key, and COPY can take the history into the image. Unless the build reads it, add the line .git to ${file}`

  test('is warned of, once for all images', async () => {
    const root = folder({ 'launchway.yml': both, Dockerfile, '.git/HEAD': 'x' })
    expect((await built(root)).warnings).toEqual([warning('.dockerignore')])
  })

  test.each<[string, Record<string, string>, string[]]>([
    ['is warned of in a second working tree', { 'launchway.yml': one, Dockerfile, '.git': 'gitdir: /x' }, [warning('.dockerignore')]],
    [
      'is warned of with the ignore file that holds',
      { 'launchway.yml': one, Dockerfile, '.git/HEAD': 'x', '.dockerignore': '.git', 'Dockerfile.dockerignore': 'x' },
      [warning('Dockerfile.dockerignore')],
    ],
    ['is no concern when it is ignored', { 'launchway.yml': one, Dockerfile, '.git/HEAD': 'x', '.dockerignore': '.git\n.scratch\n' }, []],
    [
      'is no concern when what is in it is ignored',
      { 'launchway.yml': one, Dockerfile, '.git/HEAD': 'x', '.dockerignore': '.git/**\n.scratch' },
      [],
    ],
    ['is no concern of a context below it', { 'launchway.yml': below, 'app/Dockerfile': Dockerfile, '.git/HEAD': 'x' }, []],
  ])('%s', async (_, files, expected) => {
    expect(await warnedOf(folder(files))).toEqual(expected)
  })

  /** What is warned of before anything is built; nothing is then. */
  async function warnedOf(root: string): Promise<string[]> {
    const { ports, warnings } = localPorts(root)
    const release = await planned(ports)
    const exec: Exec = { read: (command) => ports.exec.read(command), run: () => Promise.reject(new Error('seen enough')) }
    await expect(build(release, { ...ports, engine: dockerEngine(), exec, registry: fakeRegistries() })).rejects.toThrow('seen enough')
    return warnings
  }
})

/** What a program that fails says on its error stream. */
function attempt(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof Error && 'stderr' in error) return String(error.stderr)
    throw error
  }
  throw new Error('it did not fail')
}
