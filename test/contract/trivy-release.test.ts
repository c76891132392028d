import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call } from '../../lab/run.ts'
import { findCosign } from '../../src/adapters/cosign.ts'
import type { Around, ToolRelease } from '../../src/adapters/tool-release.ts'
import { findTrivy, trivyRelease } from '../../src/adapters/trivy.ts'
import { openPorts } from '../../src/ports.ts'
import { fakeClock } from '../fakes/clock.ts'
import { fakeLog } from '../fakes/log.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'
import { type Act, openProxy, openServer, openTunnels, type Server } from './support/http.ts'

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
  bases: [server.url],
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
    const from = { ...release(), bases: [`http://${name}:${port}`] }
    expect(await findTrivy(around(), online, from, 'linux-x64')).toBe(join(kept(), 'trivy-1.2.3/trivy'))
    expect(server.asked.map(({ url }) => url)).toEqual(['/v1.2.3/trivy_1.2.3_Linux-64bit.tar.gz'])
  })

  it('is asked for over TLS through a tunnel of that proxy', async () => {
    await using proxy = await openTunnels()
    using _ = setEnv({ ...noProxies, HTTPS_PROXY: proxy.url })
    const from = { ...release(), bases: ['https://mirror.invalid'] }
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
    },
  )
})

/** A mirror that does this when it is asked for a release. */
const mirror = (act: Act): Promise<Server> => openServer(() => act)
const file = '/v1.2.3/trivy_1.2.3_Linux-64bit.tar.gz'

describe('mirrors of Trivy', () => {
  const findAt = (trivyMirrors: readonly string[], here = around(), of = release()): Promise<string> =>
    findTrivy(here, { offline: false, trivyMirrors }, of, 'linux-x64')

  it('are asked in their order, and the official address is not', async () => {
    await using lacking = await mirror({ status: 404 })
    await using whole = await mirror({ status: 200, body: archive })
    const here = around()
    expect(await findAt([`${lacking.url}/team/`, whole.url], here)).toBe(join(kept(), 'trivy-1.2.3/trivy'))
    expect([lacking, whole, server].map(({ asked }) => asked.map(({ url }) => url))).toEqual([[`/team${file}`], [file], []])
    expect(here.told).toEqual([
      `Trivy 1.2.3: ${lacking.url}/team${file}`,
      `${lacking.address} answered 404; the next mirror is asked`,
      `Trivy 1.2.3: ${whole.url}${file}`,
    ])
  })

  it('are gone past, with a warning, where one has something else', async () => {
    await using login = await mirror({ status: 200, body: '<html>Please log in</html>' })
    const here = around()
    await findAt([login.url, server.url], here)
    expect(here.told).toContain(`warning: ${login.url}${file} is not the file that was pinned; the next mirror is asked`)
  })

  it('that have nothing but something else let nothing through', async () => {
    await using login = await mirror({ status: 200, body: '<html>Please log in</html>' })
    await using lacking = await mirror({ status: 404 })
    expect(await failureOf(findAt([login.url, lacking.url]))).toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: `${login.url}${file} is not the file that was pinned`,
    })
    expect(existsSync(join(kept(), 'trivy-1.2.3/trivy'))).toBe(false)
  })

  it('are all named when none has it', async () => {
    await using one = await mirror({ status: 404 })
    await using two = await mirror({ status: 403 })
    const failure = await failureOf(findAt([one.url, two.url]))
    expect(failure).toMatchObject({
      code: 'TOOL_MISSING',
      message: `trivy is not in PATH, and could not be fetched: ${one.address} answered 404; ${two.address} answered 403`,
    })
    expect(failure.hint).toContain(`${one.url}${file}\n${two.url}${file}\nSHA-256 `)
  })
})

it('the doors ask the mirrors that the plan names for the release that is pinned', async () => {
  await using login = await mirror({ status: 200, body: '<html>Please log in</html>' })
  const ports = openPorts({
    ...{ env: { PATH: '/nowhere', XDG_CACHE_HOME: folder.path }, log: fakeLog(), root: folder.path, evidence: folder.path, who: 'ada' },
    ...{ signal: new AbortController().signal, onSecret: () => undefined, github: false },
  })
  const failure = await failureOf(ports.tools.trivy({ offline: false, trivyMirrors: [login.url] }))
  ports.close()
  expect(failure.code).toBe('DIGEST_MISMATCH')
  expect(login.asked.map(({ url }) => url)).toEqual([expect.stringMatching(`^/v${trivyRelease.version}/trivy_${trivyRelease.version}_`)])
})

describe('the tool cache of a runner', () => {
  /** As @actions/tool-cache leaves a tool there. */
  function toolCache(says = 'Version: 1.2.3', at = 'trivy/1.2.3/x64'): string {
    const root = join(folder.path, 'toolcache')
    mkdirSync(join(root, at), { recursive: true })
    writeFileSync(join(root, at, 'trivy'), `#!/bin/sh\n${says === '' ? 'exit 1' : `echo "${says}"`}\n`, { mode: 0o755 })
    writeFileSync(join(root, `${at}.complete`), '')
    return root
  }
  const findIn = (root: string, how = online): Promise<string> =>
    findTrivy(around({ PATH: '/nowhere', RUNNER_TOOL_CACHE: root }), how, release(), 'linux-x64')

  it.each([online, { offline: true }])('has Trivy, and nothing is fetched (%j)', async (how) => {
    const root = toolCache()
    expect(await findIn(root, how)).toBe(join(root, 'trivy/1.2.3/x64/trivy'))
    expect(server.asked).toEqual([])
  })

  it.each<[string, () => string]>([
    ['another version', () => toolCache('Version: 1.2.3', 'trivy/1.2.4/x64')],
    ['one of another machine', () => toolCache('Version: 1.2.3', 'trivy/1.2.3/arm64')],
    ['one that says that it is another', () => toolCache('Version: 1.2.30')],
    ['one that says that it is a draft', () => toolCache('Version: 1.2.3-rc.1')],
    ['one that does not run', () => toolCache('')],
    [
      'one that is not there as a whole',
      () => {
        const root = toolCache()
        rmSync(join(root, 'trivy/1.2.3/x64.complete'))
        return root
      },
    ],
  ])('is not asked for %s: that is fetched', async (_, root) => {
    expect(await findIn(root())).toBe(join(kept(), 'trivy-1.2.3/trivy'))
    expect(server.asked).toHaveLength(1)
  })

  it('comes after PATH, and after what was fetched and checked', async () => {
    const fetched = await findTrivy(around(), online, release(), 'linux-x64')
    expect(await findIn(toolCache())).toBe(fetched)
  })
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
