import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import { JournalLine } from '../../src/core/journal.ts'
import { failureOf } from '../../src/deploy/failure.ts'
import { type Observation, parseObservation } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { busy, container, failureIn, first, host, nameOf, second, service, wanted } from './support/deploy.ts'

const web1 = nameOf('web', first)
const worker = service({ name: 'worker' })

describe('a host that cannot take the deploy', () => {
  const without = (tool: string): ReadonlySet<string> => new Set([...host().tools].filter((one) => one !== tool))
  const asked = service({ port: 1, publish: '80', health: { kind: 'http', path: '/', intervalMs: 500, timeoutMs: 1, settleMs: 1 } })

  it.each<[string, Partial<Observation>, string, string]>([
    ['docker is missing', { tools: without('docker') }, 'docker is not installed', 'docs.docker.com'],
    ['the engine is down', { engine: undefined, engineSaid: 'Cannot connect' }, 'the Docker engine does not answer', 'Cannot connect'],
    ['the engine is old', { engine: { version: '19.03.15', platform: 'linux/amd64' } }, 'Docker 19.03.15 is too old', '20.10'],
    ['docker is Podman', { engine: undefined, engineSaid: 'podman' }, 'what is called docker is Podman', 'docs.docker.com'],
    ['docker is a snap', { unfitEngine: ['snap'] }, 'docker is a snap', 'apt-get install docker.io'],
    ['root has another engine', { unfitEngine: ['two'] }, 'root and the user have two engines', 'usermod -aG docker USER'],
    ['flock is missing', { tools: without('flock') }, 'flock is not installed', 'util-linux'],
    ['setsid is missing', { tools: without('setsid') }, 'setsid is not installed', 'util-linux'],
    ['awk is missing', { tools: without('awk') }, 'awk is not installed', 'mawk'],
    ['nothing can ask over HTTP', { tools: without('curl') }, 'neither curl nor wget', 'health page'],
    ['the user has no rights', { as: 'nobody' }, 'the user may not use docker', 'usermod -aG docker'],
    ['a program holds the port', { busy: [busy('80')] }, 'port 80 is held by a program of the host', 'publish another port'],
    ['a stranger holds the port', { busy: [busy('80', 'blog')] }, 'port 80 is held by the container blog', 'publish another port'],
    ['a wildcard is in the way of an address', { busy: [busy('0.0.0.0:80', 'blog')] }, 'port 80 is held by the container blog', 'stop it'],
    ['an address is in the way of a wildcard', { busy: [busy('[::1]:80')] }, 'port 80 is held by a program of the host', 'stop it'],
    ['logins are swept up', { detach: 'never' }, 'ends what a login leaves behind', 'loginctl enable-linger'],
    [
      'another application has its name',
      { owner: 'ghcr.io/team2/addie' },
      'the state of app addie belongs to ghcr.io/team2/addie',
      'another name with `app:`',
    ],
    ['the repository may have moved', { owner: 'ghcr.io/team2/addie' }, 'belongs to', 'rm /var/lib/launchway/addie/production/owner'],
    ['the disk is nearly full', { freeBytes: 5e6 }, '5.0 MB of disk are free', '100 MB'],
    ['the disk is full', { freeBytes: 0 }, '0.0 MB of disk are free', 'docker image prune --all'],
    ['it is of another kind', { engine: { version: '26', platform: 'linux/arm64' } }, 'is for linux/amd64', 'this host is linux/arm64'],
  ])('%s: the error says what and what to do', (_, seen, what, todo) => {
    const error = failureIn(() => planHost(wanted([asked]), host(seen), 'a.example.org'))
    expect(error.code).toBe('HOST_UNFIT')
    expect(error.message).toContain('a.example.org cannot take this deploy')
    expect(error.message).toContain(what)
    expect(error.hint).toContain(todo)
  })

  it('that has an engine which is stopped, says nothing of rights, which nobody knows then', () => {
    const stopped = {
      engine: undefined,
      engineSaid: 'Cannot connect to the Docker daemon at unix:///run/docker.sock.',
      as: 'nobody',
    } as const
    const denied = { ...stopped, engineSaid: 'permission denied while trying to connect to the Docker daemon socket' }
    const said = (seen: Partial<Observation>): string => failureIn(() => planHost(wanted([asked]), host(seen), 'a')).message
    expect(said(stopped)).not.toContain('may not use docker')
    expect(said(denied)).toContain('may not use docker')
  })

  it('everything that is missing is said at once', () => {
    const error = failureIn(() => planHost(wanted([asked]), host({ tools: new Set(['docker']), freeBytes: 1 }), 'a'))
    for (const what of ['flock', 'setsid', 'awk', 'curl', 'disk']) expect(error.message).toContain(what)
  })

  it.each<[string, Partial<Observation>]>([
    ['wget does where curl is missing', { tools: new Set([...without('curl'), 'wget']) }],
    ['sudo does for a user without rights', { as: 'sudo' }],
    ['its own container may hold the port', { current: first, containers: [container('web', first)], busy: [busy('80', web1)] }],
    ['its own owner does', { owner: 'registry.example.org/addie' }],
    ["another address of the port is nobody else's", { busy: [busy('10.0.0.8:81', 'blog')] }],
    ['a disk that could not be measured is no reason', { freeBytes: undefined }],
    ['the oldest engine does', { engine: { version: '20.10.24+dfsg1', platform: 'linux/amd64' } }],
    ['an engine of an own build does', { engine: { version: 'dev', platform: 'linux/amd64' } }],
  ])('%s', (_, seen) => {
    expect(planHost(wanted([asked]), host(seen), 'a').calls.length).toBeGreaterThan(0)
  })

  it.each([[['linux/arm64/v8']], [['linux/amd64', 'linux/arm64']], [[]]])('an image for %j runs on linux/arm64', (platforms) => {
    const images = new Map([['app', { reference: 'r@d', bytes: 1, platforms }]])
    const seen = host({ engine: { version: '26', platform: 'linux/arm64' } })
    expect(planHost(wanted([worker], { images }), seen, 'a').references).toEqual(['r@d'])
  })

  it('a deploy under way is named with its holder, before anything that is missing', () => {
    const error = failureIn(() => planHost(wanted([worker]), host({ lockedBy: 'ada@laptop, release X', tools: new Set() }), 'a'))
    expect(error).toBeInstanceOf(LaunchwayError)
    expect(error.code).toBe('DEPLOY_LOCKED')
    expect(error.hint).toContain('ada@laptop, release X')
  })
})

