import { describe, expect, test } from 'vitest'
import { resolveEnvironment } from '../../src/config/resolve.ts'
import type { Service } from '../../src/core/deployment.ts'
import { configOf, problems } from './support/config.ts'

const alone = (assets: string, more = 'port: 80'): string =>
  `image: a/b\nenvironments:\n  p: { host: h, url: "https://shop.example.org", ${more}, assets: ${assets} }\n`
const among = (assets: string): string =>
  `image: a/b\nenvironments:\n  p:\n    host: h\n    url: https://shop.example.org\n    services:\n      web:\n        port: 80\n        assets: ${assets}\n`

describe('the files of both versions', () => {
  test.each<[string, Service['assets']]>([
    ['{ path: /static, folder: /app/static }', [{ path: '/static', folder: '/app/static' }]],
    ['{ path: /_next/static, folder: /app/.next/static }', [{ path: '/_next/static', folder: '/app/.next/static' }]],
    [
      '[{ path: /css, folder: /srv/c@1+2~x }, { path: /js, folder: /srv/js }]',
      [
        { path: '/css', folder: '/srv/c@1+2~x' },
        { path: '/js', folder: '/srv/js' },
      ],
    ],
  ])('%s, of the only service and of one of several', (text, expected) => {
    for (const config of [alone(text), among(text)])
      expect(resolveEnvironment(configOf(config), 'p', undefined)?.services[0]?.assets).toEqual(expected)
  })

  test('a service that says nothing has none', () => {
    const config = configOf('image: a/b\nenvironments:\n  p: { host: h, url: "https://shop.example.org", port: 80 }\n')
    expect(resolveEnvironment(config, 'p', undefined)?.services[0]).not.toHaveProperty('assets')
  })

  test('with a prefix have it in their path, as visitors ask for them', () => {
    expect(() =>
      configOf(alone('{ path: /api/static, folder: /app }', 'port: 80, nginx: { path: /api, strip-prefix: true }')),
    ).not.toThrow()
  })

  test.each<[string, string, string]>([
    ['a path that is none', alone('{ path: static, folder: /app }'), 'assets.path: must be a path such as /static'],
    ['all of the application', alone('{ path: /, folder: /app }'), 'assets.path: must be a path such as /static'],
    ['a path that ends in /', alone('{ path: /static/, folder: /app }'), 'assets.path: must be a path such as /static'],
    ['a path out of it', alone('{ path: /static/../x, folder: /app }'), 'assets.path: must be a path such as /static'],
    ['a path that begins with a dot', alone('{ path: /.well-known, folder: /app }'), 'assets.path: must be a path such as /static'],
    ['what nginx would read', alone('{ path: "/a;b", folder: /app }'), 'assets.path: must be a path such as /static'],
    ['a variable', alone('{ path: "/$host", folder: /app }'), 'assets.path: must be a path such as /static'],
    ['a folder of the repository', alone('{ path: /static, folder: app/static }'), 'assets.folder: must be a folder in the image such as'],
    ['all of the image', alone('{ path: /static, folder: / }'), 'assets.folder: must be a folder in the image such as'],
    ['a folder out of another', alone('{ path: /static, folder: /app/../etc }'), 'assets.folder: must be a folder in the image such as'],
    ['this folder', alone('{ path: /static, folder: /app/. }'), 'assets.folder: must be a folder in the image such as'],
    ['a folder with a blank', alone('{ path: /static, folder: "/my app" }'), 'assets.folder: must be a folder in the image such as'],
    ['no folder', alone('{ path: /static }'), 'assets.folder: '],
    ['a slip', alone('{ path: /static, foldr: /app }'), 'unknown key "foldr"; did you mean "folder"?'],
    ['an empty list', alone('[]'), 'assets'],
    [
      'a public port of its own',
      alone('{ path: /static, folder: /app }', 'port: 80, publish: 80'),
      'assets needs nginx before the service',
    ],
    ['no port', alone('{ path: /static, folder: /app }', 'command: [x]'), 'assets needs nginx before the service'],
    [
      'a path that another service has',
      alone('{ path: /static, folder: /app }', 'port: 80, nginx: { path: /api }'),
      'the path of assets is /api/static',
    ],
    [
      'a path of which it only has the beginning',
      alone('{ path: /apix, folder: /app }', 'port: 80, nginx: { path: /api }'),
      'visitors reach the service below /api alone',
    ],
    ['one path twice', alone('[{ path: /a, folder: /x }, { path: /a, folder: /y }]'), '/a and /a are not'],
    ['one path in another', alone('[{ path: /a/b, folder: /x }, { path: /a, folder: /y }]'), '/a and /a/b are not'],
  ])('%s is refused', (_, text, expected) => {
    expect(problems(text).join('\n')).toContain(expected)
  })

  test('what is wrong is told with its place', () => {
    expect(problems(among('[{ path: /a, folder: /x }, { path: /a/b, folder: /y }]'))).toEqual([
      'launchway.yml:9:52: environments.p.services.web: the paths of assets are apart from each other: /a/b and /a are not',
    ])
    expect(problems(alone('{ path: /static, folder: /app }', 'port: 80, publish: 80'))).toEqual([
      'launchway.yml:3:73: environments.p: assets needs nginx before the service, which gives the files: port, and no publish',
    ])
  })
})
