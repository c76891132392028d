import { describe, expect, it } from 'vitest'
import type { Accessory, Environment, Service } from '../../src/core/deployment.ts'
import { mountsOf } from '../../src/core/volume.ts'
import { type Observation, parseObservation } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { parseKept } from '../../src/deploy/kept.ts'
import type { Holder } from '../../src/deploy/seen-data.ts'
import type { Lack, Wanted } from '../../src/deploy/wanted.ts'
import { unfit } from '../../src/deploy/unfit.ts'
import { planRecreate } from '../../src/deploy/recreate.ts'
import { leftBehind } from '../../src/deploy/volume-lacks.ts'
import { container, data, digest, environment, failureIn, first, host, project, second, service, wanted } from './support/deploy.ts'

describe('what a container mounts', () => {
  it.each<[string, Parameters<typeof mountsOf>[0], ReturnType<typeof mountsOf>]>([
    ['a volume', { volumes: ['a:/x'] }, [{ source: 'a', target: '/x', readOnly: false }]],
    ['a folder that is only read', { volumes: ['/a:/x/:z,ro'] }, [{ source: '/a', target: '/x', readOnly: true }]],
    ['nothing that has a name', { volumes: ['/x'], options: ['--tmpfs', '/x', '--mount=type=tmpfs,target=/x'] }, []],
    ['by an option', { options: ['--mount=type=volume,src=a,dst=/x,readonly'] }, [{ source: 'a', target: '/x', readOnly: true }]],
    ['by two words', { options: ['--mount', 'type=bind,source=/a,target=/x'] }, [{ source: '/a', target: '/x', readOnly: false }]],
    ['in quotes', { options: ['--mount=type=bind,"source=/a:b",target=/x'] }, [{ source: '/a:b', target: '/x', readOnly: false }]],
    ['the root', { volumes: ['a:/'] }, [{ source: 'a', target: '/', readOnly: false }]],
  ])('is %s', (_, of, mounts) => {
    expect(mountsOf(of)).toEqual(mounts)
  })
})

const db = (of: Partial<Accessory> = {}): Accessory => ({
  name: 'db',
  image: 'postgres:17',
  health: { timeoutMs: 1, settleMs: 1 },
  env: {},
  secrets: [],
  volumes: ['pgdata:/var/lib/postgresql/data'],
  networks: [],
  stopTimeoutMs: 10_000,
  labels: {},
  options: [],
  restart: 'unless-stopped',
  envFiles: [],
  ...of,
})

const holder = (of: Partial<Holder> = {}): Holder => ({
  container: 'blog.test.db',
  state: 'running',
  app: 'blog',
  environment: 'test',
  command: '',
  volumes: ['pgdata'],
  ...of,
})

/** An environment with a database, or with another one. */
function asked(of: Partial<Environment> = {}, more: Partial<Wanted> = {}): Wanted {
  return wanted([], { environment: environment([service()], { accessories: [db()], ...of }), ...more })
}

const held = (of: Wanted, holders: Holder[], more: Partial<Observation> = {}): Lack[] =>
  unfit(of, host({ data: data({ holders }), ...more }))

describe('a volume that somebody else writes to', () => {
  it.each<[string, Holder[], string]>([
    ['another application', [holder()], 'blog.test.db, of the environment test of blog'],
    ['another environment', [holder({ app: 'addie' })], 'blog.test.db, of the environment test of addie'],
    [
      'a stranger that is stopped',
      [holder({ app: '', environment: '', state: 'exited' })],
      'blog.test.db (exited), which launchway did not make',
    ],
    ['a command', [holder({ app: '', environment: '', command: 'blog.test' })], 'blog.test.db, a command of blog.test'],
    [
      'several, the one that runs first',
      [holder({ container: 'old', state: 'exited' }), holder()],
      'blog.test.db and 1 more, of the environment test of blog',
    ],
  ])('is a lack, with its holder: %s', (_, holders, who) => {
    expect(held(asked(), holders)).toEqual([
      {
        what: `the volume pgdata is held by ${who}: both would write into it`,
        hint: expect.stringContaining('such as production-pgdata; '),
      },
    ])
  })

  it.each<[string, Wanted, Holder[]]>([
    ['nobody has it', asked(), []],
    ['it has another one', asked(), [holder({ volumes: ['other'] })]],
    ['it is shared on purpose', asked({ sharedVolumes: ['pgdata'] }), [holder()]],
    ['the project says that it is external', asked({ project: project({ volumes: ['pgdata'] }) }), [holder()]],
    ['it is only read', asked({ accessories: [db({ volumes: ['pgdata:/backup:ro'] })] }), [holder()]],
    ['it is a return, which starts no accessory', asked({}, { isReturn: true }), [holder()]],
  ])('is none where %s', (_, of, holders) => {
    expect(
      held(of, holders, {
        engine: { version: '26', platform: 'linux/amd64' },
        external: { missing: [], networks: new Set(), volumes: new Set(['pgdata']) },
      }),
    ).toEqual([])
  })

  const there = {
    container: 'addie.production.postgres',
    name: 'postgres',
    state: 'running',
    status: 'Up',
    configuration: undefined,
    volumes: [{ name: 'pgdata', path: '/x' }],
  }

  it('is one as well where an accessory was given another name: the one before goes on', () => {
    expect(held(asked(), [], { accessories: [there] })).toEqual([
      {
        what: expect.stringContaining('held by addie.production.postgres, an accessory that the configuration no longer has'),
        hint: expect.stringContaining('docker rm --force addie.production.postgres'),
      },
    ])
    expect(held(asked(), [], { accessories: [there, { ...there, container: 'addie.production.db', name: 'db' }] })).toEqual([])
    expect(held(asked(), [], { accessories: [{ ...there, volumes: [] }] })).toEqual([])
  })
})

