import { describe, expect, test } from 'vitest'
import { bakedImages } from '../../src/plan/baked.ts'
import { asText, bakePlace, fieldsOf, parsePrinted, type PrintedTarget } from '../../src/tools/bake-file.ts'
import { refusal } from './support/config.ts'

function imageOf(target: object): object | undefined {
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

test('what targets are built on comes with them, under a name that no image has', () => {
  const printed: Record<string, PrintedTarget> = {
    reporting: { contexts: { base: 'target:Base.Image', web: 'target:web', other: 'docker-image://x' } },
    'Base.Image': { context: 'base' },
    web: {},
  }
  const { images, bases } = bakedImages(printed, new Map([['reports', 'reporting']]), [{ name: 'reports' }, { name: 'web' }])
  expect(images.get('reports')).toMatchObject({
    name: 'reports',
    contexts: { base: 'target:base-image', web: 'target:web-2', other: 'docker-image://x' },
  })
  expect(bases.map(({ name, context }) => [name, context])).toEqual([
    ['base-image', 'base'],
    ['web-2', '.'],
  ])
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
