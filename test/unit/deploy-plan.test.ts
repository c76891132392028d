import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import type { Observation } from '../../src/deploy/observation.ts'
import type { HostCall } from '../../src/deploy/call.ts'
import { planHost, publishedPorts } from '../../src/deploy/plan.ts'
import type { Wanted } from '../../src/deploy/wanted.ts'
import { busy, container, digest, environment, failureIn, first, host, nameOf, second, service, third, wanted } from './support/deploy.ts'

const web = service({ port: 5000, publish: '80' })
const worker = service({ name: 'worker', command: ['celery', 'worker'], stopTimeoutMs: 60_000 })

/** The calls as a reader of the journal would tell them: the name of each, and what it is about. */
function story(calls: readonly HostCall[]): string[] {
  return calls.map(([name, ...args]) => {
    if (name === 'run') return `run ${args[1] ?? ''}`
    if (name === 'watch') return `watch ${args[1] ?? ''}`
    if (name === 'pull') return 'pull'
    return [name, ...args].join(' ').trim()
  })
}

const record = 'record registry.example.org/addie'
const begin = (current: string): string[] => ['begin', `expect ${current}`.trim(), 'recover', 'pull']
const [web1, web2] = [nameOf('web', first), nameOf('web', second)]
const [worker1, worker2] = [nameOf('worker', first), nameOf('worker', second)]
const after1 = (of: Partial<Observation>): Observation => host({ current: first, ...of })

