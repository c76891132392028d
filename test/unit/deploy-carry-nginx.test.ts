import { describe, expect, it } from 'vitest'
import type { Service } from '../../src/core/deployment.ts'
import type { Observation, SeenContainer } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import type { Wanted } from '../../src/deploy/wanted.ts'
import { container, environment, first, host, nameOf, second, service, third } from './support/deploy.ts'
import { nginx, ports as webPorts, story as siteStory, web as site } from './support/nginx.ts'
import { asked, project } from './support/carry.ts'

const worker = service({ name: 'worker' })
const [worker1, web1, worker2] = [nameOf('worker', first), nameOf('web', first), nameOf('worker', second)]
const carried = (one: SeenContainer, ...by: string[]): SeenContainer => ({ ...one, carriedBy: by })

describe('services behind nginx', () => {
  const api = { ...site, name: 'api', nginx: { serverNames: ['addie.example.org'], path: '/api' } }
  const ports = new Map([...webPorts, ['api', { a: 20_200, b: 20_201 }]])
  const api1 = nameOf('api', first)
  const kept = (services: Service[], release = first): Observation['releases'] =>
    new Map([
      [
        release,
        {
          ...{ version: 1, release, app: 'addie', label: 'one', images: {} },
          repositories: ['registry.example.org/addie'],
          environment: environment(services, { project }),
        },
      ],
    ])
  const seen = (of: Partial<Observation> = {}): Observation =>
    host({
      ...{ root: 'user', nginx: nginx(), ports, current: first, answers: new Set(['web', 'api']), releases: kept([site, api, worker]) },
      containers: [container('web', first, 'b'), container('api', first, 'b'), container('worker', first, 'a')],
      ...of,
    })
  const calls = (wish: Wanted, of: Observation): string[] =>
    siteStory(planHost(wish, of, 'a').calls).filter((call) => /^(carry|create|switch|through|linger|halt|retire) /.test(call))

  it('that are all unchanged stay in their slot: what they are led to by is written, they are asked, and nothing is switched', () => {
    const wish = asked([site, api, worker], [web1, api1])
    expect(calls(wish, seen())).toEqual([
      `carry well web ${web1} api ${api1}`,
      `create ${worker2} worker`,
      `through ${web1} 127.0.0.1:20101`,
      `through ${api1} 127.0.0.1:20201`,
      `retire worker ${worker1} 10`,
    ])
    expect(planHost(wish, seen(), 'a')).toMatchObject({ slot: 'b', switches: false })
  })

  it.each<[string, Wanted, Partial<Observation>]>([
    ['one has changed', asked([site, api, worker], [web1, worker1]), {}],
    [
      'one has not been there',
      asked([site, api, worker], [web1, worker1]),
      { containers: [container('web', first, 'b'), container('worker', first, 'a')] },
    ],
    ['one does not answer', asked([site, api, worker], [web1, api1, worker1]), { answers: new Set(['web']) }],
  ])('go to the other slot together where %s; the rest is left running', (_, wish, of) => {
    const plan = planHost(wish, seen(of), 'a')
    expect(plan).toMatchObject({ slot: 'a', switches: true })
    expect([...plan.left.keys()]).toEqual(['worker'])
    expect(calls(wish, seen(of)).filter((call) => call.startsWith('create'))).toEqual([
      `create ${nameOf('web', second)} 127.0.0.1:20100:5000`,
      `create ${nameOf('api', second)} 127.0.0.1:20200:5000`,
    ])
  })

  it('are where nginx leads to, whatever slot others were made in', () => {
    // The worker was left running when the others went from a to b.
    const of = seen({
      current: second,
      releases: kept([worker, site, api], second),
      containers: [carried(container('worker', first, 'a'), second), container('web', second, 'b'), container('api', second, 'b')],
    })
    expect(planHost(asked([site, api, worker], [], { release: third }), of, 'a').slot).toBe('a')
  })

  it('are left alone on the way back where both releases have them, and what was replaced beside them is woken', () => {
    const of = seen({
      current: second,
      containers: [
        carried(container('web', first, 'b'), second),
        carried(container('api', first, 'b'), second),
        container('worker', first, 'a', 'exited'),
        container('worker', second, 'b'),
      ],
    })
    const wish = asked([site, api, worker], [], { release: first, isReturn: true })
    expect(calls(wish, of)).toEqual([
      `carry running web ${web1} api ${api1}`,
      `through ${web1} 127.0.0.1:20101`,
      `through ${api1} 127.0.0.1:20201`,
      `retire worker ${worker2} 10`,
    ])
    expect(planHost(wish, of, 'a').calls).toContainEqual(['wake', 'worker', worker1])
  })

  it('are made beside the current ones on the way back where their own slot is taken, under a name of that release', () => {
    // The second release had left those of the first running, in slot b, where the third is now.
    const of = seen({
      current: third,
      containers: [
        carried(container('web', first, 'b', 'exited'), second),
        carried(container('api', first, 'b', 'exited'), second),
        container('web', third, 'b'),
        container('api', third, 'b'),
      ],
    })
    const wish = asked([site, api], [], { release: second, isReturn: true })
    expect(calls(wish, of).filter((call) => call.startsWith('create'))).toEqual([
      `create ${nameOf('web', second)} 127.0.0.1:20100:5000`,
      `create ${nameOf('api', second)} 127.0.0.1:20200:5000`,
    ])
  })
})
