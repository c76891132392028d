import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contentKey } from '../../src/build/key.ts'
import { bakeDefinition } from '../../src/build/plan.ts'
import type { PlannedBase } from '../../src/core/planned-image.ts'
import type { PlanSection } from '../../src/core/release.ts'
import { bakedImages, withBaked } from '../../src/plan/baked.ts'
import { plan } from '../../src/plan/plan.ts'
import { asText, bakePlace, fieldsOf, parsePrinted, type PrintedTarget } from '../../src/tools/bake-file.ts'
import { fakeExec } from '../fakes/exec.ts'
import { configOf, refusal } from './support/config.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'
import { runs } from './support/runs.ts'

function imageOf(target: object): PlannedBase | undefined {
  const printed = parsePrinted(JSON.stringify({ target: { web: target } }))
  return bakedImages(printed, new Map([['web', 'web']]), [{ name: 'web' }]).images.get('web')
}

const least = { name: 'web', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {} }

describe('a target of a bake file is the image that it describes', () => {
  test.each<[string, object, object]>([
    ['with nothing said', {}, {}],
    [
      'with its folder, file and stage',
      { context: 'web', dockerfile: 'W', target: 'prod' },
      { context: 'web', dockerfile: 'W', target: 'prod' },
    ],
    ['with arguments, those without a value left out', { args: { A: '1', B: null } }, { args: { A: '1' } }],
    ['with a secret of the environment', { secret: ['id=npm,env=NPM_TOKEN'] }, { secrets: [{ id: 'npm', env: 'NPM_TOKEN' }] }],
    ['with a secret of a variable of its name', { secret: ['id=NPM'] }, { secrets: [{ id: 'NPM', env: 'NPM' }] }],
    ['with a secret of a file, in CSV', { secret: ['id=npm,"src=a,b"'] }, { secrets: [{ id: 'npm', file: 'a,b' }] }],
    ['with a secret as later versions print it', { secret: [{ id: 'npm', src: 'f' }] }, { secrets: [{ id: 'npm', file: 'f' }] }],
    ['with SSH', { ssh: ['default', 'key=/k'] }, { ssh: [{ id: 'default' }, { id: 'key', file: '/k' }] }],
    [
      'with caches, in either form',
      { 'cache-from': ['type=gha'], 'cache-to': [{ type: 'gha', mode: 'max' }] },
      { cache: { from: ['type=gha'], to: ['type=gha,mode=max,ignore-error=true'] } },
    ],
    [
      'with what nobody else knows',
      { network: 'none', ulimits: ['nofile=1'], 'no-cache': true },
      { bake: { network: 'none', ulimits: ['nofile=1'], 'no-cache': true } },
    ],
    ['with its platforms, each by one name', { platforms: ['x86_64', 'linux/arm64/v8'] }, { platforms: ['linux/amd64', 'linux/arm64'] }],
    [
      'with several in one entry, and none twice',
      { platforms: ['amd64, linux/arm64', 'aarch64'] },
      { platforms: ['linux/amd64', 'linux/arm64'] },
    ],
    ['for whoever builds it', { platforms: ['local'] }, {}],
    ['without its names and outputs', { tags: ['a/b:c'], output: ['type=registry'], attest: ['type=sbom'], description: 'x' }, {}],
  ])('%s', (_, target, planned) => {
    expect(imageOf(target)).toEqual({ ...least, ...planned })
  })

  test.each<[string, object, RegExp]>([
    ['a context that is elsewhere', { context: 'https://example.org/x.git' }, /not in this repository/],
    ['a Dockerfile in the bake file', { 'dockerfile-inline': 'FROM scratch' }, /dockerfile-inline/],
    ['a platform that is none', { platforms: ['linux/amd64', 'linux/arm46'] }, /"linux\/arm46".+did you mean "linux\/arm64"/],
    ['a value of a kind that is not known', { ulimits: [[1]] }, /ulimits is not known/],
  ])('and is refused with %s', (_, target, says) => {
    const { code, message } = refusal(() => imageOf(target))
    expect([code, says.test(message)]).toEqual(['CONFIG_INVALID', true])
  })
})

