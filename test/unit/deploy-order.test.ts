import { describe, expect, it } from 'vitest'
import type { Accessory, Service } from '../../src/core/deployment.ts'
import type { Project } from '../../src/core/project.ts'
import { failureOf } from '../../src/deploy/failure.ts'
import type { Kept } from '../../src/deploy/kept.ts'
import type { Observation, SeenAccessory } from '../../src/deploy/observation.ts'
import { startAgainCalls } from '../../src/deploy/operate/stop.ts'
import { orderedCalls, type Step } from '../../src/deploy/order.ts'
import { planHost } from '../../src/deploy/plan.ts'
import type { Wanted } from '../../src/deploy/wanted.ts'
import { container, digest, environment, failureIn, first, host, nameOf, second, service, story, wanted } from './support/deploy.ts'

const step = (name: string, rank: number, after: Step['after'] = [], isAlone = false): Step => ({
  ...{ name, rank, after, isAlone },
  start: [['start', name]],
  watch: [['watch', name]],
})

const orders: { case: string; steps: Step[]; calls: string[] }[] = [
  {
    case: 'what has no order starts side by side, as its rank has it',
    steps: [step('web', 0), step('api', 0), step('worker', 2)],
    calls: ['start web', 'start api', 'watch web', 'watch api', 'start worker', 'watch worker'],
  },
  {
    case: 'who waits for one to be well starts when it is',
    steps: [step('web', 0, [{ name: 'api', until: 'healthy' }]), step('api', 0)],
    calls: ['start api', 'watch api', 'start web', 'watch web'],
  },
  {
    case: 'who waits for the start alone is not kept waiting for more',
    steps: [step('web', 0, [{ name: 'api', until: 'started' }]), step('api', 0)],
    calls: ['start api', 'start web', 'watch api', 'watch web'],
  },
  {
    case: 'what the web waits for comes before it, and no worker that nobody waits for',
    steps: [step('web', 0, [{ name: 'queue', until: 'healthy' }]), step('worker', 2), step('queue', 2), step('beat', 3, [], true)],
    calls: ['start queue', 'watch queue', 'start web', 'watch web', 'start worker', 'watch worker', 'start beat', 'watch beat'],
  },
  {
    case: 'where one has a gap they come one after the other',
    steps: [step('proxy', 1, [{ name: 'web', until: 'started' }], true), step('web', 0), step('admin', 1, [], true)],
    calls: ['start web', 'watch web', 'start proxy', 'watch proxy', 'start admin', 'watch admin'],
  },
  {
    case: 'one that is no step runs already',
    steps: [step('web', 0, [{ name: 'db', until: 'healthy' }])],
    calls: ['start web', 'watch web'],
  },
  {
    case: 'those that wait for each other start all the same',
    steps: [step('one', 0, [{ name: 'other', until: 'healthy' }]), step('other', 0, [{ name: 'one', until: 'healthy' }])],
    calls: ['start one', 'start other', 'watch one', 'watch other'],
  },
]

describe('the order that a project asks for', () => {
  it.each(orders)('$case', ({ steps, calls }) => {
    expect(orderedCalls(steps).map((call) => call.join(' '))).toEqual(calls)
  })
})

const project: Project = { name: 'shop', pulled: {}, networks: {}, volumes: {}, external: { networks: [], volumes: [], paths: [] } }
const web = service({ after: [{ name: 'migrate', until: 'completed' }] })
const migrate = service({ name: 'migrate', once: true })

const wish = (services: Service[], accessories: Accessory[] = [], of: Partial<Wanted> = {}): Wanted =>
  wanted(services, { isFirstHost: true, environment: environment(services, { project, accessories }), ...of })

const kept = (services: Service[]): Kept => ({
  ...{ version: 1, release: first, app: 'addie', label: 'one', repositories: ['registry.example.org/addie'] },
  images: { app: `registry.example.org/addie@${digest}` },
  environment: environment(services, { project }),
})

const live = (services: Service[], of: Partial<Observation> = {}): Observation =>
  host({
    current: first,
    containers: services.map(({ name, once }) => container(name, first, 'a', once === true ? 'exited' : 'running')),
    releases: new Map([[first, kept(services)]]),
    ...of,
  })

