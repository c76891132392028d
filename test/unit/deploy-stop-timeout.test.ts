import { describe, expect, it } from 'vitest'
import { resolveAccessory } from '../../src/config/resolve-accessory.ts'
import type { Service } from '../../src/core/deployment.ts'
import type { HostCall } from '../../src/deploy/call.ts'
import type { Kept } from '../../src/deploy/kept.ts'
import type { Observation } from '../../src/deploy/observation.ts'
import { planRemoval } from '../../src/deploy/operate/remove.ts'
import { stopCalls } from '../../src/deploy/operate/stop.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { container, digest, environment, first, host, nameOf, project, second, service, third, wanted } from './support/deploy.ts'

const kept = (release: string, services: Service[]): Kept => ({
  version: 1,
  release,
  app: 'addie',
  label: 'one',
  images: { app: `registry.example.org/addie@${digest}` },
  repositories: ['registry.example.org/addie'],
  environment: environment(services),
})

const slow = service({ name: 'worker', stopTimeoutMs: 600_000 })
const after = (before: readonly Service[], of: Partial<Observation> = {}): Observation =>
  host({
    current: first,
    containers: before.map(({ name }) => container(name, first)),
    releases: new Map([[first, kept(first, [...before])]]),
    ...of,
  })
const endings = (calls: readonly HostCall[]): HostCall[] => calls.filter(([name]) => /^(halt|retire|retire_led|cease|discard)$/.test(name))

describe('how long an old container has to stop', () => {
  it.each<{ case: string; now: Service[]; before: Service[]; calls: HostCall[] }>([
    {
      case: 'is its own, where the new release knows the service by another name',
      now: [service({ name: 'celery', stopTimeoutMs: 600_000 })],
      before: [slow],
      calls: [['retire', 'worker', nameOf('worker', first), '600']],
    },
    {
      case: 'is its own, where the new release has a shorter one: a rollback past the release that raised it',
      now: [service({ name: 'worker', stopTimeoutMs: 10_000 })],
      before: [slow],
      calls: [['retire', 'worker', nameOf('worker', first), '600']],
    },
    {
      case: 'is its own, where it stops before the new one starts',
      now: [service({ name: 'worker', stopTimeoutMs: 10_000, overlap: false })],
      before: [slow],
      calls: [
        ['halt', 'worker', nameOf('worker', first), '600', 'unless-stopped'],
        ['retire', 'worker', nameOf('worker', first), '600'],
      ],
    },
    {
      case: 'is its own, where the nginx of the project has led to it',
      now: [service({ name: 'edge', networks: ['shop'] }), service({ networks: ['shop'], behind: 'edge' })],
      before: [service({ networks: ['shop'], behind: 'edge', stopTimeoutMs: 90_000 })],
      calls: [['retire_led', 'web', nameOf('web', first), '90', nameOf('edge', second)]],
    },
  ])('$case', ({ now, before, calls }) => {
    const wish = wanted(now, { environment: environment(now, { project: project() }) })
    expect(endings(planHost(wish, after(before), 'a').calls)).toEqual(calls)
  })

  it('is that of the service by its name, where the host keeps its release no longer', () => {
    const { calls } = planHost(wanted([service({ name: 'worker', stopTimeoutMs: 60_000 })]), after([slow], { releases: new Map() }), 'a')
    expect(endings(calls)).toEqual([['retire', 'worker', nameOf('worker', first), '60']])
  })

  it('is its own when the environment is stopped or removed, though the current release says otherwise', () => {
    const seen = host({
      current: second,
      containers: [{ ...container('worker', first), carriedBy: [second] }, container('worker', third, 'b')],
      releases: new Map([
        [first, kept(first, [slow])],
        [second, kept(second, [service({ name: 'worker', stopTimeoutMs: 20_000 })])],
        [third, kept(third, [service({ name: 'worker', stopTimeoutMs: 30_000 })])],
      ]),
    })
    const target = { app: 'addie', environment: environment([]) }
    expect(endings(planRemoval(target, { host: 'a', seen }, undefined).calls)).toEqual([
      ['discard', 'worker', nameOf('worker', first), '600'],
      ['discard', 'worker', nameOf('worker', third), '30'],
    ])
    expect(endings(stopCalls(target, { host: 'a', seen }, undefined).calls)).toEqual([
      ['cease', 'worker', nameOf('worker', first), '600', 'unless-stopped'],
    ])
  })

  it('is what an accessory was started with, when that is removed', () => {
    const db = { container: 'addie.production.db', name: 'db', state: 'running', status: 'Up', volumes: [] }
    const configuration = resolveAccessory('db', { image: 'postgres:17', 'stop-timeout': '60s' }, [])
    const seen = after([service()], { accessories: [{ ...db, configuration }] })
    const target = { app: 'addie', environment: environment([service()]) }
    expect(planRemoval(target, { host: 'a', seen }, 'db').calls).toEqual([['discard', 'db', 'addie.production.db', '60']])
  })
})