describe('what observe.sh prints', () => {
  const lines = [
    'Welcome to Debian!',
    'uid\t0',
    'tool\tdocker',
    'tool\tflock',
    'docker\tdirect',
    'state\tdirect',
    'engine\t26.1.5+dfsg1 linux/amd64',
    `current\t${second}`,
    `previous\t${first}`,
    'lock.holder\tada@laptop, release X, since then',
    `container\t${web1}\tweb\t${first}\ta\texited\tExited (0) 2 days ago`,
    `container\t${nameOf('web', second)}\tweb\t${second}\tb\trunning\tUp 3 minutes (healthy)`,
    'container\thalf a line',
    `publishes\t${web1}\t0.0.0.0:80->5000/tcp, :::80->5000/tcp, 9000/tcp`,
    'publishes\tblog\t10.0.0.7:8000-8001->8000-8001/tcp, 10.0.0.7:53->53/udp',
    'listens\t80\t00000000',
    'listens\t80\t00000000000000000000000000000000',
    'listens\t81\t0100007F',
    'listens\t81\t00000000000000000000000001000000',
    'listens\t82\t0000000000000000FFFF00000100007F',
    'listens\t53\t0800000A\tdnsmasq (process 812)\tudp',
    'owner\tghcr.io/team/addie',
    'unfit\tsnap',
    'detach\tuser',
    'free\t2048',
    'seen\tyes',
  ]

  it('is read fact by fact, whatever a login shell says in between', () => {
    expect(parseObservation('a', lines.join('\n'))).toEqual({
      answers: new Set(),
      tools: new Set(['docker', 'flock']),
      engine: { version: '26.1.5+dfsg1', platform: 'linux/amd64' },
      engineSaid: '26.1.5+dfsg1 linux/amd64',
      unfitEngine: ['snap'],
      as: 'user',
      isInterrupted: false,
      current: second,
      previous: first,
      // The holder's note outlives the lock.
      lockedBy: undefined,
      containers: [
        { ...container('web', first, 'a', 'exited'), status: 'Exited (0) 2 days ago' },
        { ...container('web', second, 'b'), status: 'Up 3 minutes (healthy)' },
      ],
      accessories: [],
      busy: [
        busy('80', web1),
        busy('80', web1),
        busy('10.0.0.7:8000', 'blog'),
        busy('10.0.0.7:8001', 'blog'),
        { ...busy('10.0.0.7:53', 'blog'), protocol: 'udp' },
        busy('127.0.0.1:81'),
        busy('[::1]:81'),
        busy('127.0.0.1:82'),
        { ...busy('10.0.0.8:53'), program: 'dnsmasq (process 812)', protocol: 'udp' },
      ],
      owner: 'ghcr.io/team/addie',
      detach: 'user',
      freeBytes: 2_097_152,
      root: 'user',
      ports: new Map(),
      releases: new Map(),
      stored: new Set(),
      external: { missing: [], networks: new Set(), volumes: new Set() },
      nginx: undefined,
    })
  })

  it.each<[string, (line: string) => string | undefined, Partial<Observation>]>([
    [
      'a held lock names its holder',
      (line) => (line === 'uid\t0' ? 'locked\tyes' : line),
      { lockedBy: 'ada@laptop, release X, since then' },
    ],
    ['an engine that did not answer is no engine', (line) => line.replace(/^engine.*/, 'engine\tpermission denied'), { engine: undefined }],
    ['without rights sudo does', (line) => line.replace('docker\tdirect', 'sudo\tyes'), { as: 'sudo' }],
    ['a folder of somebody else needs sudo too', (line) => line.replace('state\tdirect', 'sudo\tyes'), { as: 'sudo' }],
    ['without sudo nobody may', (line) => line.replace('docker\tdirect', ''), { as: 'nobody' }],
    ['a full disk is full', (line) => line.replace(/^free.*/, 'free\t0'), { freeBytes: 0 }],
    ['a disk that df does not know is unknown', (line) => line.replace(/^free.*/, 'free\t'), { freeBytes: undefined }],
  ])('%s', (_, change, expected) => {
    expect(parseObservation('a', lines.map(change).join('\n'))).toMatchObject(expected)
  })

  it('without its last line it was cut off: the host is unfit, and the evidence is what came', () => {
    const error = failureIn(() => parseObservation('a.example.org', 'tool\tdocker\nsh: 12: Syntax error'))
    expect(error.code).toBe('HOST_UNFIT')
    expect(error.hint).toContain('Syntax error')
  })
})