const told = (plan: Wanted, seen: Observation): string[] =>
  story(planHost(plan, seen, 'a').calls)
    .map((call) =>
      call.replaceAll(/addie\.production\.(\w+)\.(\S+)/g, (_, name: string, id: string) => `${id === first ? 'old' : 'new'} ${name}`),
    )
    .filter((call) => /^(create|start|watch|once|wake|keep|retire)/.test(call))

describe('a service that runs once', () => {
  it('is made like any other, runs before those that come after it, and is neither kept running nor stopped', () => {
    expect(told(wish([web, migrate]), live([web, migrate]))).toEqual([
      ...['create new migrate', 'create new web', 'once migrate new migrate 1800'],
      ...['start new web', 'watch new web', 'keep new web', 'retire web old web 10', 'retired'],
    ])
  })

  it('is not run by a rollback, nor by the same release again, nor by launchway start', () => {
    const back = wish([web, migrate], [], { isReturn: true, release: first })
    const seen = {
      ...live([web, migrate]),
      current: second,
      containers: [container('web', first, 'a', 'exited'), container('web', second, 'b')],
    }
    expect(told(back, seen)).toEqual(
      ['wake web new web', 'watch new web', 'keep new web']
        .map((call) => call.replaceAll('new', 'old'))
        .concat('retire web new web 10', 'retired'),
    )
    expect(planHost(back, seen, 'a').notes).toContain('migrate: is not run again, since it ran when this release was new')
    expect(told(wish([web, migrate], [], { release: first }), live([web, migrate])).filter((call) => call.includes('migrate'))).toEqual([])
    const stopped = live([web, migrate], {
      containers: [container('web', first, 'a', 'exited'), container('migrate', first, 'a', 'exited')],
    })
    expect(startAgainCalls({ host: 'a', seen: stopped }, undefined).services).toEqual(['web'])
  })

  const database: Accessory = {
    ...{ name: 'db', image: 'postgres:15', health: { timeoutMs: 1000, settleMs: 0 }, env: {}, secrets: [], volumes: [], networks: [] },
    ...{ stopTimeoutMs: 10_000, labels: {}, options: [], restart: 'unless-stopped', envFiles: [] },
  }
  const hosts: { case: string; once: Service; accessories?: Accessory[]; runs: boolean }[] = [
    { case: 'that works on what the hosts share runs on the first alone', once: migrate, runs: false },
    { case: 'that works on a volume of the host runs on each', once: { ...migrate, volumes: ['static:/static'] }, runs: true },
    {
      case: 'that comes after a database of the host runs on each',
      once: { ...migrate, after: [{ name: 'db', until: 'healthy' }] },
      accessories: [database],
      runs: true,
    },
  ]
  it.each(hosts)('$case', ({ once, accessories, runs }) => {
    const { isFirstHost: _, ...second } = wish([web, once], accessories)
    expect(planHost(second, host(), 'b').calls.some(([name]) => name === 'once')).toBe(runs)
    expect(planHost({ ...second, isFirstHost: true }, host(), 'a').calls.some(([name]) => name === 'once')).toBe(true)
  })

  it('that fails is a release command that failed', () => {
    const line = { v: 1 as const, at: 0, release: second, attempt: 'a' }
    const error = failureOf(
      'a',
      [
        { ...line, step: 'once', state: 'failed', service: 'migrate', note: 'it ended with exit code 3' },
        { ...line, step: 'end', state: 'undone' },
      ],
      first,
    )
    expect(error).toMatchObject({
      code: 'RELEASE_COMMAND_FAILED',
      message: `migrate, which runs once, failed on a; release ${first} serves`,
      hint: 'it ended with exit code 3',
    })
  })

  const seenDatabase = (of: Partial<Accessory>): SeenAccessory => ({
    ...{ container: 'addie.production.db', name: 'db', state: 'running', status: 'Up', volumes: [{ name: 'data', path: '/data' }] },
    configuration: { ...database, volumes: ['data:/data'], ...of },
  })
  const now = { ...database, volumes: ['data:/data'] }
  const steps = (
    accessory: Accessory,
    was: Partial<Accessory>,
    isProject = true,
  ): { calls: string[]; notes: string[]; warnings: readonly string[] } => {
    const environmentOf = environment([service()], { accessories: [accessory], ...(isProject ? { project } : {}) })
    const plan = planHost(wanted([service()], { environment: environmentOf }), host({ accessories: [seenDatabase(was)] }), 'a')
    return { ...plan, calls: story(plan.calls).filter((call) => /db|settled|^record/.test(call)) }
  }

  it('and an accessory that is defined otherwise is recreated before the services, so that it can come back', () => {
    const { calls, notes, warnings } = steps({ ...now, command: ['postgres', '-c', 'fsync=off'] }, {})
    expect(notes).toContain('db: recreated, since command changed; its volumes stay')
    expect(warnings).toEqual([])
    expect(calls).toEqual([
      ...[
        'create addie.production.db.new',
        'halt db addie.production.db 10',
        'start addie.production.db.new',
        'watch addie.production.db.new',
        'served db',
      ],
      ...['swap db addie.production.db unless-stopped', 'record registry.example.org/addie', 'drop_old db addie.production.db'],
    ])
  })

  it('and another build of the same tag is told, and left', () => {
    const { calls, notes } = steps(
      { ...now, image: `postgres:15@sha256:${'b'.repeat(64)}` },
      { image: `postgres:15@sha256:${'a'.repeat(64)}` },
    )
    expect(calls).toEqual(['record registry.example.org/addie'])
    expect(notes.join('\n')).toContain(
      'db: postgres:15 is another build by now; it goes on with the one that it runs. To take the new one: launchway recreate db -e production',
    )
  })

  it('and what changed in an environment without a project is told, and left', () => {
    const { calls, warnings } = steps({ ...now, memory: '64m' }, {}, false)
    expect(calls).toEqual(['record registry.example.org/addie'])
    expect(warnings.join('\n')).toContain('the accessory db runs with another configuration: memory none → 64m')
  })

  it('and one whose volume nothing would mount any more is refused before anything is touched', () => {
    expect(failureIn(() => steps({ ...now, volumes: ['other:/data'] }, {}))).toMatchObject({ code: 'HOST_UNFIT' })
  })
})