describe('what labels of a bake file say of one release alone', () => {
  const inputs = { dockerfile: 'FROM scratch', tree: 't', bases: {}, contexts: {} }
  const keyOf = (labels: Record<string, string>): string => {
    const image = imageOf({ labels })
    if (image === undefined) throw new Error('no image')
    return contentKey(image, inputs)
  }
  const passing = [
    'org.opencontainers.image.created',
    'org.opencontainers.image.revision',
    'org.opencontainers.image.version',
    'org.opencontainers.image.ref.name',
    'org.label-schema.build-date',
    'org.label-schema.vcs-ref',
    'org.label-schema.version',
  ]
  const lasting = fc
    .oneof(fc.string(), fc.constantFrom('org.opencontainers.image.description', 'org.opencontainers.image.source', 'version', 'created'))
    // One of this name is none to JavaScript's own objects, nor to bake's JSON once it is read.
    .filter((name) => !passing.includes(name) && name !== '__proto__')

  test('is no part of the key', () => {
    fc.assert(
      fc.property(fc.constantFrom(...passing), fc.string(), fc.string(), fc.dictionary(lasting, fc.string()), (name, one, other, more) => {
        expect(keyOf({ ...more, [name]: one })).toBe(keyOf({ ...more, [name]: other }))
        expect(keyOf({ ...more, [name]: one })).not.toBe(keyOf(more))
      }),
      { numRuns: runs(50) },
    )
  })

  test('is the only thing of them that is none: another value of any other label is another key', () => {
    const volatile = fc.dictionary(fc.constantFrom(...passing), fc.string())
    fc.assert(
      fc.property(lasting, fc.string(), fc.string(), volatile, (name, one, other, more) => {
        expect(keyOf({ ...more, [name]: one }) === keyOf({ ...more, [name]: other })).toBe(one === other)
      }),
      { numRuns: runs(50) },
    )
  })
})

describe('a plan with what docker/metadata-action has written for bake', () => {
  const text = `bake: docker-bake.json
images:
  web: { repositories: [a/b], annotations: { at: "{{sha}}" } }
branches: { "**": {} }
`
  const printed = (version: string): string =>
    JSON.stringify({
      target: {
        web: {
          args: { DOCKER_META_VERSION: version, DOCKER_META_IMAGES: 'a/b', OTHER: '1' },
          labels: { 'org.opencontainers.image.version': version, 'org.opencontainers.image.title': 'shop' },
        },
      },
    })
  const planned = async (version: string, dockerfile: string): Promise<PlanSection> => {
    const root = temporaryFolder()
    writeFileSync(join(root, 'Dockerfile'), dockerfile)
    const ports = { ...localPorts(root).ports, exec: fakeExec({ 'docker buildx bake': { stdout: printed(version) } }) }
    const config = configOf(text)
    return withBaked(plan(config, { event: 'push', sha: 'a'.repeat(40), ref: 'refs/heads/main' }), config, ports)
  }

  test('has the key of another version, and its own labels', async () => {
    const dockerfile = 'FROM scratch\nARG OTHER\n'
    const keys = []
    for (const version of ['1.2', '1.3']) {
      const section = await planned(version, dockerfile)
      const [image] = section.images
      if (image === undefined) throw new Error('no image')
      expect(image.written).toEqual({ labels: { 'org.opencontainers.image.version': '' }, annotations: { at: '{{sha}}' } })
      expect(image.args).toEqual({ OTHER: '1' })
      const labels = bakeDefinition([image], new Map(), section).target['web']?.labels
      expect(labels).toMatchObject({ 'org.opencontainers.image.version': version, 'org.opencontainers.image.title': 'shop' })
      keys.push(contentKey(image, { dockerfile, tree: 't', bases: {}, contexts: {} }))
    }
    expect(keys[0]).toBe(keys[1])
  })

  test('has the version as an argument where the Dockerfile reads it', async () => {
    const section = await planned('1.2', 'FROM scratch\nARG DOCKER_META_VERSION\n')
    expect(section.images[0]?.args).toEqual({ DOCKER_META_VERSION: '1.2', OTHER: '1' })
  })
})

