import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { call } from '../../lab/run.ts'
import type { SshSettings } from '../../src/core/deployment.ts'
import type { Remote, Ssh } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Said } from '../fakes/exec.ts'
import { fakeSsh } from '../fakes/ssh.ts'
import { failureOf } from './support/errors.ts'
import { openFolder, setEnv } from './support/folder.ts'
import { eventually } from './support/processes.ts'
import { connect, host, knownAs, labKey, never, portOf, realSsh, settings, suites } from './support/ssh.ts'
import { openDoor, openNothing, openSilence } from './support/tcp.ts'

/** What a POSIX shell makes of a few programs: what the fake has to be told, and a host knows. */
const programs: Record<string, Said> = {
  'echo out; echo err >&2; exit 3': { stdout: 'out\n', stderr: 'err\n', code: 3 },
  "printf 'one\\ntwo'; printf 'three\\n' >&2": { stdout: 'one\ntwo', stderr: 'three\n' },
  'echo disk full >&2; exit 28': { stderr: 'disk full\n', code: 28 },
  'exit 255': { code: 255 },
  'echo ready; exec sleep 60': { stdout: 'ready\n', hangs: true },
}
const scripted = (program: string): Said => programs[program] ?? { code: 127, stderr: 'not in the script' }

/** Every run but the campaign takes the newest; what is below mostly asks the oldest. */
const hosts = process.env['LAUNCHWAY_CAMPAIGN'] === undefined ? ['forky'] : suites

const worlds: { name: string; open: () => { ssh: Ssh; address: string } }[] = [
  ...hosts.map((suite) => ({ name: `a host of ${suite}`, open: () => ({ ssh: realSsh(), address: host(suite) }) })),
  { name: 'the fake', open: () => ({ ssh: fakeSsh({ 'deploy@fake': scripted }), address: 'deploy@fake' }) },
]

describe.each(worlds)('ssh: $name', ({ open }) => {
  const opened = (signal = never): Promise<Remote> => open().ssh.connect(open().address, settings(), { key: labKey(), signal })
  /** For all that leaves it as it was. */
  let remote: Remote
  beforeAll(async () => {
    remote = await opened()
  })
  afterAll(() => remote[Symbol.asyncDispose]())

  it('runs a program and gives back its streams and exit code', async () => {
    expect(await remote.sh('echo out; echo err >&2; exit 3', { accept: [3] })).toMatchObject({ stdout: 'out\n', stderr: 'err\n', code: 3 })
  })

  it('follows the lines of both streams', async () => {
    const lines: string[] = []
    await remote.sh("printf 'one\\ntwo'; printf 'three\\n' >&2", { onLine: (line, stream) => lines.push(`${stream} ${line}`) })
    expect(lines.toSorted()).toEqual(['stderr three', 'stdout one', 'stdout two'])
  })

  it('fails with the name of the host, the exit code and the last lines', async () => {
    expect(await failureOf(remote.sh('echo disk full >&2; exit 28'))).toMatchObject({
      code: 'COMMAND_FAILED',
      message: `the program on ${remote.host} ended with exit code 28`,
      hint: 'disk full',
    })
  })

  it('shows nothing of what a secret program says', async () => {
    expect(await failureOf(remote.sh(new Secret('echo disk full >&2; exit 28')))).toMatchObject({
      message: expect.stringContaining('exit code 28'),
      hint: 'It said nothing that can be shown.',
    })
  })

  it("knows a program's exit code 255 from a broken connection", async () => {
    expect(await failureOf(remote.sh('exit 255'))).toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('exit code 255'),
    })
    expect((await remote.sh('exit 255', { accept: [255] })).code).toBe(255)
  })

  it('is cancelled in the middle of a program', async () => {
    const cancel = new AbortController()
    await using own = await opened(cancel.signal)
    const run = own.sh('echo ready; exec sleep 60', { onLine: () => cancel.abort(new Error('cancelled')) })
    await expect(run).rejects.toThrow('cancelled')
  })

  it('ends a program at its time limit', async () => {
    expect(await failureOf(remote.sh('echo ready; exec sleep 60', { timeoutMs: 700 }))).toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('was ended after 700 ms'),
    })
  })

  it('does not connect when it is cancelled already', async () => {
    await expect(opened(AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
  })
})

