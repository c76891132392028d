import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { localFiles } from '../../src/adapters/files.ts'
import { readContext } from '../../src/build/context.ts'
import { bakeDefinition } from '../../src/build/plan.ts'
import { candidates } from '../../src/core/names.ts'
import { contentKey } from '../../src/build/key.ts'
import type { PlannedImage } from '../../src/core/release.ts'
import { plan } from '../../src/plan/plan.ts'
import { bake } from '../../src/tools/buildx.ts'
import { configOf, systemText } from './support/config.ts'
import { temporaryFolder } from './support/ports.ts'
import { runs } from './support/runs.ts'

const image: PlannedImage = {
  name: 'app',
  context: '.',
  dockerfile: 'Dockerfile',
  platforms: ['linux/amd64', 'linux/arm64'],
  args: { A: '1', B: '2' },
  repositories: ['ghcr.io/team/app'],
}

/** By path: the content of a file, or where a link points to. */
type Tree = Record<string, string | { to: string }>

const tree: Tree = {
  Dockerfile: 'FROM scratch\nCOPY . /\n',
  '.dockerignore': '*.md\nnode_modules\n!keep.md\n',
  'src/main.py': 'print(1)\n',
  'src/run.sh': '#!/bin/sh\n',
  'src/latest': { to: 'main.py' },
  'notes.md': 'ignored',
  'keep.md': 'not ignored',
  'node_modules/left-pad/index.js': 'ignored as well',
}

function write(root: string, entries: Tree): string {
  for (const [path, content] of Object.entries(entries)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    if (typeof content === 'string') writeFileSync(join(root, path), content)
    else symlinkSync(content.to, join(root, path))
  }
  return root
}

const files = localFiles('/nowhere')

async function keyOf(root: string, changed: Partial<PlannedImage> = {}): Promise<string> {
  const changedImage = { ...image, ...changed }
  return contentKey(changedImage, { ...(await readContext(changedImage, root, files)), bases: {}, contexts: {} })
}

describe('the content key stays', () => {
  test('whatever the order in which files were written, and whenever', async () => {
    const key = await keyOf(write(temporaryFolder(), tree))
    expect(key).toMatch(/^[0-9a-f]{32}$/)
    const orders = fc.sample(fc.shuffledSubarray(Object.entries(tree), { minLength: Object.keys(tree).length }), 10)
    for (const [index, order] of orders.entries()) {
      const root = write(temporaryFolder(), Object.fromEntries(order))
      utimesSync(join(root, 'src/main.py'), index * 1000, index * 1000)
      expect(await keyOf(root)).toBe(key)
    }
  })

  test.each<[string, Partial<PlannedImage>]>([
    ['the order of the platforms', { platforms: ['linux/arm64', 'linux/amd64'] }],
    ['the order of the arguments', { args: { B: '2', A: '1' } }],
    ['the repositories', { repositories: ['docker.io/team/app'] }],
  ])('whatever %s', async (_, changed) => {
    const root = write(temporaryFolder(), tree)
    expect(await keyOf(root, changed)).toBe(await keyOf(root))
  })

  test.each<[string, (root: string) => void]>([
    ['the content of an ignored file', (root) => writeFileSync(join(root, 'notes.md'), 'other')],
    ['a new ignored file', (root) => writeFileSync(join(root, 'new.md'), '')],
    ['a file below an ignored folder', (root) => write(root, { 'node_modules/new/x.js': '' })],
    ['the absence of ignored files', (root) => rmSync(join(root, 'node_modules'), { recursive: true })],
  ])('whatever %s', async (_, change) => {
    const root = write(temporaryFolder(), tree)
    const before = await keyOf(root)
    change(root)
    expect(await keyOf(root)).toBe(before)
  })

  test('whatever commit, time and ref it is built for: those are in labels, outside of the key', () => {
    const [first, second] = ['a', 'b'].map((digit) =>
      bakeDefinition(
        [image],
        new Map([['app', 'k']]),
        plan(configOf(systemText), { event: 'push', sha: digit.repeat(40), ref: 'refs/heads/docker' }, undefined),
      ),
    )
    expect(first?.target['app']?.labels).toEqual({
      'org.opencontainers.image.title': 'app',
      'org.opencontainers.image.revision': 'a'.repeat(40),
      'org.opencontainers.image.version': 'docker',
      'launchway.key': 'k',
    })
    expect(second?.target['app']?.labels).not.toEqual(first?.target['app']?.labels)
    expect({ ...second?.target['app'], labels: {} }).toEqual({ ...first?.target['app'], labels: {} })
  })
})

