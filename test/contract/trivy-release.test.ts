import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call } from '../../lab/run.ts'
import { findCosign } from '../../src/adapters/cosign.ts'
import type { Around, ToolRelease } from '../../src/adapters/tool-release.ts'
import { findTrivy, trivyRelease } from '../../src/adapters/trivy.ts'
import { fakeClock } from '../fakes/clock.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'
import { openProxy, openServer, openTunnels, type Server } from './support/http.ts'

/** The way a pinned release comes, against a server of our own: the archive and its sum are made here. */

const online = { offline: false }

let folder: Folder
let server: Server
let archive: Buffer
let serves = true
beforeEach(async () => {
  folder = await openFolder()
  serves = true
  writeFileSync(join(folder.path, 'trivy'), '#!/bin/sh\necho "Version: 1.2.3"\n', { mode: 0o755 })
  await call('tar', ['-C', folder.path, '-czf', join(folder.path, 'a.tar.gz'), 'trivy'])
  archive = readFileSync(join(folder.path, 'a.tar.gz'))
  server = await openServer(() => (serves ? { status: 200, body: archive } : { status: 503 }))
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const release = (sha256 = createHash('sha256').update(archive).digest('hex')): ToolRelease => ({
  version: '1.2.3',
  archives: { 'linux-x64': { file: 'trivy_1.2.3_Linux-64bit.tar.gz', sha256 } },
  base: `${server.url}/v1.2.3`,
})
const kept = (): string => join(folder.path, 'kept')
const around = (env: Record<string, string> = { PATH: '/nowhere' }): Around & { told: string[] } => {
  const told: string[] = []
  const log = { info: (line: string) => void told.push(line), warning: (line: string) => void told.push(`warning: ${line}`) }
  return { env, folder: kept(), clock: fakeClock(), signal: undefined, log, told }
}
const noProxies = {
  HTTP_PROXY: undefined,
  http_proxy: undefined,
  HTTPS_PROXY: undefined,
  https_proxy: undefined,
  NO_PROXY: '',
  no_proxy: undefined,
}

describe('Trivy', () => {
  it('is that of PATH, and nothing is fetched', async () => {
    const bin = join(folder.path, 'bin')
    // What only has the name is no program.
    mkdirSync(join(folder.path, 'src/trivy'), { recursive: true })
    mkdirSync(bin)
    writeFileSync(join(bin, 'trivy'), '')
    chmodSync(join(bin, 'trivy'), 0o755)
    expect(await findTrivy(around({ PATH: `${join(folder.path, 'src')}:${bin}` }), online, release())).toBe(join(bin, 'trivy'))
    expect(server.asked).toEqual([])
  })

  it('is fetched once where PATH has none, checked, and kept by its version', async () => {
    const found = await findTrivy(around(), online, release(), 'linux-x64')
    expect(found).toBe(join(kept(), 'trivy-1.2.3/trivy'))
    expect((await call(found, ['--version'])).stdout).toBe('Version: 1.2.3\n')
    expect(await findTrivy(around(), online, release(), 'linux-x64')).toBe(found)
    expect(server.asked.map(({ url }) => url)).toEqual(['/v1.2.3/trivy_1.2.3_Linux-64bit.tar.gz'])
  })

  it('is not taken where its checksum is another, and nothing of it stays', async () => {
    const other = 'a'.repeat(64)
    expect(await failureOf(findTrivy(around(), online, release(other), 'linux-x64'))).toMatchObject({ code: 'DIGEST_MISMATCH' })
    expect(existsSync(kept()) ? readdirSync(kept()) : []).toEqual([])
  })

  it('that cannot be fetched is a tool that is missing: the hint says what to install, and from where', async () => {
    serves = false
    const failure = await failureOf(findTrivy(around(), online, release(), 'linux-x64'))
    expect(failure).toMatchObject({
      code: 'TOOL_MISSING',
      message: `trivy is not in PATH, and could not be fetched: ${server.address} answered 503`,
    })
    expect(server.asked).toHaveLength(3)
    expect(failure.hint).toContain('Install Trivy 1.2.3')
    expect(failure.hint).toContain(`${server.url}/v1.2.3/trivy_1.2.3_Linux-64bit.tar.gz\nSHA-256 `)
  })

  it('is not fetched where nothing may be, and the failure says what is missing', async () => {
    const failure = await failureOf(findTrivy(around(), { offline: true }, release(), 'linux-x64'))
    expect(failure).toMatchObject({
      code: 'TOOL_MISSING',
      message: 'trivy is not in PATH, and could not be fetched: scan.offline is set, so nothing is',
    })
    expect(failure.hint).toContain('Install Trivy 1.2.3')
    expect(server.asked).toEqual([])
  })

  it.each([
    ['by its name', '', 'mirror.invalid', true],
    ['not where NO_PROXY has the name', '127.0.0.1', '127.0.0.1', false],
  ])('is fetched through the proxy of this network, %s', async (_, none, name, isProxied) => {
    const { port } = new URL(server.url)
    await using proxy = await openProxy({ 'mirror.invalid': server.address })
    using _env = setEnv({ ...noProxies, HTTP_PROXY: isProxied ? proxy.url : 'http://127.0.0.1:9', NO_PROXY: none })
    const from = { ...release(), base: `http://${name}:${port}/v1.2.3` }
    expect(await findTrivy(around(), online, from, 'linux-x64')).toBe(join(kept(), 'trivy-1.2.3/trivy'))
    expect(server.asked.map(({ url }) => url)).toEqual(['/v1.2.3/trivy_1.2.3_Linux-64bit.tar.gz'])
  })

  it('is asked for over TLS through a tunnel of that proxy', async () => {
    await using proxy = await openTunnels()
    using _ = setEnv({ ...noProxies, HTTPS_PROXY: proxy.url })
    const from = { ...release(), base: 'https://mirror.invalid/v1.2.3' }
    expect(await failureOf(findTrivy(around(), online, from, 'linux-x64'))).toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringContaining('mirror.invalid'),
    })
    expect(new Set(proxy.asked)).toEqual(new Set(['mirror.invalid:443']))
  })

  it('for a platform without a release is one too', async () => {
    expect(await failureOf(findTrivy(around(), online, release(), 'win32-x64'))).toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringContaining('there is no release of Trivy for win32-x64'),
    })
  })

  it.each(Object.entries(trivyRelease.archives))(
    'of the pinned version has an archive and a whole checksum for %s',
    (_, { file, sha256 }) => {
      expect(file).toContain(`trivy_${trivyRelease.version}_`)
      expect(sha256).toMatch(/^[0-9a-f]{64}$/)
      expect(trivyRelease.base).toContain(`/v${trivyRelease.version}`)
    },
  )
})

