import { describe, expect, it } from 'vitest'
import type { Service } from '../../src/core/deployment.ts'
import type { Kept } from '../../src/deploy/kept.ts'
import type { Observation } from '../../src/deploy/observation.ts'
import { containerArgs } from '../../src/deploy/container.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { watchCall } from '../../src/deploy/start.ts'
import { busy, container, digest, environment, first, host, nameOf, second, service, story, wanted } from './support/deploy.ts'

const web = service({ port: 5000, publish: '80' })
const worker = service({ name: 'worker' })
const mailer = service({ name: 'mailer' })
const beat = service({ name: 'beat', overlap: false, stopTimeoutMs: 20_000 })
const scheduler = service({ name: 'scheduler', overlap: false })

const kept = (services: Service[]): Kept => ({
  version: 1,
  release: first,
  app: 'addie',
  label: 'one',
  images: { app: `registry.example.org/addie@${digest}` },
  repositories: ['registry.example.org/addie'],
  environment: environment(services),
})

const running = (services: Service[]): Observation =>
  host({
    current: first,
    containers: services.map(({ name }) => container(name, first)),
    busy: services.includes(web) ? [busy('80', nameOf('web', first))] : [],
    releases: new Map([[first, kept(services)]]),
  })

/** From the first thing that is made to the last that is started. */
function told(services: Service[], seen: Observation): string[] {
  return story(planHost(wanted(services), seen, 'a').calls)
    .map((call) =>
      call.replaceAll(/addie\.production\.(\w+)\.(\S+)/g, (_, name: string, id: string) => `${id === first ? 'old' : 'new'} ${name}`),
    )
    .filter((call) => /^(create|start|halt|watch|served|wake)/.test(call))
}

const orders: { case: string; services: Service[]; seen: Observation; steps: string[] }[] = [
  {
    case: 'all are made before the first is stopped or started; who is asked comes first, who cannot overlap last',
    services: [beat, worker, web, mailer],
    seen: running([beat, worker, web, mailer]),
    steps: [
      ...['create new web', 'create new worker', 'create new mailer', 'create new beat'],
      ...['halt web old web 10', 'start new web', 'watch new web', 'served web'],
      ...['start new worker', 'start new mailer', 'watch new worker', 'watch new mailer'],
      ...['halt beat old beat 20', 'start new beat', 'watch new beat', 'served beat'],
    ],
  },
  {
    case: 'one that must not overlap and does not run yet has nothing to wait for',
    services: [beat],
    seen: running([worker]),
    steps: ['create new beat', 'start new beat', 'watch new beat'],
  },
  {
    case: 'two that must not overlap each have a gap of their own',
    services: [beat, service({ name: 'cron', overlap: false })],
    seen: running([beat, service({ name: 'cron', overlap: false })]),
    steps: [
      ...['create new beat', 'create new cron'],
      ...['halt beat old beat 20', 'start new beat', 'watch new beat', 'served beat'],
      ...['halt cron old cron 10', 'start new cron', 'watch new cron', 'served cron'],
    ],
  },
  {
    case: 'what runs is not overlapped either when only its own version says so',
    services: [service({ name: 'beat' })],
    seen: running([beat]),
    steps: ['create new beat', 'halt beat old beat 20', 'start new beat', 'watch new beat', 'served beat'],
  },
  {
    case: 'what must not overlap, and has another name by now, stops before anything starts that must not either',
    services: [worker, scheduler],
    seen: running([beat, worker]),
    steps: [
      ...['create new worker', 'create new scheduler'],
      ...['start new worker', 'watch new worker'],
      ...['halt scheduler old beat 20', 'start new scheduler', 'watch new scheduler', 'served scheduler'],
    ],
  },
  {
    case: 'so it does where another takes its work over, and once for all of them',
    services: [{ ...worker, overlap: false }, scheduler],
    seen: running([beat, worker]),
    steps: [
      ...['create new worker', 'create new scheduler'],
      ...['halt worker old beat 20', 'halt worker old worker 10', 'start new worker', 'watch new worker', 'served worker'],
      ...['start new scheduler', 'watch new scheduler'],
    ],
  },
  {
    case: 'its own comes last, whichever the engine names first: it is away for the shortest time',
    services: [{ ...worker, overlap: false }, scheduler],
    seen: running([worker, beat]),
    steps: [
      ...['create new worker', 'create new scheduler'],
      ...['halt worker old beat 20', 'halt worker old worker 10', 'start new worker', 'watch new worker', 'served worker'],
      ...['start new scheduler', 'watch new scheduler'],
    ],
  },
  {
    case: 'and before the first that starts, be it by what comes after what',
    services: [{ ...worker, overlap: false, after: [{ name: 'scheduler', until: 'healthy' }] }, scheduler],
    seen: running([beat]),
    steps: [
      ...['create new scheduler', 'create new worker'],
      ...['halt scheduler old beat 20', 'start new scheduler', 'watch new scheduler', 'served scheduler'],
      ...['start new worker', 'watch new worker'],
    ],
  },
  {
    case: 'what may overlap and is gone runs on until the release is recorded, and so does one of which nothing new says so',
    services: [scheduler],
    seen: running([worker]),
    steps: ['create new scheduler', 'start new scheduler', 'watch new scheduler'],
  },
  {
    case: 'what must not overlap is not stopped for what may',
    services: [mailer],
    seen: running([beat]),
    steps: ['create new mailer', 'start new mailer', 'watch new mailer'],
  },
  {
    case: 'one that somebody has stopped stays stopped',
    services: [scheduler],
    seen: { ...running([beat]), containers: [container('beat', first, 'a', 'exited')] },
    steps: ['create new scheduler', 'start new scheduler', 'watch new scheduler'],
  },
]