describe('the content key changes with', () => {
  test.each<[string, (root: string) => void]>([
    ['the content of a file', (root) => writeFileSync(join(root, 'src/main.py'), 'print(2)\n')],
    ['a new empty file', (root) => writeFileSync(join(root, 'src/new'), '')],
    ['a new empty folder', (root) => mkdirSync(join(root, 'empty'))],
    ['the name of a file', (root) => renameSync(join(root, 'src/main.py'), join(root, 'src/Main.py'))],
    ['the absence of a file', (root) => unlinkSync(join(root, 'src/run.sh'))],
    ['the executable bit', (root) => chmodSync(join(root, 'src/run.sh'), 0o755)],
    ['the set-user-id bit', (root) => chmodSync(join(root, 'src/run.sh'), 0o4644)],
    ['the mode of a folder', (root) => chmodSync(join(root, 'src'), 0o700)],
    [
      'the target of a link',
      (root) => {
        unlinkSync(join(root, 'src/latest'))
        symlinkSync('run.sh', join(root, 'src/latest'))
      },
    ],
    [
      'a link that becomes a file of the same content',
      (root) => {
        unlinkSync(join(root, 'src/latest'))
        writeFileSync(join(root, 'src/latest'), 'main.py')
      },
    ],
    ['the Dockerfile', (root) => writeFileSync(join(root, 'Dockerfile'), 'FROM scratch\n')],
    ['a file that a ! pattern brings back', (root) => writeFileSync(join(root, 'keep.md'), 'other')],
    ['what is ignored', (root) => writeFileSync(join(root, '.dockerignore'), '*.md\n')],
    ['an ignore file of the Dockerfile alone', (root) => writeFileSync(join(root, 'Dockerfile.dockerignore'), 'src\n')],
  ])('%s', async (_, change) => {
    const root = write(temporaryFolder(), tree)
    const before = await keyOf(root)
    change(root)
    expect(await keyOf(root)).not.toBe(before)
  })

  test('a file that a ! pattern brings back from an ignored folder', async () => {
    const root = write(temporaryFolder(), { Dockerfile: 'FROM scratch', '.dockerignore': 'a\n!a/keep\n', 'a/keep': '1', 'a/other': '1' })
    const before = await keyOf(root)
    writeFileSync(join(root, 'a/other'), '2')
    expect(await keyOf(root)).toBe(before)
    writeFileSync(join(root, 'a/keep'), '2')
    expect(await keyOf(root)).not.toBe(before)
  })

  test('one byte of an ignored Dockerfile that is not UTF-8', async () => {
    const root = write(temporaryFolder(), { '.dockerignore': 'Dockerfile\n' })
    const keys = []
    for (const byte of [0xe8, 0xe9]) {
      writeFileSync(join(root, 'Dockerfile'), Buffer.from([...Buffer.from('FROM scratch\nLABEL by='), byte]))
      keys.push(await keyOf(root))
    }
    expect(keys[0]).not.toBe(keys[1])
  })

  test.each<[string, Partial<PlannedImage>]>([
    ['the value of an argument', { args: { A: '1', B: '3' } }],
    ['the name of an argument', { args: { A: '1', C: '2' } }],
    ['an argument more', { args: { A: '1', B: '2', C: '' } }],
    ['arguments that read alike when joined', { args: { A: '1","B","2' } }],
    ['the target', { target: 'web' }],
    ['a platform less', { platforms: ['linux/amd64'] }],
    ['no platform', { platforms: [] }],
    ['another Dockerfile', { dockerfile: 'src/run.sh' }],
    ['another context', { context: 'src', dockerfile: '../Dockerfile' }],
  ])('%s', async (_, changed) => {
    const root = write(temporaryFolder(), tree)
    expect(await keyOf(root, changed)).not.toBe(await keyOf(root))
  })

  test('any difference between two trees, and nothing else', async () => {
    const path = fc.constantFrom('a', 'b', 'a.txt', 'd/a', 'd/b', 'd e/ü')
    const content = fc.oneof(
      fc.constantFrom('', 'a', 'b', 'ab'),
      fc.constantFrom('a', 'b').map((to) => ({ to })),
    )
    const trees = fc.dictionary(path, content, { maxKeys: 4 }).filter((one) => !('d' in one))
    await fc.assert(
      fc.asyncProperty(trees, trees, async (one, other) => {
        const [a, b] = [one, other].map((entries) => write(temporaryFolder(), { Dockerfile: 'FROM scratch', ...entries }))
        const sorted = (entries: Tree): string => JSON.stringify(Object.entries(entries).toSorted(([x], [y]) => (x < y ? -1 : 1)))
        expect((await keyOf(a ?? '')) === (await keyOf(b ?? ''))).toBe(sorted(one) === sorted(other))
      }),
      {
        numRuns: runs(15),
        examples: [
          [{ a: 'b' }, { b: 'a' }],
          [
            { a: 'a', b: '' },
            { a: '', b: 'a' },
          ],
          [{ 'd/a': 'a' }, { 'd/a': 'a' }],
        ],
      },
    )
  })
})