test('what targets are built on comes with them, under a name that no image has', () => {
  const target: Record<string, PrintedTarget> = {
    reporting: { contexts: { base: 'target:Base.Image', web: 'target:web', other: 'docker-image://x' } },
    'Base.Image': { context: 'base' },
    web: {},
  }
  const { images, bases } = bakedImages({ target }, new Map([['reports', 'reporting']]), [{ name: 'reports' }, { name: 'web' }])
  expect(images.get('reports')).toMatchObject({
    name: 'reports',
    contexts: { base: 'target:base-image', web: 'target:web-2', other: 'docker-image://x' },
  })
  expect(bases.map(({ name, context }) => [name, context])).toEqual([
    ['base-image', 'base'],
    ['web-2', '.'],
  ])
})

describe('an image is one target, so that of several is refused with their names', () => {
  // As bake 0.13 prints it when it is asked for `all`.
  const printed = parsePrinted(
    JSON.stringify({
      group: { all: { targets: ['default', 'mx'] }, default: { targets: ['web', 'db', 'all'] }, mx: { targets: ['mx-a', 'mx-b'] } },
      target: { db: {}, 'mx-a': {}, 'mx-b': {}, web: {} },
    }),
  )

  test.each<[string, string, string, string]>([
    ['a group', 'all', 'web, db, mx-a, mx-b', 'web'],
    ['a matrix', 'mx', 'mx-a, mx-b', 'mx-a'],
    ['the group that bake takes by itself', 'default', 'web, db, mx-a, mx-b', 'web'],
  ])('%s', (_, name, targets, first) => {
    const { code, message, hint } = refusal(() => bakedImages(printed, new Map([['shop', name]]), [{ name: 'shop' }]))
    expect([code, message]).toEqual([
      'CONFIG_INVALID',
      `images.shop: ${name} of the bake file is no target: as a group or by its matrix it is ${targets}`,
    ])
    expect(hint).toContain(`shop: { bake: ${first}, repositories: [...] }`)
  })

  test('a matrix of a hundred, with some of their names', () => {
    const names = Array.from({ length: 100 }, (_, index) => `mx-${index}`)
    const many = { group: { mx: { targets: names } }, target: Object.fromEntries(names.map((name) => [name, {}])) }
    const { message } = refusal(() => bakedImages(many, new Map([['mx', 'mx']]), [{ name: 'mx' }]))
    expect(message).toMatch(/mx-0, .* mx-11, 88 more$/)
  })

  test('one target of a matrix is taken', () => {
    expect(bakedImages(printed, new Map([['shop', 'mx-a']]), [{ name: 'shop' }]).images.get('shop')).toEqual({ ...least, name: 'shop' })
  })

  test.each(['nope', 'constructor'])('a name of nothing is refused as such: %s', (name) => {
    const { message } = refusal(() => bakedImages(printed, new Map([['shop', name]]), [{ name: 'shop' }]))
    expect(message).toBe(`the target ${name} of the bake file cannot be taken: it is not there`)
  })
})

test('the place of what bake does not understand is found', () => {
  expect(bakePlace('docker-bake.hcl:3\n---\nERROR: docker-bake.hcl:14,38-15,1: Invalid expression; x')).toEqual({
    file: 'docker-bake.hcl',
    line: 14,
    column: 38,
  })
  expect(bakePlace('ERROR: failed to find target nope')).toBeUndefined()
})

test('a list of fields is read as CSV', () => {
  expect([...fieldsOf('id=a,"src=x,""y"""')]).toEqual([
    ['id', 'a'],
    ['src', 'x,"y"'],
  ])
  expect(asText({ type: 'gha', 'ignore-error': true })).toBe('type=gha,ignore-error=true')
})
