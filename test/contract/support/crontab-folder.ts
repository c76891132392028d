import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { JournalLine } from '../../../src/core/journal.ts'
import { hostPaths } from '../../../src/core/names.ts'
import type { HostCall } from '../../../src/deploy/call.ts'
import { type Attempt, applyProgram } from '../../../src/deploy/program.ts'
import { first } from '../../unit/support/deploy.ts'

export const shells = ['dash', 'busybox']

/** How an attempt of the tests ends well. */
export const done: readonly HostCall[] = [['settled'], ['end', 'done']]

/** In PATH: a name that a shell would read. */
export const oddFolder = "/it's $HOME `id`"

/** A line, and what stands around those of addie.production. */
export const lineOf = (
  service: string,
  times = '0 3 * * *',
  home = '/var/lib/launchway/addie/production',
  whose = 'addie.production',
): string => `${times} test ! -e ${home}/job.sh || /bin/sh ${home}/job.sh ${whose} ${service}`

export const [begin, end] = ['# begin launchway addie.production: each deploy writes these lines anew', '# end launchway addie.production']
export const block = (...lines: string[]): string => [begin, ...lines, end, ''].join('\n')

/** A host in a folder below `scratch`, with a crontab that keeps what it is given, as the real one does, and the tools of this machine. */
export function place(scratch: string, shell: string, table?: string) {
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
  create | network) { printf '<%s>' "$@"; echo " \${TOKEN-}"; } >> ${root}/made ;;
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
      // Several times may come in one place: nothing of an earlier one is left.
      for (const told of ['started', 'path', 'made']) rmSync(join(root, told), { force: true })
      if (existsSync(home)) {
        writeFileSync(join(home, 'cron.of'), has.of ?? `${account}\n`)
        rmSync(join(home, 'current'), { force: true })
        if (has.current !== undefined && has.current !== '') writeFileSync(join(home, 'current'), `${has.current}\n`)
      }
      const line = /^0 3 \* \* \* (.*)$/m.exec(read(join(spool, account)) ?? '')?.[1] ?? 'exit 99'
      const { status, stdout, stderr } = spawnSync('sh', ['-c', line.replace('/bin/sh', join(bin, 'sh'))], {
        encoding: 'utf8',
        env: { PATH: '/usr/bin:/bin' },
      })
      return {
        status,
        said: stdout + stderr,
        started: read(join(root, 'started')) ?? '',
        path: read(join(root, 'path')) ?? '',
        made: read(join(root, 'made')) ?? '',
      }
    },
    table: (who = account) => read(join(spool, who)),
    give: (who: string, content: string) => writeFileSync(join(spool, who), content),
    of: () => read(join(home, 'cron.of'))?.trim(),
    written: () => (read(join(root, 'written')) ?? '').trim().split('\n'),
  }
}
