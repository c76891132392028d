import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { LaunchwayError } from '../../src/core/error.ts'
import { configOf, problems } from './support/config.ts'
import { runs } from './support/runs.ts'

/** What is wrong with a value as YAML, without places; nothing for what is right. */
function messages(value: unknown): string[] {
  try {
    configOf(stringify(value))
  } catch (error) {
    if (error instanceof LaunchwayError && error.code === 'CONFIG_INVALID')
      return (error.hint ?? '').split('\n').map((line) => line.replace(/^launchway\.yml:\d+:\d+: /, ''))
    throw error
  }
  return []
}

describe('all problems at once', () => {
  test('six faults, of the schema and of the rules', () => {
    expect(
      problems(`image: ghcr.io/Team/App
branches: { main: prodution }
image-tags: [type=semvre]
enviroments: {}
environments:
  production: { host: h, port: web, publish: 80, env: { A: 1 }, secrets: [A] }
  staging: { port: 1, publish: 80 }
`),
    ).toEqual([
      'launchway.yml:1:8: image: must be an image repository without a tag, such as ghcr.io/team/app',
      'launchway.yml:2:19: branches.main: no environment "prodution"; did you mean "production"?',
      'launchway.yml:3:14: image-tags: unknown type "semvre"; did you mean "semver"?',
      'launchway.yml:4:1: unknown key "enviroments"; did you mean "environments"?',
      'launchway.yml:6:32: environments.production.port: expected number, received string "web"',
      'launchway.yml:6:57: environments.production: A is both in env and in secrets',
      'launchway.yml:7:12: environments.staging: host is needed: the SSH address to deploy to',
    ])
  })

  test.each([
    ['a key that is written wrongly', 'environments: { p: { host: h, prot: 1, publish: 1 } }', 'unknown key "prot"; did you mean "port"?'],
    ['a value of the wrong type', 'environments: { p: { host: 5, port: 1, publish: 1 } }', 'environments.p.host: expected string'],
    [
      'all environments under a wrong name',
      'branches: { main: p }\nenviroments: { p: { host: h, port: 1, publish: 1 } }',
      'unknown key "enviroments"; did you mean "environments"?',
    ],
    ['all environments', 'branches: { main: p }\nenvironments: 5', 'environments: expected a mapping'],
    ['a whole entry', 'branches: { main: p }\nenvironments: { p: 5 }', 'environments.p: expected a mapping'],
    ['a name', 'environments: { P: { host: h, port: 1, publish: 1 } }', 'the name "P" must be 1 to 40 characters'],
    ['a part of a list', 'environments: { p: { host: h, secrets: [1, B], env: { A: x } } }', 'environments.p.secrets.0: expected string'],
    [
      'what stands in the defaults',
      'defaults: { host: 5 }\nenvironments: { p: { port: 1, publish: 1 } }',
      'defaults.host: expected string',
    ],
  ])('nothing follows from what cannot be read: %s', (_, text, says) => {
    const found = problems(`image: a/b\n${text}\n`)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(says)
  })

  test('no rule finds in a file with wrong types what it would not find in the right one', () => {
    const right = {
      images: {
        app: { repositories: ['a/b'], contexts: { base: 'target:base' } },
        base: {},
        worker: { repositories: ['a/c'], annotations: { 'launchway.x': 'y' } },
      },
      branches: { main: 'p', dev: { environment: 'q' }, 'v*': 'nowhere' },
      'image-tags': ['type=sha', 'type=none'],
      smoke: {
        checks: [
          { http: 'http://web/', after: ['x'] },
          { log: 'web', matches: '(' },
        ],
      },
      environments: {
        p: {
          host: 'h',
          url: 'https://a.example.org',
          services: {
            web: { image: 'app', port: 80, health: '/h' },
            api: { image: 'worker', port: 81, publish: 81, env: { A: 'x' }, secrets: ['A'] },
            cron: { image: 'app', cron: '0 0 * * *', command: ['x'] },
          },
          accessories: { db: { image: 'redis:7', port: 1, publish: 81 } },
        },
        q: { hosts: ['h'], image: 'app', port: 80, publish: 80, options: ['--name=x'] },
      },
    }
    const known = new Set(messages(right))
    expect(known.size).toBeGreaterThan(5)
    const places: (string | number)[][] = []
    const collect = (at: unknown, path: (string | number)[]): void => {
      if (path.length > 0) places.push(path)
      if (typeof at === 'object' && at !== null)
        for (const [key, inner] of Object.entries(at)) collect(inner, [...path, Array.isArray(at) ? Number(key) : key])
    }
    collect(right, [])
    let beside = 0
    fc.assert(
      fc.property(fc.subarray(places, { minLength: 1, maxLength: 3 }), fc.constantFrom<unknown>(5.5, null, [[]], true), (broken, wrong) => {
        const value = structuredClone(right)
        for (const path of broken) {
          let at: unknown = value
          for (const part of path.slice(0, -1)) at = typeof at === 'object' && at !== null ? Reflect.get(at, part) : undefined
          if (typeof at === 'object' && at !== null) Reflect.set(at, path.at(-1) ?? '', structuredClone(wrong))
        }
        const found = messages(value)
        beside += found.filter((message) => known.has(message)).length
        // What is said of a broken place names it; all else must have been wrong before.
        const names = broken.flatMap((path) => [path.join('.'), `name "${path.at(-1)}"`, `.${path.at(-1)}`])
        const invented = found.filter((message) => !known.has(message) && !names.some((name) => message.includes(name)))
        expect(invented).toEqual([])
      }),
      { numRuns: runs(60) },
    )
    expect(beside).toBeGreaterThan(20)
  })
})