test('everything is built where somebody asks for that, without what BuildKit remembers', () => {
  const asked = { event: 'push', sha: 'a'.repeat(40), ref: 'refs/heads/docker' } as const
  const [usual, anew] = [plan(configOf(systemText), asked), plan(configOf(systemText), { ...asked, rebuild: true })]
  expect([usual.rebuild, anew.rebuild]).toEqual([undefined, true])
  expect(anew.stages.build.reason).toBe(`${usual.stages.build.reason}; everything is built anew`)
  const definition = bakeDefinition([image], new Map([['app', 'k']]), anew)
  expect(bake(definition, 'm', '.', { noCache: true }).args).toEqual([...bake(definition, 'm', '.').args, '--no-cache'])
})

test('what an image is built on is held to a digest', () => {
  const pins = { 'python:3': `docker-image://python@sha256:${'a'.repeat(64)}` }
  const section = plan(configOf(systemText), { event: 'push', sha: 'a'.repeat(40), ref: 'refs/heads/docker' })
  expect(bakeDefinition([image], new Map(), section, { pins: new Map([['app', pins]]) }).target['app']?.contexts).toEqual(pins)
})

test('a context without its Dockerfile says where one is expected', async () => {
  const root = write(temporaryFolder(), { 'web/x': '' })
  await expect(keyOf(root, { context: 'web', dockerfile: 'docker/Dockerfile' })).rejects.toMatchObject({
    code: 'BUILD_FAILED',
    message: 'the image app has no Dockerfile at web/docker/Dockerfile',
  })
})

describe('the bake definition', () => {
  const section = plan(
    configOf(systemText),
    { event: 'push', sha: 'c'.repeat(40), ref: 'refs/heads/master', source: 'https://github.com/team/app' },
    undefined,
  )
  const common = {
    labels: {
      'org.opencontainers.image.title': 'b',
      'org.opencontainers.image.source': 'https://github.com/team/app',
      'org.opencontainers.image.revision': 'c'.repeat(40),
      'org.opencontainers.image.version': 'master',
      'launchway.key': 'key',
    },
    output: ['type=docker'],
  }

  test.each<[string, PlannedImage, object]>([
    [
      'the least',
      { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['a/b'] },
      { context: '.', dockerfile: 'Dockerfile', args: {}, tags: ['a/b:launchway-key'], ...common },
    ],
    [
      'the most',
      { ...image, name: 'web', context: 'web', dockerfile: '../Dockerfile.web', target: 'prod', repositories: ['a/b', 'localhost:5000/b'] },
      {
        context: 'web',
        dockerfile: '../Dockerfile.web',
        target: 'prod',
        platforms: ['linux/amd64', 'linux/arm64'],
        args: { A: '1', B: '2' },
        tags: ['a/b:launchway-key', 'localhost:5000/b:launchway-key'],
        ...common,
      },
    ],
  ])('%s', (_, planned, target) => {
    expect(bakeDefinition([planned], new Map([[planned.name, 'key']]), section)).toEqual({
      group: { default: { targets: [planned.name] } },
      target: { [planned.name]: target },
    })
  })

  test('has all images in one solve, each under its own key and under nothing else', () => {
    const images = ['web', 'worker'].map((name) => ({ ...image, name, repositories: [`a/${name}`] }))
    const { group, target } = bakeDefinition(
      images,
      new Map([
        ['web', '1'],
        ['worker', '2'],
      ]),
      section,
    )
    expect(group.default.targets).toEqual(['web', 'worker'])
    expect(Object.values(target).map(({ tags }) => tags)).toEqual([['a/web:launchway-1'], ['a/worker:launchway-2']])
  })

  test('a candidate stands in every repository', () => {
    expect(candidates({ ...image, repositories: ['a/b', 'c/d'] }, '0f')).toEqual(['a/b:launchway-0f', 'c/d:launchway-0f'])
  })
})
