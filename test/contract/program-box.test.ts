import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const boxSh = readFileSync(new URL('../../src/deploy/host/box.sh', import.meta.url), 'utf8')

/** Who is above whom: each tells its process id, starts the next and waits for it. */
async function family(names: readonly string[]): Promise<{ pids: string[] } & AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-box-'))
  for (const name of names) copyFileSync('/bin/dash', join(folder, name))
  // A shell stays the parent of what it has started: something follows.
  const each = 'echo $$; [ $# = 0 ] || { next=$1; shift; "./$next" -c "$text" "$next" "$@"; :; }; [ $# != 0 ] || read -r _'
  const [first = '', ...others] = names
  const child = spawn(join(folder, first), ['-c', each, first, ...others], {
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', text: each },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  while (output.split('\n').length <= names.length) await once(child.stdout, 'data')
  const ended = once(child, 'exit')
  return {
    pids: output.trim().split('\n'),
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await ended
      rmSync(folder, { recursive: true })
    },
  }
}

function masterBelow(shell: string, top: string): string {
  const [file, args] = shell === 'busybox' ? ['busybox', ['sh', '-s']] : [shell, ['-s']]
  return execFileSync(file, args, { input: `set -u\n${boxSh}\nbox_master ${top}\n`, encoding: 'utf8' }).trim()
}

describe.each(['dash', 'busybox'])('the master of nginx in a container, as %s finds it,', (shell) => {
  it.each<[string, string[], number]>([
    ['is its first process', ['nginx', 'nginx'], 0],
    ['is below an init whose name has a blank', ['my init (1)', 'sh', 'nginx', 'nginx'], 2],
    ['is not there', ['my init (1)', 'other'], -1],
  ])('%s', async (_, names, expected) => {
    await using processes = await family(names)
    expect(masterBelow(shell, processes.pids[0] ?? '')).toBe(processes.pids[expected] ?? '')
  })

  it('is none of another container', async () => {
    await using _ = await family(['nginx', 'nginx'])
    await using other = await family(['init'])
    expect(masterBelow(shell, other.pids[0] ?? '')).toBe('')
  })
})