describe('the private key', () => {
  it.each([
    ['as it is', (key: string) => key],
    ['with the line ends of Windows', (key: string) => key.replaceAll('\n', '\r\n')],
    ['without its last line end', (key: string) => key.trimEnd()],
    ['with space around it', (key: string) => `\n  ${key}\n\n`],
  ])('is taken %s', { tags: ['ssh-agent#233'] }, async (_, change) => {
    await using remote = await connect(host('bookworm'), {}, { key: new Secret(change(labKey().reveal())) })
    expect((await remote.sh('id -un')).stdout).toBe('deploy\n')
  })

  it('lies in a file that only we can read, in a folder that only we can enter', async () => {
    await using folder = await openFolder()
    using _ = setEnv({ TMPDIR: folder.path })
    await using remote = await connect(host('bookworm'))
    const paths = readdirSync(folder.path, { recursive: true, encoding: 'utf8' }).filter((path) => !path.endsWith('/c'))
    const modes = Object.fromEntries(paths.map((path) => [path.replaceAll(/-\w{6}/g, ''), statSync(join(folder.path, path)).mode & 0o777]))
    expect({ host: remote.host, modes }).toMatchObject({
      modes: { 'lw-ssh': 0o700, 'lw-ssh/config': 0o600, 'lw-ssh-ssh': 0o700, 'lw-ssh-ssh/key': 0o600 },
    })
  })

  it('that is not let in is named as the reason, and where to add it', async () => {
    await using folder = await openFolder()
    const file = join(folder.path, 'other')
    await call('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
    const error = await failureOf(connect(host('bookworm'), {}, { key: new Secret(readFileSync(file, 'utf8')) }))
    expect(error).toMatchObject({
      code: 'SSH_UNREACHABLE',
      message: `${host('bookworm')} refused the key`,
      hint: expect.stringContaining('authorized_keys'),
    })
  })

  it('that is no key is named as the reason', async () => {
    const error = await failureOf(connect(host('bookworm'), {}, { key: new Secret('not a key') }))
    expect(error).toMatchObject({
      code: 'SSH_UNREACHABLE',
      message: `the private key for ${host('bookworm')} cannot be read`,
      hint: expect.stringContaining('BEGIN and END'),
    })
  })

  it('may be one that an agent holds', async () => {
    await using folder = await openFolder()
    const socket = join(folder.path, 'agent')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    try {
      await eventually(() => existsSync(socket))
      using _ = setEnv({ SSH_AUTH_SOCK: socket })
      await call('ssh-add', ['-q', inject('lab').key])
      await using remote = await realSsh().connect(host('trixie'), settings(), { key: undefined, signal: never })
      expect((await remote.sh('id -un')).stdout).toBe('deploy\n')
    } finally {
      agent.kill()
      await once(agent, 'exit')
    }
  })
})

describe("the host's key", () => {
  async function connectKnowing(lines: string | undefined): Promise<unknown> {
    await using folder = await openFolder()
    const knownHosts = join(folder.path, 'known_hosts')
    if (lines !== undefined) writeFileSync(knownHosts, lines)
    return await failureOf(connect(host('bookworm'), { knownHosts }))
  }

  it.each([
    ['there is no known_hosts', () => undefined],
    ['known_hosts is empty', () => ''],
    ['known_hosts has another host', () => knownAs('trixie', '[127.0.0.1]:1')],
  ])('is refused when %s, with the command that gets it', { tags: ['ssh-action#275'] }, async (_, lines) => {
    expect(await connectKnowing(lines())).toMatchObject({
      code: 'SSH_HOST_KEY',
      message: `the host key of ${host('bookworm')} is not in known_hosts`,
      hint: expect.stringContaining(`ssh-keyscan -p ${portOf('bookworm')} 127.0.0.1`),
    })
  })

  it(
    'is refused when it has changed, with the fingerprint of the one that is known and of the one that the host shows',
    { tags: ['changed-host-key'] },
    async () => {
      const name = `[127.0.0.1]:${portOf('bookworm')}`
      const error = await connectKnowing(knownAs('trixie', name))
      expect(error).toMatchObject({
        code: 'SSH_HOST_KEY',
        message: `${host('bookworm')} shows another host key than the one in known_hosts`,
        hint: expect.stringContaining('ssh-keyscan'),
      })
      const fingerprints = await Promise.all(
        ['trixie', 'bookworm'].map(async (machine) => {
          const listed = await call('ssh-keygen', ['-l', '-f', '-'], { stdin: knownAs(machine, 'h') })
          return /SHA256:\S+/.exec(listed.stdout)?.[0] ?? 'none'
        }),
      )
      expect(error).toMatchObject({
        hint: expect.stringContaining(`known_hosts has ${fingerprints[0]} (ED25519)\nthe host shows  ${fingerprints[1]} (ED25519)\n`),
      })
    },
  )

  it('of the jump host is checked too, and it is the jump host that is named', async () => {
    await using folder = await openFolder()
    const knownHosts = join(folder.path, 'known_hosts')
    writeFileSync(knownHosts, knownAs('bookworm', 'bookworm'))
    const { port } = inject('lab').jump
    expect(await failureOf(connect('deploy@bookworm', { knownHosts, proxyJump: `jump@127.0.0.1:${port}` }))).toMatchObject({
      code: 'SSH_HOST_KEY',
      message: `the host key of 127.0.0.1:${port} is not in known_hosts`,
      hint: expect.stringContaining(`ssh-keyscan -p ${port} 127.0.0.1`),
    })
  })
})

describe('the way to a host', () => {
  it('goes through a jump host', async () => {
    await using remote = await connect('deploy@bookworm', { proxyJump: `jump@127.0.0.1:${inject('lab').jump.port}` })
    expect((await remote.sh('hostname')).stdout).toBe('bookworm\n')
  })

  it("is the one of the user's own configuration", async () => {
    await using folder = await openFolder()
    mkdirSync(join(folder.path, '.ssh'))
    const lab = inject('lab')
    const lines = [
      ...[
        'Host lab-trixie',
        'HostName 127.0.0.1',
        `Port ${portOf('trixie')}`,
        'User deploy',
        `IdentityFile ${lab.key}`,
        `UserKnownHostsFile ${lab.knownHosts}`,
      ],
      ...['Host lab-behind', 'HostName forky', 'User ops', `ProxyJump jump@127.0.0.1:${lab.jump.port}`, `IdentityFile ${lab.key}`, ''],
      ...['Host 127.0.0.1', `IdentityFile ${lab.key}`],
    ]
    writeFileSync(join(folder.path, '.ssh/config'), lines.join('\n'))
    writeFileSync(join(folder.path, '.ssh/known_hosts'), readFileSync(lab.knownHosts))
    using _ = setEnv({ HOME: folder.path, SSH_AUTH_SOCK: undefined })
    const own: SshSettings = { key: 'SSH_KEY', connectTimeoutMs: 10_000 }
    const answers: string[] = []
    for (const alias of ['lab-trixie', 'root@lab-trixie', 'lab-behind']) {
      await using remote = await realSsh().connect(alias, own, { key: undefined, signal: never })
      answers.push((await remote.sh('echo "$(id -un)@$(hostname)"')).stdout.trim())
    }
    expect(answers).toEqual(['deploy@trixie', 'root@trixie', 'ops@forky'])
  })

  it('may be an address of IPv6', async () => {
    await using folder = await openFolder()
    await using door = await openDoor({ port: portOf('trixie') }, '::1')
    const knownHosts = join(folder.path, 'known_hosts')
    writeFileSync(knownHosts, knownAs('trixie', `[::1]:${door.port}`))
    await using remote = await connect(`deploy@[::1]:${door.port}`, { knownHosts })
    expect((await remote.sh('hostname')).stdout).toBe('trixie\n')
  })

  it.each([
    ['nobody listens', openNothing, /Connection refused/],
    ['the host says nothing', openSilence, /timed out/i],
  ])('ends in an error that says why when %s', async (_, open, hint) => {
    await using there = await open()
    const address = `deploy@127.0.0.1:${there.port}`
    expect(await failureOf(connect(address, { connectTimeoutMs: 1000 }))).toMatchObject({
      code: 'SSH_UNREACHABLE',
      message: `${address} cannot be reached over SSH`,
      hint: expect.stringMatching(hint),
    })
  })

  it('ends in an error that names a host which nobody knows', async () => {
    expect(await failureOf(connect('deploy@no-such-host.invalid'))).toMatchObject({
      code: 'SSH_UNREACHABLE',
      hint: expect.stringContaining('no-such-host.invalid'),
    })
  })
})
