import { describe, expect, it } from 'vitest'
import type { Observation, SeenContainer } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import type { Wanted } from '../../src/deploy/wanted.ts'
import { busy, container, digest, failureIn, first, host, nameOf, second, service, story, third, wanted } from './support/deploy.ts'
import { asked } from './support/carry.ts'

const worker = service({ name: 'worker' })
const mailer = service({ name: 'mailer' })
const [worker1, mailer1, web1] = [nameOf('worker', first), nameOf('mailer', first), nameOf('web', first)]
const [worker2, mailer2] = [nameOf('worker', second), nameOf('mailer', second)]

const two = [container('worker', first), container('mailer', first)]
const carried = (one: SeenContainer, ...by: string[]): SeenContainer => ({ ...one, carriedBy: by })
const record = 'record registry.example.org/addie'
const made = (name: string): string[] => [`create ${name}`, `start ${name}`, `watch ${name}`, `keep ${name}`]
const plain = (wish: Wanted, seen: Observation): string[] =>
  story(planHost(wish, seen, 'a').calls).filter((call) => !/^(begin|expect|recover|finish|retired|served|pull|unsite)/.test(call))

const decisions: { case: string; wish: Wanted; seen: Observation; steps: string[]; note: string }[] = [
  {
    case: 'what is made from the same, and is well, is left running; the other is replaced',
    wish: asked([worker, mailer], [mailer1]),
    seen: host({ current: first, containers: two }),
    steps: [`carry well mailer ${mailer1}`, ...made(worker2), record, `retire worker ${worker1} 10`],
    note: `mailer: unchanged, left running since release ${first}`,
  },
  {
    case: 'where nothing has changed nothing is pulled, made, watched or stopped',
    wish: asked([worker, mailer], [worker1, mailer1]),
    seen: host({ current: first, containers: two }),
    steps: [`carry well worker ${worker1} mailer ${mailer1}`, record],
    note: `worker: unchanged, left running since release ${first}`,
  },
  {
    case: 'what an earlier release has started is left running again, by its first release',
    wish: asked([worker], [worker1], { release: third }),
    seen: host({ current: second, containers: [carried(container('worker', first), second)] }),
    steps: [`carry well worker ${worker1}`, record],
    note: `worker: unchanged, left running since release ${first}`,
  },
  {
    case: 'what is the same as one that does not run for the current release is made anew',
    wish: asked([worker], [worker1], { release: third }),
    seen: host({ current: second, containers: [container('worker', first, 'a', 'exited'), container('worker', second, 'b')] }),
    steps: [...made(nameOf('worker', third)), record, `retire worker ${worker2} 10`],
    note: 'worker: started beside the old one, which is stopped afterwards',
  },
  {
    case: 'what has ended is made anew',
    wish: asked([worker], [worker1]),
    seen: host({ current: first, containers: [container('worker', first, 'a', 'exited')] }),
    steps: [...made(worker2), record, `retire worker ${worker1} 10`],
    note: 'worker: started beside the old one, which is stopped afterwards',
  },
  {
    case: 'what its health check finds ill is made anew',
    wish: asked([worker], [worker1]),
    seen: host({ current: first, containers: [{ ...container('worker', first), status: 'Up 3 minutes (unhealthy)' }] }),
    steps: [...made(worker2), record, `retire worker ${worker1} 10`],
    note: 'worker: started beside the old one, which is stopped afterwards',
  },
  {
    case: 'what the engine has only just started again is made anew',
    wish: asked([worker], [worker1]),
    seen: host({ current: first, containers: [{ ...container('worker', first), status: 'Up 1 second (health: starting)' }] }),
    steps: [...made(worker2), record, `retire worker ${worker1} 10`],
    note: 'worker: started beside the old one, which is stopped afterwards',
  },
  {
    case: 'what runs once for each release is made for it',
    wish: asked([{ ...worker, once: true }], [worker1], { isFirstHost: true }),
    seen: host({ current: first, containers: [container('worker', first)] }),
    steps: [`create ${worker2}`, `runs_once worker ${worker2}`, `once worker ${worker2} 1800`, record, `retire worker ${worker1} 10`],
    note: 'worker: runs once',
  },
  {
    case: 'without a project all are made anew, as ever',
    wish: wanted([worker], { unchanged: new Set([worker1]) }),
    seen: host({ current: first, containers: [container('worker', first)] }),
    steps: [...made(worker2), record, `retire worker ${worker1} 10`],
    note: 'worker: started beside the old one, which is stopped afterwards',
  },
  {
    case: 'a fixed port stays with its holder',
    wish: asked([service({ port: 5000, publish: '80' }), worker], [web1]),
    seen: host({ current: first, containers: [container('web', first), container('worker', first)], busy: [busy('80', web1)] }),
    steps: [`carry well web ${web1}`, ...made(worker2), record, `retire worker ${worker1} 10`],
    note: `web: unchanged, left running since release ${first}`,
  },
  {
    case: 'a service that is gone is stopped beside one that is left running',
    wish: asked([mailer], [mailer1]),
    seen: host({ current: first, containers: two }),
    steps: [`carry well mailer ${mailer1}`, record, `retire worker ${worker1} 10`],
    note: 'worker: no longer in the configuration, stopped',
  },
  {
    case: 'one that was left running and has vanished from the configuration is stopped as any other',
    wish: asked([mailer], [], { release: third }),
    seen: host({ current: second, containers: [carried(container('worker', first), second), container('mailer', second, 'b')] }),
    steps: [...made(nameOf('mailer', third)), record, `retire worker ${worker1} 10`, `retire mailer ${mailer2} 10`],
    note: 'worker: no longer in the configuration, stopped',
  },
  {
    case: 'a way back leaves what both releases have, and wakes what was replaced',
    wish: asked([worker, mailer], [], { release: first, isReturn: true }),
    seen: host({
      current: second,
      containers: [
        container('worker', first, 'a', 'exited'),
        container('worker', second, 'b'),
        carried(container('mailer', first), second),
      ],
    }),
    steps: [
      `carry running mailer ${mailer1}`,
      `wake worker ${worker1}`,
      `watch ${worker1}`,
      `keep ${worker1}`,
      record,
      `retire worker ${worker2} 10`,
    ],
    note: `mailer: the same in that release, left running since release ${first}`,
  },
  {
    case: 'a way forward again finds what the later release had left running, in whichever slot it was made',
    wish: asked([worker, mailer], [], { release: second, isReturn: true }),
    seen: host({
      current: first,
      containers: [container('worker', first), container('worker', second, 'b', 'exited'), carried(container('mailer', first), second)],
    }),
    steps: [
      `carry running mailer ${mailer1}`,
      `wake worker ${worker2}`,
      `watch ${worker2}`,
      `keep ${worker2}`,
      record,
      `retire worker ${worker1} 10`,
    ],
    note: 'worker: started beside the old one, which is stopped afterwards',
  },
  {
    case: 'what both releases have and has ended is woken on the way back, and stopped by nobody',
    wish: asked([mailer], [], { release: first, isReturn: true }),
    seen: host({ current: second, containers: [carried(container('mailer', first, 'a', 'exited'), second)] }),
    steps: [`wake mailer ${mailer1}`, `watch ${mailer1}`, `keep ${mailer1}`, record],
    note: 'mailer: had ended, started again',
  },
  {
    case: 'a return to what was left running, and whose container somebody has removed, makes one of its own',
    wish: asked([mailer], [], { release: second, isReturn: true }),
    seen: host({ current: third, containers: [container('mailer', third)] }),
    steps: [...made(mailer2), record, `retire mailer ${nameOf('mailer', third)} 10`],
    note: 'mailer: started beside the old one, which is stopped afterwards',
  },
  {
    case: 'the live release once more looks at what it has left running as at what it has made',
    wish: asked([mailer], []),
    seen: host({ current: second, containers: [carried(container('mailer', first), second)] }),
    steps: [`watch ${mailer1}`, record],
    note: 'mailer: runs this release already',
  },
  {
    case: 'the live release once more wakes what it had left running, should that have ended',
    wish: asked([mailer], []),
    seen: host({ current: second, containers: [carried(container('mailer', first, 'a', 'exited'), second)] }),
    steps: [`wake mailer ${mailer1}`, `watch ${mailer1}`, `keep ${mailer1}`, record],
    note: 'mailer: had ended, started again',
  },
]