const decisions: { case: string; services: Wanted['environment']['services']; seen: Observation; steps: string[]; notes: string[] }[] = [
  {
    case: 'the first deploy starts the service and stops nothing',
    services: [web],
    seen: host(),
    steps: [...begin(''), `run ${web2}`, `watch ${web2}`, `keep ${web2}`, record, 'finish'],
    notes: ['web: started for the first time'],
  },
  {
    case: 'a fixed port has one holder: the old one is stopped first, and the gap is measured',
    services: [web],
    seen: after1({ containers: [container('web', first)], busy: [busy('80', web1)] }),
    steps: [
      ...begin(first),
      `halt web ${web1} 10`,
      `run ${web2}`,
      `watch ${web2}`,
      'served web',
      `keep ${web2}`,
      record,
      `retire web ${web1} 10`,
      'finish',
    ],
    notes: ['web: the old one is stopped first, since port 80 can have one holder only'],
  },
  {
    case: 'a service without a port starts beside the old one, which has its own time to stop',
    services: [worker],
    seen: after1({ containers: [container('worker', first)] }),
    steps: [...begin(first), `run ${worker2}`, `watch ${worker2}`, `keep ${worker2}`, record, `retire worker ${worker1} 60`, 'finish'],
    notes: ['worker: started beside the old one, which is stopped afterwards'],
  },
  {
    case: 'of two services both are well before the release is recorded, and only then the old ones go',
    services: [web, worker],
    seen: after1({ containers: [container('web', first), container('worker', first)], busy: [busy('80', web1)] }),
    steps: [
      ...begin(first),
      `halt web ${web1} 10`,
      `run ${web2}`,
      `watch ${web2}`,
      'served web',
      `run ${worker2}`,
      `watch ${worker2}`,
      `keep ${web2}`,
      `keep ${worker2}`,
      record,
      `retire web ${web1} 10`,
      `retire worker ${worker1} 60`,
      'finish',
    ],
    notes: [
      'web: the old one is stopped first, since port 80 can have one holder only',
      'worker: started beside the old one, which is stopped afterwards',
    ],
  },
  {
    case: 'the release that is live already is looked at and left alone',
    services: [web, worker],
    seen: host({ current: second, containers: [container('web', second), container('worker', second)], busy: [busy('80', web2)] }),
    steps: [...begin(second), `watch ${web2}`, `watch ${worker2}`, record, 'finish'],
    notes: ['web: runs this release already', 'worker: runs this release already'],
  },
  {
    case: 'a service of the live release keeps the secrets that it was started with, and the plan says so',
    services: [service({ name: 'worker', secrets: ['KEY'] })],
    seen: host({ current: second, containers: [container('worker', second)] }),
    steps: [...begin(second), `watch ${worker2}`, record, 'finish'],
    notes: ['worker: runs this release already, and keeps the secrets it was started with'],
  },
  {
    case: 'another address of the same port stays with its holder: only what collides is stopped',
    services: [service({ port: 5000, publish: '127.0.0.1:80' })],
    seen: after1({
      containers: [container('site', first), container('admin', first)],
      busy: [busy('127.0.0.1:80', nameOf('site', first)), busy('10.0.0.7:80', nameOf('admin', first))],
    }),
    steps: [
      ...begin(first),
      `halt web ${nameOf('site', first)} 10`,
      `run ${web2}`,
      `watch ${web2}`,
      'served web',
      `keep ${web2}`,
      record,
      `retire site ${nameOf('site', first)} 10`,
      `retire admin ${nameOf('admin', first)} 10`,
      'finish',
    ],
    notes: [
      'web: site is stopped first, since it holds port 127.0.0.1:80',
      'site: no longer in the configuration, stopped',
      'admin: no longer in the configuration, stopped',
    ],
  },
  {
    case: 'of the live release only what has died is started again',
    services: [web, worker],
    seen: host({ current: second, containers: [container('web', second), container('worker', second, 'a', 'exited')] }),
    steps: [...begin(second), `watch ${web2}`, `run ${worker2}`, `watch ${worker2}`, `keep ${worker2}`, record, 'finish'],
    notes: ['web: runs this release already', 'worker: had ended, started again'],
  },
  {
    case: 'a version that was kept stopped is started again, as after a rollback',
    services: [worker],
    seen: host({
      current: third,
      previous: second,
      containers: [container('worker', second, 'a', 'exited'), container('worker', third, 'b')],
    }),
    steps: [
      ...begin(third),
      `run ${worker2}`,
      `watch ${worker2}`,
      `keep ${worker2}`,
      record,
      `retire worker ${nameOf('worker', third)} 60`,
      'finish',
    ],
    notes: ['worker: started beside the old one, which is stopped afterwards'],
  },
  {
    case: 'what an attempt left that broke off counts for nothing, since it is undone first',
    services: [web],
    seen: after1({ containers: [container('web', first, 'a', 'exited'), container('web', second, 'b')], busy: [busy('80', web2)] }),
    steps: [
      ...begin(first),
      `halt web ${web1} 10`,
      `run ${web2}`,
      `watch ${web2}`,
      'served web',
      `keep ${web2}`,
      record,
      `retire web ${web1} 10`,
      'finish',
    ],
    notes: ['web: the old one is stopped first, since port 80 can have one holder only'],
  },
  {
    case: 'a service that is gone from the configuration is stopped, and the plan says so',
    services: [worker],
    seen: after1({ containers: [container('worker', first), container('beat', first)] }),
    steps: [
      ...begin(first),
      `run ${worker2}`,
      `watch ${worker2}`,
      `keep ${worker2}`,
      record,
      `retire worker ${worker1} 60`,
      `retire beat ${nameOf('beat', first)} 10`,
      'finish',
    ],
    notes: ['worker: started beside the old one, which is stopped afterwards', 'beat: no longer in the configuration, stopped'],
  },
  {
    case: 'a service under a new name takes the port over from the old name',
    services: [web],
    seen: after1({ containers: [container('site', first)], busy: [busy('80', nameOf('site', first))] }),
    steps: [
      ...begin(first),
      `halt web ${nameOf('site', first)} 10`,
      `run ${web2}`,
      `watch ${web2}`,
      'served web',
      `keep ${web2}`,
      record,
      `retire site ${nameOf('site', first)} 10`,
      'finish',
    ],
    notes: ['web: site is stopped first, since it holds port 80', 'site: no longer in the configuration, stopped'],
  },
  {
    case: 'two services that exchange their ports are both stopped once, each with its own time',
    services: [web, service({ name: 'admin', port: 1, publish: '81', stopTimeoutMs: 30_000 })],
    seen: after1({
      containers: [container('web', first), container('admin', first)],
      busy: [busy('80', nameOf('admin', first)), busy('81', web1)],
    }),
    steps: [
      ...begin(first),
      `halt web ${web1} 10`,
      `halt web ${nameOf('admin', first)} 30`,
      `run ${web2}`,
      `watch ${web2}`,
      'served web',
      `run ${nameOf('admin', second)}`,
      `watch ${nameOf('admin', second)}`,
      `keep ${web2}`,
      `keep ${nameOf('admin', second)}`,
      record,
      `retire web ${web1} 10`,
      `retire admin ${nameOf('admin', first)} 30`,
      'finish',
    ],
    notes: [
      'web: admin is stopped first, since it holds port 80',
      'admin: the old one is stopped first, since port 81 can have one holder only',
    ],
  },
]

