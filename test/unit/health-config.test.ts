import { describe, expect, test } from 'vitest'
import { resolveEnvironment } from '../../src/config/resolve.ts'
import { configOf, problems } from './support/config.ts'

const service = (keys: string): string => `image: a/b\nenvironments:\n  p: { host: h, ${keys} }\n`

describe('health', () => {
  test.each([
    [
      'a health path without port',
      service('health: /'),
      'environments.p.health: a path is asked for over HTTP and needs port; without a port there are { command: [...] } and none',
    ],
    ['two health checks', service('health: { command: [x], none: true }'), 'environments.p.health: command and none exclude each other'],
    ['a status of a command', service('health: { command: [x], status: 200 }'), 'environments.p.health: status needs path'],
    [
      'retries of nothing that is asked',
      service('health: { retries: 3 }'),
      'environments.p.health: retries is that of path or command. For the HEALTHCHECK of the image: options: ["--health-retries=…"]',
    ],
  ])('%s is refused', (_, text, message) => {
    expect(problems(text).map((line) => line.replace(/^launchway\.yml:\d+:\d+: /, ''))).toEqual([message])
  })

  test.each<[string, object]>([
    ['/healthz', { kind: 'http', path: '/healthz', intervalMs: 500, timeoutMs: 60_000, settleMs: 1_000 }],
    [
      '{ path: /, host: a.example.org, status: 204, interval: 1s, timeout: 2m, settle: 0s }',
      { kind: 'http', path: '/', host: 'a.example.org', status: 204, intervalMs: 1_000, timeoutMs: 120_000, settleMs: 0 },
    ],
    ['none', { kind: 'none', timeoutMs: 60_000, settleMs: 1_000 }],
    ['{ timeout: 5m }', { kind: 'container', timeoutMs: 300_000, settleMs: 1_000 }],
    [
      '{ command: [test, -e, /ready], interval: 2s, retries: 5 }',
      { kind: 'command', command: ['test', '-e', '/ready'], intervalMs: 2_000, retries: 5, timeoutMs: 60_000, settleMs: 1_000 },
    ],
  ])('the health check %s', (health, expected) => {
    expect(resolveEnvironment(configOf(service(`port: 1, publish: 2, health: ${health}`)), 'p', undefined)?.services[0]?.health).toEqual(
      expected,
    )
  })

  // What nobody asks anything, and ends when it cannot load its application, looks well for some seconds.
  test.each<[string, object]>([
    ['command: [x]', { kind: 'container', timeoutMs: 60_000, settleMs: 1_000, bareMs: 10_000 }],
    ['command: [x], health: none', { kind: 'none', timeoutMs: 60_000, settleMs: 10_000 }],
    ['command: [x], health: { settle: 3s }', { kind: 'container', timeoutMs: 60_000, settleMs: 3_000 }],
    ['command: [x], health: { none: true, settle: 3s }', { kind: 'none', timeoutMs: 60_000, settleMs: 3_000 }],
    ['command: [x], health: { command: [y] }', { kind: 'command', command: ['y'], intervalMs: 500, timeoutMs: 60_000, settleMs: 1_000 }],
  ])('without a port, the health check of %s', (keys, expected) => {
    expect(resolveEnvironment(configOf(service(keys)), 'p', undefined)?.services[0]?.health).toEqual(expected)
  })
})