describe('what has not changed', () => {
  it.each(decisions)('$case', ({ wish, seen, steps, note }) => {
    expect(plain(wish, seen)).toEqual(steps)
    expect(planHost(wish, seen, 'a').notes).toContain(note)
  })

  it('is asked for nothing: no image is pulled for it, and all are named for what the host keeps', () => {
    const images = new Map(
      ['app', 'other'].map((name) => [name, { reference: `registry.example.org/${name}@${digest}`, bytes: 1, platforms: [] }]),
    )
    const services = [worker, service({ name: 'mailer', image: 'other', networks: ['inside'] })]
    const plan = planHost(asked(services, [mailer1], { images }), host({ current: first, containers: two }), 'a')
    expect(plan.calls.filter(([name]) => name === 'pull' || name === 'network')).toEqual([['pull', `registry.example.org/app@${digest}`]])
    expect(plan.references).toEqual([`registry.example.org/app@${digest}`, `registry.example.org/other@${digest}`])
    const before = [{ service: 'mailer', command: ['migrate'], timeoutMs: 1000 }]
    const withCommand = planHost(
      asked(services, [mailer1], { images, beforeSwitch: before }),
      host({ current: first, containers: two }),
      'a',
    )
    expect(withCommand.calls.filter(([name]) => name === 'pull' || name === 'network')).toHaveLength(3)
  })

  it('is refused where a container would have to be made in the place of one that serves another release', () => {
    const seen = host({ current: second, containers: [carried(container('worker', first), second)] })
    const error = failureIn(() => planHost(asked([worker], [], { release: first }), seen, 'a.example.org'))
    expect(error).toMatchObject({
      code: 'HOST_UNFIT',
      message: `the container that release ${first} made for worker serves release ${second} on a.example.org, and would have to be replaced`,
    })
    expect(error.hint).toContain('launchway redeploy VERSION')
  })
})
