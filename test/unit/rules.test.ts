import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTagRule } from '../../src/config/image-tags.ts'
import { resolveApp, resolveEnvironment, resolveRegistries } from '../../src/config/resolve.ts'
import { Repository } from '../../src/config/schema-image.ts'
import { refusedSecret } from '../../src/core/secret-names.ts'
import { Name } from '../../src/core/names.ts'
import { configOf, problems } from './support/config.ts'

const service = (keys: string): string => `image: a/b\nenvironments:\n  p: { host: h, ${keys} }\n`
const escaped = (text = ''): string => text.replaceAll(/[[\].]/g, '\\$&')
const several = (keys: string): string => `images: { web: { repositories: [a/web] }, worker: { repositories: [a/worker] } }\n${keys}`

describe('one port of one host', () => {
  const two = (one: string, other: string): string => `image: a/b\nenvironments:\n  p: { ${one} }\n  q: { ${other} }\n`

  test.each([
    ['another environment', 'host: h, port: 1, publish: 80', 'host: h, port: 1, publish: 80', '4:35', 'p, on the same host,'],
    ['whoever logs in', 'host: a@H, port: 1, publish: 80', 'hosts: [g, "b@h:22"], port: 1, publish: 80', '4:48', 'p, on the same host,'],
    [
      'a service of it',
      'host: h, services: { a: { port: 1, publish: "127.0.0.1:80" } }',
      'host: h, services: { b: { port: 1, publish: 80 } }',
      '4:52',
      'p, on the same host,',
    ],
    [
      'an accessory',
      'host: h, services: { a: {} }, accessories: { db: { image: x, port: 1, publish: 80 } }',
      'host: h, port: 1, publish: 80',
      '4:35',
      'p, on the same host,',
    ],
  ])('is published once, also by %s', (_, one, other, place, whose) => {
    expect(problems(two(one, other))).toEqual([`launchway.yml:${place}: port 80 is published by ${whose} already`])
  })

  test.each([
    ['other hosts', 'host: h, port: 1, publish: 80', 'host: g, port: 1, publish: 80'],
    ['machines behind one address', 'host: "h:2201", port: 1, publish: 80', 'host: "h:2202", port: 1, publish: 80'],
    ['other ports', 'host: h, port: 1, publish: 80', 'host: h, port: 1, publish: 81'],
    ['other addresses', 'host: h, port: 1, publish: "10.0.0.1:80"', 'host: h, port: 1, publish: "127.0.0.1:80"'],
  ])('two have their own: %s', (_, one, other) => {
    expect(Object.keys(configOf(two(one, other)).environments ?? {})).toEqual(['p', 'q'])
  })
})

