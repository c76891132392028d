import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, inject, it } from 'vitest'
import { failureOf } from './support/errors.ts'
import { openFolder, setEnv } from './support/folder.ts'
import { clientsOf, connect, host, knownAs, portOf, suites } from './support/ssh.ts'
import { openDoor, openSilence } from './support/tcp.ts'

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

describe('one connection', () => {
  it.each(isCampaign ? suites : ['trixie'])(
    'carries any number of programs, also side by side (%s)',
    { tags: ['docker/compose#10117'] },
    async (suite) => {
      await using folder = await openFolder()
      await using door = await openDoor({ port: portOf(suite) })
      const knownHosts = join(folder.path, 'known_hosts')
      writeFileSync(knownHosts, knownAs(suite, `[127.0.0.1]:${door.port}`))
      await using remote = await connect(`deploy@127.0.0.1:${door.port}`, { knownHosts })
      const answers = await Promise.all([1, 2, 3, 4, 5].map(async (n) => (await remote.sh(`echo ${n}`)).stdout.trim()))
      expect({ answers, more: (await remote.sh('echo 6')).stdout, connections: door.count }).toEqual({
        answers: ['1', '2', '3', '4', '5'],
        more: '6\n',
        connections: 1,
      })
    },
  )

  it('gives a program to the host byte for byte, whatever it holds', async () => {
    await using remote = await connect(host('bookworm'))
    const text = `it's "$HOME" \`id\` \\ é🚀\r\n${'x'.repeat(300_000)}`
    const { stdout } = await remote.sh(`cat <<'END OF TEXT'\n${text}\nEND OF TEXT\n`)
    expect(stdout === `${text}\n`).toBe(true)
  })

  it('runs a program as root for an account that may sudo', async () => {
    await using remote = await connect(host('trixie', 'ops'))
    expect([(await remote.sh('id -un')).stdout, (await remote.sh('id -un', { sudo: true })).stdout]).toEqual(['ops\n', 'root\n'])
  })

  it(
    'tells a program that failed there from one that ended well, with its exit code and its words',
    { tags: ['ssh-action#42'] },
    async () => {
      await using remote = await connect(host('forky'))
      expect(await failureOf(remote.sh('echo begun; echo "no such table" >&2; exit 7'))).toMatchObject({
        code: 'COMMAND_FAILED',
        message: expect.stringContaining('7'),
        hint: expect.stringContaining('no such table'),
      })
      // And so where what failed was not the last of it.
      expect(await failureOf(remote.sh('set -e; false; echo never'))).toMatchObject({ code: 'COMMAND_FAILED' })
    },
  )

  it('says what sudo said to an account that may not', { tags: ['ssh-action#42'] }, async () => {
    await using remote = await connect(host('trixie', 'guest'))
    expect(await failureOf(remote.sh('id -un', { sudo: true }))).toMatchObject({
      code: 'COMMAND_FAILED',
      hint: expect.stringContaining('sudo:'),
    })
  })

  it('that breaks in the middle is told from a program that fails', async () => {
    await using folder = await openFolder()
    await using door = await openDoor({ port: portOf('forky') })
    const knownHosts = join(folder.path, 'known_hosts')
    writeFileSync(knownHosts, knownAs('forky', `[127.0.0.1]:${door.port}`))
    const address = `deploy@127.0.0.1:${door.port}`
    await using remote = await connect(address, { knownHosts })
    const run = remote.sh('echo Permission denied >&2; echo ready; sleep 20', { onLine: (_, stream) => stream === 'stdout' && door.cut() })
    expect(await failureOf(run)).toMatchObject({
      code: 'SSH_UNREACHABLE',
      message: `the connection to ${address} broke in the middle`,
      hint: expect.stringContaining('launchway status'),
    })
  })

  // The one that holds the connection calls itself so.
  it.each([
    ['with the one that holds it', () => true],
    ['alone', (pid: number) => !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('[mux]')],
  ])('whose client is killed %s has broken, too: no program of the host has failed', async (_how, isMeant) => {
    await using folder = await openFolder()
    using _ = setEnv({ TMPDIR: folder.path })
    await using remote = await connect(host('trixie'))
    let killed = 0
    const kill = (): void => {
      for (const pid of clientsOf(folder.path).filter((one) => isMeant(one))) killed += Number(process.kill(pid, 'SIGKILL'))
    }
    expect(await failureOf(remote.sh('echo ready; sleep 20', { onLine: kill }))).toMatchObject({ code: 'SSH_UNREACHABLE' })
    expect(killed).toBeGreaterThan(0)
  })
})

describe('nothing is left of a connection: neither key nor client', () => {
  /** Runs something whose connections lie in a folder of their own. @returns the clients' leftovers */
  async function leftBy(use: () => Promise<unknown>): Promise<{ files: string[]; clients: number }> {
    await using folder = await openFolder()
    using _ = setEnv({ TMPDIR: folder.path })
    await use()
    // Who was told to go is gone at once, or never.
    await delay(300)
    const clients = clientsOf(folder.path)
    for (const pid of clients) process.kill(pid)
    return { files: readdirSync(folder.path), clients: clients.length }
  }
  const nothing = { files: [], clients: 0 }

  it('that stands there is both, so this looks in the right place', async () => {
    expect(await leftBy(() => connect(host('bookworm')).then((remote) => remote.sh('true')))).toEqual({
      // The folder of the connection, and that of the key.
      files: expect.arrayContaining([expect.stringMatching(/^lw-ssh-\w{6}$/), expect.stringMatching(/^lw-ssh-ssh-/)]),
      clients: 1,
    })
  })

  it.each<[string, () => Promise<unknown>]>([
    ['was closed', async () => (await connect(host('bookworm')))[Symbol.asyncDispose]()],
    [
      'was closed, behind a jump host',
      async () => (await connect('deploy@bookworm', { proxyJump: `jump@127.0.0.1:${inject('lab').jump.port}` }))[Symbol.asyncDispose](),
    ],
    ['was refused', () => failureOf(connect(host('bookworm'), { knownHosts: '/dev/null' }))],
    [
      'was not answered',
      async () => {
        await using silence = await openSilence()
        await failureOf(connect(`deploy@127.0.0.1:${silence.port}`, { connectTimeoutMs: 1000 }))
      },
    ],
    [
      'was cancelled in a program',
      async () => {
        const cancel = new AbortController()
        await using remote = await connect(host('bookworm'), {}, { signal: cancel.signal })
        const run = remote.sh('echo ready; exec sleep 60', { onLine: () => cancel.abort(new Error('cancelled')) })
        await expect(run).rejects.toThrow('cancelled')
      },
    ],
  ])('that %s', async (_, use) => {
    expect(await leftBy(use)).toEqual(nothing)
  })

  /** From before the client is there until after it has connected. */
  const moments = [0, 10, 50, 100, 150, 200, 250, 300, 400]

  it.each(isCampaign ? moments : [0, 50, 150, 300])('that was cancelled %i ms after it was begun', async (ms) => {
    const cancel = new AbortController()
    const left = await leftBy(async () => {
      const made = connect(host('bookworm'), {}, { signal: cancel.signal })
      setTimeout(() => cancel.abort(new Error('cancelled')), ms)
      const ended: unknown = await made.then(
        (remote) => remote[Symbol.asyncDispose](),
        (error: unknown) => error,
      )
      expect([undefined, new Error('cancelled')]).toContainEqual(ended)
    })
    expect(left).toEqual(nothing)
  })
})