describe('the order in which services start', () => {
  it.each(orders)('$case', ({ services, seen, steps }) => {
    expect(told(services, seen)).toEqual(steps)
  })

  it('an old container that is stopped first goes back to its own restart policy when the new one fails', () => {
    const before = { ...beat, restart: 'on-failure:3' }
    const { calls } = planHost(wanted([{ ...beat, restart: 'no' }]), running([before]), 'a')
    expect(calls.find(([name]) => name === 'halt')).toEqual(['halt', 'beat', nameOf('beat', first), '20', 'on-failure:3'])
    expect(calls.find(([name]) => name === 'keep')).toEqual(['keep', nameOf('beat', second), 'no', nameOf('beat', first)])
  })

  it('what has been stopped for another comes back with the engine until that other does, and not beside it: one port has one holder', () => {
    const { calls } = planHost(wanted([web, beat, worker]), running([web, beat, worker]), 'a')
    expect(calls.filter(([name]) => name === 'keep')).toEqual([
      ['keep', nameOf('web', second), 'unless-stopped', nameOf('web', first)],
      ['keep', nameOf('worker', second), 'unless-stopped'],
      ['keep', nameOf('beat', second), 'unless-stopped', nameOf('beat', first)],
    ])
  })

  it('two of another name are not run at once on the way back either, and of the two the one that is meant survives a reboot', () => {
    const before = { ...container('beat', second, 'b', 'exited'), carriedBy: [] }
    const seen = { ...running([scheduler]), containers: [container('scheduler', first), before] }
    const { calls, notes } = planHost(wanted([beat], { isReturn: true }), { ...seen, previous: second }, 'a')
    expect(calls.filter(([name]) => /^(halt|wake|keep|record|retire)$/.test(name)).map((call) => call.slice(0, 4))).toEqual([
      ['halt', 'beat', nameOf('scheduler', first), '10'],
      ['wake', 'beat', nameOf('beat', second)],
      ['keep', nameOf('beat', second), 'unless-stopped', nameOf('scheduler', first)],
      ['record', 'registry.example.org/addie'],
      ['retire', 'scheduler', nameOf('scheduler', first), '10'],
    ])
    expect(notes).toContain('beat: scheduler is stopped first: it may be the same under another name, and two must not overlap')
  })

  it('why nobody worked is told: a fixed port, or that two must not overlap', () => {
    const { calls, notes } = planHost(wanted([web, beat]), running([web, beat]), 'a')
    expect(calls.filter(([name]) => name === 'served')).toEqual([
      ['served', 'web', 'the port is fixed'],
      ['served', 'beat', 'it must not overlap'],
    ])
    expect(notes).toContain('beat: the old one is stopped first, since two must not overlap')
  })
})

