import { describe, expect, it } from 'vitest'
import { dueFor, furtherOf, isDoubtful, placesAt, placesOf } from '../../src/rounds/places.ts'
import { ComposeProject } from '../../src/tools/compose.ts'
import { plan } from './support/standing.ts'

const rendered = ComposeProject.parse({
  services: {
    web: {
      volumes: [
        { type: 'bind', source: '/app/conf', read_only: true },
        { type: 'bind', source: '/app/data' },
        { type: 'bind', source: '/var/run/docker.sock' },
        { type: 'volume', source: 'named' },
      ],
    },
  },
  secrets: { key: { file: '/app/secrets/key.txt' }, other: { environment: 'OTHER' } },
  configs: { key: { file: '/app/key.conf' } },
})
const script = { name: 'all of it', kind: 'script' as const, script: 'test/smoke.sh', args: [], timeoutMs: 1 }

const places = placesOf({
  root: '/app',
  config: 'launchway.yml',
  bake: ['bake/docker-bake.hcl'],
  contexts: [
    { kind: 'image', folder: '/app/web', dockerfile: '/app/web/Dockerfile', ignores: '*.md\nbuild\n!build/keep\nDockerfile' },
    { kind: 'image', folder: '/app/api', dockerfile: '/app/docker/api.Dockerfile', ignores: 'node_modules' },
    { kind: 'compose', folder: '/app/helper', dockerfile: '/app/helper/Dockerfile', ignores: '' },
  ],
  more: ['/app/shared'],
  stacks: [{ plan: { ...plan, checks: [script] }, read: ['/app/compose.yml', '/app/.env', '/app/web.env'] }],
  rendered: [rendered],
  ignored: new Set(['/app/data/cache']),
})

describe('a change', () => {
  const nothing = { plan: false, build: false, touched: [] }
  const build = { ...nothing, build: true }
  const files = (path: string) => ({ ...nothing, touched: [path] })

  it.each<[string, string, object | undefined]>([
    ['of launchway.yml', '/app/launchway.yml', { ...build, plan: true }],
    ['of a bake file', '/app/bake/docker-bake.hcl', { ...build, plan: true }],
    ['of a compose file', '/app/compose.yml', nothing],
    ['of a file of variables', '/app/web.env', nothing],
    ['in a build context', '/app/web/src/main.py', build],
    ['of a Dockerfile that is left out of its own context', '/app/web/Dockerfile', build],
    ['of a Dockerfile elsewhere', '/app/docker/api.Dockerfile', build],
    ['of a .dockerignore', '/app/web/.dockerignore', build],
    ['of a .dockerignore of one Dockerfile', '/app/docker/api.Dockerfile.dockerignore', build],
    ['of a named context', '/app/shared/lib.py', build],
    ['of what compose builds', '/app/helper/run.sh', nothing],
    ['of what is mounted', '/app/conf/nginx.conf', files('/app/conf/nginx.conf')],
    ['of a secret', '/app/secrets/key.txt', files('/app/secrets/key.txt')],
    ['of a config of the same name', '/app/key.conf', files('/app/key.conf')],
    ['of a script that checks', '/app/test/smoke.sh', nothing],
    ['of a folder that all stands in', '/app', { plan: true, build: true, touched: ['/app'] }],
    ['that .dockerignore brings back', '/app/web/build/keep', build],
    ['that .dockerignore leaves out', '/app/web/README.md', undefined],
    ['in a folder that it leaves out', '/app/api/node_modules/a/index.js', undefined],
    ['of the history of the repository', '/app/web/.git/index', undefined],
    ['of a file that nothing names', '/app/notes.txt', undefined],
    ['of a name that only begins the same', '/app/webby/file', undefined],
    ['of what an editor writes for a moment', '/app/web/src/.main.py.swp', undefined],
    ['of what an editor tries', '/app/web/4913', undefined],
    ['in a folder that git ignores and containers may write to', '/app/data/cache/a', undefined],
    ['of the engine itself', '/var/run/docker.sock', undefined],
  ])('%s', (_, path, expected) => {
    expect(placesAt(path, places).length > 0 ? dueFor([path], places) : undefined).toEqual(expected)
  })

  it('of several files asks for what each of them asks for', () => {
    expect(dueFor(['/app/web/a', '/app/conf/b', '/app/compose.yml'], places)).toEqual({
      plan: false,
      build: true,
      touched: ['/app/conf/b'],
    })
  })

  it('is doubtful where containers may have made it', () => {
    const paths = ['/app/data/db.sqlite', '/app/conf/nginx.conf', '/app/compose.yml', '/app/notes.txt']
    expect(paths.filter((path) => isDoubtful(path, places))).toEqual(['/app/data/db.sqlite'])
  })

  it('is so in a build context, too, but for what is named by itself', () => {
    const context = { kind: 'image' as const, folder: '/app', dockerfile: '/app/Dockerfile', ignores: '' }
    const all = placesOf({
      root: '/app',
      config: 'launchway.yml',
      bake: [],
      contexts: [context],
      more: [],
      stacks: [],
      rendered: [rendered],
      ignored: new Set(),
    })
    const whole = [...all, { kind: 'files' as const, path: '/app', isTree: true, isOpen: true }]
    const paths = ['/app/data/db.sqlite', '/app/src/main.py', '/app/Dockerfile', '/app/launchway.yml']
    expect(paths.filter((path) => isDoubtful(path, all))).toEqual(['/app/data/db.sqlite'])
    expect(paths.filter((path) => isDoubtful(path, whole))).toEqual(['/app/data/db.sqlite', '/app/src/main.py'])
  })
})

it('what an image is built from beside its context are folders and files, and no other images or addresses', () => {
  const contexts = { lib: 'lib', base: 'target:base', alpine: 'docker-image://alpine', far: 'https://example.org/a.git' }
  const image = { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, contexts }
  const secrets = [
    { id: 'a', file: 'token.txt' },
    { id: 'b', env: 'TOKEN' },
  ]
  expect(furtherOf({ ...image, secrets }, '/app')).toEqual(['/app/lib', '/app/token.txt'])
})
