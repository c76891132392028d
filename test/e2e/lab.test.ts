import { existsSync, readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { type Lab, labFolder, labLabel, readLab } from '../../lab/lab.ts'
import { githubPid } from '../../lab/down.ts'
import { root } from '../../lab/paths.ts'
import { call, docker } from '../../lab/run.ts'
import { newLabName } from '../../lab/up.ts'
import { bareEnvironment, type Ended, run } from './support/programs.ts'

function labCommand(...args: string[]): Promise<Ended> {
  return run(process.execPath, [join(root, 'lab/main.ts'), ...args], { cwd: root, env: process.env as Record<string, string> })
}

function portsOf(lab: Lab): number[] {
  const addresses = [lab.registry.address, lab.secureRegistry.address].map((address) => Number(address.split(':')[1]))
  const hosts = Object.values(lab.hosts).flatMap(({ ports }) => Object.values(ports))
  return [
    ...addresses,
    ...hosts,
    ...Object.values(lab.faults.proxies),
    lab.jump.port,
    ...[lab.github.url, lab.faults.api].map((url) => Number(new URL(url).port)),
  ]
}

/** What the engine still calls by a name of this repository, with a tag or without. */
async function imagesOf(repository: string): Promise<string[]> {
  const listed = await docker('image', 'ls', '--digests', '--format', '{{.ID}} {{.Tag}} {{.Digest}}', repository)
  return listed.split('\n').filter((line) => line !== '')
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    const end = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Everything in the engine that carries a lab's label. */
async function leftOf(name: string): Promise<string> {
  const filter = ['--quiet', '--filter', `label=${labLabel}=${name}`]
  return (
    await Promise.all([docker('ps', '--all', ...filter), docker('network', 'ls', ...filter), docker('volume', 'ls', ...filter)])
  ).join('')
}

describe('the lab', () => {
  /** That of these tests, which is up all the time. */
  const other = inject('lab')
  const name = newLabName()
  afterAll(() => labCommand('down', name))

  it('comes up beside another, and nothing of one is in the way of the other', async () => {
    const ended = await labCommand('up', name)
    expect(ended.code, ended.stderr).toBe(0)
    const lab = readLab(name)
    if (lab === undefined) throw new Error('the lab left no lab.json')
    expect(portsOf(lab).filter((port) => portsOf(other).includes(port))).toEqual([])
    for (const port of [...portsOf(lab), ...portsOf(other)]) expect(await answers(port), `port ${port}`).toBe(true)
  })

  it('has hosts of three ages, one of which boots systemd', async () => {
    const seen = await Promise.all(
      ['bookworm', 'trixie', 'forky'].map(async (suite) => {
        const host = readLab(name)?.hosts[suite]?.container ?? ''
        const engine = await docker('exec', host, 'docker', 'version', '--format', '{{.Server.Version}}')
        const nginx = await docker('exec', host, 'sh', '-c', 'nginx -v 2>&1')
        const first = await docker('exec', host, 'cat', '/proc/1/comm')
        return [engine, nginx, first].map((text) => /systemd|lab-init|\d+\.\d+/.exec(text)?.[0] ?? '')
      }),
    )
    const [old = [], middle = [], young = []] = seen
    expect(old).toEqual(['20.10', '1.22', 'systemd'])
    expect(middle).toEqual(['26.1', '1.26', 'lab-init'])
    // Debian's next release moves on: it is younger, and nothing more is sure.
    expect(Number(young[0])).toBeGreaterThan(26.1)
    expect(Number(young[1]?.split('.')[1])).toBeGreaterThan(26)
  })

  it('has proxies that break a connection and mend it', async () => {
    const lab = readLab(name)
    const port = lab?.faults.proxies['registry'] ?? 0
    const registry = (): Promise<number | undefined> =>
      fetch(`http://127.0.0.1:${port}/v2/`).then(
        ({ status }) => status,
        () => undefined,
      )
    const enable = (enabled: boolean): Promise<Response> =>
      fetch(`${lab?.faults.api}/proxies/registry`, { method: 'POST', body: JSON.stringify({ enabled }) })
    expect(await registry()).toBe(200)
    await enable(false)
    expect(await registry()).toBeUndefined()
    await enable(true)
    expect(await registry()).toBe(200)
  })

  it('has a jump host, and hosts behind it that it lets one reach', async () => {
    const lab = readLab(name)
    const jump = ['-o', `UserKnownHostsFile=${lab?.knownHosts}`, '-o', 'IdentitiesOnly=yes', '-i', lab?.key ?? '']
    const through = `ssh ${jump.join(' ')} -p ${lab?.jump.port} -W %h:%p jump@127.0.0.1`
    const ended = await run('ssh', [...jump, '-o', `ProxyCommand=${through}`, 'deploy@trixie', 'hostname'], {
      cwd: root,
      env: bareEnvironment(),
    })
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: 'trixie\n' })
  })

  it('is told from one that there is not, of which nothing is said to be down', async () => {
    const ended = await labCommand('down', `${other.name}x`)
    expect(ended.code).toBe(2)
    expect(ended.stdout).toContain(`there is no lab "${other.name}x": up are `)
    expect(ended.stdout).toContain(`Did you mean ${other.name}?`)
    expect(ended.stdout).not.toContain('is down')
    expect(ended.stdout).toContain(name)
  })

  it('says that it is up when asked a second time, and changes nothing', async () => {
    const before = readLab(name)
    const again = await labCommand('up', name)
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('is up already') as string })
    expect(readLab(name)).toEqual(before)
  })

  it('leaves nothing behind when it goes down, and leaves the other alone', async () => {
    const lab = readLab(name)
    if (lab === undefined) throw new Error('the lab is not up')
    expect(await leftOf(name)).not.toBe('')
    // The second push takes the tag from the first image, which then has the name of its digest alone.
    const image = `${lab.registry.address}/team/left`
    for (const label of ['one', 'two']) {
      await call('docker', ['build', '--quiet', '--tag', `${image}:main`, '-'], { stdin: `FROM scratch\nLABEL left=${name}-${label}\n` })
      await docker('push', '--quiet', `${image}:main`)
    }
    expect((await imagesOf(image)).length).toBe(2)
    const ended = await labCommand('down', name)
    expect(ended.code, ended.stderr).toBe(0)
    expect(await leftOf(name)).toBe('')
    expect(isRunning(lab.github.pid)).toBe(false)
    expect(existsSync(lab.folder)).toBe(false)
    expect(await imagesOf(image)).toEqual([])
    for (const port of portsOf(lab)) expect(await answers(port), `port ${port}`).toBe(false)
    for (const port of portsOf(other)) expect(await answers(port), `port ${port}`).toBe(true)
  })
})

describe('a lab that cannot be started', () => {
  const name = newLabName()
  // Not the lab's own: it has no label, and `down` must leave it alone.
  const network = `launchway-${name}`
  afterAll(() => docker('network', 'rm', network))

  it('leaves nothing behind, its GitHub included', async () => {
    await docker('network', 'create', network)
    const starting = labCommand('up', name)
    const written = githubPid(labFolder(name))
    await expect.poll(() => existsSync(written) && readFileSync(written, 'utf8') !== '', { interval: 5 }).toBe(true)
    const pid = Number(readFileSync(written, 'utf8'))
    const ended = await starting
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toContain(network)
    expect(isRunning(pid)).toBe(false)
    expect(existsSync(labFolder(name))).toBe(false)
    expect(await leftOf(name)).toBe('')
  })
})