describe('how a deploy that did not end well is told', () => {
  type Line = Pick<JournalLine, 'step' | 'state'> & Partial<JournalLine>
  const journal = (lines: Line[]): JournalLine[] =>
    lines.map((line) => JournalLine.parse({ v: 1, at: 1, release: second, attempt: '0f', ...line }))
  const end = (state: JournalLine['state'], note?: string): Line => ({ step: 'end', state, ...(note === undefined ? {} : { note }) })
  const unwell: Line = { step: 'healthy', state: 'failed', service: 'web', note: 'not healthy after 60 s\nstate running\nlast words' }

  it.each<{ case: string; lines: Line[]; before?: string; code: string; message: string; hint: string }>([
    {
      case: 'not healthy, the old one serves',
      lines: [{ step: 'run', state: 'done', service: 'web' }, unwell, { step: 'undo', state: 'done' }, end('undone', 'x')],
      before: first,
      code: 'DEPLOY_ROLLED_BACK',
      message: `web: healthy failed on a; release ${first} serves`,
      hint: 'last words',
    },
    {
      case: 'not healthy at the first deploy',
      lines: [unwell, end('undone', 'x')],
      code: 'DEPLOY_ROLLED_BACK',
      message: 'web: healthy failed on a; none was running before',
      hint: 'last words',
    },
    {
      case: 'a network that could not be made',
      lines: [{ step: 'run', state: 'failed', note: 'pool overlaps' }, end('failed', 'pool overlaps')],
      before: first,
      code: 'DEPLOY_ROLLED_BACK',
      message: `run failed on a; release ${first} serves`,
      hint: 'pool overlaps',
    },
    {
      case: 'not healthy, and the old one did not come back',
      lines: [unwell, { step: 'undo', state: 'broken', note: 'could not undo: start x' }, end('broken', 'port is taken')],
      before: first,
      code: 'ROLLBACK_FAILED',
      message: 'web: healthy failed on a, and the version before could not be brought back',
      hint: 'port is taken',
    },
    {
      case: 'an earlier attempt that could not be undone',
      lines: [{ step: 'undo', state: 'broken' }, { step: 'recover', state: 'failed', note: 'interrupted' }, end('broken', 'interrupted')],
      before: first,
      code: 'ROLLBACK_FAILED',
      message: 'recover failed on a, and the version before could not be brought back',
      hint: 'docker ps --all on a',
    },
    {
      case: 'the lock is held',
      lines: [{ step: 'lock', state: 'failed', note: 'held by bob@desk, release X' }, end('failed', 'locked')],
      before: first,
      code: 'DEPLOY_LOCKED',
      message: 'another deploy is under way on a',
      hint: 'Held by bob@desk, release X.',
    },
    {
      case: 'somebody deployed between the look and the lock',
      lines: [{ step: 'lock', state: 'failed', note: 'X runs here now. Run it again.' }, end('failed')],
      before: first,
      code: 'DEPLOY_LOCKED',
      message: 'another deploy came first on a',
      hint: 'Run it again.',
    },
    {
      case: 'the image could not be pulled',
      lines: [{ step: 'pull', state: 'failed', note: 'manifest unknown' }, end('failed', 'manifest unknown')],
      before: first,
      code: 'PULL_FAILED',
      message: 'a could not pull the image; nothing was changed',
      hint: 'manifest unknown',
    },
    {
      case: 'the journal gives no reason',
      lines: [end('failed')],
      before: first,
      code: 'DEPLOY_ROLLED_BACK',
      message: `a step failed on a; release ${first} serves`,
      hint: 'The host gave no reason.',
    },
    {
      case: 'the journal does not end: nobody may say that the old one serves',
      lines: [{ step: 'run', state: 'done', service: 'web' }],
      before: first,
      code: 'DEPLOY_UNKNOWN',
      message: 'the program on a did not say how it ended',
      hint: 'launchway status',
    },
    {
      case: 'the journal does not even begin: nothing was changed',
      lines: [],
      before: first,
      code: 'COMMAND_FAILED',
      message: 'the deploy did not begin on a',
      hint: 'Nothing was changed',
    },
  ])('$case: $code', ({ lines, before, code, message, hint }) => {
    const error = failureOf('a', journal(lines), before)
    expect(error).toMatchObject({ code, message })
    expect(error.hint).toContain(hint)
  })
})