describe('data that a release would leave behind', () => {
  const web = (...volumes: string[]): Service => service({ volumes })

  /** What is said when a release comes after one with other services. */
  function said(was: Service[], now: Service[], of: Partial<Environment> = {}): string[] {
    const kept = { version: 1, release: first, app: 'addie', label: 'one', images: {}, repositories: ['r'], environment: environment(was) }
    const seen = host({ current: first, releases: new Map([[first, parseKept(JSON.stringify(kept))]]) })
    return leftBehind({ ...wanted([]), environment: environment(now, of) }, seen).map(({ what, hint }) => `${what} / ${hint}`)
  }

  it.each<[string, Service[], Service[], RegExp, RegExp]>([
    [
      'another volume at its place',
      [web('up:/x')],
      [web('up2:/x/')],
      /^web would no longer have what is in the volume up: at \/x it would find up2 /,
      /volumes: \["up:\/x"\].*leave-behind: \[up\]/,
    ],
    ['a folder at its place', [web('up:/x')], [web('/srv/x:/x')], /at \/x it would find \/srv\/x /, /leave-behind: \[up\]/],
    [
      'another folder at its place',
      [web('/srv/x:/x')],
      [web('/srv/y:/x')],
      /what is in the folder \/srv\/x: /,
      /leave-behind: \[\/srv\/x\]/,
    ],
    [
      'a file of the repository at its place',
      [web('up:/x')],
      [{ ...web(), files: [{ source: 'conf', target: '/x', readOnly: true }] }],
      /find conf /,
      /up/,
    ],
    ['nothing at all', [web('up:/x')], [web()], /^nothing would have the volume up any more, which web has at \/x /, /up/],
    ['no such service', [web(), service({ name: 'ftp', volumes: ['up:/x'] })], [web()], /which ftp has at \/x/, /up/],
    [
      'a volume that the other services alone have',
      [web('up:/x'), service({ name: 'ftp', volumes: ['up:/x'] })],
      [web('new:/x'), service({ name: 'ftp', volumes: ['up:/x'] })],
      /^web would no longer/,
      /up/,
    ],
  ])('is refused: %s', (_, was, now, what, hint) => {
    const [only = '', ...others] = said(was, now)
    expect([only, others]).toEqual([expect.stringMatching(what), []])
    expect(only).toMatch(hint)
  })

  it.each<[string, Service[], Service[], Partial<Environment>?]>([
    ['the same', [web('up:/x', '/srv/x:/y')], [web('up:/x', '/srv/x:/y')]],
    ['at another path', [web('up:/x')], [web('up:/srv/x')]],
    ['at another path, with another volume where it was', [web('up:/x')], [web('up:/srv/x', 'cache:/x')]],
    ['of a service with another name', [web('up:/x')], [service({ name: 'app', volumes: ['up:/x'] })]],
    ['of a service that is an accessory by now', [web('pgdata:/x')], [service({ name: 'app' })], { accessories: [db()] }],
    ['below a folder that is mounted now', [web('/srv/shop/x:/x')], [web('/srv/shop:/shop')]],
    ['that was only read', [web('up:/x:ro')], [web()]],
    ["that is the host's own", [web('/var/run/docker.sock:/var/run/docker.sock', '/etc/ssl:/ssl')], [web()]],
    ['that has no name', [web('/x')], [web()]],
    ['that is left behind on purpose', [web('up:/x', '/srv/y:/y')], [web('new:/x')], { leaveBehind: ['up', '/srv/y'] }],
  ])('is none: %s', (_, was, now, of) => {
    expect(said(was, now, of)).toEqual([])
  })

  it('is left on purpose by an accessory that is recreated as well, by the same word', () => {
    const other = db({ volumes: ['new:/x'] })
    const container = 'addie.production.db'
    const seen = host({
      accessories: [
        { container, name: 'db', state: 'running', status: 'Up', configuration: undefined, volumes: [{ name: 'pgdata', path: '/x' }] },
      ],
    })
    const error = failureIn(() => planRecreate(asked({ accessories: [other] }), other, seen, 'a'))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', hint: expect.stringContaining('leave-behind: [pgdata]') })
    expect(planRecreate(asked({ accessories: [other], leaveBehind: ['pgdata'] }), other, seen, 'a')).toMatchObject({ container })
  })

  it('is told in the words of a compose file where there is one', () => {
    expect(said([web('shop_up:/x')], [web()], { project: project() })).toEqual([
      expect.stringContaining('mount it at /x in the compose file, where `name: shop_up` says which it is'),
    ])
  })

  it('is told for a volume once, refuses the deploy, and is nothing to a return', () => {
    const kept = {
      version: 1,
      release: first,
      app: 'addie',
      label: 'one',
      images: {},
      repositories: ['r'],
      environment: environment([web('up:/x'), { ...web('up:/x'), name: 'web' }]),
    }
    const seen = host({
      current: first,
      containers: [container('web', first)],
      releases: new Map([[first, parseKept(JSON.stringify(kept))]]),
    })
    expect(failureIn(() => planHost(wanted([web()]), seen, 'a'))).toMatchObject({
      code: 'HOST_UNFIT',
      message: 'a cannot take this deploy: nothing would have the volume up any more, which web has at /x',
    })
    expect(planHost(wanted([web()], { isReturn: true, release: second }), seen, 'a').calls.length).toBeGreaterThan(0)
    // Of what runs nothing is known: an older launchway, or a file that cannot be read.
    expect(leftBehind(wanted([web()]), { ...seen, releases: new Map([[first, undefined]]) })).toEqual([])
  })
})

