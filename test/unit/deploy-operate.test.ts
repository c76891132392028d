import { Writable } from 'node:stream'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Kept } from '../../src/deploy/kept.ts'
import type { Observation } from '../../src/deploy/observation.ts'
import { compare } from '../../src/deploy/operate/env-diff.ts'
import { Announced, anewCall } from '../../src/deploy/operate/exec.ts'
import { entriesOf } from '../../src/deploy/operate/history.ts'
import { exitOf, Facts, hostsOf } from '../../src/deploy/operate/hosts.ts'
import { familiar, prunedIn, repositoriesIn } from '../../src/deploy/operate/prune.ts'
import { planRemoval } from '../../src/deploy/operate/remove.ts'
import { startAgainCalls, stopCalls } from '../../src/deploy/operate/stop.ts'
import { container, digest, environment, failureIn, first, host, nameOf, second, service } from './support/deploy.ts'
import { nginx } from './support/nginx.ts'

const web = service({
  name: 'web',
  port: 5000,
  publish: '80',
  stopTimeoutMs: 4500,
  env: { A: '1' },
  secrets: ['KEY'],
  networks: ['front', 'back'],
  labels: { own: 'label' },
})
const worker = service({ name: 'worker' })
const target = { app: 'addie', environment: environment([web, worker], { hosts: ['deploy@a.example.org:2222', 'deploy@b.example.org'] }) }
const kept: Kept = {
  version: 1,
  release: second,
  app: 'addie',
  label: 'v2',
  images: { app: `registry.example.org/addie@${digest}` },
  repositories: ['registry.example.org/addie'],
  environment: target.environment,
}
const runs = (containers: Observation['containers'], of: Partial<Observation> = {}): { host: string; seen: Observation } => ({
  host: 'a',
  seen: host({
    current: second,
    previous: first,
    containers,
    releases: new Map([
      [first, undefined],
      [second, kept],
    ]),
    ...of,
  }),
})

describe('stopping and starting', () => {
  it('touches the containers of the release that runs, with the time that each is given', () => {
    const seen = runs([container('web', first, 'a', 'exited'), container('web', second, 'b'), container('worker', second, 'b', 'exited')])
    expect(stopCalls(target, seen, undefined)).toEqual({
      calls: [['cease', 'web', nameOf('web', second), '5', 'unless-stopped']],
      services: ['web'],
    })
    expect(stopCalls(target, seen, 'worker')).toEqual({ calls: [], services: [] })
  })

  it('starts in the order of the release, waits until each is well, and has them come back after a reboot', () => {
    const seen = runs([container('worker', second, 'b', 'exited'), container('web', second, 'b', 'exited')])
    const { calls, services } = startAgainCalls(seen, undefined)
    expect(services).toEqual(['web', 'worker'])
    expect(calls.map(([name, of]) => `${name} ${of ?? ''}`.trim())).toEqual([
      'network front',
      'network back',
      'wake web',
      'watch web',
      'wake worker',
      'watch worker',
      `keep ${nameOf('web', second)}`,
      `keep ${nameOf('worker', second)}`,
      'settled',
    ])
  })

  it('of a service that is not there says which are', () => {
    expect(failureIn(() => stopCalls(target, runs([container('web', second)]), 'shop'))).toMatchObject({
      code: 'USAGE',
      hint: 'It has: web',
    })
    expect(failureIn(() => stopCalls(target, { host: 'a', seen: host() }, undefined))).toMatchObject({ code: 'VERSION_UNKNOWN' })
  })
})

