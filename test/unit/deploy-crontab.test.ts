import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { JournalLine } from '../../src/core/journal.ts'
import { hostPaths } from '../../src/core/names.ts'
import type { HostCall } from '../../src/deploy/call.ts'
import { type Attempt, applyProgram } from '../../src/deploy/program.ts'
import { first } from './support/deploy.ts'

const crontabSh = readFileSync(new URL('../../src/deploy/host/crontab.sh', import.meta.url), 'utf8')
const scratch = mkdtempSync(join(tmpdir(), 'launchway-crontab-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const shells = ['dash', 'busybox']
const wordsOf = (shell: string): [string, string[]] => (shell === 'busybox' ? ['busybox', ['sh']] : [shell, []])

/** The answer of one of the functions to a crontab, by the real shell. */
function asked(shell: string, call: string, table: string, lines = ''): string {
  const [file, args] = wordsOf(shell)
  const program = `LW_APP=addie LW_ENVIRONMENT=production\n${crontabSh}\n${call}\n`
  return execFileSync(file, [...args, '-c', program, 'sh', lines], { input: table, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
}

const lineOf = (service: string, times = '0 3 * * *', home = '/var/lib/launchway/addie/production', whose = 'addie.production'): string =>
  `${times} test ! -e ${home}/job.sh || /bin/sh ${home}/job.sh ${whose} ${service}`

const [begin, end] = ['# begin launchway addie.production: each deploy writes these lines anew', '# end launchway addie.production']
const block = (...lines: string[]): string => [begin, ...lines, end, ''].join('\n')

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

/** What the engine has, as docker ps shows it to job.sh: name, state, release, times. */
const engine = (...containers: string[]): string => containers.join('\n')

/** A host with a crontab that keeps what it is given, as the real one does, and the tools of this machine. */
function place(shell: string, table?: string) {
  const root = mkdtempSync(join(scratch, `${shell}-`))
  const [bin, spool] = [join(root, 'bin'), join(root, 'spool')]
  mkdirSync(bin)
  mkdirSync(spool)
  const found = spawnSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' }).stdout.trim()
  symlinkSync(found, join(bin, 'sh'))
  const account = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim()
  writeFileSync(
    join(bin, 'docker'),
    `#!/bin/sh
[ "$1" = "$(cat ${root}/fails 2> /dev/null)" ] && { echo "no $1" >&2; exit 1; }
case $1 in
  ps) [ ! -e ${root}/containers ] || cat ${root}/containers ;;
  start) echo "$2" >> ${root}/started; printf '%s' "$PATH" > ${root}/path ;;
  wait) cat ${root}/code ;;
esac
`,
  )
  writeFileSync(
    join(bin, 'crontab'),
    `#!/bin/sh
who=${account}
[ "$1" != -u ] || { who=$2; shift 2; }
file=${spool}/$who
[ ! -e ${root}/refuse ] || { echo 'no entry' >&2; exit 1; }
case $1 in
  -l) [ -e "$file" ] || { echo "no crontab for $who" >&2; exit 1; }; cat "$file" ;;
  -r) rm "$file" ;;
  -) [ ! -e ${root}/full ] || { echo 'disk full' >&2; exit 1; }; cat > "$file.new"; [ -z "$(tail -c 1 "$file.new")" ] || exit 1; mv "$file.new" "$file"; echo "$who" >> ${root}/written ;;
  *) exit 2 ;;
esac
`,
  )
  for (const tool of ['docker', 'crontab']) chmodSync(join(bin, tool), 0o755)
  if (table !== undefined) writeFileSync(join(spool, account), table)
  const attempt: Attempt = {
    app: 'addie',
    environment: 'production',
    stateRoot: root,
    release: first,
    attempt: '0f',
    slot: 'a',
    keep: 5,
    by: 'ada',
  }
  const { home, journal } = hostPaths(root, 'addie', 'production')
  mkdirSync(join(home, 'attempts/0f'), { recursive: true })
  writeFileSync(journal, '')
  const read = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
  return {
    account,
    home,
    root,
    run(calls: readonly HostCall[]) {
      const program = applyProgram(attempt, calls)
      spawnSync(join(bin, 'sh'), ['-s'], {
        input: program,
        encoding: 'utf8',
        env: { PATH: `${bin}:${process.env['PATH'] ?? ''}:${oddFolder}` },
      })
      return (read(journal) ?? '')
        .trim()
        .split('\n')
        .map((line) => JournalLine.parse(JSON.parse(line)))
    },
    /** What a line of the crontab does. */
    fire(has: { containers: string; current?: string; code?: string; fails?: string; of?: string }) {
      writeFileSync(join(root, 'containers'), `${has.containers}\n`)
      writeFileSync(join(root, 'code'), has.code ?? '0\n')
      writeFileSync(join(root, 'fails'), has.fails ?? '')
      if (has.of !== undefined) writeFileSync(join(home, 'cron.of'), has.of)
      if (has.current !== undefined && has.current !== '') writeFileSync(join(home, 'current'), `${has.current}\n`)
      const line = /^0 3 \* \* \* (.*)$/m.exec(read(join(spool, account)) ?? '')?.[1] ?? 'exit 99'
      const { status, stdout, stderr } = spawnSync('sh', ['-c', line.replace('/bin/sh', join(bin, 'sh'))], {
        encoding: 'utf8',
        env: { PATH: '/usr/bin:/bin' },
      })
      return { status, said: stdout + stderr, started: read(join(root, 'started')) ?? '', path: read(join(root, 'path')) ?? '' }
    },
    table: (who = account) => read(join(spool, who)),
    give: (who: string, content: string) => writeFileSync(join(spool, who), content),
    of: () => read(join(home, 'cron.of'))?.trim(),
    written: () => (read(join(root, 'written')) ?? '').trim().split('\n'),
  }
}

/** In PATH: a name that a shell would read. */
const oddFolder = "/it's $HOME `id`"

const own = '# mine\nMAILTO=ada@example.org\n\n*/5 * * * * poll 50\\%\n\n'
const done: HostCall[] = [['settled'], ['end', 'done']]
const failing: HostCall[] = [['eval', 'start_step record; fail record "" "on purpose"']]

describe.each(shells)('what the apply program does to a crontab, with %s', (shell) => {
  const lineAt = ({ home }: { home: string }, service: string, times?: string): string => lineOf(service, times, home)

  it('lines come, change and go, and the rest is what it was', () => {
    const there = place(shell, own)
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
    const there = place(shell)
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
    const there = place(shell, own)
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
    const there = place(shell, own)
    const lines = there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...failing])
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'undone' })
    expect(there.table()).toBe(own)
    expect(there.of()).toBeUndefined()
  })

  it('what was killed right after it had written them is undone by the next', () => {
    const there = place(shell, own)
    there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ['eval', 'kill -9 $$']])
    expect(there.table()).toContain(lineAt(there, 'backup'))
    there.run([['begin'], ['recover'], ['end', 'done']])
    expect(there.table()).toBe(own)
  })

  it('a crontab that cannot be read is not taken for an empty one', () => {
    const there = place(shell, own)
    writeFileSync(join(there.root, 'refuse'), '')
    const lines = there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...done])
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'failed', note: `the crontab of ${there.account} cannot be read: no entry` })
    expect(there.table()).toBe(own)
  })

  it('one that cannot be written stays as it was', () => {
    const there = place(shell, own)
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
      const there = place(shell)
      const theirs = `${own}${block(lineAt(there, 'backup'))}`
      there.give('deploy', theirs)
      writeFileSync(join(there.home, 'cron.of'), 'deploy\n')
      there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...failing])
      expect([there.table('deploy'), there.table(), there.of()]).toEqual([theirs, undefined, 'deploy'])
      there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...done])
      expect([there.table('deploy'), there.table(), there.of()]).toEqual([own, block(lineAt(there, 'backup')), there.account])
    },
  )
})

