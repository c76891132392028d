import { expect, test } from 'vitest'
import { configOf, problems } from './support/config.ts'

test.each([
  ['a branch', 'branches: { x-trial: {} }', { branches: { 'x-trial': {} } }],
  ['a branch that is deployed', 'branches: { x-trial: p }', { branches: { 'x-trial': 'p' } }],
  ['a tag', 'tags: { x-1: { image-tags: type=sha } }', { tags: { 'x-1': { 'image-tags': 'type=sha' } } }],
  ['an environment', 'branches: { main: x-eu }', { environments: { 'x-eu': { host: 'i' } } }, 'x-eu: { host: i }'],
  [
    'a service',
    'branches: { main: x-eu }',
    { environments: { 'x-eu': { services: { 'x-web': { port: 1 } } } } },
    'x-eu: { host: i, services: { x-web: { port: 1, publish: 1 } } }',
  ],
  // A note or a block to share is no entry.
  ['not what is none', 'branches: { x-note: [all of them], main: {} }', { branches: { main: {} } }],
  [
    'not what others share',
    'branches: { x-all: &all { image-tags: type=sha }, main: *all }',
    { branches: { main: { 'image-tags': 'type=sha' } } },
  ],
  [
    'not what others merge',
    'branches: { main: q }',
    { environments: { p: { host: 'h' }, q: { host: 'h', keep: 2 } } },
    'x-host: &host { host: h }, q: { <<: *host, keep: 2 }',
  ],
])('an entry whose name begins with x- is one like others: %s', (_, refs, expected, environment = '') => {
  const config = configOf(`image: a/b\n${refs}\nenvironments: { p: { host: h }, ${environment} }\n`)
  expect(config).toMatchObject(expected)
  expect(JSON.stringify(config)).not.toMatch(/x-(note|all|host)/)
})

test('a variable that begins with x- is refused, not dropped', () => {
  expect(problems('image: a/b\nenvironments: { p: { host: h, env: { x-foo: bar } } }\n')).toEqual([
    'launchway.yml:2:38: the name "x-foo" must be the name of an environment variable',
  ])
})