describe('a service behind the nginx of the project', () => {
  const proxy = service({ name: 'proxy', port: 80, publish: '80', networks: ['shop'], after: [{ name: 'web', until: 'started' }] })
  const led = service({ behind: 'proxy', port: 8000, networks: ['shop', 'back'], aliases: { shop: ['www'] } })
  const calls = (plan: Wanted, seen: Observation): string[] =>
    planHost(plan, seen, 'a')
      .calls.filter(([name]) => /lead|led|^record|^retired/.test(name))
      .map((call) => call.join(' '))

  it('is led to once it is well, and the old one stops after its last request', () => {
    const unchanged = new Set([nameOf('proxy', first)])
    const [box, old, fresh] = [nameOf('proxy', first), nameOf('web', first), nameOf('web', second)]
    expect(calls(wish([led, proxy], [], { unchanged }), live([led, proxy]))).toEqual([
      `may_lead ${box}`,
      `lead proxy ${box} web ${fresh} ${old} shop web www`,
      'record registry.example.org/addie',
      `retire_led web ${old} 10 ${box}`,
      'retired',
      `unlead ${box}`,
    ])
  })

  it('is found by an nginx that starts when there is no other', () => {
    expect(calls(wish([led, proxy]), host())).toEqual(['record registry.example.org/addie'])
  })

  it('where nginx is another one as well, that is told of the new one before the old one stops', () => {
    expect(calls(wish([led, proxy]), live([led, proxy]))).toContain(
      `lead proxy ${nameOf('proxy', second)} web ${nameOf('web', second)} ${nameOf('web', first)} shop web www`,
    )
  })

  it('that shares no network with it is warned of', () => {
    const plan = planHost(
      wish([{ ...led, networks: ['back'] }, proxy], [], { unchanged: new Set([nameOf('proxy', first)]) }),
      live([led, proxy]),
      'a',
    )
    expect(plan.warnings.join('\n')).toContain('web and proxy, which leads to it, share no network')
  })
})
