import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import type { LaunchwayError } from '../../src/core/error.ts'
import type { Toolbox } from './support/host.ts'
import { failureOf, isCampaign, useHosts } from './support/hosts.ts'
import { deployTo, web, type Wish } from './support/release.ts'

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

  test('a disk that the images may not fit on', { tags: ['full-disk'] }, async () => {
    const host = await machine()
    const error = await refused(host, { built: { size: 1e15 } })
    expect(error.message).toMatch(/B of disk are free/)
    expect(error.hint).toContain('docker image prune --all')
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
