import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { first, second } from '../unit/support/deploy.ts'
import { box } from './support/box.ts'

/** Writes down how it was called; what is asked of a container is that it has ended well. */
const docker = `[ "$1" = inspect ] || echo "$*" >> "$BOX/called"
case "$*" in inspect*ExitCode*) echo 'exited 0 false ' ;; inspect*) echo exited ;; 'ps '*release=${first}*) echo "$BOX_THERE" ;; esac`

describe.each(['dash', 'busybox'])('what runs to its end, with %s,', (shell) => {
  const called = (root: string): string[] => readFileSync(join(root, 'called'), 'utf8').split('\n')

  it('before the switch goes with its volumes that have no name, after it has ended and where it could not be made', () => {
    for (const refuses of ['', `case $1 in create) exit 1 ;; esac\n`]) {
      using host = box(shell, { docker: `${docker}\n${refuses}` })
      host.apply([['before_switch', 'web', 'task', '5', '', 'image']])
      const removed = called(host.root).filter((line) => line.startsWith('rm ') && line.endsWith(' task'))
      expect(removed).toEqual(['rm --force --volumes task', 'rm --force --volumes task'])
    }
  })

  it('once for a release does so when it is undone', () => {
    using host = box(shell, { docker })
    host.apply([
      ['create', 'seed', 'seed-1', 'image'],
      ['runs_once', 'seed', 'seed-1'],
      ['fail', 'run', 'web', 'no'],
    ])
    // What each step wrote down is undone, the last first.
    expect(called(host.root).filter((line) => line.startsWith('rm '))).toEqual(['rm --force --volumes seed-1', 'rm --force seed-1'])
  })

  it('and when the release is kept no longer; the volumes of what keeps running stay', () => {
    using host = box(shell, { docker: `BOX_THERE='seed-1\nweb-1'\n${docker}` })
    const old = join(host.home, 'releases', first)
    mkdirSync(old, { recursive: true })
    writeFileSync(join(old, 'once'), 'seed-1\n')
    host.apply([])
    expect(called(host.root).filter((line) => line.startsWith('rm '))).toEqual(['rm --force --volumes seed-1', 'rm --force web-1'])
    expect(existsSync(old)).toBe(false)
  })
})

describe.each(['dash', 'busybox'])('a return that makes a container anew, with %s,', (shell) => {
  it('is refused where what was kept of its secrets is gone', () => {
    using host = box(shell, { docker })
    const lines = host.apply([
      ['has_secrets', 'web'],
      ['create', 'web', 'web-1', '--env', 'KEY', 'image'],
    ])
    expect(lines.find(({ state }) => state === 'failed')).toMatchObject({
      step: 'create',
      service: 'web',
      note: expect.stringMatching(/^the values of its secrets are gone with .*\/secrets, .* launchway redeploy VERSION$/),
    })
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'failed' })
    expect(existsSync(join(host.root, 'called'))).toBe(false)
  })

  it('gets them where they are there', () => {
    using host = box(shell, { docker })
    mkdirSync(join(host.home, 'releases', second), { recursive: true })
    writeFileSync(join(host.home, 'releases', second, 'secrets'), 'export KEY=value\n')
    expect(host.apply([['has_secrets', 'web']]).at(-1)).toMatchObject({ step: 'end', state: 'done' })
  })
})
