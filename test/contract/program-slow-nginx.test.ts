import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const siteSh = readFileSync(new URL('../../src/deploy/host/site.sh', import.meta.url), 'utf8')

/** An nginx whose test takes that long, and which has new workers that long after a reload: by a clock that passes with each look. */
function reload(shell: string, { test, workers, old = 'ends' }: { test: number; workers: number; old?: 'ends' | 'stays' }) {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-reload-'))
  const program = `set -u
LW_HOME=.
uptime_cs() { cat clock; }
pass() { echo $(($(cat clock) + $1)) > clock; }
short_sleep() { pass 20; }
${siteSh}
call_nginx() { case $1 in -t) pass ${test} ;; *) cat clock > reloaded ;; esac; }
nginx_master() { echo $$; }
workers() {
  if [ -e reloaded ] && [ $(($(cat clock) - $(cat reloaded))) -ge ${workers} ]; then
    echo 12
    [ ${old} = ends ] || echo 11
  else
    echo 11
  fi
}
echo 1000 > clock
if reload; then echo loaded; else echo "$said"; fi
echo $(($(cat clock) - $(cat reloaded)))
`
  try {
    const [file, args] = shell === 'busybox' ? ['busybox', ['sh', '-s']] : [shell, ['-s']]
    return spawnSync(file, args, { cwd: folder, input: program, encoding: 'utf8' }).stdout.trim().split('\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe.each(['dash', 'busybox'])('after a reload new workers are waited for, with %s,', (shell) => {
  it.each([
    ['for five seconds', { test: 10, workers: 480 }, ['loaded', '480']],
    [
      'no longer, where the test of the configuration was quick',
      { test: 10, workers: 600 },
      ['nginx did not start new workers within 5 s; its error log says why', '500'],
    ],
    ['for three times what its test took', { test: 300, workers: 800 }, ['loaded', '800']],
    ['and no longer', { test: 300, workers: 1000 }, ['nginx did not start new workers within 9 s; its error log says why', '900']],
    [
      'and for the old ones, which may have a connection that stays, five seconds at most',
      { test: 300, workers: 100, old: 'stays' as const },
      ['loaded', '500'],
    ],
  ])('%s', (_, nginx, expected) => {
    expect(reload(shell, nginx)).toEqual(expected)
  })
})
