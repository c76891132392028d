import { describe, expect, it } from 'vitest'
import type { Service } from '../../src/core/deployment.ts'
import { containerArgs } from '../../src/deploy/container.ts'
import type { SeenCron } from '../../src/deploy/cron.ts'
import type { Kept } from '../../src/deploy/kept.ts'
import { type Observation, parseObservation, type SeenContainer } from '../../src/deploy/observation.ts'
import { planRemoval } from '../../src/deploy/operate/remove.ts'
import { startAgainCalls, stopCalls } from '../../src/deploy/operate/stop.ts'
import { planHost } from '../../src/deploy/plan.ts'
import type { Wanted } from '../../src/deploy/wanted.ts'
import { container, digest, environment, failureIn, first, host, nameOf, second, service, story, wanted } from './support/deploy.ts'

const backup = service({ name: 'backup', command: ['backup'], cron: '0 3 * * *', restart: 'no', stopTimeoutMs: 300_000 })
const report = service({ name: 'report', cron: '0 4 * * 1', restart: 'no' })
const worker = service({ name: 'worker' })
const [backup1, backup2, worker1, worker2] = [
  nameOf('backup', first),
  nameOf('backup', second),
  nameOf('worker', first),
  nameOf('worker', second),
]

const cron = (lines: Record<string, string> = {}, of: Partial<SeenCron> = {}): SeenCron => ({
  lacks: [],
  said: '',
  of: Object.keys(lines).length === 0 ? undefined : 'deploy',
  lines: new Map(Object.entries(lines)),
  ...of,
})
const job = (name: string, release: string, of: Partial<SeenContainer> = {}): SeenContainer => ({
  ...container(name, release, 'a', 'exited'),
  cron: '0 3 * * *',
  ...of,
})
const kept = (services: Service[], release = first): Kept => ({
  version: 1,
  release,
  app: 'addie',
  label: 'v1',
  images: { app: `registry.example.org/addie@${digest}` },
  repositories: ['registry.example.org/addie'],
  environment: environment(services),
})
const after1 = (of: Partial<Observation>): Observation => host({ current: first, cron: cron({ backup: '0 3 * * *' }), ...of })

const begin = (current: string): string[] => ['begin', `expect ${current}`.trim(), 'recover']
const record = 'record registry.example.org/addie'

