import { describe, expect, it } from 'vitest'
import { type Prepared, prepare } from '../../src/smoke/plan.ts'
import { ComposeProject } from '../../src/tools/compose.ts'

const image = {
  name: 'app',
  context: '.',
  dockerfile: 'Dockerfile',
  platforms: [],
  args: {},
  repositories: ['ghcr.io/team/app'],
}

function prepared(services: Record<string, unknown>): Prepared {
  return prepare(ComposeProject.parse({ services }), {
    plan: { compose: ['compose.yml'], profiles: [], env: {}, timeoutMs: 1, prepare: [], checks: [] },
    candidates: [{ image, reference: 'ghcr.io/team/app:launchway-1' }],
    root: '/srv/team',
    project: 'launchway-smoke-addie-1',
    owner: 'laptop:1',
  })
}

/** Of a service that says nothing of its log. */
const logging = { driver: 'json-file', options: { 'max-size': '100m', 'max-file': '2' } }

describe('the log of a service', () => {
  it.each<[string, unknown, unknown]>([
    ['nothing said', undefined, logging],
    ['one that sends it away', { driver: 'awslogs', options: { 'awslogs-group': 'production' } }, logging],
    ['one that sends it to another program', { driver: 'fluentd' }, logging],
    ['a plugin, of which nothing is known', { driver: 'example/plugin:1' }, logging],
    [
      'a file without bounds',
      { driver: 'json-file', options: { labels: 'a' } },
      { driver: 'json-file', options: { ...logging.options, labels: 'a' } },
    ],
    ['no driver', { options: { tag: 'a' } }, { driver: 'json-file', options: { ...logging.options, tag: 'a' } }],
    [
      'a file with bounds of its own',
      { driver: 'json-file', options: { 'max-size': '1m', 'max-file': '3' } },
      { driver: 'json-file', options: { 'max-size': '1m', 'max-file': '3' } },
    ],
    ['the journal', { driver: 'journald' }, { driver: 'journald' }],
    ['none', { driver: 'none' }, { driver: 'none' }],
  ])('of which the file says: %s', (_, asked, becomes) => {
    const services = { ours: { image: 'ghcr.io/team/app', ...(asked === undefined ? {} : { logging: asked }) } }
    expect(prepared(services).file.services['ours']?.logging).toEqual(becomes)
  })
})

describe('a service', () => {
  it.each<[string, Record<string, unknown>, string | undefined]>([
    ['is restarted always', { restart: 'always' }, 'restart: always'],
    ['is restarted unless stopped', { restart: 'unless-stopped' }, 'restart: unless-stopped'],
    ['is restarted by a swarm whatever it ended with', { deploy: { restart_policy: { condition: 'any' } } }, 'restart_policy: any'],
    ['publishes a port', { ports: [{ target: 80 }] }, 'it publishes a port'],
    ['has a health check', { healthcheck: { test: ['CMD', 'true'] } }, 'it has a health check'],
    ['has a health check that is switched off', { healthcheck: { test: ['CMD', 'true'], disable: true } }, undefined],
    ['has none, whatever its image says', { healthcheck: { test: ['NONE'] } }, undefined],
    ['has the health check of another, and is never restarted', { restart: 'no', healthcheck: { test: ['CMD', 'true'] } }, undefined],
    [
      'has a health check, and is never restarted by a swarm',
      { deploy: { restart_policy: { condition: 'none' } }, healthcheck: { test: ['CMD', 'true'] } },
      undefined,
    ],
    [
      'is never restarted by a policy, which goes before',
      { restart: 'always', deploy: { restart_policy: { condition: 'none' } } },
      undefined,
    ],
    ['publishes a port, and is never restarted', { restart: 'no', ports: [{ target: 80 }] }, 'it publishes a port'],
    ['is restarted when it fails', { restart: 'on-failure' }, undefined],
    ['says nothing', {}, undefined],
  ])('that %s is known to be meant to stay, or not', (_, of, why) => {
    const services = { ours: { image: 'ghcr.io/team/app', ...of } }
    expect(prepared(services).mustRun.get('ours')).toBe(why)
    const waited = { ...services, web: { image: 'x', depends_on: { ours: { condition: 'service_completed_successfully' } } } }
    expect(prepared(waited).mustRun.get('ours')).toBeUndefined()
  })
})