describe.each(shells)('what a line of the crontab starts, with %s', (shell) => {
  const now = 'addie.production.backup.now'
  const scheduled = (): ReturnType<typeof place> => {
    const there = place(shell)
    there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...done])
    return there
  }

  it.each<[string, Parameters<ReturnType<typeof place>['fire']>[0], string, string]>([
    ['the container of the current release', { containers: engine(`old exited ${first} 0 3`, `${now} created r2 0 3`) }, `${now}\n`, ''],
    ['nothing while a run is under way', { containers: engine(`${now} running r2 0 3`) }, '', ''],
    ['nothing while a run of another release is', { containers: engine(`old running ${first} 0 3`, `${now} exited r2 0 3`) }, '', ''],
    [
      'nothing while what was kept running before still is',
      { containers: engine(`old running ${first} `, `${now} exited r2 0 3`) },
      '',
      '',
    ],
    [
      'no container that has no times',
      { containers: engine(`${now} exited r2 `) },
      '',
      'was not started: release r2 has no container for it',
    ],
    ['nothing before the first release is recorded', { containers: '', current: '' }, '', ''],
    ['nothing where there is none', { containers: '' }, '', 'was not started: release r2 has no container for it'],
    ['nothing for another account', { containers: engine(`${now} exited r2 0 3`), of: 'somebody' }, '', ''],
    [
      'and tells how it ended',
      { containers: engine(`${now} exited r2 0 3`), code: '3\n' },
      `${now}\n`,
      `ended with exit code 3; what it said: docker logs ${now}`,
    ],
    ['and tells that it could not', { containers: engine(`${now} exited r2 0 3`), fails: 'start' }, '', 'could not be started: no start'],
    ['and tells that the engine does not answer', { containers: '', fails: 'ps' }, '', 'was not started: no ps'],
  ])('%s', (_, has, started, said) => {
    const there = scheduled()
    const fired = there.fire({ current: 'r2', ...has })
    expect(fired).toMatchObject({ started, status: said === '' ? 0 : 1 })
    expect(fired.said).toBe(said === '' ? '' : `launchway: backup of addie.production ${said}\n`)
    if (started !== '') expect(fired.path.endsWith(`:${oddFolder}`)).toBe(true)
  })

  it('nothing, and not a word, when the state folder is gone', () => {
    const there = scheduled()
    rmSync(there.home, { recursive: true })
    expect(there.fire({ containers: engine(`${now} exited r2 0 3`) })).toMatchObject({ status: 0, said: '', started: '' })
  })
})
