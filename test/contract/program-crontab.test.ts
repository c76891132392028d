import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { HostCall } from '../../src/deploy/call.ts'
import { begin, block, done, end, lineOf, place, shells } from './support/crontab-folder.ts'

const crontabSh = readFileSync(new URL('../../src/deploy/host/crontab.sh', import.meta.url), 'utf8')
const scratch = mkdtempSync(join(tmpdir(), 'launchway-crontab-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const wordsOf = (shell: string): [string, string[]] => (shell === 'busybox' ? ['busybox', ['sh']] : [shell, []])

/** The answer of one of the functions to a crontab, by the real shell. */
function asked(shell: string, call: string, table: string, lines = ''): string {
  const [file, args] = wordsOf(shell)
  const program = `LW_APP=addie LW_ENVIRONMENT=production\n${crontabSh}\n${call}\n`
  return execFileSync(file, [...args, '-c', program, 'sh', lines], { input: table, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
}

/** What people and programs have in a crontab: also marks of others, marks that were copied in part, and odd bytes. */
const others = fc.array(
  fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      '# m h dom mon dow command',
      'MAILTO=ada@example.org',
      'PATH=/opt/bin:/usr/bin',
      '*/5 * * * * /usr/local/bin/poll --at "50%" \\',
      '0 3 * * * test ! -e /srv/job.sh || /bin/sh /srv/job.sh addie.staging backup',
      '# begin launchway addie.staging: each deploy writes these lines anew',
      '# end launchway addie.staging',
      '# begin launchway addie.production2: each deploy writes these lines anew',
      'a\tb\r',
      'ü€𝄞 & \\n \\1 %%',
    ),
    fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll(/[\n\0]/g, '')),
  ),
  { maxLength: 6 },
)
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')
const jobs = fc
  .uniqueArray(fc.constantFrom('backup', 'report', '0', 'a-b_c'), { maxLength: 3 })
  .map((names) => names.map((name) => lineOf(name)))

describe.each(shells)('the lines of an environment in a crontab, with %s', (shell) => {
  it('are put in, replaced and taken out again while every other line stays as it was, byte for byte', () => {
    fc.assert(
      fc.property(others, others, jobs, jobs, (before, after, one, other) => {
        const plain = text([...before, ...after])
        const put = asked(shell, 'cron_text "$1"', plain, one.join('\n'))
        expect(put).toBe(one.length === 0 ? plain : `${plain}${block(...one)}`)
        expect(asked(shell, 'cron_lines', put)).toBe(text(one))
        expect(asked(shell, 'cron_text "$1"', put, one.join('\n'))).toBe(put)
        // Where they stand, they stay.
        const between = `${text(before)}${block(...(one.length === 0 ? [lineOf('x')] : one))}${text(after)}`
        const replaced = asked(shell, 'cron_text "$1"', between, other.join('\n'))
        expect(replaced).toBe(`${text(before)}${other.length === 0 ? '' : block(...other)}${text(after)}`)
        expect(asked(shell, 'cron_text "$1"', replaced, '')).toBe(plain)
      }),
      { numRuns: 15 },
    )
  })

  it.each<[string, string, string]>([
    ['a line of somebody between the marks stays', block(lineOf('backup'), '@daily poll'), `${block(lineOf('new'))}@daily poll\n`],
    ['a line of ours that somebody has commented out goes', block(`#${lineOf('backup')}`), block(lineOf('new'))],
    ['an end that is gone takes nothing with it', `${begin}\n${lineOf('backup')}\n@daily poll\n`, `${block(lineOf('new'))}@daily poll\n`],
    ['a begin that is gone neither', `@daily poll\n${end}\n`, `@daily poll\n${block(lineOf('new'))}`],
    [
      'what somebody starts by themselves stays',
      `${lineOf('backup', '@reboot')}\n`,
      `${lineOf('backup', '@reboot')}\n${block(lineOf('new'))}`,
    ],
    ['two blocks become one', `${block(lineOf('a'))}x\n${block(lineOf('b'))}`, `${block(lineOf('new'))}x\n`],
    ['a state folder that moved is followed', block(lineOf('a', '* * * * *', '/srv/old')), block(lineOf('new'))],
    ['a last line without its end gets one', '@daily poll', `@daily poll\n${block(lineOf('new'))}`],
  ])('%s', (_, table, expected) => {
    expect(asked(shell, 'cron_text "$1"', table, lineOf('new'))).toBe(expected)
  })
})

const own = '# mine\nMAILTO=ada@example.org\n\n*/5 * * * * poll 50\\%\n\n'
const failing: HostCall[] = [['eval', 'start_step record; fail record "" "on purpose"']]

/** What makes a text is run by every shell; what the apply program does with it, by one but in the campaign. */
const taken = process.env['LAUNCHWAY_CAMPAIGN'] === undefined ? ['dash'] : shells

describe.each(taken)('what the apply program does to a crontab, with %s', (shell) => {
  const lineAt = ({ home }: { home: string }, service: string, times?: string): string => lineOf(service, times, home)

  it('lines come, change and go, and the rest is what it was', () => {
    const there = place(scratch, shell, own)
    there.run([['begin'], ['schedule', 'backup', '0 3 * * *', 'report', '*/5 * * * 1-5'], ...done])
    expect(there.table()).toBe(`${own}${block(lineAt(there, 'backup'), lineAt(there, 'report', '*/5 * * * 1-5'))}`)
    expect(there.of()).toBe(there.account)
    there.run([['begin'], ['unschedule', 'backup'], ...done])
    expect(there.table()).toBe(`${own}${block(lineAt(there, 'report', '*/5 * * * 1-5'))}`)
    there.run([['begin'], ['schedule_again', 'backup', '1 4 * * *'], ...done])
    expect(there.table()).toBe(`${own}${block(lineAt(there, 'report', '*/5 * * * 1-5'), lineAt(there, 'backup', '1 4 * * *'))}`)
    const lines = there.run([['begin'], ['schedule'], ...done])
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'done' })
    expect(there.table()).toBe(own)
    expect(there.of()).toBeUndefined()
  })

  it('who had no crontab has none in the end, and the same lines again are not written twice', () => {
    const there = place(scratch, shell)
    there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...done])
    there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...done])
    expect(there.written()).toHaveLength(1)
    there.run([['begin'], ['schedule'], ...done])
    expect(there.table()).toBeUndefined()
  })

  it.each<[string, HostCall[]]>([
    ['lines that are new', [['schedule', 'other', '1 1 * * *']]],
    ['lines that go', [['schedule']]],
    ['one that is stopped', [['unschedule', 'backup']]],
  ])('a failure puts back %s, and keeps what somebody else has changed since', (_, calls) => {
    const there = place(scratch, shell, own)
    there.run([['begin'], ['schedule', 'backup', '0 3 * * *', 'report', '0 4 * * *'], ...done])
    const before = there.table() ?? ''
    const edited = `sed 's/^# mine/# edited meanwhile/' ${join(there.root, 'spool', there.account)} > x && cat x > ${join(there.root, 'spool', there.account)}; rm x`
    const lines = there.run([['begin'], ...calls, ['eval', edited], ...failing])
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'undone' })
    // Where all of them had gone, they come back at the end: the order of the others is the same.
    expect(there.table()).toBe(before.replace('# mine', '# edited meanwhile'))
    expect(there.of()).toBe(there.account)
  })

  it('the first lines of an account go when their release fails', () => {
    const there = place(scratch, shell, own)
    const lines = there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...failing])
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'undone' })
    expect(there.table()).toBe(own)
    expect(there.of()).toBeUndefined()
  })

  it('what was killed right after it had written them is undone by the next', () => {
    const there = place(scratch, shell, own)
    there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ['eval', 'kill -9 $$']])
    expect(there.table()).toContain(lineAt(there, 'backup'))
    there.run([['begin'], ['recover'], ['end', 'done']])
    expect(there.table()).toBe(own)
  })

  it('a crontab that cannot be read is not taken for an empty one', () => {
    const there = place(scratch, shell, own)
    writeFileSync(join(there.root, 'refuse'), '')
    const lines = there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...done])
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'failed', note: `the crontab of ${there.account} cannot be read: no entry` })
    expect(there.table()).toBe(own)
  })

  it('one that cannot be written stays as it was', () => {
    const there = place(scratch, shell, own)
    writeFileSync(join(there.root, 'full'), '')
    const lines = there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...done])
    expect(lines.at(-1)).toMatchObject({
      step: 'end',
      state: 'undone',
      note: `the crontab of ${there.account} cannot be changed: disk full`,
    })
    expect([there.table(), there.of()]).toEqual([own, undefined])
  })

  it.runIf(process.getuid?.() === 0)(
    'lines that another account had go from its crontab, and come back there when the release fails',
    () => {
      const there = place(scratch, shell)
      const theirs = `${own}${block(lineAt(there, 'backup'))}`
      there.give('nobody', theirs)
      writeFileSync(join(there.home, 'cron.of'), 'nobody\n')
      there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...failing])
      expect([there.table('nobody'), there.table(), there.of()]).toEqual([theirs, undefined, 'nobody'])
      there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...done])
      expect([there.table('nobody'), there.table(), there.of()]).toEqual([own, block(lineAt(there, 'backup')), there.account])
    },
  )

  it.runIf(process.getuid?.() === 0)('an account that is there no more keeps no deploy from going on', () => {
    const there = place(scratch, shell)
    const had = (): void => writeFileSync(join(there.home, 'cron.of'), 'gone-long-ago\n')
    had()
    expect(there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...done]).at(-1)).toMatchObject({ step: 'end', state: 'done' })
    expect([there.table(), there.of()]).toEqual([block(lineAt(there, 'backup')), there.account])
    there.run([['begin'], ['schedule'], ...done])
    had()
    expect(there.run([['begin'], ['schedule'], ...done]).at(-1)).toMatchObject({ step: 'end', state: 'done' })
    expect(there.of()).toBeUndefined()
  })

  it('a crontab that cannot be read any more keeps only those from going on that want lines', () => {
    const there = place(scratch, shell)
    there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...done])
    writeFileSync(join(there.root, 'refuse'), '')
    expect(there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...done]).at(-1)).toMatchObject({ step: 'end', state: 'failed' })
    expect(there.of()).toBe(there.account)
    const lines = there.run([['begin'], ['schedule'], ...done])
    expect(lines.findLast(({ step, state }) => step === 'schedule' && state === 'done')?.note).toContain(
      'whose lines do nothing any more: no entry',
    )
    expect(there.of()).toBeUndefined()
  })
})