const decisions: { case: string; services: Service[]; of?: Partial<Wanted>; seen: Observation; steps: string[]; notes: string[] }[] = [
  {
    case: 'it is made beside the others, never started, and gets its line at last before the record',
    services: [backup, worker],
    seen: host({ cron: cron() }),
    steps: [
      ...[...begin(''), 'pull', `create ${worker2}`, `create ${backup2}`, `start ${worker2}`, `watch ${worker2}`, `keep ${worker2}`],
      ...['schedule backup 0 3 * * *', record, 'finish'],
    ],
    notes: ['worker: started for the first time', "backup: runs at 0 3 * * *, host's time"],
  },
  {
    case: 'a run of the old version has its time to end; other times are told',
    services: [{ ...backup, cron: '30 4 * * *' }],
    seen: after1({ containers: [job('backup', first, { state: 'running' })] }),
    steps: [
      ...[...begin(first), 'pull', `create ${backup2}`, 'schedule backup 30 4 * * *', record],
      ...[`retire_job backup ${backup1} 300`, 'retired', 'finish'],
    ],
    notes: ["backup: runs at 30 4 * * * instead of 0 3 * * *, host's time"],
  },
  {
    case: 'one that is gone from the configuration loses its line, and its last run has the time that it was promised',
    services: [worker],
    seen: after1({
      containers: [job('backup', first), container('worker', first)],
      releases: new Map([[first, kept([{ ...backup, stopTimeoutMs: 60_000 }])]]),
    }),
    steps: [
      ...[...begin(first), 'pull', `create ${worker2}`, `start ${worker2}`, `watch ${worker2}`, `keep ${worker2}`, 'schedule', record],
      ...[`retire_job backup ${backup1} 60`, `retire worker ${worker1} 10`, 'retired', 'finish'],
    ],
    notes: ['worker: started beside the old one, which is stopped afterwards', 'backup: no longer in the configuration, stopped'],
  },
  {
    case: 'one that was kept running and has times now is stopped like any other, at the end',
    services: [{ ...worker, cron: '* * * * *', restart: 'no' }],
    seen: host({ current: first, containers: [container('worker', first)], cron: cron() }),
    steps: [
      ...[...begin(first), 'pull', `create ${worker2}`, 'schedule worker * * * * *', record],
      ...[`retire worker ${worker1} 10`, 'retired', 'finish'],
    ],
    notes: ["worker: runs at * * * * *, host's time"],
  },
  {
    case: 'of the release that is live it is left alone, whether it runs just now or not',
    services: [{ ...backup, secrets: ['KEY'] }, report],
    seen: host({
      current: second,
      containers: [job('backup', second), job('report', second, { state: 'running' })],
      cron: cron({ backup: '0 3 * * *' }),
    }),
    steps: [...begin(second), 'pull', 'schedule backup 0 3 * * * report 0 4 * * 1', record, 'finish'],
    notes: ["backup: runs at 0 3 * * *, host's time, and keeps the secrets it was made with", "report: runs at 0 4 * * 1, host's time"],
  },
  {
    case: 'a rollback leads to the container that was kept, and writes the lines of its release',
    services: [backup],
    of: { isReturn: true, release: first },
    seen: host({
      current: second,
      containers: [job('backup', first), job('backup', second, { slot: 'b', state: 'running' })],
      cron: cron({ backup: '30 4 * * *', report: '0 4 * * 1' }),
    }),
    steps: [...[...begin(second), 'schedule backup 0 3 * * *', record, `retire_job backup ${backup2} 300`, 'retired', 'finish']],
    notes: ["backup: runs at 0 3 * * * instead of 30 4 * * *, host's time"],
  },
  {
    case: 'without any, and without lines of an earlier release, nobody touches a crontab',
    services: [worker],
    seen: host({ cron: cron({}, { lacks: ['missing'] }) }),
    steps: [...begin(''), 'pull', `create ${worker2}`, `start ${worker2}`, `watch ${worker2}`, `keep ${worker2}`, record, 'finish'],
    notes: ['worker: started for the first time'],
  },
]

describe('what a deploy does to scheduled commands', () => {
  it.each(decisions)('$case', ({ services, of, seen, steps, notes }) => {
    const plan = planHost(wanted(services, of), seen, 'a')
    expect(story(plan.calls)).toEqual(steps)
    expect(plan.notes).toEqual(notes)
  })

  it('the container says when it runs, publishes nothing, and is asked nothing', () => {
    const args = containerArgs(backup, { app: 'addie', environment: 'production', release: second, slot: 'a' }, 'image')
    expect(args).toContain('launchway.cron=0 3 * * *')
    expect(args).toContain('--no-healthcheck')
    expect(args).not.toContain('--publish')
    expect(containerArgs(worker, { app: 'addie', environment: 'production', release: second, slot: 'a' }, 'image').join(' ')).not.toMatch(
      /cron|healthcheck/,
    )
  })
})

