import { describe, expect, test } from 'vitest'
import { resolveBases, resolveImages, resolveTargets } from '../../src/config/resolve-image.ts'
import { configOf, problems } from './support/config.ts'

const images = (text: string, more = ''): string => `images: { ${text} }\n${more}`
const app = (keys: string): string => images(`app: { repositories: [a/b], ${keys} }`)

describe('an image is refused with', () => {
  test.each<[string, string, string]>([
    [
      'a context of no image',
      images('app: { repositories: [a/b], contexts: { base: "target:bas" } }, base: { repositories: [a/c] }'),
      'images.app.contexts.base: no image "bas"; did you mean "base"?',
    ],
    [
      'a context of itself',
      app('contexts: { base: "target:app" }'),
      'images.app.contexts.base: app is built on app: none of them can be the first',
    ],
    [
      'contexts in a circle',
      images(
        'a: { repositories: [a/b], contexts: { x: "target:b" } }, b: { contexts: { y: "target:c" } }, c: { contexts: { z: "target:a" } }',
      ),
      'images.a.contexts.x: a is built on b is built on c is built on a: none of them can be the first',
    ],
    [
      'a context of a kind that is none',
      app('contexts: { base: "oci-layout://x" }'),
      'must be target: and another image, a folder, docker-image:// or https://',
    ],
    [
      'no repository, where nothing stands on it',
      images('app: { repositories: [a/b] }, base: {}'),
      'images.base: repositories is needed: where it is pushed',
    ],
    [
      'the repository of another image, however it is written',
      images('app: { repositories: [ghcr.io/a/b, a/b] }, worker: { repositories: [ghcr.io/a/c, docker.io/a/b] }'),
      'launchway.yml:1:92: images.worker.repositories: docker.io/a/b is that of images.app already, and a tag there is one image: write another one, such as docker.io/a/b-worker',
    ],
    [
      'the repository of another image, in the short spelling of Docker Hub',
      images('app: { repositories: [docker.io/library/b] }, worker: { repositories: [b] }'),
      'images.worker.repositories: b is that of images.app already, and a tag there is one image: write another one, such as b-worker',
    ],
    ['a secret from two places', app('secrets: [{ id: a, env: A, file: a }]'), 'images.app.secrets: a has both env and file'],
    ['a secret twice', app('secrets: [A, { id: A, file: a }]'), 'images.app.secrets: A is there twice'],
    [
      'a secret that no variable can hold',
      app('secrets: [npm-token]'),
      'images.app.secrets: npm-token is no name of an environment variable: give env or file',
    ],
    ['a secret whose id is more than one', app('secrets: ["a,src=/etc/shadow"]'), 'the id that the Dockerfile asks for'],
    ['SSH twice', app('ssh: [default, { key: KEY }]'), 'images.app.ssh: default is there twice'],
    ['a label of ours', app('labels: { launchway.app: x }'), 'images.app.labels: labels that begin with "launchway." are launchway\'s own'],
    ['a cache that is none', app('cache: { from: "type=s3,bucket=x" }'), 'must be a cache in the words of buildx'],
    ['a cache without its place', app('cache: { from: "type=registry" }'), 'images.app.cache.from: type=registry needs ref=…'],
    ['a cache that is read where nothing is', app('cache: { from: type=inline }'), 'type=inline is written into the image'],
    ['a token', app('cache: { to: "type=gha,token=x" }'), 'images.app.cache.to: a token would stand in the record'],
    ['a target of no bake file', app('bake: web'), 'images.app: bake names a target, and no bake file is given: bake: docker-bake.hcl'],
    [
      'a bake file and its own way',
      `${app('bake: web, target: x')}bake: docker-bake.hcl\n`,
      'images.app: "target" stands in the bake file, since bake is given',
    ],
    ['a bake file that nothing is a target of', `${app('context: x')}bake: docker-bake.hcl\n`, 'bake: no image is a target of it'],
    [
      'a service of an image that is pushed nowhere',
      `${images('app: { repositories: [a/b], contexts: { b: "target:base" } }, base: {}')}environments: { p: { host: h, image: base } }\n`,
      'base has no repositories: no host could pull it',
    ],
  ])('%s', (_, text, says) => {
    expect(problems(text).join('\n')).toContain(says)
  })
})

describe('short forms of an image come to', () => {
  test.each<[string, string, object]>([
    [
      'secrets of the environment',
      'secrets: [A, { id: b, env: B }, { id: C }, { id: d, file: d }]',
      {
        secrets: [
          { id: 'A', env: 'A' },
          { id: 'b', env: 'B' },
          { id: 'C', env: 'C' },
          { id: 'd', file: 'd' },
        ],
      },
    ],
    ['SSH with the agent, or a key', 'ssh: [default, { id: x, key: KEY }]', { ssh: [{ id: 'default' }, { id: 'x', key: 'KEY' }] }],
    [
      'a cache of GitHub of its own',
      'cache: gha',
      { cache: { from: ['type=gha,scope=app'], to: ['type=gha,scope=app,mode=max,ignore-error=true'] } },
    ],
    [
      'a cache in its repository',
      'cache: registry',
      {
        cache: {
          from: ['type=registry,ref=a/b:launchway-cache-app'],
          to: ['type=registry,ref=a/b:launchway-cache-app,mode=max,ignore-error=true'],
        },
      },
    ],
    [
      'caches that forgive',
      'cache: { to: [type=inline, "type=local,dest=x", "type=local,dest=y,ignore-error=false"] }',
      { cache: { from: [], to: ['type=inline', 'type=local,dest=x,ignore-error=true', 'type=local,dest=y,ignore-error=false'] } },
    ],
    ['labels that are texts', 'labels: { a: 1, b: true }', { labels: { a: '1', b: 'true' } }],
  ])('%s', (_, keys, expected) => {
    expect(resolveImages(configOf(app(keys)))[0]).toMatchObject(expected)
  })

  test('what is built on and pushed nowhere, apart from the images', () => {
    const config = configOf(images('app: { repositories: [a/b], contexts: { b: "target:base" } }, base: { context: base }'))
    expect([resolveImages(config).map(({ name }) => name), resolveBases(config).map(({ name }) => name)]).toEqual([['app'], ['base']])
  })

  test('targets of a bake file, for those that do not say themselves how they are built', () => {
    const config = configOf(
      images(
        'app: { repositories: [a/b], annotations: { a: b }, size: { fail: { total: 1GB } } }, web: { bake: site, repositories: [a/c], size: { warn: { growth: 10% } } }, own: { context: x, repositories: [a/d] }',
        'bake: docker-bake.hcl\n',
      ),
    )
    expect([...resolveTargets(config)]).toEqual([
      ['app', 'app'],
      ['web', 'site'],
    ])
  })
})