describe('removing', () => {
  const all = runs([container('web', first, 'a', 'exited'), container('web', second, 'b'), container('worker', second, 'b')])

  it('of one service takes its containers of every release, and leaves what is kept', () => {
    expect(planRemoval(target, all, 'web')).toMatchObject({
      calls: [
        ['discard', 'web', nameOf('web', first), '5'],
        ['discard', 'web', nameOf('web', second), '5'],
      ],
      removal: { releases: [], servers: [] },
    })
  })

  it('is refused where nginx cannot be read, whose files would stay', () => {
    const broken = nginx({ state: 'broken', said: 'unknown directive' })
    const behind = { host: 'a', seen: { ...all.seen, ports: new Map([['web', { a: 20100, b: 20101 }]]), nginx: broken } }
    expect(failureIn(() => planRemoval(target, behind, undefined))).toMatchObject({ code: 'HOST_UNFIT', hint: 'unknown directive' })
    expect(failureIn(() => planRemoval(target, behind, 'web'))).toMatchObject({ code: 'HOST_UNFIT' })
    expect(planRemoval(target, behind, 'worker').calls).toEqual([['discard', 'worker', nameOf('worker', second), '10']])
  })

  it('of everything takes what is kept as well, at last', () => {
    const { calls, removal } = planRemoval(target, all, undefined)
    expect(calls.at(-1)).toEqual(['forget_all'])
    expect(removal.releases).toEqual([first, second])
    expect(removal.containers).toHaveLength(3)
  })
})

describe('a container of its own for a command', () => {
  it('is made as the service is, without its port, its name and its labels', () => {
    expect(anewCall(target, runs([container('web', second)]), 'web', ['--label', 'launchway.app=x', ''], '0f')).toEqual([
      'anew',
      'addie.production.web.exec-0f',
      `/var/lib/launchway/addie/production/releases/${second}/secrets`,
      'back',
      ...['--label', 'launchway.exec=addie.production', '--env', 'A=1', '--env', 'KEY', '--network', 'front'],
      ...['--no-healthcheck', '--stop-timeout', '5'],
      `registry.example.org/addie@${digest}`,
      ...['--label', 'launchway.app=x', ''],
    ])
  })

  it('has no health check, and no two words on it that docker would not take together', () => {
    const checked = environment([{ ...web, options: ['--health-cmd', 'true'] }], { hosts: ['a'] })
    const seen = runs([container('web', second)], { releases: new Map([[second, { ...kept, environment: checked }]]) })
    expect(anewCall(target, seen, 'web', ['true'], '0f')).not.toContain('--no-healthcheck')
  })

  it('is not made of a service that the release does not have', () => {
    expect(failureIn(() => anewCall(target, runs([]), 'shop', ['true'], '0f'))).toMatchObject({
      code: 'USAGE',
      hint: 'It has: web, worker',
    })
  })
})

describe('what a program says before the command writes', () => {
  it('is taken out of the error stream, wherever the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), fc.nat(60), async (before, after, cut) => {
        const all = Buffer.concat([before, Buffer.from('launchway-0f0f\tbegun\tname\n'), after])
        const seen: Buffer[] = []
        const to = new Writable({ write: (chunk: Buffer, _, done) => (seen.push(chunk), done()) })
        const stream = new Announced('launchway-0f0f', to)
        for (const part of [all.subarray(0, cut), all.subarray(cut)]) if (part.length > 0) stream.write(part)
        await new Promise<void>((resolve) => stream.end(resolve))
        expect(stream.said()).toEqual(['begun', 'name'])
        expect(Buffer.concat(seen)).toEqual(Buffer.concat([before, after]))
      }),
    )
  })
})

describe('the history', () => {
  const line = (of: object): string => `line\t${JSON.stringify({ v: 1, release: second, attempt: '0a', ...of })}`
  const of = (lines: string[]): ReturnType<typeof entriesOf> => entriesOf(new Facts(lines.join('\n')))

  it('has one entry an attempt, newest first, with who, what, how long and why', () => {
    expect(
      of([
        `release\t${first}\t${JSON.stringify({ ...kept, release: first, label: 'v1' })}`,
        line({ at: 1000, release: first, attempt: '01', step: 'lock', state: 'done' }),
        line({ at: 1012, release: first, attempt: '01', step: 'end', state: 'done' }),
        line({ at: 2000, step: 'lock', state: 'done', by: 'ada@laptop', version: 'v2', did: 'deploy' }),
        line({ at: 2005, step: 'probe', state: 'done', service: 'web', ms: 90 }),
        line({ at: 2005, step: 'probe', state: 'done', service: 'web', ms: 70 }),
        line({ at: 2009, step: 'downtime', state: 'done', service: 'x', ms: 400 }),
        line({ at: 2010, step: 'healthy', state: 'failed', service: 'x', note: 'the container ended\nlast words' }),
        line({ at: 2011, step: 'end', state: 'undone', note: 'the container ended' }),
        line({ at: 3000, attempt: '03', step: 'lock', state: 'done', by: 'bob@desk', did: 'stop' }),
      ]),
    ).toEqual([
      { at: '1970-01-01T00:50:00.000Z', release: second, did: 'stop', by: 'bob@desk', outcome: 'unfinished' },
      {
        at: '1970-01-01T00:33:20.000Z',
        release: second,
        version: 'v2',
        did: 'deploy',
        by: 'ada@laptop',
        outcome: 'undone',
        reason: 'x healthy the container ended',
        seconds: 11,
        downtimeMs: 400,
        switchMs: 70,
      },
      { at: '1970-01-01T00:16:40.000Z', release: first, version: 'v1', outcome: 'done', seconds: 12 },
    ])
  })
})

