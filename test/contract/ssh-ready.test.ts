import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { ask } from '../../lab/run.ts'
import { failureOf } from './support/errors.ts'
import { openFolder } from './support/folder.ts'
import { eventually } from './support/processes.ts'
import { connect, host, knownAs, portOf } from './support/ssh.ts'
import { openDoor } from './support/tcp.ts'

/** The shells on a host that have been given nothing to do yet. */
async function waiting(suite: string): Promise<string[]> {
  const found = await ask('docker', ['exec', inject('lab').hosts[suite]?.container ?? '', 'pgrep', '--full', '--exact', 'sh -s'])
  return (found ?? '').split('\n').filter((pid) => pid !== '')
}

describe('a shell that is opened in advance', () => {
  it('runs the next program, follows it, and no other one', async () => {
    await using remote = await connect(host('trixie'))
    const before = await waiting('trixie')
    remote.ready?.()
    remote.ready?.()
    let pid = ''
    await eventually(async () => (pid = (await waiting('trixie')).find((one) => !before.includes(one)) ?? '') !== '')
    const lines: string[] = []
    const program = 'echo $$; echo said >&2; exit 3'
    const { code } = await remote.sh(program, { accept: [3], onLine: (line, stream) => lines.push(`${stream} ${line}`) })
    expect({ code, lines: lines.toSorted() }).toEqual({ code: 3, lines: ['stderr said', `stdout ${pid}`] })
    expect((await remote.sh('echo $$')).stdout).not.toBe(`${pid}\n`)
  })

  it('is not what root has, and ends with the connection', async () => {
    const before = await waiting('trixie')
    {
      await using remote = await connect(host('trixie', 'ops'))
      remote.ready?.()
      expect((await remote.sh('id -un', { sudo: true })).stdout).toBe('root\n')
    }
    await eventually(async () => (await waiting('trixie')).every((pid) => before.includes(pid)))
  })

  it('is done without where the host lets nobody have two at once', async () => {
    const lab = inject('lab').hosts['trixie']
    const strict = ['/usr/sbin/sshd', '-D', '-p', '6000', '-o', 'MaxSessions=1', '-o', 'PidFile=none']
    await ask('docker', ['exec', '--detach', lab?.container ?? '', ...strict])
    try {
      await using folder = await openFolder()
      const knownHosts = join(folder.path, 'known_hosts')
      const port = lab?.ports['6000']
      writeFileSync(knownHosts, knownAs('trixie', `[127.0.0.1]:${port}`))
      const open = async (): Promise<void> => {
        await using remote = await connect(`deploy@127.0.0.1:${port}`, { knownHosts })
        remote.ready?.()
        expect((await remote.sh('echo looked', { timeoutMs: 20_000 })).stdout).toBe('looked\n')
        expect((await remote.sh('echo done')).stdout).toBe('done\n')
      }
      await eventually(() => open().then(...[() => true, () => false]))
    } finally {
      await ask('docker', ['exec', lab?.container ?? '', 'pkill', '--full', 'sshd.* -p 6000'])
    }
  })

  it('whose connection breaks before it is used is a connection that broke', async () => {
    await using folder = await openFolder()
    await using door = await openDoor({ port: portOf('trixie') })
    const knownHosts = join(folder.path, 'known_hosts')
    writeFileSync(knownHosts, knownAs('trixie', `[127.0.0.1]:${door.port}`))
    await using remote = await connect(`deploy@127.0.0.1:${door.port}`, { knownHosts })
    const before = await waiting('trixie')
    remote.ready?.()
    await eventually(async () => (await waiting('trixie')).some((pid) => !before.includes(pid)))
    door.cut()
    expect(await failureOf(remote.sh('echo never'))).toMatchObject({ code: 'SSH_UNREACHABLE' })
  })
})
