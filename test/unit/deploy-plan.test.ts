import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import type { Wanted } from '../../src/deploy/wanted.ts'
import { busy, container, first, host, nameOf, second, service, story, third, wanted } from './support/deploy.ts'

const web = service({ port: 5000, publish: '80' })
const worker = service({ name: 'worker', command: ['celery', 'worker'], stopTimeoutMs: 60_000 })

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
    steps: [...begin(''), `create ${web2}`, `start ${web2}`, `watch ${web2}`, `keep ${web2}`, record, 'finish'],
    notes: ['web: started for the first time'],
  },
  {
    case: 'a fixed port has one holder: the old one is stopped first, and the gap is measured',
    services: [web],
    seen: after1({ containers: [container('web', first)], busy: [busy('80', web1)] }),
    steps: [
      ...begin(first),
      `create ${web2}`,
      `halt web ${web1} 10`,
      `start ${web2}`,
      `watch ${web2}`,
      'served web',
      `keep ${web2}`,
      record,
      `retire web ${web1} 10`,
      'retired',
      'finish',
    ],
    notes: ['web: the old one is stopped first, since port 80 can have one holder only'],
  },
  {
    case: 'a service without a port starts beside the old one, which has its own time to stop',
    services: [worker],
    seen: after1({ containers: [container('worker', first)] }),
    steps: [
      ...begin(first),
      `create ${worker2}`,
      `start ${worker2}`,
      `watch ${worker2}`,
      `keep ${worker2}`,
      record,
      `retire worker ${worker1} 60`,
      'retired',
      'finish',
    ],
    notes: ['worker: started beside the old one, which is stopped afterwards'],
  },
  {
    case: 'of two services both are well before the release is recorded, and only then the old ones go',
    services: [web, worker],
    seen: after1({ containers: [container('web', first), container('worker', first)], busy: [busy('80', web1)] }),
    steps: [
      ...begin(first),
      `create ${web2}`,
      `create ${worker2}`,
      `halt web ${web1} 10`,
      `start ${web2}`,
      `watch ${web2}`,
      'served web',
      `start ${worker2}`,
      `watch ${worker2}`,
      `keep ${web2}`,
      `keep ${worker2}`,
      record,
      `retire web ${web1} 10`,
      `retire worker ${worker1} 60`,
      'retired',
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
      `create ${web2}`,
      `halt web ${nameOf('site', first)} 10`,
      `start ${web2}`,
      `watch ${web2}`,
      'served web',
      `keep ${web2}`,
      record,
      `retire site ${nameOf('site', first)} 10`,
      `retire admin ${nameOf('admin', first)} 10`,
      'retired',
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
    steps: [
      ...begin(second),
      `create ${worker2}`,
      `watch ${web2}`,
      `start ${worker2}`,
      `watch ${worker2}`,
      `keep ${worker2}`,
      record,
      'finish',
    ],
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
      `create ${worker2}`,
      `start ${worker2}`,
      `watch ${worker2}`,
      `keep ${worker2}`,
      record,
      `retire worker ${nameOf('worker', third)} 60`,
      'retired',
      'finish',
    ],
    notes: ['worker: started beside the old one, which is stopped afterwards'],
  },
  {
    case: 'what an attempt left that broke off counts for nothing, since it is undone first',
    services: [web],
    seen: after1({
      isInterrupted: true,
      containers: [container('web', first, 'a', 'exited'), container('web', second, 'b')],
      busy: [busy('80', web2)],
    }),
    steps: [
      ...begin(first),
      `create ${web2}`,
      `halt web ${web1} 10`,
      `start ${web2}`,
      `watch ${web2}`,
      'served web',
      `keep ${web2}`,
      record,
      `retire web ${web1} 10`,
      'retired',
      'finish',
    ],
    notes: ['web: the old one is stopped first, since port 80 can have one holder only'],
  },
  {
    case: 'what somebody has stopped is not stopped again, so that nothing brings it back when the new version fails',
    services: [web],
    seen: after1({ containers: [container('web', first, 'a', 'exited')] }),
    steps: [
      ...begin(first),
      `create ${web2}`,
      `start ${web2}`,
      `watch ${web2}`,
      `keep ${web2}`,
      record,
      `retire web ${web1} 10`,
      'retired',
      'finish',
    ],
    notes: ['web: started; the old one had ended'],
  },
  {
    case: 'a service that is gone from the configuration is stopped, and the plan says so',
    services: [worker],
    seen: after1({ containers: [container('worker', first), container('beat', first)] }),
    steps: [
      ...begin(first),
      `create ${worker2}`,
      `start ${worker2}`,
      `watch ${worker2}`,
      `keep ${worker2}`,
      record,
      `retire worker ${worker1} 60`,
      `retire beat ${nameOf('beat', first)} 10`,
      'retired',
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
      `create ${web2}`,
      `halt web ${nameOf('site', first)} 10`,
      `start ${web2}`,
      `watch ${web2}`,
      'served web',
      `keep ${web2}`,
      record,
      `retire site ${nameOf('site', first)} 10`,
      'retired',
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
      `create ${web2}`,
      `create ${nameOf('admin', second)}`,
      `halt web ${web1} 10`,
      `halt web ${nameOf('admin', first)} 30`,
      `start ${web2}`,
      `watch ${web2}`,
      'served web',
      `start ${nameOf('admin', second)}`,
      `watch ${nameOf('admin', second)}`,
      `keep ${web2}`,
      `keep ${nameOf('admin', second)}`,
      record,
      `retire web ${web1} 10`,
      `retire admin ${nameOf('admin', first)} 30`,
      'retired',
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
})