describe('a host that cannot run scheduled commands', () => {
  it.each<[string, SeenCron | undefined, string, string]>([
    ['no crontab', cron({}, { lacks: ['missing'] }), 'crontab is not installed', 'backup has cron. As root on the host: apt install cron'],
    ['no daemon', cron({}, { lacks: ['idle'] }), 'no cron daemon runs', 'apt install cron && systemctl enable --now cron'],
    [
      'not allowed',
      cron({}, { lacks: ['denied'], said: 'You (deploy) are not allowed to use this program' }),
      'the account may not use crontab',
      'You (deploy) are not allowed to use this program See cron.allow',
    ],
    ['no lock', cron({}, { lacks: ['unlocked'] }), 'the account cannot use the lock of the host', 'chmod a+r its host.lock'],
    ['not looked at', undefined, 'crontab is not installed', 'apt install cron'],
  ])('%s: the error says what and what to do, also for a rollback and a start', (_, seen, what, todo) => {
    const of = { ...(seen === undefined ? {} : { cron: seen }) }
    const error = failureIn(() => planHost(wanted([backup, worker]), host(of), 'a.example.org'))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining(what), hint: expect.stringContaining(todo) })
    // A way back that is needed now does not wait for a daemon.
    const back = (): string =>
      planHost(wanted([backup], { isReturn: true, release: first }), host({ current: second, ...of }), 'a').warnings.join()
    const isIdle = seen?.lacks.includes('idle') === true
    expect(isIdle ? back() : failureIn(back).code).toContain(isIdle ? 'systemctl enable --now cron' : 'HOST_UNFIT')
    const stopped = { ...host({ current: first, containers: [job('backup', first)], releases: new Map([[first, kept([backup])]]) }), ...of }
    expect(failureIn(() => startAgainCalls({ host: 'a', seen: stopped }, undefined))).toMatchObject({
      code: 'HOST_UNFIT',
      message: expect.stringContaining(`a cannot run scheduled commands: ${what}`),
    })
    expect(planHost(wanted([worker]), host(of), 'a').calls.length).toBeGreaterThan(0)
  })
})

describe('a run that is under way', () => {
  it('is ended for a service in its place that must not overlap, and does not begin again when that fails', () => {
    const instead = service({ name: 'backup', overlap: false })
    const found = host({
      current: first,
      containers: [job('backup', first, { state: 'running' })],
      releases: new Map([[first, kept([backup])]]),
      cron: cron({ backup: '0 3 * * *' }),
    })
    const calls = planHost(wanted([instead]), found, 'a').calls.map(([call, ...args]) => `${call} ${args.slice(0, 2).join(' ')}`)
    expect(calls).toContain(`retire_run backup ${backup1}`)
    expect(calls.filter((call) => call.startsWith('halt'))).toEqual([])
    expect(calls.indexOf(`retire_run backup ${backup1}`)).toBeLessThan(calls.indexOf(`start backup ${backup2}`))
  })
})

describe('operating scheduled commands', () => {
  const target = { app: 'addie', environment: environment([backup, report, worker]) }
  const containers = [job('backup', first), job('report', first, { cron: '0 4 * * 1', state: 'running' }), container('worker', first)]
  const releases = new Map([[first, kept([backup, report, worker])]])
  const runs = (lines: Record<string, string>, of: Partial<Observation> = {}): { host: string; seen: Observation } => ({
    host: 'a',
    seen: host({ current: first, containers, releases, cron: cron(lines), ...of }),
  })
  const both = { backup: '0 3 * * *', report: '0 4 * * 1' }

  it('stopping takes the lines first, and ends what runs', () => {
    expect(stopCalls(target, runs(both), undefined)).toEqual({
      calls: [
        ['unschedule', 'backup', 'report'],
        ['settled'],
        ['cease', 'report', nameOf('report', first), '10', 'no'],
        ['cease', 'worker', worker1, '10', 'unless-stopped'],
      ],
      services: ['backup', 'report', 'worker'],
    })
    expect(stopCalls(target, runs(both), 'backup')).toEqual({ calls: [['unschedule', 'backup'], ['settled']], services: ['backup'] })
    expect(stopCalls(target, runs({ report: '0 4 * * 1' }), 'backup')).toEqual({ calls: [], services: [] })
  })

  it('starting gives those their lines again that have none, and starts no container of theirs', () => {
    expect(startAgainCalls(runs({ report: '0 4 * * 1' }), undefined)).toEqual({
      calls: [['schedule_again', 'backup', '0 3 * * *'], ['settled']],
      services: ['backup'],
    })
    expect(startAgainCalls(runs(both), undefined)).toEqual({ calls: [], services: [] })
  })

  it('removing one takes its line before its containers, and removing all takes all', () => {
    expect(planRemoval(target, runs(both), 'backup')).toMatchObject({
      calls: [['unschedule', 'backup'], ['settled'], ['discard', 'backup', backup1, '300']],
      removal: { crontab: ['backup'] },
    })
    const { calls, removal } = planRemoval(target, runs(both), undefined)
    expect(calls[0]).toEqual(['schedule'])
    expect(calls.at(-1)).toEqual(['forget_all'])
    expect(removal.crontab).toEqual(['backup', 'report'])
    expect(planRemoval(target, runs({}), 'worker').calls).toEqual([['discard', 'worker', worker1, '10']])
  })
})