describe('keys that do not go together', () => {
  test.each([
    [
      'port without a way in',
      service('port: 80'),
      'environments.p: port needs a way in: url or nginx.server-name, for nginx on the host to lead to it, or publish, for a public port of its own',
    ],
    ['host and hosts', service('hosts: [i]'), 'environments.p: host and hosts exclude each other'],
    [
      'services and what belongs into one',
      service('user: root, services: { web: {} }'),
      'environments.p: "user" belongs into one of the services, since services is given',
    ],
    ['an image without repositories', 'images: { app: {} }\n', 'images.app: repositories is needed: where it is pushed'],
    [
      'several images, and a service that names none',
      several('environments: { p: { host: h } }\n'),
      'environments.p: image is needed, since there are several: web, worker',
    ],
    [
      'a service with an image, where there is only one',
      service('image: app'),
      'environments.p.image: no image "app"; known: none by name; leave it out',
    ],
    [
      'an environment that is not there, of a target with keys',
      `branches: { main: { environment: q } }\n${service('')}`,
      'branches.main: no environment "q"; did you mean "p"?',
    ],
    [
      'an environment where there are none',
      'image: a/b\ntags: { "v*": production }\n',
      'tags.v*: no environment "production"; there are none',
    ],
    [
      'a tag rule of a branch',
      'image: a/b\nbranches: { main: { image-tags: "type=sha,format=tiny" } }\n',
      'branches.main.image-tags: type=sha knows format=short and format=long',
    ],
    [
      'a jump host that ssh would take for an option',
      service('ssh: { proxy-jump: "-oProxyCommand=id" }'),
      'environments.p.ssh.proxy-jump: must be host, user@host or user@host:port; several with commas between them',
    ],
    [
      'a jump host that ends in another line',
      service('ssh: { proxy-jump: "gate\\nProxyCommand id" }'),
      'environments.p.ssh.proxy-jump: must be host, user@host or user@host:port; several with commas between them',
    ],
  ])('%s', (_, text, message) => {
    expect(problems(text).map((line) => line.replace(/^launchway\.yml:\d+:\d+: /, ''))).toEqual([message])
  })

  test.each([['one service on several ports', 'a: { port: 1, publish: 80 }, b: { port: 1, publish: 81 }']])(
    '%s is no conflict',
    (_, services) => {
      expect(() => configOf(service(`services: { ${services} }`))).not.toThrow()
    },
  )

  const quoted = (publish: string): string => (/^\d+$/.test(publish) ? publish : `"${publish}"`)
  const publishing = (one: string, other: string): string =>
    service(`services: { a: { port: 1, publish: ${quoted(one)} }, b: { port: 1, publish: ${quoted(other)} } }`)

  // What an engine refuses to bind beside each other, and what it does not: tried on one.
  test.each([
    ['8080', '8080'],
    ['8080', '0.0.0.0:8080'],
    ['8080', '127.0.0.1:8080'],
    ['8080', '[::]:8080'],
    ['8080', '[::1]:8080'],
    ['8080', '127.0.0.1:08080'],
    ['0.0.0.0:8080', '127.0.0.1:8080'],
    ['127.0.0.1:8080', '127.0.0.1:8080'],
    ['[::]:8080', '[::1]:8080'],
    ['[::1]:8080', '[0:0:0:0:0:0:0:1]:8080'],
  ])('publishing %s and %s', (one, other) => {
    const refused = (publish: string): unknown => [expect.stringMatching(`: port ${escaped(publish)} is published by a already$`)]
    expect(problems(publishing(one, other))).toEqual(refused(other))
    expect(problems(publishing(other, one))).toEqual(refused(one))
  })

  test.each([
    ['127.0.0.1:8080', '10.0.0.1:8080'],
    ['[::1]:8080', '[fd00::1]:8080'],
    ['0.0.0.0:8080', '[::]:8080'],
    ['0.0.0.0:8080', '[::1]:8080'],
    ['127.0.0.1:8080', '[::1]:8080'],
    ['8080', '127.0.0.1:8081'],
    ['0.0.0.0:8080', '0.0.0.0:808'],
  ])('publishing %s and %s is no conflict', (one, other) => {
    expect(() => configOf(publishing(one, other))).not.toThrow()
    expect(() => configOf(publishing(other, one))).not.toThrow()
  })

  test('labels that launchway finds its containers by', () => {
    expect(problems(service('labels: { team: x, launchway.release: y }'))).toEqual([
      'launchway.yml:3:36: environments.p: labels that begin with "launchway." are launchway\'s own',
    ])
  })

  test('jump hosts', () => {
    expect(resolveEnvironment(configOf(service('ssh: { proxy-jump: "ada@gate:2222,inner" }')), 'p', undefined)?.ssh.proxyJump).toBe(
      'ada@gate:2222,inner',
    )
  })
})

describe('the name of a secret', () => {
  test.each([
    ...['PATH', 'HOME', 'IFS', 'ENV', 'SHELL', 'SHELLOPTS', 'PWD', 'PS4', 'UID', 'PPID', 'BASH_ENV', 'BASHOPTS'].map((name) => [
      name,
      'the shell',
    ]),
    ...['LD_PRELOAD', 'LD_LIBRARY_PATH'].map((name) => [name, 'the loader']),
    ...['DOCKER_HOST', 'DOCKER_CONFIG', 'DOCKER_CONTEXT', 'DOCKER_TLS', 'DOCKER_TLS_VERIFY', 'GODEBUG'].map((name) => [
      name,
      'the docker client',
    ]),
    ...['DOCKER_AUTH_CONFIG', 'DOCKER_CLI_HINTS', 'DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE', 'DOCKER_CUSTOM_HEADERS'].map((name) => [
      name,
      'the docker client',
    ]),
    ...['LW_HOME', 'LW_DIR'].map((name) => [name, 'the program that deploys']),
  ])('%s is refused: it belongs to %s', (name, reader) => {
    expect(problems(service(`secrets: [KEY, ${name}]`))).toEqual([
      expect.stringMatching(
        new RegExp(
          `^launchway\\.yml:3:\\d+: environments\\.p: a secret cannot be called ${name}: ${reader} on the host would read it; call it otherwise`,
        ),
      ),
    ])
  })

  test.each(['', '1KEY', 'A-B', 'A B', 'A=B', 'KEY;id', '$(id)', 'É'])('"%s" is refused: the environment takes no such name', (name) => {
    expect(problems(service(`secrets: [${JSON.stringify(name)}]`))).toEqual([
      'launchway.yml:3:27: environments.p.secrets.0: must be the name of an environment variable',
    ])
  })

  // A token or a proxy's address for the container is what secrets are for; git and proxies have no part in `docker run`.
  test.each([
    'DATABASE_URL',
    'GIT_TOKEN',
    'HTTP_PROXY',
    'PATH_TO_KEY',
    'HOMEPAGE',
    '_',
    'a',
    'constructor',
    'toString',
    'DOCKER_INFLUXDB_INIT_PASSWORD',
    'DOCKER_HOSTNAME',
  ])('%s is one', (name) => {
    expect(refusedSecret(name)).toBeUndefined()
    expect(() => configOf(service(`env: { OTHER: x }, secrets: [${name}]`))).not.toThrow()
  })

  test('of a plain variable may be any', () => {
    expect(() => configOf(service('env: { PATH: /bin, DOCKER_HOST: x }'))).not.toThrow()
  })
})

