import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dockerEngine } from '../../src/adapters/engine.ts'
import { localFiles } from '../../src/adapters/files.ts'
import { type ContextEntry, readContext } from '../../src/build/context.ts'
import { build } from '../../src/build/index.ts'
import type { BuildSection } from '../../src/core/release.ts'
import { startRelease } from '../../src/plan/index.ts'
import { type BakeTarget, bake, failedLine, inspectBuilder, parseBuilder, parseMetadata } from '../../src/tools/buildx.ts'
import { localPorts } from '../unit/support/ports.ts'

/** What buildx makes of what launchway gives it. Nothing here needs an image that is not there: all are FROM scratch. */

const target: BakeTarget = { context: '.', dockerfile: 'Dockerfile', args: {}, labels: {}, tags: ['a/b:c'], output: ['type=cacheonly'] }

const run = promisify(execFile)

function folder(files: Record<string, string> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'launchway-buildx-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

/** The definition as bake understood it; the call is launchway's own, told not to build. */
function understood(targets: Record<string, BakeTarget>): unknown {
  const { args, stdin } = bake({ group: { default: { targets: Object.keys(targets) } }, target: targets }, '/dev/null', '.')
  return JSON.parse(execFileSync('docker', [...args, '--print'], { input: String(stdin), encoding: 'utf8', stdio: 'pipe' }))
}

describe('bake takes texts as they are', () => {
  test.each([
    ['an interpolation', '${HOME} ${upper("a")} ${timestamp()}'],
    ['one that was undone already', '$${HOME} $$${HOME} $$$${HOME}'],
    ['a directive', '%{ if true }x%{ endif } %%{ x } %%%{ x }'],
    ['mixed', '$%{x} %${x} ${"${x}"} $${'],
    ['what the shell would read', '$HOME $(id) `id` "quoted" \'quoted\' \\ ; && #'],
    ['lines', 'one\ntwo\r\n\tthree'],
    ['another script', 'ветка 分支 🚀'],
    ['nothing', ''],
  ])('%s', (_, text) => {
    const given = { ...target, args: { A: text }, labels: { 'a.b': text } }
    expect(understood({ app: given })).toMatchObject({ target: { app: { args: { A: text }, labels: { 'a.b': text } } } })
  })

  test('whatever they hold, names as values', () => {
    const text = fc.string({ unit: fc.constantFrom('$', '%', '{', '}', '"', '\\', '~', 'a', '\n', ' ', '(', '<') })
    const names = fc.uniqueArray(
      text.map((one) => `k${one}`),
      { minLength: 20, maxLength: 20 },
    )
    fc.assert(
      fc.property(names, fc.array(text, { minLength: 20, maxLength: 20 }), (keys, values) => {
        const args = Object.fromEntries(keys.map((key, index) => [key, values[index] ?? '']))
        expect(understood({ app: { ...target, args, labels: args } })).toMatchObject({ target: { app: { args, labels: args } } })
      }),
      { numRuns: 10 },
    )
  })

  test('an image may be called like the group of all', () => {
    expect(understood({ default: target, b: target })).toMatchObject({
      group: { default: { targets: ['default', 'b'] } },
      target: { default: { tags: ['a/b:c'] } },
    })
  })
})

describe('the context', () => {
  const files = {
    'a.md': '',
    'b/c.md': '',
    'b/d/e.txt': '',
    'b/d/f.md': '',
    '.env': '',
    'B.md': '',
    'node_modules/x/y.js': '',
    'é.txt': '',
    '.git/HEAD': '',
    'b/.git': '',
  }

  test.each([
    ['nothing', ''],
    ['comments and blank lines', '# a.md\n\n   \n*.md\n'],
    ['a star', '*.md\n'],
    ['two stars', '**/*.md\n'],
    ['a folder', 'b\n'],
    ['a folder with a slash', 'b/\n'],
    ['from the root', '/b/d\n./a.md\n'],
    ['one letter', '?.md\n'],
    ['a set', '[a-b].md\n'],
    ['an exception', '**/*.md\n!b/**/f.md\n'],
    ['an exception below an ignored folder', 'b\n!b/d/e.txt\n'],
    ['the last line wins', '!a.md\na.md\n!b/c.md\nb/c.md\n!b/c.md\n'],
    ['everything but one', '*\n!b/d\n'],
    ['everything but one, with two stars', '**\n!.env\n'],
    ['spaces around', '  b/d  \n'],
    ['Windows lines', 'b\r\na.md\r\n'],
    ['a byte order mark', '\uFEFFa.md\n'],
    ['itself', '.dockerignore\nDockerfile\n'],
    ['the history', '.git\n'],
    ['another case', 'B.MD\n'],
  ])('holds for the key the files that it holds for BuildKit: %s', async (_, ignore) => {
    const root = folder({ ...files, Dockerfile: 'FROM scratch\nCOPY . /\n', '.dockerignore': ignore })
    const out = folder()
    await run('docker', ['buildx', 'build', '--quiet', '--output', `type=local,dest=${out}`, root])
    const image = { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['a/b'] }
    const entries: ContextEntry[] = []
    await readContext(image, root, localFiles('/nowhere'), { each: (entry) => void entries.push(entry) })
    const built = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory())
    expect(
      entries
        .filter(({ kind }) => kind !== 'directory')
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(built.map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1)).toSorted())
  })

  test('reaches the image with every bit of its modes, so the key counts each', () => {
    const root = folder({ Dockerfile: 'FROM scratch\nCOPY f l /\n', f: '' })
    chmodSync(join(root, 'f'), 0o4755)
    symlinkSync('f', join(root, 'l'))
    const out = folder()
    execFileSync('docker', ['buildx', 'build', '--quiet', '--output', `type=tar,dest=${out}/t`, root], { stdio: 'pipe' })
    expect(execFileSync('tar', ['--list', '--verbose', '--file', join(out, 't')], { encoding: 'utf8' })).toMatch(/^-rwsr-xr-x .* f$/m)
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
  const release = await startRelease('launchway.yml', { event: 'push', sha: 'a'.repeat(40), ref: 'refs/heads/main' }, ports)
  const engine = dockerEngine()
  await expect(build(release, { ...ports, engine })).rejects.toMatchObject({
    code: 'BUILD_FAILED',
    message: 'the build failed at web/Dockerfile:2: /nothere is not in the build context',
    place: { file: 'web/Dockerfile', line: 2 },
  })
})

/** What launchway builds of a folder, into the engine of this machine, which is then rid of it; and what it warns of. */
async function built(root: string, engine = dockerEngine()): Promise<{ images: BuildSection['images']; warnings: string[] }> {
  const { ports, warnings } = localPorts(root)
  const release = await startRelease('launchway.yml', { event: 'push', sha: 'a'.repeat(40), ref: 'refs/heads/main' }, ports)
  const { images } = await build(release, { ...ports, engine })
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

  test('is part of the key where launchway.yml names none, and is what is built', async () => {
    const root = folder(files('context: .'))
    const [laptop] = (await built(root, engineOf('linux/arm64'))).images
    const [runner] = (await built(root, engineOf('linux/amd64'))).images
    expect(Object.keys(laptop?.config ?? {})).toEqual(['linux/arm64'])
    expect(Object.keys(runner?.config ?? {})).toEqual(['linux/amd64'])
    expect(laptop?.key).not.toBe(runner?.key)
  })

  test('makes no difference where launchway.yml names one', async () => {
    const root = folder(files('platforms: [linux/arm64]'))
    const [laptop] = (await built(root, engineOf('linux/arm64'))).images
    const [runner] = (await built(root, engineOf('linux/amd64'))).images
    expect(Object.keys(runner?.config ?? {})).toEqual(['linux/arm64'])
    expect(runner?.key).toBe(laptop?.key)
  })

  test('gives the key that naming it gives', async () => {
    const [named] = (await built(folder(files('platforms: [linux/arm64]')))).images
    const [found] = (await built(folder(files('context: .')), engineOf('linux/arm64'))).images
    expect(found?.key).toBe(named?.key)
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

  test.each<[string, Record<string, string>, string[]]>([
    ['is warned of, once for all images', { 'launchway.yml': both, Dockerfile, '.git/HEAD': 'x' }, [warning('.dockerignore')]],
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
    expect((await built(folder(files))).warnings).toEqual(expected)
  })
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
