import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { accepts, dereferenced } from './support/json-schema.ts'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** What `defaults` says of environments, as a file that says the same in each of them. */

const load = (...lines: string[]) => loadConfig(['image: registry.example.org/shop', ...lines].join('\n'), 'launchway.yml')
const refusal = (...lines: string[]): string => {
  try {
    load(...lines)
  } catch (error) {
    if (error instanceof LaunchwayError) return error.hint ?? ''
    throw error
  }
  throw new Error('it was taken')
}

describe('an environment has the defaults', () => {
  it.each([
    ['where it says nothing', 'keep: 3', 'host: a', { host: 'a', keep: 3 }],
    ['and its own word before them', 'keep: 3', 'host: a, keep: 9', { host: 'a', keep: 9 }],
    ['key by key in a mapping', 'env: { A: 1, B: 2 }', 'host: a, env: { B: 3 }', { host: 'a', env: { A: '1', B: '3' } }],
    [
      'in a mapping of mappings',
      'services: { web: { memory: 1g }, beat: {} }',
      'host: a, services: { web: { cpus: 1 } }',
      { host: 'a', services: { web: { memory: '1g', cpus: 1 }, beat: {} } },
    ],
    ['but no longer list than its own', 'volumes: [a:/a]', 'host: a, volumes: [b:/b]', { host: 'a', volumes: ['b:/b'] }],
    [
      'but not in another form than its own',
      'health: { path: /a, timeout: 5s }',
      'host: a, port: 1, publish: 1, health: /b',
      { host: 'a', port: 1, publish: 1, health: '/b' },
    ],
    ['but not one host beside its several', 'host: a, keep: 2', 'hosts: [b, c]', { keep: 2, hosts: ['b', 'c'] }],
    ['but for what it sets to null', 'url: "https://a.example.org", keep: 3', 'host: a, url: null, keep: ~', { host: 'a' }],
    ['nor a mapping that it sets to null', 'ssh: { key: K }', 'host: a, ssh:', { host: 'a' }],
    [
      'but nothing of one service beside several',
      'port: 1, publish: 2, keep: 3',
      'host: a, services: { web: {} }',
      { host: 'a', keep: 3, services: { web: {} } },
    ],
    [
      'but nothing of a service beside a compose project, where it has no place',
      'port: 1, publish: 2, env: { A: x }, secrets: [S], accessories: { db: { image: x } }',
      'host: a, compose: compose.yml',
      { host: 'a', compose: 'compose.yml', secrets: ['S'] },
    ],
    [
      'nor beside a Swarm',
      'port: 1, publish: 2, confirm: true, compose: compose.yml, services: { web: {} }, secrets: [S]',
      'host: a, swarm: stack.yml',
      { host: 'a', swarm: 'stack.yml', secrets: ['S'] },
    ],
    ['of one host for all', 'host: a', 'keep: 2', { host: 'a', keep: 2 }],
  ])('%s', (_, defaults, own, expected) => {
    expect(load(`defaults: { ${defaults} }`, `environments: { production: { ${own} } }`).environments?.['production']).toEqual(expected)
  })

  it('each for itself', () => {
    const { environments } = load('defaults: { env: { A: 1 } }', 'environments: { one: { host: a, env: { B: 2 } }, two: { host: b } }')
    expect(environments).toEqual({ one: { host: 'a', env: { A: '1', B: '2' } }, two: { host: 'b', env: { A: '1' } } })
  })
})

describe('what is wrong is told where it was written', () => {
  it('in the defaults once, however many environments have them', () => {
    expect(refusal('defaults: { keep: 0 }', 'environments: { one: { host: a }, two: { host: b } }')).toMatch(
      /^launchway\.yml:2:\d+: defaults\.keep: [^\n]*$/,
    )
  })

  it('in the defaults, where only an environment makes it wrong', () => {
    expect(refusal('environments:', '  one: { host: a }', 'defaults: { image: other }')).toMatch(/^launchway\.yml:4:\d+: environments\.one/)
  })

  it('in the environment, where it is that', () => {
    expect(refusal('defaults: { keep: 2 }', 'environments:', '  one: { host: a, prot: 1 }')).toMatch(
      /^launchway\.yml:4:\d+: .*unknown key "prot"; did you mean "port"\?$/,
    )
  })

  it('in the environment, where it sets to null what no default says', () => {
    expect(refusal('defaults: { keep: 2 }', 'environments:', '  one: { host: a, url: null }')).toMatch(
      /^launchway\.yml:4:24: environments\.one\.url: expected string, received null$/,
    )
  })

  it('in the defaults, where a null has nothing before it', () => {
    expect(refusal('defaults: { url: null }', 'environments: { one: { host: a } }')).toMatch(
      /^launchway\.yml:2:18: defaults\.url: expected string/,
    )
  })

  it('in the environment, beside what it sets to null', () => {
    expect(refusal('defaults: { keep: 2 }', 'environments:', '  one: { keep: null, prot: 1 }').split('\n')).toEqual([
      expect.stringMatching(/^launchway\.yml:4:8: environments\.one: host is needed/),
      expect.stringMatching(/^launchway\.yml:4:\d+: .*unknown key "prot"/),
    ])
  })

  it('in the environment, where nothing says what it must have', () => {
    expect(refusal('defaults: { keep: 2 }', 'environments:', '  one: { keep: 3 }')).toMatch(
      /^launchway\.yml:4:\d+: environments\.one: host is needed/,
    )
  })
})

it('an editor takes an environment whose other half stands in the defaults', () => {
  const schema = dereferenced(JSON.parse(readFileSync(new URL('../../schema/launchway.json', import.meta.url), 'utf8')))
  const takes = (text: string): boolean => accepts(schema, parse(text))
  expect(takes('image: a/b\ndefaults: { host: a, port: 1 }\nenvironments: { p: { publish: 1 } }')).toBe(true)
  expect(
    takes('image: a/b\ndefaults: { host: a, url: "https://a.example.org" }\nenvironments: { p: { url: null, nginx: null, keep: null } }'),
  ).toBe(true)
  expect(takes('image: a/b\ndefaults: { prot: 1 }\nenvironments: { p: { host: a } }')).toBe(false)
  expect(takes('image: a/b\nenvironments: { p: { publish: 1 } }')).toBe(false)
})
