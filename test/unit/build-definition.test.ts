import { describe, expect, test } from 'vitest'
import { bakeDefinition, basesUnder, givenKey, inOrder, type Order } from '../../src/build/plan.ts'
import { contentKey } from '../../src/build/key.ts'
import type { PlannedImage } from '../../src/core/planned-image.ts'
import { bake } from '../../src/tools/buildx.ts'
import { plan } from '../../src/plan/plan.ts'
import { configOf, systemText } from './support/config.ts'

const image: PlannedImage = { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['a/b'] }
const pushed = plan(configOf(systemText), { event: 'push', sha: 'c'.repeat(40), ref: 'refs/heads/master' })
const proposed = plan(configOf(systemText), { event: 'pull_request', sha: 'c'.repeat(40), ref: 'refs/pull/1/merge' })

function targetOf(more: Partial<PlannedImage>, order: Order = {}, section = pushed): object | undefined {
  return bakeDefinition([{ ...image, ...more }], new Map([['app', 'key']]), section, order).target['app']
}

const cache = { from: ['type=gha', 'type=registry,ref=a/b:c'], to: ['type=gha,mode=max', 'type=registry,ref=a/b:c', 'type=inline'] }

describe('the definition of an image has', () => {
  test.each<[string, object | undefined, object]>([
    [
      'its contexts as they are',
      targetOf({ contexts: { base: 'target:below', pages: 'pages' } }),
      { contexts: { base: 'target:below', pages: 'pages' } },
    ],
    [
      'secrets by where buildx finds them, never by value',
      targetOf(
        { secrets: [{ id: 'npm', env: 'NPM_TOKEN' }] },
        { given: { secrets: new Map([[givenKey('app', 'npm'), 'env=X_1']]), ssh: new Map() } },
      ),
      { secret: ['id=npm,env=X_1'] },
    ],
    [
      'SSH with the agent, or with the path of a key',
      targetOf(
        { ssh: [{ id: 'default' }, { id: 'vendor', key: 'KEY' }] },
        { given: { secrets: new Map(), ssh: new Map([[givenKey('app', 'vendor'), '/tmp/key']]) } },
      ),
      { ssh: ['default', 'vendor=/tmp/key'] },
    ],
    ['its caches', targetOf({ cache }), { 'cache-from': cache.from, 'cache-to': cache.to }],
    [
      'on a pull request none that is written to a registry',
      targetOf({ cache }, {}, proposed),
      { 'cache-from': cache.from, 'cache-to': ['type=gha,mode=max', 'type=inline'] },
    ],
    [
      'only that in the image, where the builder can write no other',
      targetOf({ cache }, { exportsCache: false }),
      { 'cache-from': cache.from, 'cache-to': ['type=inline'] },
    ],
    ['what a bake file says besides', targetOf({ bake: { 'shm-size': '64m' } }), { 'shm-size': '64m' }],
    [
      'its labels, which come before those of launchway',
      targetOf({ labels: { a: 'b', 'org.opencontainers.image.version': 'mine' } }),
      { labels: { a: 'b', 'org.opencontainers.image.version': 'mine', 'org.opencontainers.image.revision': 'c'.repeat(40) } },
    ],
  ])('%s', (_, target, expected) => {
    expect(target).toMatchObject(expected)
  })

  test('no cache at all, where one has failed', () => {
    expect(Object.keys(targetOf({ cache }, { cached: false }) ?? {}).filter((key) => key.startsWith('cache'))).toEqual([])
  })

  test('what it stands on beside it, which is not asked for by itself and gets no name', () => {
    const { name: _, repositories: __, ...below } = image
    const { group, target } = bakeDefinition([image], new Map([['app', 'key']]), pushed, { bases: [{ ...below, name: 'below' }] })
    expect([group.default.targets, target['below']]).toMatchObject([['app'], { tags: [], output: ['type=cacheonly'], labels: {} }])
  })
})

test('an image comes after what it stands on, also in a circle that nobody can build', () => {
  const on = (name: string, ...below: string[]): PlannedImage => ({
    ...image,
    name,
    contexts: Object.fromEntries(below.map((one) => [one, `target:${one}`])),
  })
  expect(inOrder([on('a', 'b', 'c'), on('b', 'c'), on('c')]).map(({ name }) => name)).toEqual(['c', 'b', 'a'])
  expect(inOrder([on('a', 'b'), on('b', 'a')]).map(({ name }) => name)).toEqual(['b', 'a'])
})

test('of what may be built on only that counts which an image stands on, also through another', () => {
  const on = (name: string, ...below: string[]): PlannedImage => ({
    ...image,
    name,
    contexts: Object.fromEntries(below.map((one) => [one, `target:${one}`])),
  })
  const bases = [on('lowest'), on('middle', 'lowest'), on('other', 'lowest')]
  expect(basesUnder([on('app', 'middle')], bases).map(({ name }) => name)).toEqual(['middle', 'lowest'])
  expect(basesUnder([image], bases)).toEqual([])
})

test('bake is told what somebody asks of a build, and of nothing else', () => {
  const definition = { group: { default: { targets: [] } }, target: {} }
  const flags = (...of: Parameters<typeof bake>): string[] => bake(...of).args.filter((word) => ['--no-cache', '--pull'].includes(word))
  expect([flags(definition, 'm', '.'), flags(definition, 'm', '.', { noCache: true, pull: true })]).toEqual([[], ['--no-cache', '--pull']])
})

describe('the content key', () => {
  const keyOf = (more: Partial<PlannedImage>, contexts: Record<string, string> = {}): string =>
    contentKey({ ...image, ...more }, { dockerfile: 'FROM scratch', tree: '', bases: {}, contexts })

  test.each<[string, string]>([
    ['a label', keyOf({ labels: { a: 'b' } })],
    ['the name of a secret', keyOf({ secrets: [{ id: 'npm', env: 'A' }] })],
    ['SSH', keyOf({ ssh: [{ id: 'default' }] })],
    ['what a bake file says besides', keyOf({ bake: { 'shm-size': '64m' } })],
    ['what it stands on', keyOf({}, { base: 'key of the base' })],
  ])('changes with %s', (_, key) => {
    expect(key).not.toBe(keyOf({}))
  })

  test.each<[string, string]>([
    ['where a secret comes from', keyOf({ secrets: [{ id: 'npm', file: 'b' }] })],
    ['a cache', keyOf({ secrets: [{ id: 'npm', env: 'A' }], cache })],
  ])('stays whatever %s', (_, key) => {
    expect(key).toBe(keyOf({ secrets: [{ id: 'npm', env: 'A' }] }))
  })
})