describe('what nobody asks anything', () => {
  const bare = { kind: 'container', timeoutMs: 60_000, settleMs: 1_000, bareMs: 10_000 } as const
  const services = [web, { ...worker, health: bare }, { ...mailer, health: { kind: 'none', timeoutMs: 60_000, settleMs: 5_000 } as const }]

  it('is looked at for a second, and must have stayed up when all else is done and nothing has stopped yet', () => {
    const { calls } = planHost(wanted(services), running([worker, mailer]), 'a')
    expect(calls.filter(([name, service]) => name === 'watch' && service !== 'web')).toEqual([
      ['watch', 'worker', nameOf('worker', second), 'container', '6000', '100', '20'],
      ['watch', 'mailer', nameOf('mailer', second), 'container', '6000', '100', '20'],
    ])
    const stay = ['stay', 'worker', nameOf('worker', second), '0', '1000', 'mailer', nameOf('mailer', second), '400', '500']
    expect(calls.filter(([name]) => name === 'stay')).toEqual([stay])
    const order = calls.map(([name]) => name).filter((name) => ['watch', 'stay', 'keep', 'record', 'retire'].includes(name))
    expect([...new Set(order)]).toEqual(['watch', 'stay', 'keep', 'record', 'retire'])
  })

  it('keeps nobody waiting who goes back', () => {
    const { calls } = planHost(wanted(services, { isReturn: true }), running([worker, mailer]), 'a')
    expect(calls.filter(([name]) => name === 'stay')).toEqual([])
  })

  it.each<[string, Service]>([
    ['has a port', { ...worker, port: 80, publish: '80', health: { ...bare, settleMs: 20_000 } }],
    ['has a command', { ...worker, health: { kind: 'command', command: ['x'], intervalMs: 500, timeoutMs: 60_000, settleMs: 20_000 } }],
    ['runs once', { ...worker, health: bare, once: true }],
    ['says a second or less', { ...worker, health: { ...bare, bareMs: 1_000 } }],
  ])('is no service that %s', (_, one) => {
    const { calls } = planHost(wanted([one]), host(), 'a')
    expect(calls.filter(([name]) => name === 'stay')).toEqual([])
  })

  it('has no HEALTHCHECK where it says none, or has a command of its own; options that set one up win', () => {
    const owner = { app: 'addie', environment: 'production', release: second, slot: 'a' } as const
    const none = { kind: 'none', timeoutMs: 60_000, settleMs: 5_000 } as const
    const asked: Service['health'] = { kind: 'command', command: ['x'], intervalMs: 500, timeoutMs: 60_000, settleMs: 0 }
    const has = (health: Service['health'], options: string[] = []): boolean =>
      containerArgs(service({ health, options }), owner, 'image').includes('--no-healthcheck')
    expect([has(none), has(asked), has(bare), has(asked, ['--health-cmd=true'])]).toEqual([true, true, false, false])
  })

  it('is asked by its command, so many times in a row', () => {
    const health: Service['health'] = {
      kind: 'command',
      command: ['celery', 'ping'],
      intervalMs: 5_000,
      retries: 3,
      timeoutMs: 60_000,
      settleMs: 0,
    }
    expect(watchCall({ ...worker, health }, 'c', undefined)).toEqual([
      'watch',
      'worker',
      'c',
      'exec',
      '6000',
      '0',
      '500/3',
      'celery',
      'ping',
    ])
  })
})
