import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { resolveApp, resolveEnvironment, resolveRegistries } from '../../src/config/resolve.ts'
import { resolveImages } from '../../src/config/resolve-image.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { plan } from '../../src/plan/plan.ts'
import { anyText } from '../support/text.ts'
import { runs } from './support/runs.ts'

const least = `
image: docker.io/apw247/flask_addie
branches: { master: production, docker: {}, docker_dev: development }
tags: { "v*": production }
environments:
  production: { host: deploy@addie.example.org, url: https://addie.example.org, port: 5000, publish: 80 }
  development: { host: deploy@addie.example.org, port: 5000, publish: 6000 }
`

/** The lines of the message: `file:line:column: what`. */
function problems(text: string): string[] {
  try {
    loadConfig(text, 'launchway.yml')
  } catch (error) {
    if (error instanceof LaunchwayError && error.code === 'CONFIG_INVALID') return (error.hint ?? '').split('\n')
    throw error
  }
  return []
}

describe('a valid configuration', () => {
  test('the least that works', () => {
    const config = loadConfig(least, 'launchway.yml')
    expect(resolveApp(config)).toBe('flask_addie')
    expect(resolveImages(config)).toEqual([
      { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['docker.io/apw247/flask_addie'] },
    ])
    expect(resolveEnvironment(config, 'development', undefined)).toMatchObject({
      name: 'development',
      hosts: ['deploy@addie.example.org'],
      stateRoot: '/var/lib/launchway',
      keep: 5,
      ssh: { key: 'SSH_KEY', connectTimeoutMs: 10_000 },
      services: [
        { name: 'web', image: 'app', port: 5000, publish: '6000', health: { kind: 'container', timeoutMs: 60_000, settleMs: 1_000 } },
      ],
    })
    expect(resolveRegistries(config)).toEqual([{ host: 'docker.io', generalLogin: ['docker.io'], plainHttp: false }])
    expect(resolveEnvironment(config, 'nowhere', undefined)).toBeUndefined()
  })

  test('a deploy waits for another as long as lock-wait says; of a stack it is refused', () => {
    const of = (more: string): string => `image: a/b\nenvironments: { p: { host: h, lock-wait: 10m${more} } }`
    expect(resolveEnvironment(loadConfig(of(''), 'launchway.yml'), 'p', undefined)).toMatchObject({ lockWaitMs: 600_000 })
    expect(problems(of(', swarm: stack.yml'))).toEqual([expect.stringContaining('lock-wait and swarm exclude each other: a stack that')])
  })

  test('anchors, merge keys and x- keys', () => {
    const config = loadConfig(
      `
x-service: &service { port: 5000, env: { LEVEL: info } }
image: ghcr.io/team/app
environments:
  a: { host: one, services: { web: { <<: *service, publish: 80 } } }
`,
      'launchway.yml',
    )
    expect(resolveEnvironment(config, 'a', undefined)?.services[0]).toMatchObject({ port: 5000, publish: '80', env: { LEVEL: 'info' } })
  })

  test('names that begin with x- are names where the user chooses them', () => {
    const config = loadConfig(
      `
image: ghcr.io/team/app
smoke: { checks: [{ http: "http://web/", headers: { x-frame-options: DENY }, x-note: 1 }] }
environments: { p: { host: h, publish: 80, port: 80, labels: { x-team: shop }, env: { x-a: { b: 1 } } } }
`,
      'launchway.yml',
    )
    expect(config.smoke).toEqual({ checks: [{ http: 'http://web/', headers: { 'x-frame-options': 'DENY' } }] })
    expect(resolveEnvironment(config, 'p', undefined)?.services[0]).toMatchObject({ labels: { 'x-team': 'shop' } })
  })

  test('the short and the long form mean the same', () => {
    const port = fc.integer({ min: 1, max: 65535 })
    const service = fc.record(
      {
        port: fc.constant(5000),
        publish: port,
        health: fc.constantFrom('/health', '/'),
        env: fc.dictionary(fc.constantFrom('A', 'B'), fc.oneof(fc.string(), fc.integer(), fc.boolean())),
        secrets: fc.uniqueArray(fc.constantFrom('S1', 'S2')),
        volumes: fc.array(fc.constant('data:/data')),
        user: fc.constant('1000:1000'),
        'stop-timeout': fc.constantFrom('5s', '1m'),
        privileged: fc.boolean(),
      },
      { requiredKeys: ['port', 'publish'] },
    )
    fc.assert(
      fc.property(service, fc.constantFrom('docker.io/team/app', 'app'), (keys, repository) => {
        const short = { image: repository, branches: { main: 'p' }, environments: { p: { host: 'h', ...keys } } }
        const long = {
          version: 1,
          branches: { main: { environment: 'p' } },
          'image-tags': ['type=ref,event=branch', 'type=semver,pattern={{version}}', 'type=ref,event=tag', 'type=ref,event=pr', 'type=sha'],
          flavor: 'latest=false',
          'x-notes': { y: 1 },
          images: { app: { context: '.', dockerfile: 'Dockerfile', repositories: [repository] } },
          environments: { p: { hosts: ['h'], keep: 5, services: { web: { image: 'app', ...keys } } } },
        }
        // JSON is YAML: what is written does not matter, only what it means.
        const [a, b] = [short, long].map((value) => loadConfig(JSON.stringify(value), 'launchway.yml'))
        if (a === undefined || b === undefined) throw new Error('two configurations are expected')
        expect(resolveImages(a)).toEqual(resolveImages(b))
        expect(resolveEnvironment(a, 'p', 'known_hosts')).toEqual(resolveEnvironment(b, 'p', 'known_hosts'))
        expect(resolveApp(a)).toBe(resolveApp(b))
        const trigger = { event: 'push', sha: '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234', ref: 'refs/heads/main' } as const
        expect(plan(a, trigger)).toEqual(plan(b, trigger))
      }),
      { numRuns: runs(10) },
    )
  })
})