describe('what a host says of scheduled commands', () => {
  const seen = (...facts: string[]): Observation => parseObservation('a', ['detach\tsetsid', ...facts, 'seen\tyes'].join('\n'))
  const state = (of: object): string =>
    JSON.stringify({ Running: false, StartedAt: '0001-01-01T00:00:00Z', FinishedAt: '0001-01-01T00:00:00Z', ExitCode: 0, Error: '', ...of })
  const line =
    '0 3 * * 1-5 test ! -e /var/lib/launchway/addie/production/job.sh || /bin/sh /var/lib/launchway/addie/production/job.sh addie.production backup'

  it.each<[string, object, object]>([
    ['was made', {}, { state: 'never' }],
    ['runs', { Running: true, StartedAt: '2026-11-21T03:00:01.123456789Z' }, { state: 'running', startedAt: '2026-11-21T03:00:01Z' }],
    [
      'has ended',
      { StartedAt: '2026-11-21T03:00:01.1Z', FinishedAt: '2026-11-21T03:04:05.678Z', ExitCode: 3, OOMKilled: true },
      { state: 'ended', endedAt: '2026-11-21T03:04:05Z', exitCode: 3, outOfMemory: true },
    ],
    [
      'could not be started',
      { ExitCode: 127, Error: 'no such\tfile' },
      { state: 'ended', endedAt: '', exitCode: 127, error: 'no such\tfile' },
    ],
  ])('a container that %s', (_, of, run) => {
    const [found] = seen(
      `container\t${backup1}\tbackup\t${first}\ta\texited\tExited (0)\t0 3 * * 1-5`,
      `run\t/${backup1}\t${state(of)}`,
    ).containers
    expect(found).toMatchObject({ cron: '0 3 * * 1-5', run })
  })

  it('lines by service, whose crontab they stand in, and what keeps them from being run', () => {
    const { cron: found } = seen(
      'cron\tlooked',
      'cron.of\tdeploy',
      `cron.line\t${line}`,
      'cron\tidle',
      'cron\tdenied\tnot allowed',
      'cron.noted\tbackup',
    )
    expect(found).toEqual({
      of: 'deploy',
      lines: new Map([['backup', '0 3 * * 1-5']]),
      lacks: ['idle', 'denied'],
      said: 'not allowed',
      noted: new Set(['backup']),
    })
    expect(seen('cron\tlooked', `cron.line\t#${line}`, 'cron.line\t').cron?.lines.size).toBe(0)
    expect(seen('cron\tlooked').cron).toEqual({ of: undefined, lines: new Map(), lacks: [], said: '', noted: new Set() })
    expect(seen().cron).toBeUndefined()
  })

  it('a container that is kept running has no times', () => {
    const [found] = seen(`container\t${worker1}\tworker\t${first}\ta\trunning\tUp 3 minutes\t`).containers
    expect(found).toEqual({ ...container('worker', first) })
  })
})
