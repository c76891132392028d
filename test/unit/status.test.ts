import { describe, expect, it } from 'vitest'
import { cancelled, LaunchwayError } from '../../src/core/error.ts'
import type { Ports } from '../../src/core/ports.ts'
import { redact, Secret } from '../../src/core/secret.ts'
import { showStatus, status } from '../../src/deploy/status.ts'
import { fakeSsh, type Host } from '../fakes/ssh.ts'
import { environment, first, second, service } from './support/deploy.ts'

describe('status', () => {
  it('shows for each host what runs, what ran before and who deploys', () => {
    const containers = [{ service: 'web', release: second, slot: 'b' as const, state: 'running', status: 'Up 3 minutes (healthy)' }]
    expect(
      showStatus(
        [
          { host: 'a', current: second, previous: first, versions: { [second]: 'v2' }, containers },
          { host: 'b', lockedBy: 'ada@laptop', containers: [] },
          { host: 'c', current: first, brokeOff: true, containers: [] },
        ],
        'production',
      ).split('\n'),
    ).toEqual([
      `a: v2 (release ${second}), before release ${first}`,
      `  web          b  ${second}  Up 3 minutes (healthy)`,
      'b: nothing runs here',
      '  a deploy is under way: ada@laptop',
      `c: release ${first}`,
      '  an attempt broke off here, and is half done: the next deploy or rollback undoes it first, or finishes it',
    ])
  })
})

describe('status of scheduled commands', () => {
  const endedAt = '2026-11-21T03:31:07Z'
  const ended = { state: 'ended', startedAt: '2026-11-21T03:30:01Z', endedAt, exitCode: 0, outOfMemory: false, error: '' } as const
  const row = (release: string, cron: object): string => {
    const containers = [
      {
        service: 'backup',
        release,
        slot: 'a' as const,
        state: 'exited',
        status: 'Exited',
        cron: { times: '0 3 * * *', scheduled: true, ...cron },
      },
    ]
    return showStatus([{ host: 'a', current: second, containers }], 'production').split('\n')[1] ?? ''
  }

  it.each<[string, object, string]>([
    ['was only made', { lastRun: { state: 'never' } }, 'at 0 3 * * *: has not run yet'],
    ['runs', { lastRun: { state: 'running', startedAt: endedAt } }, 'at 0 3 * * *: running since 2026-11-21 03:31:07Z'],
    ['ended well', { lastRun: ended }, 'at 0 3 * * *: last run ended 2026-11-21 03:31:07Z, exit code 0'],
    [
      'ended badly',
      { lastRun: { ...ended, exitCode: 137, outOfMemory: true } },
      'at 0 3 * * *: last run ended 2026-11-21 03:31:07Z, exit code 137, out of memory',
    ],
    [
      'could not be started',
      { lastRun: { ...ended, endedAt: '', exitCode: 127, error: 'no such file' } },
      'at 0 3 * * *: last run ended before it began, exit code 127, no such file',
    ],
    [
      'was stopped',
      { scheduled: false, lastRun: ended },
      'stopped, else at 0 3 * * * (launchway start backup -e production): last run ended 2026-11-21 03:31:07Z, exit code 0',
    ],
  ])('one that %s', (_, cron, words) => {
    expect(row(second, cron)).toBe(`  backup       a  ${second}  ${words}`)
  })

  it('of an earlier release its last run alone is told, and a cron that does not run is told once', () => {
    expect(row(first, { scheduled: false, lastRun: ended })).toBe(
      `  backup       a  ${first}  last run ended 2026-11-21 03:31:07Z, exit code 0`,
    )
    expect(showStatus([{ host: 'a', current: second, containers: [], cronLacks: ['no cron daemon runs'] }], 'production')).toContain(
      '  no scheduled command runs: no cron daemon runs',
    )
  })
})

describe('a scheduled command whose container somebody has removed', () => {
  it('is told: nothing runs it any more, or its next run makes it again', () => {
    const jobs = { goneJobs: ['backup'], remadeJobs: ['digest'] }
    const shown = showStatus([{ host: 'a', current: second, containers: [], ...jobs }], 'production')
    expect(shown).toContain(
      '  backup       has no container any more, and does not run: somebody has removed it. Deploy this version again',
    )
    expect(shown).toContain('  digest       has no container any more: somebody has removed it. Its next run makes it again')
  })
})

describe('a look at several hosts', () => {
  const deployed = environment([service()], { hosts: ['a', 'b', 'c'] })
  const seen: Host = () => ({ stdout: `uid\t0\ncurrent\t${second}\nseen\tyes\n` })
  const looking = (hosts: Readonly<Record<string, Host>>, signal = new AbortController().signal) => {
    const secret = (name: string): Secret | undefined => (name === 'SSH_KEY' ? new Secret('the-key') : undefined)
    const outside: Pick<Ports, 'ssh' | 'secret' | 'redact' | 'signal'> = {
      ssh: fakeSsh(hosts),
      secret,
      redact: (text) => redact(text, [new Secret('the-key')]),
      signal,
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the ports that a look uses
    return status('addie', deployed, outside as Ports)
  }

  it('shows what there is to see, and of the others why not, without secrets', async () => {
    const refused = new LaunchwayError('SSH_HOST_KEY', 'b shows another host key', { hint: 'it said the-key\nask' })
    const hosts = await looking({ a: seen, b: refused, c: seen })
    expect(hosts).toEqual([
      { host: 'a', current: second, containers: [] },
      { host: 'b', error: { code: 'SSH_HOST_KEY', message: 'b shows another host key', hint: 'it said ***\nask' } },
      { host: 'c', current: second, containers: [] },
    ])
    expect(showStatus(hosts, 'production').split('\n')).toEqual([
      `a: release ${second}`,
      'b: SSH_HOST_KEY: b shows another host key',
      '  it said ***',
      '  ask',
      `c: release ${second}`,
    ])
  })

  it('tells of an attempt that broke off, and not of one that is under way', async () => {
    const left =
      (...lines: string[]): Host =>
      () => ({ stdout: ['uid\t0', 'interrupted\tyes', ...lines, 'seen\tyes\n'].join('\n') })
    const [here, there] = await looking({ a: left(), b: left('locked\tyes', 'lock.holder\tada'), c: seen })
    expect(here).toEqual({ host: 'a', brokeOff: true, containers: [] })
    expect(there).toEqual({ host: 'b', lockedBy: 'ada', containers: [] })
  })

  it('that is cancelled ends', async () => {
    const cancelledBefore = AbortSignal.abort(cancelled('SIGINT'))
    await expect(looking({ a: seen }, cancelledBefore)).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  it('does not take a bug of ours for a host that is ill', async () => {
    const bug: Host = () => {
      throw new TypeError('x is undefined')
    }
    await expect(looking({ a: bug, b: seen, c: seen })).rejects.toThrow('x is undefined')
  })
})