describe('what is left out is filled in', () => {
  test.each([
    ['addie', 'addie'],
    ['ghcr.io/team/my.app', 'my-app'],
    ['localhost:5000/a__b', 'a__b'],
    [`a/${'long'.repeat(20)}`, 'long'.repeat(10)],
  ])('the repository %s gives the application its name: %s', (image, app) => {
    expect(resolveApp(configOf(`image: ${image}\n`))).toBe(app)
  })

  test('every repository gives a name that hosts and registries take', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]+([._-]+[a-z0-9]+)*$/), (last) => {
        const image = `ghcr.io/team/${last}`
        expect(Repository.safeParse(image).success).toBe(true)
        expect(Name.safeParse(resolveApp(configOf(JSON.stringify({ image })))).success).toBe(true)
      }),
    )
  })

  test('an application that says its name has that one', () => {
    expect(resolveApp(configOf('app: addie\nimage: a/b\n'))).toBe('addie')
  })

  test.each([
    ['none', '', undefined, undefined],
    ['that of the repository', '', '.github/known_hosts', '.github/known_hosts'],
    ['its own', 'ssh: { known-hosts: hosts }', '.github/known_hosts', 'hosts'],
  ])('the known hosts: %s', (_, keys, given, expected) => {
    expect(resolveEnvironment(configOf(service(keys)), 'p', given)?.ssh.knownHosts).toBe(expected)
  })

  test('each registry stands once, with its own settings', () => {
    const config = configOf(
      'images: { a: { repositories: [ghcr.io/t/a, t/a] }, b: { repositories: [ghcr.io/t/b, "r.example.org:5000/b"] } }\nregistries: { "r.example.org:5000": { username: ada, password: TOKEN, ca: ca.pem, plain-http: true } }\n',
    )
    expect(resolveRegistries(config)).toEqual([
      { host: 'ghcr.io', plainHttp: false },
      { host: 'docker.io', generalLogin: ['docker.io'], plainHttp: false },
      { host: 'r.example.org:5000', username: 'ada', password: 'TOKEN', ca: 'ca.pem', plainHttp: true },
    ])
  })
})

describe('a tag rule that cannot be read', () => {
  test.each([
    ['', '"" is not key=value'],
    ['type=', 'unknown type ""; did you mean "ref"?'],
    ['type=rwa', 'unknown type "rwa"; did you mean "raw"?'],
    ['type=semver', 'type=semver needs pattern='],
    ['type=semver,pattern={{ date }}', 'pattern: unknown expression {{date}}; known: {{raw}} {{version}} {{major}} {{minor}} {{patch}}'],
    ['type=ref,event=push', 'type=ref needs event=branch, event=tag or event=pr'],
    ['type=match', 'type=match needs pattern='],
    ['type=constructor', 'unknown type "constructor"; did you mean "ref"?'],
  ])('%s', (entry, message) => {
    expect(parseTagRule(entry)).toBe(message)
  })

  test.each([
    [
      'of a mapping',
      'branches: { main: { image-tags: type=ref,event=branch } }',
      'branches.main: "event=branch" is the rest of a tag rule: inside { } a rule with a comma needs quotes',
    ],
    [
      'of the file',
      '{ image: a/b, image-tags: type=sha,format=long }',
      '"format=long" is the rest of a tag rule: inside { } a rule with a comma needs quotes',
    ],
    [
      'of a list',
      'image-tags: [type=sha,format=long]',
      'image-tags: type= is missing; if this is the rest of a rule with a comma in it, the whole rule needs quotes',
    ],
  ])('a rule that is cut at its comma, in the braces %s', (_, text, message) => {
    expect(problems(text.startsWith('{') ? text : `image: a/b\n${text}\n`)).toContainEqual(
      expect.stringMatching(new RegExp(`\\d: ${message.replaceAll(/[{}.]/g, '\\$&')}$`)),
    )
  })

  test('spaces around keys and values do not matter', () => {
    expect(parseTagRule(' type = semver , pattern = v{{ major }} ')).toMatchObject({ type: 'semver', pattern: ['v', { name: 'major' }] })
  })
})
