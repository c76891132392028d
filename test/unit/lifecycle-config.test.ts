import { describe, expect, test } from 'vitest'
import { resolveEnvironment } from '../../src/config/resolve.ts'
import type { Lifecycle } from '../../src/core/lifecycle.ts'
import { configOf, problems } from './support/config.ts'

const text = (keys: string, rest = 'port: 5000, url: https://shop.example.org/app/'): string =>
  `image: a/b\nenvironments:\n  p: { host: h, ${rest}, ${keys} }\n`
const several = 'url: https://shop.example.org, services: { worker: {}, web: { port: 80 } }'

describe('what an environment says of the life of a release', () => {
  test.each<[string, string, string | undefined, Lifecycle]>([
    [
      'a command runs in the service itself, for five minutes at most',
      'before-switch: { command: [flask, db, upgrade] }',
      undefined,
      { beforeSwitch: [{ service: 'web', command: ['flask', 'db', 'upgrade'], timeoutMs: 300_000 }] },
    ],
    [
      'of several services in the first that nginx leads to',
      'before-switch: [{ command: [a] }, { command: [b], service: worker, timeout: 1h }]',
      several,
      {
        beforeSwitch: [
          { service: 'web', command: ['a'], timeoutMs: 300_000 },
          { service: 'worker', command: ['b'], timeoutMs: 3_600_000 },
        ],
      },
    ],
    [
      'in the first where nginx leads to none',
      'before-switch: { command: [a] }',
      'services: { worker: {}, beat: {} }',
      { beforeSwitch: [{ service: 'worker', command: ['a'], timeoutMs: 300_000 }] },
    ],
    ['confirm: true waits for somebody', 'confirm: true', undefined, { confirm: {} }],
    ['confirm: 24h for so long', 'confirm: 24h', undefined, { confirm: { withinMs: 86_400_000 } }],
    ['confirm: false does not wait', 'confirm: false', undefined, {}],
    ['rollback: false has a reason', 'rollback: false', undefined, { noReturn: 'its launchway.yml says rollback: false' }],
    ['rollback: in words is the reason', 'rollback: drops a column', undefined, { noReturn: 'drops a column' }],
    ['rollback: true is nothing', 'rollback: true', undefined, {}],
    [
      'a path is asked for below the url',
      'probe: /healthz',
      undefined,
      { probe: { url: 'https://shop.example.org/app/healthz', timeoutMs: 30_000 } },
    ],
    [
      'with what is expected',
      'probe: { path: /, status: 401, timeout: 5s }',
      several,
      { probe: { url: 'https://shop.example.org/', status: 401, timeoutMs: 5000 } },
    ],
  ])('%s', (_, keys, rest, expected) => {
    const { beforeSwitch, confirm, noReturn, probe } = resolveEnvironment(configOf(text(keys, rest)), 'p', undefined) ?? {}
    expect(JSON.parse(JSON.stringify({ beforeSwitch, confirm, noReturn, probe }))).toEqual(expected)
  })

  test.each([
    ['probe: /healthz', 'publish: 80, port: 80', 'environments.p: probe needs url: where the public reaches the environment'],
    ['before-switch: { command: [a], service: wbe }', several, 'no service "wbe"; did you mean "web"?'],
    [
      'before-switch: [{ command: [a] }, { command: [a], service: x }]',
      'user: a',
      'environments.p.before-switch: no service "x"; known: web',
    ],
    ['before-switch: { command: [] }', several, 'before-switch'],
    ['confirm: soon', several, 'confirm'],
  ])('%s is refused where it cannot be', (keys, rest, message) => {
    expect(problems(text(keys, rest)).join('\n')).toContain(message)
  })
})