describe('what a host is asked to do', () => {
  it.each(decisions)('$case', ({ services, seen, steps, notes }) => {
    const plan = planHost(wanted(services), seen, 'a.example.org')
    expect(story(plan.calls)).toEqual(steps)
    expect(plan.notes).toEqual(notes)
  })

  it('each image is pulled once, with a login where its registry has one, and the logins are forgotten after the last', () => {
    const logins = new Map([['registry.example.org', { username: 'ci', password: new Secret('hunter2hunter2') }]])
    const images = new Map(wanted([]).images).set('mailer', { reference: `ghcr.io/team/mailer@${digest}`, bytes: 1, platforms: [] })
    const services = [web, worker, service({ name: 'mailer', image: 'mailer' })]
    const { calls, references } = planHost(wanted(services, { images, logins }), host(), 'a')
    expect(calls.slice(3, 6)).toEqual([
      ['pull', `registry.example.org/addie@${digest}`, 'logins'],
      ['pull', `ghcr.io/team/mailer@${digest}`],
      ['forget_logins'],
    ])
    expect(references).toEqual([`registry.example.org/addie@${digest}`, `ghcr.io/team/mailer@${digest}`])
    expect(JSON.stringify(calls)).not.toContain('hunter2')
  })

  it('networks are made once, the first is joined at the start, the others before the service is watched', () => {
    const { calls } = planHost(
      wanted([service({ networks: ['front', 'back'] }), service({ name: 'worker', networks: ['back'] })]),
      host(),
      'a',
    )
    expect(calls.filter(([name]) => name === 'network')).toEqual([
      ['network', 'front'],
      ['network', 'back'],
    ])
    expect(story(calls).slice(6, 9)).toEqual([`run ${web2}`, `join web back ${web2}`, `watch ${web2}`])
    const run = calls.find(([name]) => name === 'run') ?? []
    expect(run.filter((word) => word === '--network')).toHaveLength(1)
  })

  it.each<[string, Observation, 'a' | 'b']>([
    ['a on an empty host', host(), 'a'],
    ['b beside a', after1({ containers: [container('web', first, 'a')] }), 'b'],
    ['a beside b', after1({ containers: [container('web', first, 'b')] }), 'a'],
    ['its own when it is live', host({ current: second, containers: [container('web', second, 'b')] }), 'b'],
    ['a when the containers of the live release are gone', host({ current: second }), 'a'],
    ['a when only an attempt that broke off stands in b', host({ containers: [container('web', second, 'b')] }), 'a'],
  ])('a release takes the slot %s', (_, seen, slot) => {
    expect(planHost(wanted([worker]), seen, 'a').slot).toBe(slot)
  })

  it.each([
    ['80', {}, ['http', '6000', '150', '0.5', 'http://127.0.0.1:80/healthz', '', '']],
    ['0.0.0.0:80', {}, ['http', '6000', '150', '0.5', 'http://127.0.0.1:80/healthz', '', '']],
    ['10.0.0.7:8080', { status: 204 }, ['http', '6000', '150', '0.5', 'http://10.0.0.7:8080/healthz', '204', '']],
    ['[::]:80', {}, ['http', '6000', '150', '0.5', 'http://[::1]:80/healthz', '', '']],
    ['[::1]:80', { host: 'addie.example.org' }, ['http', '6000', '150', '0.5', 'http://[::1]:80/healthz', '', 'addie.example.org']],
  ])('a service published at %s is asked where the host itself reaches it', (publish, extra, words) => {
    const health = { kind: 'http' as const, path: '/healthz', intervalMs: 500, timeoutMs: 60_000, settleMs: 1_500, ...extra }
    const { calls } = planHost(wanted([service({ port: 5000, publish, health })]), host(), 'a')
    expect(calls.find(([name]) => name === 'watch')).toEqual(['watch', 'web', web2, ...words])
  })

  it('a service whose image is not in the record is a damaged record', () => {
    expect(failureIn(() => planHost(wanted([service({ image: 'other' })]), host(), 'a')).code).toBe('RECORD_INVALID')
  })

  it('the ports of an environment are those that its services publish', () => {
    expect(publishedPorts(environment([web, worker, service({ name: 'b', publish: '[::1]:8080' })]))).toEqual([80, 8080])
  })
})