describe('what is wrong is said with its place', () => {
  test.each([
    [
      'an unknown key, and the nearest right one',
      'image: a/b\nenviroments: {}\n',
      ['launchway.yml:2:1: unknown key "enviroments"; did you mean "environments"?'],
    ],
    [
      'a key below',
      'image: a/b\nenvironments:\n  p:\n    host: h\n    prot: 80\n',
      ['launchway.yml:5:5: environments.p: unknown key "prot"; did you mean "port"?'],
    ],
    [
      'a wrong type',
      'image: a/b\nenvironments: { p: { host: h, port: web, publish: 80 } }\n',
      ['launchway.yml:2:37: environments.p.port: expected number, received string "web"'],
    ],
    [
      'a port out of range',
      'image: a/b\nenvironments: { p: { host: h, port: 70000, publish: 80 } }\n',
      ['launchway.yml:2:37: environments.p.port: must be at most 65535, not "70000"'],
    ],
    [
      'neither image nor images',
      'branches: {}\n',
      ['launchway.yml:1:1: image or images is needed: what shall be built, and where it is pushed'],
    ],
    [
      'image and images',
      'image: a/b\nimages: { a: { repositories: [a/b] } }\n',
      ['launchway.yml:2:1: image and images exclude each other: move image into images'],
    ],
    [
      'an environment that is not there',
      'image: a/b\nbranches: { main: prod }\nenvironments:\n  production: { host: h, port: 1, publish: 1 }\n',
      ['launchway.yml:2:19: branches.main: no environment "prod"; known: production'],
    ],
    [
      'no host',
      'image: a/b\nenvironments: { p: { port: 1, publish: 1 } }\n',
      ['launchway.yml:2:20: environments.p: host is needed: the SSH address to deploy to'],
    ],
    [
      'a host that ssh would take for an option',
      'image: a/b\nenvironments: { p: { host: -oProxyCommand=id, port: 1, publish: 1 } }\n',
      ['launchway.yml:2:28: environments.p.host: must be host, user@host or user@host:port'],
    ],
    [
      'a duplicate key',
      'image: a/b\nimage: a/c\n',
      ['launchway.yml:2:1: the key "image" stands here again: map keys must be unique (the first is in line 1)'],
    ],
    ['broken YAML', 'image: [a\n', ['launchway.yml:2:1: flow sequence in block collection must be sufficiently indented and end with a ]']],
    [
      'an annotation of our own',
      'images: { a: { repositories: [a/b], annotations: { launchway.key: x } } }\n',
      ['launchway.yml:1:52: images.a.annotations: annotations that begin with "launchway." are launchway\'s own'],
    ],
    [
      'annotations of what nobody pushes',
      'images: { base: { annotations: { a: b } }, web: { contexts: { base: "target:base" }, repositories: [a/b] } }\n',
      ['launchway.yml:1:19: images.base: annotations are of an image in a registry, and nobody pushes this one: it has no repositories'],
    ],
    [
      'an image that is not there',
      'images: { app: { repositories: [a/b] } }\nenvironments: { p: { host: h, services: { web: { image: ap } } } }\n',
      ['launchway.yml:2:57: environments.p.services.web.image: no image "ap"; did you mean "app"?'],
    ],
    [
      'publish without port',
      'image: a/b\nenvironments: { p: { host: h, publish: 80 } }\n',
      ['launchway.yml:2:31: environments.p: publish needs port: where the service listens inside its container'],
    ],
    ...(
      [
        ['memory: lots', '13: environments.p.memory: must be a number and a unit, and 6m at least: 512m or 1.5g'],
        ['memory: 512', '13: environments.p.memory: must be a number and a unit, and 6m at least: 512m or 1.5g, not "512"'],
        ['memory: "512"', '13: environments.p.memory: must be a number and a unit, and 6m at least: 512m or 1.5g'],
        ['memory: 4m', '13: environments.p.memory: must be a number and a unit, and 6m at least: 512m or 1.5g'],
        ['memory: 1000k', '13: environments.p.memory: must be a number and a unit, and 6m at least: 512m or 1.5g'],
        ['memory: 0.001g', '13: environments.p.memory: must be a number and a unit, and 6m at least: 512m or 1.5g'],
        [
          'command: python app.py',
          '14: environments.p.command: expected a list, received string "python app.py"; as a list: [python, app.py]',
        ],
        [
          'command: sh -c "a && b"',
          '14: environments.p.command: expected a list, received string "sh -c "a && b""; as a list: [sh, -c, …]',
        ],
        [
          'options: --ulimit nofile=9',
          '14: environments.p.options: expected a list, received string "--ulimit nofile=9"; as a list: [--ulimit, nofile=9]',
        ],
        ['command: 3', `14: environments.p.command: expected a list, received number "3"; as a list: ['3']`],
        ['command: "yes"', `14: environments.p.command: expected a list, received string "yes"; as a list: ['yes']`],
        ['volumes: data:/srv', '14: environments.p.volumes: expected a list, received string "data:/srv"; as a list: [data:/srv]'],
        ['volumes: "a b:/c"', `14: environments.p.volumes: expected a list, received string "a b:/c"; as a list: ['a b:/c']`],
        [
          'volumes: { data: /srv }',
          '14: environments.p.volumes: expected a list, received a mapping; each entry of a list begins with a dash: - …',
        ],
        ['env: [PASSWORD=hunter2]', '10: environments.p.env: expected a mapping, received a list; as a mapping: PASSWORD: …'],
        ['secrets: ""', '14: environments.p.secrets: expected a list, received string ""'],
      ] as const
    ).map(([line, said]): [string, string, string[]] => [
      `${line}, with what it takes`,
      `image: a/b\nenvironments:\n  p:\n    host: h\n    ${line}\n`,
      [`launchway.yml:5:${said}`],
    ]),
    [
      'a list of mappings that is one, and one that is a word',
      'image: a/b\nsmoke:\n  checks: { http: x }\nscan:\n  fail-on: HIGH\n',
      [
        'launchway.yml:3:11: smoke.checks: expected a list, received a mapping; each entry of a list begins with a dash: - http: …',
        'launchway.yml:5:12: scan.fail-on: expected a list, received string "HIGH"; as a list of rules: fail-on: [{ severity: HIGH }]',
      ],
    ],
    [
      'one port twice',
      'image: a/b\nenvironments: { p: { host: h, services: { a: { port: 1, publish: 80 }, b: { port: 1, publish: 80 } } } }\n',
      ['launchway.yml:2:95: port 80 is published by a already'],
    ],
    [
      'a secret that is also plain',
      'image: a/b\nenvironments: { p: { host: h, env: { KEY: x }, secrets: [KEY] } }\n',
      ['launchway.yml:2:38: environments.p: KEY is both in env and in secrets'],
    ],
    [
      'an option that launchway decides',
      'image: a/b\nenvironments: { p: { host: h, options: ["--name=x"] } }\n',
      ['launchway.yml:2:41: environments.p: launchway itself decides --name'],
    ],
    [
      'a tag rule',
      'image: a/b\nimage-tags: ["type=ref,event=branch", "type=semvre,pattern={{version}}"]\n',
      ['launchway.yml:2:39: image-tags: unknown type "semvre"; did you mean "semver"?'],
    ],
    [
      'a name that is none',
      'image: a/b\nenvironments: { "Prod EU": { host: h } }\n',
      ['launchway.yml:2:17: the name "Prod EU" must be 1 to 40 characters of a-z, 0-9, "_" and "-", starting with a letter or digit'],
    ],
    ['an empty file', '', ['launchway.yml:1:1: image or images is needed: what shall be built, and where it is pushed']],
    ['a list', '- a\n', ['launchway.yml:1:1: expected a mapping, received a list']],
  ])('%s', (_, text, expected) => {
    expect(problems(text)).toEqual(expected)
  })

  test('all problems at once, in the order of the file', () => {
    expect(
      problems('image: A/B\nenvironments:\n  p: { host: h, port: x }\nzzz: 1\n').map((line) => line.slice(0, 'launchway.yml:0'.length)),
    ).toEqual(['launchway.yml:1', 'launchway.yml:3', 'launchway.yml:4'])
  })

  test('aliases that explode, and a file that is too large, end in an error with a place', () => {
    const levels = Array.from({ length: 12 }, (_, level) => `x-${level + 1}: &a${level + 1} [${`*a${level}, `.repeat(9)}*a${level}]`)
    expect(problems(`x-0: &a0 [x]\n${levels.join('\n')}\nimage: a/b\n`)[0]).toMatch(
      /^launchway.yml:6:51: aliases cannot be resolved: with \*a4 /,
    )
    expect(problems(`image: ${'a'.repeat(2_000_000)}`)[0]).toMatch(/^launchway.yml:1:1: the file has 2000007 characters/)
  })

  test('any text at all gives a configuration or CONFIG_INVALID', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), anyText()), (text) => {
        for (const line of problems(text)) expect(line).toMatch(/^launchway\.yml:\d+:\d+: |^ /)
      }),
    )
  })
})