describe('cosign', () => {
  const program = Buffer.from('#!/bin/sh\necho "cosign 1.2.3"\n')
  const pinned = (sha256 = createHash('sha256').update(program).digest('hex')): ToolRelease => ({
    ...release(),
    archives: { 'linux-x64': { file: 'cosign-linux-amd64', sha256 } },
  })

  it('is fetched once where PATH has none, as the program that it is, checked', async () => {
    archive = program
    const found = await findCosign(around(), pinned(), 'linux-x64')
    expect((await call(found, [])).stdout).toBe('cosign 1.2.3\n')
    expect(await findCosign(around(), pinned(), 'linux-x64')).toBe(found)
    expect(server.asked.map(({ url }) => url)).toEqual(['/v1.2.3/cosign-linux-amd64'])
  })

  it('is not taken where its checksum is another; where it cannot be had, the message says which it would be', async () => {
    archive = Buffer.from('<html>Please log in</html>')
    expect(await failureOf(findCosign(around(), pinned(), 'linux-x64'))).toMatchObject({ code: 'DIGEST_MISMATCH' })
    expect(existsSync(join(kept(), 'cosign-1.2.3/cosign'))).toBe(false)
    serves = false
    expect(await failureOf(findCosign(around(), pinned(), 'linux-x64'))).toMatchObject({
      code: 'TOOL_MISSING',
      hint: expect.stringContaining(`${server.url}/v1.2.3/cosign-linux-amd64`),
    })
  })
})