describe('which variables a deploy would change', () => {
  it.each<[string, Parameters<typeof service>[0], Parameters<typeof service>[0], string[]]>([
    ['nothing', { env: { A: '1' }, secrets: ['KEY'] }, { env: { A: '1' }, secrets: ['KEY'] }, []],
    [
      'a variable each way',
      { env: { A: '1', B: '1', C: '1' } },
      { env: { B: '2', C: '1', D: '1' } },
      ['env changed B', 'env new D', 'env gone A'],
    ],
    [
      'secrets each way',
      { secrets: ['KEY', 'OLD', 'CHANGED', 'UNKNOWN'] },
      { secrets: ['KEY', 'CHANGED', 'UNKNOWN', 'NEW'] },
      ['secret changed CHANGED', 'secret unknown UNKNOWN', 'secret new NEW', 'secret gone OLD'],
    ],
    ['a variable that becomes a secret', { env: { KEY: '1' } }, { secrets: ['KEY'] }, ['env gone KEY', 'secret new KEY']],
  ])('%s', (_, before, after, expected) => {
    const secrets = { given: new Set(['web.KEY', 'web.CHANGED', 'web.NEW']), changed: new Set(['web.CHANGED']) }
    const found = compare([service(before)], environment([service(after)]), secrets)
    expect(found.map(({ kind, change, name }) => `${kind} ${change} ${name}`)).toEqual(expected)
  })
})

describe('pruning', () => {
  it.each([
    ['docker.io/team/app', 'team/app'],
    ['docker.io/library/redis', 'redis'],
    ['redis', 'redis'],
    ['ghcr.io/team/app', 'ghcr.io/team/app'],
    ['127.0.0.1:5000/app', '127.0.0.1:5000/app'],
  ])('asks docker for %s as %s', (repository, shown) => expect(familiar(repository)).toBe(shown))

  it('looks where the images of kept releases come from, and reads what went', () => {
    expect([
      ...repositoriesIn(
        host({
          releases: new Map([
            [second, kept],
            [first, undefined],
          ]),
        }),
      ),
    ]).toEqual(['registry.example.org/addie'])
    const line = {
      v: 1 as const,
      at: 1,
      release: second,
      attempt: '0',
      step: 'prune',
      state: 'done',
      note: 'freed 12\ncontainer x\nimage y',
    }
    expect(prunedIn([line])).toEqual({ removed: ['container x', 'image y'], freedBytes: 12_288 })
    expect(prunedIn([{ ...line, note: 'freed -3\n' }])).toEqual({ removed: [], freedBytes: 0 })
  })
})

describe('what is asked for', () => {
  it.each<[string | undefined, string[]]>([
    [undefined, target.environment.hosts],
    ['deploy@b.example.org', ['deploy@b.example.org']],
    ['a.example.org', ['deploy@a.example.org:2222']],
  ])('the host %s is %j', (wanted, found) => expect(hostsOf(target, wanted)).toEqual(found))

  it('the exit code is that of the first host that refused', () => {
    const error = { code: 'SSH_UNREACHABLE' as const, message: '' }
    expect([exitOf([{}, { error }]), exitOf([{}])]).toEqual([{ exit: 6 }, {}])
  })
})
