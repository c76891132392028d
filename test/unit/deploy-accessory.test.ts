import { describe, expect, it } from 'vitest'
import type { Accessory } from '../../src/core/deployment.ts'
import type { Observation, SeenAccessory } from '../../src/deploy/observation.ts'
import { parseObservation } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { planRecreate } from '../../src/deploy/recreate.ts'
import { showStatus } from '../../src/deploy/status.ts'
import type { Wanted } from '../../src/deploy/wanted.ts'
import { busy, container, environment, failureIn, first, host, nameOf, second, service, story, wanted } from './support/deploy.ts'

const name = 'addie.production.redis'
const worker = service({ name: 'worker' })

function redis(of: Partial<Accessory> = {}): Accessory {
  return {
    name: 'redis',
    image: 'redis:7',
    health: { timeoutMs: 60_000, settleMs: 1_000 },
    env: {},
    secrets: [],
    volumes: ['data:/data'],
    networks: ['addie.production'],
    stopTimeoutMs: 10_000,
    labels: {},
    options: [],
    restart: 'unless-stopped',
    envFiles: [],
    ...of,
  }
}

function there(of: Partial<SeenAccessory> = {}): SeenAccessory {
  const volumes = [{ name: 'data', path: '/data' }]
  return { container: name, name: 'redis', state: 'running', status: 'Up 2 days', configuration: redis(), volumes, ...of }
}

const wish = (accessories: Accessory[], of: Partial<Wanted> = {}): Wanted =>
  wanted([worker], { ...of, environment: environment([worker], { accessories }) })
const worker2 = nameOf('worker', second)
const started = [`create ${worker2}`, `start ${worker2}`, `watch ${worker2}`]

const decisions: { case: string; wanted: Wanted; seen: Observation; steps: string[]; notes: string[]; warnings: RegExp[] }[] = [
  {
    case: 'that is not there is pulled, made, started and well before a service is made, and stays from then on',
    wanted: wish([redis()]),
    seen: host(),
    steps: [
      ...['pull', 'pull', 'network addie.production'],
      ...[`absent redis ${name}`, `create ${name}`, `start ${name}`, `watch ${name}`, `keep ${name}`, 'settled'],
      ...started,
    ],
    notes: ['redis: an accessory, started for the first time'],
    warnings: [],
  },
  {
    case: 'that runs is left alone',
    wanted: wish([redis()]),
    seen: host({ accessories: [there()] }),
    steps: ['pull', ...started],
    notes: [],
    warnings: [],
  },
  {
    case: 'that has ended is started again as it was',
    wanted: wish([redis({ memory: '1g' })]),
    seen: host({ accessories: [there({ state: 'exited' })] }),
    steps: ['pull', `wake redis ${name}`, `watch ${name}`, `keep ${name}`, 'settled', ...started],
    notes: ['redis: an accessory that had ended, started again as it was'],
    warnings: [/^the accessory redis runs with another configuration: memory none → 1g\. .*launchway recreate redis -e production$/],
  },
  {
    case: 'that is configured otherwise goes on, and what differs is told without a value of a variable',
    wanted: wish([redis({ image: 'redis:8', env: { A: 'hunter2' }, command: ['redis-server', '--requirepass', 'hunter2'] })]),
    seen: host({ accessories: [there({ configuration: redis({ labels: { b: '1', a: '2' } }) })] }),
    steps: ['pull', ...started],
    notes: [],
    warnings: [/configuration: image redis:7 → redis:8; env A; labels; command\. It goes on/],
  },
  {
    case: 'that the configuration no longer has is left alone, and told each time',
    wanted: wish([]),
    seen: host({ accessories: [there()] }),
    steps: ['pull', ...started],
    notes: [],
    warnings: [
      /^redis is an accessory that the configuration no longer has: it is left alone\..*docker rm --force addie\.production\.redis/,
    ],
  },
  {
    case: 'that was being replaced when that broke off is there: it gets its name back before anything else',
    wanted: wish([redis()]),
    seen: host({ accessories: [there({ container: `${name}.old`, state: 'exited' }), there({ container: `${name}.new` })] }),
    steps: ['pull', `wake redis ${name}`, `watch ${name}`, `keep ${name}`, 'settled', ...started],
    notes: ['redis: an accessory that had ended, started again as it was'],
    warnings: [],
  },
  {
    case: 'that ends again and again is told',
    wanted: wish([redis()]),
    seen: host({ accessories: [there({ state: 'restarting' })] }),
    steps: ['pull', ...started],
    notes: [],
    warnings: [/ends and is started again and again/],
  },
  {
    case: 'is no matter of a rollback: one that is not there is told',
    wanted: wish([redis({ memory: '1g' })], { release: first, isReturn: true }),
    seen: host({ current: second, containers: [container('worker', first, 'a', 'exited'), container('worker', second, 'b')] }),
    steps: [`wake worker ${nameOf('worker', first)}`, `watch ${nameOf('worker', first)}`],
    notes: [],
    warnings: [/^the accessory redis is not there: a rollback starts none/],
  },
  {
    case: 'is no matter of a rollback: one that has ended is told, and keeps nobody from going back',
    wanted: wish([redis()], { release: first, isReturn: true }),
    seen: host({
      current: second,
      containers: [container('worker', first, 'a', 'exited'), container('worker', second, 'b')],
      accessories: [there({ state: 'exited' })],
    }),
    steps: [`wake worker ${nameOf('worker', first)}`, `watch ${nameOf('worker', first)}`],
    notes: [],
    warnings: [/^the accessory redis has ended: a rollback starts none/],
  },
]

