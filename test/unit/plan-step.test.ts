import { describe, expect, it } from 'vitest'
import type { Accessory, Service } from '../../src/core/deployment.ts'
import { besideCompose } from '../../src/plan/step/beside.ts'
import { findingsOf, showFindings } from '../../src/plan/step/index.ts'
import { environment, service } from './support/deploy.ts'

const nginx = { serverNames: ['shop.example.org'] }
const http = { kind: 'http', path: '/health', intervalMs: 1, timeoutMs: 1, settleMs: 1 } as const

/** What is said, what becomes of it in a compose project, and in a swarm. */
const cases: [said: Partial<Service>, what: string, compose: string, swarm: string][] = [
  [{ nginx }, 'nginx for shop.example.org', 'write', 'lost'],
  [{ cron: '30 3 * * *', restart: 'no' }, 'cron 30 3 * * *', 'write', 'lost'],
  [{ assets: [{ path: '/static', folder: '/app/static' }] }, 'assets', 'write', 'lost'],
  [{ privileged: true }, 'privileged', 'write', 'lost'],
  [{ devices: ['/dev/fuse'] }, 'the device /dev/fuse', 'write', 'lost'],
  [{ groupAdd: ['nginx'] }, 'the group nginx', 'write', 'lost'],
  [{ options: ['--init'] }, 'options --init', 'otherwise', 'otherwise'],
  [{ publish: '127.0.0.1:8080' }, 'publish 127.0.0.1:8080', 'write', 'otherwise'],
  [{ publish: '80' }, 'publish 80', 'write', 'otherwise'],
  [{ volumes: ['/srv/files:/files:ro'] }, 'the folder /srv/files:/files:ro', 'write', 'otherwise'],
  [{ volumes: ['uploads:/up'] }, 'the volume uploads:/up', 'otherwise', 'otherwise'],
  [{ health: http }, 'health /health', 'write', 'otherwise'],
  [{ health: { ...http, kind: 'command', command: ['celery', 'ping'] } }, 'health celery ping', 'write', 'write'],
  [{ health: { kind: 'none', timeoutMs: 1, settleMs: 1 } }, 'health none', 'write', 'write'],
  [{ overlap: false }, 'overlap: false', 'write', 'write'],
  [{ envFiles: ['.env'] }, 'env-file .env', 'write', 'otherwise'],
  [{ secrets: ['TOKEN'] }, 'secrets TOKEN', 'write', 'otherwise'],
  [{ memory: '512m' }, 'memory 512m', 'write', 'write'],
  [{ cpus: 2 }, 'cpus 2', 'write', 'write'],
  [{ restart: 'on-failure' }, 'restart on-failure', 'write', 'write'],
]

describe('an environment of services one step up', () => {
  it.each(cases)('%j: %s', (said, what, compose, swarm) => {
    const of = environment([service(said)])
    const found = (to: 'compose' | 'swarm'): string[] => findingsOf(of, to).flatMap((one) => (one.what === what ? [one.level] : []))
    expect([found('compose'), found('swarm')]).toEqual([[compose], [swarm]])
  })

  it('has words for what is the same under another name, and says no more than what stands there', () => {
    const found = findingsOf(environment([service({ command: ['x'], capAdd: ['NET_ADMIN'] })]), 'compose')
    expect(found).toEqual([
      {
        level: 'write',
        service: 'web',
        what: 'image, command, cap-add',
        instead: 'in the compose file: image, one of images, command, cap_add',
      },
    ])
  })

  it.each<[string[], string, string]>([
    [['a'], 'otherwise', 'fewer than three managers'],
    [['a', 'b'], 'otherwise', 'fewer than three managers'],
    [['a', 'b', 'c'], 'write', 'launchway hosts setup --swarm makes one swarm of them;'],
    [['a', 'b', 'c', 'd'], 'write', 'of 4 hosts 3 manage it'],
  ])('of %j hosts', (hosts, level, words) => {
    const found = findingsOf(environment([service()], { hosts }), 'swarm').find(
      ({ what }) => what.endsWith('host') || what.endsWith('hosts'),
    )
    expect(found).toMatchObject({ level, instead: expect.stringContaining(words) })
  })

  it('binds an accessory to the node that has its data, and runs what came before the switch as a service', () => {
    const db: Accessory = {
      ...{
        name: 'db',
        image: 'postgres:15',
        health: { timeoutMs: 1, settleMs: 1 },
        env: {},
        secrets: [],
        volumes: ['data:/d'],
        networks: [],
      },
      ...{ stopTimeoutMs: 1, labels: {}, options: [], restart: 'unless-stopped', envFiles: [] },
    }
    const beforeSwitch = [{ service: 'web', command: ['flask', 'db', 'upgrade'], timeoutMs: 1 }]
    const found = findingsOf(environment([], { accessories: [db], beforeSwitch, confirm: {}, sharedVolumes: ['data'] }), 'swarm')
    expect(found.map(({ level, service: of = '', what }) => `${level} ${of} ${what}`)).toEqual([
      'lost  confirm',
      'otherwise  1 host',
      'otherwise db the accessory of postgres:15 with data:/d',
      'write  before-switch web: flask db upgrade',
      'write  shared-volumes: data',
    ])
  })

  it('is told with the worst first, and that nothing was changed', () => {
    const text = showFindings('production', 'swarm', findingsOf(environment([service({ memory: '1g', privileged: true })]), 'swarm'))
    expect(text.split('\n')[0]).toBe('production as swarm: 1 thing cannot come along. Nothing was changed.')
    expect(text.indexOf('What cannot come along:\n  web: privileged\n    ')).toBeGreaterThan(0)
    expect(text.indexOf('web: memory 1g')).toBeGreaterThan(text.indexOf('web: privileged'))
  })
})

it('what is said beside compose has no place beside a swarm, each with what to do', () => {
  const said = { nginx: { 'server-name': 'x.example.org' }, behind: 'proxy', once: true, overlap: false }
  expect(besideCompose({ web: said }).map(({ level, what }) => `${what} ${level}`)).toEqual([
    'nginx lost',
    'behind otherwise',
    'overlap write',
    'once write',
  ])
})
