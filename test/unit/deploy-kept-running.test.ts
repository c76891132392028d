import { describe, expect, it } from 'vitest'
import { resolveAccessory } from '../../src/config/resolve-accessory.ts'
import type { Service } from '../../src/core/deployment.ts'
import type { HostCall } from '../../src/deploy/call.ts'
import { type Observation, parseObservation, type SeenAccessory, type SeenContainer } from '../../src/deploy/observation.ts'
import { startAgainCalls } from '../../src/deploy/operate/stop.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { asked } from './support/carry.ts'
import { container, digest, environment, first, host, nameOf, second, service, wanted } from './support/deploy.ts'

const worker = service({ name: 'worker' })
const [worker1, worker2] = [nameOf('worker', first), nameOf('worker', second)]
const keeps = (calls: readonly HostCall[]): HostCall[] => calls.filter(([name]) => name === 'keep')

/** As one that was started by a program which was killed before it got its policy. */
const mortal = (release: string, of: Partial<SeenContainer> = {}): SeenContainer => ({
  ...container('worker', release),
  restart: 'no',
  ...of,
})
const live = (one: SeenContainer, as: Service = worker): Observation =>
  host({
    current: second,
    containers: [one],
    releases: new Map([
      [
        second,
        {
          ...{ version: 1, release: second, app: 'addie', label: 'two', images: { app: `registry.example.org/addie@${digest}` } },
          ...{ repositories: ['registry.example.org/addie'], environment: environment([as]) },
        },
      ],
    ]),
  })

describe('what runs, and would not come back after a reboot', () => {
  it('is seen by the policy that the engine has of it', () => {
    const lines = [
      `container\t${worker2}\tworker\t${second}\ta\trunning\tUp 3 minutes\t`,
      'accessory\taddie.production.redis\tredis\trunning\tUp\t{}',
      `policy\t/${worker2}\tno`,
      'policy\t/addie.production.redis\talways',
      'seen\tyes',
    ]
    const seen = parseObservation('a', lines.join('\n'))
    expect([seen.containers[0]?.restart, seen.accessories[0]?.restart]).toEqual(['no', 'always'])
  })

  it('gets its policy with a deploy of its release, which says so', () => {
    const { calls, notes } = planHost(wanted([worker]), live(mortal(second)), 'a')
    expect(keeps(calls)).toEqual([['keep', worker2, 'unless-stopped']])
    expect(notes).toContain('worker: runs this release already, and comes back after a reboot from now on')
  })

  it('gets it with the release that leaves it running', () => {
    const seen = host({ current: first, containers: [mortal(first)] })
    expect(keeps(planHost(asked([worker], [worker1]), seen, 'a').calls)).toEqual([['keep', worker1, 'unless-stopped']])
  })

  it('gets it with launchway start, which starts nothing', () => {
    expect(startAgainCalls({ host: 'a', seen: live(mortal(second)) }, undefined)).toEqual({
      calls: [['keep', worker2, 'unless-stopped'], ['settled']],
      services: [],
    })
  })

  it.each<[string, SeenContainer, Service]>([
    ['that has its policy', mortal(second, { restart: 'unless-stopped' }), worker],
    ['of which nothing is known', container('worker', second), worker],
    ['that is to have none', mortal(second), { ...worker, restart: 'no' }],
  ])('is none %s', (_, one, as) => {
    expect(keeps(planHost(wanted([as]), live(one, as), 'a').calls)).toEqual([])
    expect(startAgainCalls({ host: 'a', seen: live(one, as) }, undefined).calls).toEqual([])
  })

  it.each<[string, string, HostCall[]]>([
    ['gets that which it was started with', 'always', [['keep', 'addie.production.redis', 'always']]],
    ['is left alone where it was to have none', 'no', []],
  ])('is an accessory: it %s', (_, restart, calls) => {
    const redis = resolveAccessory('redis', { image: 'redis:7', restart }, [])
    const there: SeenAccessory = {
      ...{ container: 'addie.production.redis', name: 'redis', state: 'running', status: 'Up', configuration: redis, volumes: [] },
      restart: 'no',
    }
    const wish = wanted([], { environment: environment([], { accessories: [redis] }) })
    expect(keeps(planHost(wish, host({ accessories: [there] }), 'a').calls)).toEqual(calls)
  })
})