describe('an accessory', () => {
  it.each(decisions)('$case', ({ wanted: of, seen, steps, notes, warnings }) => {
    const plan = planHost(of, seen, 'a')
    const calls = story(plan.calls)
    const from = calls.indexOf('recover') + 1
    const to = calls.findIndex((call) => call.startsWith('keep') && call.includes('worker'))
    expect(calls.slice(from, to)).toEqual(steps)
    expect(plan.notes.filter((note) => note.includes('accessory'))).toEqual(notes)
    expect(plan.warnings).toHaveLength(warnings.length)
    for (const [index, warning] of warnings.entries()) expect(plan.warnings[index]).toMatch(warning)
    expect(JSON.stringify([plan.notes, plan.warnings])).not.toContain('hunter2')
  })

  it('has its labels and its name on the network, and none of a release', () => {
    const { calls } = planHost(wish([redis()]), host(), 'a')
    const words: readonly string[] = calls.find(([call, , container]) => call === 'create' && container === name) ?? []
    expect(words).toContain('launchway.accessory=redis')
    expect(words.join(' ')).toContain('--network addie.production --network-alias redis')
    expect(words.join(' ')).not.toMatch(/launchway\.(service|release|slot)=/)
  })

  it('holds the port that it publishes, and nobody else may', () => {
    const db = redis({ port: 6379, publish: '127.0.0.1:6379' })
    expect(() => planHost(wish([db]), host({ accessories: [there()], busy: [busy('127.0.0.1:6379', name)] }), 'a')).not.toThrow()
    const error = failureIn(() => planHost(wish([db]), host({ busy: [busy('127.0.0.1:6379', 'other')] }), 'a'))
    expect(error.message).toContain('port 127.0.0.1:6379 is held by the container other')
  })

  it('is asked by a command in the container where it has one', () => {
    const health = { command: ['redis-cli', 'ping'], timeoutMs: 5_000, settleMs: 0 }
    const { calls } = planHost(wish([redis({ health })]), host(), 'a')
    expect(calls.find(([call]) => call === 'watch')).toEqual(['watch', 'redis', name, 'exec', '500', '0', '50', 'redis-cli', 'ping'])
    const patient = { ...health, intervalMs: 2_000, retries: 5 }
    expect(planHost(wish([redis({ health: patient })]), host(), 'a').calls.find(([call]) => call === 'watch')?.[6]).toBe('200/5')
  })

  it('is seen by its own labels, with what is mounted', () => {
    const mounts = [
      { Type: 'volume', Name: 'data', Destination: '/data' },
      { Type: 'bind', Source: '/etc/x', Destination: '/x' },
    ]
    const lines = [
      `accessory\t${name}\tredis\trunning\tUp 2 days\t${JSON.stringify(redis())}`,
      `mounts\t/${name}\t${JSON.stringify(mounts)}`,
      'seen\tyes',
    ]
    expect(parseObservation('a', lines.join('\n')).accessories).toEqual([there()])
    const [, ...rest] = parseObservation('a', [lines[0]?.replace(/\{.*/, 'no JSON'), 'seen\tyes'].join('\n')).accessories
    expect(rest).toEqual([])
  })

  it('stands in the status below the services', () => {
    const accessories = [{ name: 'redis', image: 'redis:7', state: 'running', status: 'Up 2 days' }]
    expect(showStatus([{ host: 'a', containers: [], accessories }], 'production')).toBe(
      'a: nothing runs here\n  redis        accessory  redis:7  Up 2 days',
    )
  })
})

describe('recreating an accessory', () => {
  const of = wish([redis()], { environment: environment([], { accessories: [redis()] }) })

  it('makes the new one first, stops the old one for as long as it takes, and gives it its name when it is well', () => {
    const seen = host({ current: first, accessories: [there({ configuration: redis({ stopTimeoutMs: 30_000, restart: 'always' }) })] })
    const { calls, changed } = planRecreate(of, redis({ memory: '1g', networks: ['addie.production', 'back'] }), seen, 'a')
    expect(calls.map((call) => (call[0] === 'create' ? call.slice(0, 3) : call).join(' ').trim())).toEqual([
      'begin',
      `expect ${first}`,
      'recover',
      'pull redis:7  anew',
      'forget_logins',
      'network addie.production',
      'network back',
      `create redis ${name}.new`,
      `join redis back ${name}.new redis`,
      `halt redis ${name} 30 always`,
      `start redis ${name}.new`,
      `watch redis ${name}.new container 6000 100 20`,
      'served redis an accessory has one holder of its data',
      `replace redis ${name} unless-stopped`,
      'close',
    ])
    expect(changed).toEqual(expect.arrayContaining(['memory none → 1g', 'restart always → unless-stopped']))
  })

  it('starts one that is not there', () => {
    const { calls } = planRecreate(of, redis(), host(), 'a')
    expect(calls.map(([call]) => call)).toEqual([
      'begin',
      'expect',
      'recover',
      'pull',
      'forget_logins',
      'network',
      'absent',
      'create',
      'start',
      'watch',
      'keep',
      'settled',
      'close',
    ])
  })

  const anonymous = 'f'.repeat(64)
  const data = { name: 'data', path: '/data' }
  const log = { name: anonymous, path: '/log' }

  it.each<[string, Partial<Accessory>, SeenAccessory['volumes']]>([
    ['the same volume', {}, [data]],
    ['the same volume at another place', { volumes: ['data:/var/lib/redis:rw'] }, [data]],
    ['the same volume by --mount', { volumes: [], options: ['--mount', 'type=volume,src=data,dst=/data'] }, [data]],
    ['a volume that nobody had named, by its name', { volumes: ['data:/data', `${anonymous}:/log`] }, [log]],
  ])('keeps the data with %s', (_, changed, volumes) => {
    expect(() => planRecreate(of, redis(changed), host({ accessories: [there({ volumes })] }), 'a')).not.toThrow()
  })

  it.each<[string, Partial<Accessory>, SeenAccessory['volumes'], string]>([
    ['no volume any more', { volumes: [] }, [data], 'the volume data at /data'],
    ['another volume at its place', { volumes: ['other:/data'] }, [data], 'the volume data at /data'],
    ['a volume that nobody has named', {}, [data, log], `the volume ${anonymous} at /log`],
  ])('is refused with %s, and it is told what would be lost', (_, changed, volumes, lost) => {
    const error = failureIn(() => planRecreate(of, redis(changed), host({ accessories: [there({ volumes })] }), 'a'))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', message: `redis on a would lose what is in ${lost}` })
    expect(error.hint).toContain('Nothing was changed.')
  })

  it('waits for a deploy that is under way', () => {
    expect(failureIn(() => planRecreate(of, redis(), host({ lockedBy: 'ada@laptop' }), 'a')).code).toBe('DEPLOY_LOCKED')
  })
})
