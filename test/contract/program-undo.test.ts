import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { HostCall } from '../../src/deploy/call.ts'
import { first } from '../unit/support/deploy.ts'
import { type Box, box } from './support/box.ts'
import { eventually } from './support/processes.ts'

/** Whether anybody has the lock of the host while it is called. */
const lock = `lock() { if flock -n "$BOX/state/host.lock" true; then echo free; else echo held; fi; }`

const docker = `${lock}
case "$*" in
  inspect*HostsPath*) echo "$BOX/hosts" ;;
  ps*) ;;
  *) echo "$* $(lock)" >> "$BOX/called" ;;
esac`

/** A master with one worker, which it replaces when it is told to; what it reads is a file that must not say `typo`. */
const nginx = `${lock}
case "\${1-}" in
  -t) echo "test $(lock)" >> "$BOX/called"; ! grep -rqs typo "$BOX/conf.d" || { echo 'unknown directive "typo"' >&2; exit 1; } ;;
  -T) echo "pid $BOX/nginx.pid;" ;;
  -s) kill -HUP "$(cat "$BOX/nginx.pid")" ;;
  worker) trap 'exit 0' TERM; while :; do sleep 0.05; done ;;
  *)
    trap 'old=$worker; "$0" worker & worker=$!; kill "$old"' HUP
    "$0" worker & worker=$!
    echo $$ > "$BOX/nginx.pid"
    while :; do wait; sleep 0.02; done ;;
esac`

/** What the lines of the crontab are: a host whose disk is full writes none. */
const crontab = `case $1 in -l) cat "$BOX/table" ;; *) echo 'disk full' >&2; exit 1 ;; esac`

class Host implements Disposable {
  readonly box: Box
  readonly conf: string
  #master: ChildProcess | undefined

  constructor(shell: string) {
    this.box = box(shell, { docker, nginx, crontab })
    this.conf = join(this.box.root, 'conf.d')
    mkdirSync(this.conf, { recursive: true })
    mkdirSync(this.parcels, { recursive: true })
    writeFileSync(join(this.box.root, 'table'), '')
  }

  get parcels(): string {
    return join(this.box.home, 'attempts', this.box.attempt.attempt)
  }

  async withNginx(): Promise<this> {
    this.#master = spawn(join(this.box.root, 'bin/nginx'), { env: this.box.env, stdio: 'ignore', detached: true })
    await eventually(() => existsSync(join(this.box.root, 'nginx.pid')))
    return this
  }

  /** What travels with the program to be read by nginx, and the call that puts it there. */
  site(key: string, text: string, now?: string): HostCall {
    const path = this.file(key)
    writeFileSync(join(this.parcels, `site.${key}`), `${text}\n`)
    if (now !== undefined) writeFileSync(path, `${now}\n`)
    return ['site', key, path]
  }

  file(key: string): string {
    return join(this.conf, `launchway.addie.production.${key}.conf`)
  }

  text(key: string): string | undefined {
    return existsSync(this.file(key)) ? readFileSync(this.file(key), 'utf8').trim() : undefined
  }

  called(): string[] {
    const file = join(this.box.root, 'called')
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  }

  [Symbol.dispose](): void {
    if (this.#master?.pid !== undefined) process.kill(-this.#master.pid, 'SIGKILL')
    this.box[Symbol.dispose]()
  }
}

const shells = ['dash', 'busybox']
const made: HostCall[] = [
  ['create', 'redis', 'redis-1', 'image'],
  ['start', 'redis', 'redis-1'],
]

describe.each(shells)('an accessory that was started for the first time, with %s,', (shell) => {
  it('stays when the deploy fails after it, and what nginx was given before it does not', () => {
    using host = new Host(shell)
    writeFileSync(join(host.box.root, 'hosts'), '127.0.0.1 localhost\n10.0.0.2 web # launchway\n')
    const lines = host.box.apply([
      ['may_lead', 'proxy-1'],
      ['led_by', 'edge', '/in', '/on'],
      host.site('web.acme', 'asking'),
      ...made,
      ['settled'],
      ['create', 'web', 'web-1', 'image'],
      ['fail', 'before-switch', 'web', 'no'],
    ])
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'undone' })
    expect(host.text('web.acme')).toBeUndefined()
    expect(existsSync(join(host.box.home, 'nginx.container'))).toBe(false)
    expect(readFileSync(join(host.box.root, 'hosts'), 'utf8')).toBe('127.0.0.1 localhost\n')
    const removed = host.called().filter((call) => call.startsWith('rm '))
    expect(removed).toEqual([expect.stringMatching(/^rm --force web-1 /)])
  })

  it('leaves nothing to undo where nothing came before it', () => {
    using host = new Host(shell)
    const lines = host.box.apply([...made, ['settled'], ['fail', 'pull', 'web', 'no']])
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'failed' })
    expect(host.called().filter((call) => call.startsWith('rm '))).toEqual([])
  })
})

describe.each(shells)('what is undone under the lock of the host, with %s,', (shell) => {
  it('is undone by a program that has the lock when it fails: nginx refuses what a release brings, after a certificate', async () => {
    using host = await new Host(shell).withNginx()
    const lines = host.box.apply([
      ['create', 'web', 'web-1', 'image'],
      host.site('web.acme', 'asking'),
      ['load'],
      host.site('web', 'typo', 'before'),
      ['load'],
    ])
    expect(lines.find(({ state }) => state === 'failed')).toMatchObject({ step: 'switch', note: expect.stringContaining('typo') })
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'undone' })
    expect([host.text('web'), host.text('web.acme')]).toEqual(['before', undefined])
    // The containers go when others may have nginx again.
    expect(host.called().at(-1)).toBe('rm --force web-1 free')
    expect(host.called().filter((call) => call.startsWith('test '))).toEqual(['test held', 'test held', 'test held', 'test held'])
  })

  it('is undone where the crontab is the last that fails', () => {
    using host = new Host(shell)
    const lines = host.box.apply([host.site('web', 'ours', 'before'), ['schedule', 'backup', '0 3 * * *']])
    expect(lines.find(({ state }) => state === 'failed')).toMatchObject({ step: 'schedule', note: expect.stringContaining('disk full') })
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'undone' })
    expect(host.text('web')).toBe('before')
  })

  it('is undone by another program, which takes the lock for it and gives it back', () => {
    using host = new Host(shell)
    const left = join(host.box.home, 'releases', first)
    mkdirSync(left, { recursive: true })
    writeFileSync(host.file('web'), 'ours\n')
    writeFileSync(join(left, 'site.web'), 'before\n')
    writeFileSync(join(left, 'undo'), `remove web-0 .\nreload nginx .\nsite web ${host.file('web')} .\n`)
    const lines = host.box.apply([['recover'], ['take_ports', 'web', '20000', '20001']])
    expect(lines.at(-1)).toMatchObject({ step: 'end', state: 'done' })
    expect(host.text('web')).toBe('before')
    expect(host.called().slice(0, 2)).toEqual(['test held', 'rm --force web-0 free'])
  })
})
