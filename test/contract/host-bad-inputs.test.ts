import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import type { LaunchwayError } from '../../src/core/error.ts'
import { labHost, type Toolbox } from './support/host.ts'
import { failureOf, isCampaign, running, useHosts } from './support/hosts.ts'
import { deployTo, web, type Wish, worker } from './support/release.ts'

const { image, machine } = useHosts()

/** Both wgets are read by the same lines: the campaign has the other one as well. */
const toolboxes: Toolbox[] = [
  { name: 'dash and curl', shell: 'dash', probe: 'curl' },
  { name: 'busybox alone', shell: 'busybox', probe: 'wget' },
  ...(isCampaign ? [{ name: 'dash and GNU wget', shell: 'dash', probe: 'wget' } as const] : []),
]

describe.each(toolboxes)('on a host with $name', (toolbox) => {
  test('a health page that leads elsewhere is not well, and the evidence says where it leads', { tags: ['redirect'] }, async () => {
    const host = await machine(toolbox)
    await deployTo(host, image(), { version: 'one', services: [web(host)] })
    // busybox sends who asks for a folder without its slash to the one with it.
    const health = { kind: 'http' as const, path: '/deep', intervalMs: 100, timeoutMs: 500, settleMs: 0 }
    const error = await failureOf(deployTo(host, image(), { version: 'two', services: [web(host, { health })] }))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect(error.hint).toMatch(/\/deep answered 302 (http:\/\/127\.0\.0\.1:\d+)?\/deep\/: it leads elsewhere/)
    expect(await host.answer()).toBe('one')
  })
})

describe('what a host lacks is said before anything is touched', () => {
  type Host = Awaited<ReturnType<typeof machine>>

  async function refused(host: Host, wish: Partial<Wish> = {}): Promise<LaunchwayError> {
    const error = await failureOf(deployTo(host, image(), { version: 'one', ...wish }))
    expect(error.code).toBe('HOST_UNFIT')
    expect(existsSync(host.stateRoot)).toBe(false)
    return error
  }

  test('no docker', { tags: ['no-docker'] }, async () => {
    const host = await machine()
    const error = await withoutTool(host, 'docker', () => refused(host))
    expect(error.message).toContain('docker is not installed')
  })

  test('neither curl nor wget', { tags: ['no-probe'] }, async () => {
    const host = await machine()
    rmSync(join(host.bin, 'curl'))
    expect((await refused(host)).hint).toContain('one of them is needed to ask the health page')
  })

  test('a port that a container holds, and its name', { tags: ['busy-port'] }, async () => {
    const host = await machine()
    const name = `${host.app}-squatter`
    const label = `launchway.app=${host.app}`
    await docker('run', '--detach', '--label', label, '--name', name, '--publish', `127.0.0.1:${host.port}:8000`, image().repository)
    expect((await refused(host)).message).toContain(`port 127.0.0.1:${host.port} is held by the container ${name}`)
  })

  test('a port that a program of the host holds, and its name', { tags: ['busy-port'] }, async () => {
    const host = await machine()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(host.port, '127.0.0.1', resolve))
    try {
      // Only root sees whose a socket is.
      const name = readFileSync('/proc/self/comm', 'utf8').replaceAll(/[^\w .:/-]/g, '')
      const words = process.getuid?.() === 0 ? `${name} (process ${process.pid})` : 'a program of the host'
      expect((await refused(host)).message).toContain(`port 127.0.0.1:${host.port} is held by ${words}`)
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  test('a disk that the images may not fit on; those that are there need no room', { tags: ['full-disk'] }, async () => {
    const host = await machine()
    const wish: Wish = { version: 'one', services: [worker], built: { size: 1e15 } }
    const error = await failureOf(deployTo(host, { ...image(), digest: `sha256:${'0'.repeat(64)}` }, wish))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringMatching(/B of disk are free/) })
    expect(error.hint).toContain('docker image prune --all')
    await docker('pull', '--quiet', `${image().repository}@${image().digest}`)
    await deployTo(host, image(), wish)
    expect(await running(host)).toHaveLength(1)
  })

  test('a full disk where the state is', { tags: ['full-disk'] }, async () => {
    await using host = labHost(inject('lab').hosts['bookworm']?.container ?? '', 'root', 0)
    await host.ask(`mkdir -p ${host.stateRoot} && mount -t tmpfs -o size=128k tmpfs ${host.stateRoot}`)
    try {
      const error = await failureOf(deployTo(host, image(), { version: 'one', services: [worker] }))
      expect(error.message).toMatch(new RegExp(`cannot take this deploy: 0\\.1 MB of disk are free at ${host.stateRoot}$`))
      expect(error).toMatchObject({ code: 'HOST_UNFIT', hint: expect.stringContaining('`state:`') })
      expect(await host.ask(`ls ${host.stateRoot}`)).toBe('')
    } finally {
      await host.ask(`umount ${host.stateRoot}`)
    }
    const { release } = await deployTo(host, image(), { version: 'one', services: [worker] })
    // What a release takes of it is far below what is asked for.
    expect(Number((await host.ask(`du -sk ${host.stateRoot}`)).split('\t')[0])).toBeLessThan(1000)
    expect(await running(host)).toEqual([`worker ${release}`])
  })

  test('an image for another platform', { tags: ['other-platform'] }, async () => {
    const host = await machine()
    const error = await refused(host, { built: { platforms: ['linux/s390x'] } })
    expect(error.message).toContain('the image app is for linux/s390x')
    expect(error.hint).toMatch(/this host is linux\/\w+: add it to platforms/)
  })

  /** The test tidies up with it. */
  async function withoutTool<T>(host: Host, tool: string, use: () => Promise<T>): Promise<T> {
    const path = join(host.bin, tool)
    const away = join(host.bin, '..', tool)
    renameSync(path, away)
    try {
      return await use()
    } finally {
      renameSync(away, path)
    }
  }
})