describe('the room on a host', () => {
  it('is not taken by the images that it has, under whatever name', () => {
    const images = new Map([
      ['app', { reference: `a/app@${digest}`, bytes: 100e6, platforms: [] }],
      ['job', { reference: `a/job@sha256:${'e'.repeat(64)}`, bytes: 7e6, platforms: [] }],
    ])
    const seen = host({ freeBytes: 5e6, data: data({ images: new Set([digest]) }) })
    expect(failureIn(() => planHost(wanted([service()], { images }), seen, 'a')).hint).toContain('the images take up to 7.0 MB')
    const roomy = { ...seen, freeBytes: 8e6 }
    expect(planHost(wanted([service()], { images }), roomy, 'a').calls.length).toBeGreaterThan(0)
  })

  it('is asked of the disk of the state, too: nothing could be written down', () => {
    const full = host({ data: data({ stateBytes: 0 }) })
    expect(unfit(wanted([service()]), full)).toEqual([
      { what: '0.0 MB of disk are free at /var/lib/launchway', hint: expect.stringContaining('with `state:` of the environment') },
    ])
    expect(unfit(wanted([service()], { isReturn: true }), full)).toHaveLength(1)
    expect(unfit(wanted([service()]), host({ data: data({ stateBytes: undefined }) }))).toEqual([])
  })
})

describe('what observe.sh prints of data', () => {
  it('is who may write to a volume, which images are there, and the room where the state is', () => {
    const mounts = [
      { Type: 'volume', Name: 'data', Destination: '/d', RW: true },
      { Type: 'volume', Name: 'read', Destination: '/r', RW: false },
      { Type: 'bind', Source: '/x', Destination: '/y', RW: true },
    ]
    const lines = [
      `holder\t/blog.test.db\trunning\tblog\ttest\t\t${JSON.stringify(mounts)}`,
      `image\ta/b@${digest}`,
      'free.state\t5',
      'logs\tunbounded',
      'seen\tyes',
    ]
    expect(parseObservation('a', lines.join('\n')).data).toEqual({
      holders: [holder({ volumes: ['data'] })],
      images: new Set([digest]),
      stateBytes: 5120,
      keepsAllLogs: true,
    })
  })
})
