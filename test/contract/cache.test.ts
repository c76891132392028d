import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { actionsCache, folderCache } from '../../src/adapters/cache.ts'
import type { Cache, Log } from '../../src/core/ports.ts'
import { fakeCache } from '../fakes/cache.ts'
import { fakeLog } from '../fakes/log.ts'
import { type CacheService, openCacheService } from './support/cache-service.ts'
import { openFolder, setEnv } from './support/folder.ts'
import { openServer } from './support/http.ts'

let service: CacheService
let folder: Awaited<ReturnType<typeof openFolder>>
beforeAll(async () => {
  service = await openCacheService()
})
afterAll(() => service[Symbol.asyncDispose]())
beforeEach(async () => {
  folder = await openFolder()
})
afterEach(() => folder[Symbol.asyncDispose]())

/** @actions/cache reads a runner's variables when it is called, and talks on standard output. */
function onRunner(log: Log, env: Readonly<Record<string, string>> = {}): Cache {
  const surrounded = async <T>(ask: (cache: Cache) => Promise<T>): Promise<T> => {
    using _ = setEnv({
      ...service.env,
      GITHUB_WORKSPACE: folder.path,
      RUNNER_TEMP: folder.path,
      ACTIONS_CACHE_SERVICE_V2: undefined,
      ...env,
    })
    return await ask(actionsCache(log))
  }
  return {
    restore: (paths, key, prefixes) => surrounded((cache) => cache.restore(paths, key, prefixes)),
    save: (paths, key) => surrounded((cache) => cache.save(paths, key)),
  }
}

/** @actions/cache pauses five seconds after each try that failed, also after the last: nobody waits for that here. */
function withoutPauses(): void {
  const real = globalThis.setTimeout
  const hurried = (act: () => void, ms?: number): NodeJS.Timeout => real(act, ms === 5000 ? 1 : ms)
  const spy = vi.spyOn(globalThis, 'setTimeout').mockImplementation(hurried)
  onTestFinished(() => spy.mockRestore())
}

interface World {
  name: string
  open: (log: Log) => Cache
  /** What lies between two entries, so that one is the newer. */
  apartMs: number
}
const worlds: World[] = [
  // It dates its entries by the second.
  { name: "a runner's service", open: (log) => onRunner(log), apartMs: 1100 },
  { name: 'a folder', open: (log) => folderCache(join(folder.path, 'entries'), log), apartMs: 50 },
  { name: 'the fake', open: () => fakeCache(join(folder.path, 'kept')), apartMs: 50 },
]

describe.each(worlds)('cache: $name', ({ open, apartMs }) => {
  /** A folder with a program, a link and a file in a folder, as scanners and package managers keep them. */
  function fill(text: string): string {
    const path = join(folder.path, 'database')
    mkdirSync(join(path, 'deep'), { recursive: true })
    writeFileSync(join(path, 'deep/entry'), text)
    writeFileSync(join(path, 'tool'), '#!/bin/sh\n')
    chmodSync(join(path, 'tool'), 0o755)
    rmSync(join(path, 'link'), { force: true })
    symlinkSync('deep/entry', join(path, 'link'))
    return path
  }
  const textIn = (path: string): string => readFileSync(join(path, 'deep/entry'), 'utf8')
  /** The characters that branches and versions bring along. */
  const key = (text: string): string => `team/app 100% ${text}`

  it('has nothing that was not saved', async () => {
    expect(await open(fakeLog()).restore([join(folder.path, 'database')], key('v1'), [key('')])).toBeUndefined()
  })

  it('puts a folder back as it was, with modes and links', async () => {
    const cache = open(fakeLog())
    const path = fill('one')
    await cache.save([path], key('v1'))
    rmSync(path, { recursive: true })
    expect(await cache.restore([path], key('v1'))).toBe(key('v1'))
    expect({ text: textIn(path), mode: lstatSync(join(path, 'tool')).mode & 0o777, link: readlinkSync(join(path, 'link')) }).toEqual({
      text: 'one',
      mode: 0o755,
      link: 'deep/entry',
    })
  })

  it('puts several paths back, files too', async () => {
    const cache = open(fakeLog())
    const paths = [fill('one'), join(folder.path, 'alone.txt')]
    writeFileSync(paths[1] ?? '', 'alone')
    await cache.save(paths, key('v1'))
    for (const path of paths) rmSync(path, { recursive: true })
    await cache.restore(paths, key('v1'))
    expect([textIn(paths[0] ?? ''), readFileSync(paths[1] ?? '', 'utf8')]).toEqual(['one', 'alone'])
  })

  it('gives the newest entry with a prefix, and says which it was', async () => {
    const cache = open(fakeLog())
    const path = fill('monday')
    await cache.save([path], key('db-monday'))
    await new Promise((resolve) => setTimeout(resolve, apartMs))
    await cache.save([fill('tuesday')], key('db-tuesday'))
    fill('changed')
    expect([await cache.restore([path], key('db-wednesday'), [key('db-')]), textIn(path)]).toEqual([key('db-tuesday'), 'tuesday'])
    expect([await cache.restore([path], key('db-monday'), [key('db-')]), textIn(path)]).toEqual([key('db-monday'), 'monday'])
  })

  it('keeps what was saved first under a key', async ({ skip }) => {
    skip(apartMs > 0, "act's server takes a second entry of a key, which GitHub's refuses; which of them it finds depends on the second")
    const cache = open(fakeLog())
    const path = fill('one')
    await cache.save([path], key('v1'))
    await cache.save([fill('two')], key('v1'))
    expect([await cache.restore([path], key('v1')), textIn(path)]).toEqual([key('v1'), 'one'])
  })

  it('does not give what was saved from elsewhere', async () => {
    const cache = open(fakeLog())
    await cache.save([fill('one')], key('v1'))
    expect(await cache.restore([join(folder.path, 'other')], key('v1'))).toBeUndefined()
    expect(existsSync(join(folder.path, 'other'))).toBe(false)
  })

  it('does not fail for a path that is not there', async () => {
    const cache = open(fakeLog())
    await cache.save([join(folder.path, 'gone')], key('v1'))
    expect(await cache.restore([join(folder.path, 'gone')], key('v1'))).toBeUndefined()
  })
})

describe('a cache that does not work', () => {
  it('on a disk that takes nothing is a warning, and leaves nothing half done', async () => {
    writeFileSync(join(folder.path, 'file'), '')
    const log = fakeLog()
    const cache = folderCache(join(folder.path, 'file/entries'), log)
    await cache.save([folder.path], 'v1')
    expect(await cache.restore([folder.path], 'v1')).toBeUndefined()
    expect(log.said('warning')).toEqual([expect.stringMatching(/^the cache could not be written: .*ENOTDIR/)])
  })

  it('does not keep the half of an entry', async () => {
    const [log, entries] = [fakeLog(), join(folder.path, 'entries')]
    writeFileSync(join(folder.path, 'here'), 'here')
    await folderCache(entries, log).save([join(folder.path, 'here'), join(folder.path, 'gone')], 'v1')
    expect(readdirSync(entries).flatMap((shelf) => readdirSync(join(entries, shelf)))).toEqual([])
    expect(log.said('warning')).toEqual([expect.stringContaining('gone')])
  })

  it.each([
    ['refuses', { status: 403, body: '{"message":"no"}' }],
    ['answers with what is no answer', { status: 200, headers: { 'content-type': 'application/json' }, body: 'null' }],
    ['breaks the connection', 'break' as const],
  ])('fails no run when the service %s', async (_, act) => {
    writeFileSync(join(folder.path, 'here'), 'here')
    withoutPauses()
    await using server = await openServer(() => act)
    const cache = onRunner(fakeLog(), { ACTIONS_CACHE_URL: `${server.url}/`, ACTIONS_RESULTS_URL: `${server.url}/` })
    expect(await cache.restore([join(folder.path, 'here')], 'v1')).toBeUndefined()
    await cache.save([join(folder.path, 'here')], 'v1')
    expect(server.asked.length).toBeGreaterThan(0)
  })

  it('warns of a key that the service forbids', async () => {
    const log = fakeLog()
    expect(await onRunner(log).restore([folder.path], 'a,b')).toBeUndefined()
    expect(log.said('warning')).toEqual([expect.stringMatching(/the cache could not be read: .*comma/)])
  })
})
