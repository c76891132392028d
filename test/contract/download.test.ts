import { describe, expect, it } from 'vitest'
import { download, type Way } from '../../src/adapters/download.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { type Act, openServer } from './support/http.ts'
import { openNothing } from './support/tcp.ts'

/** A file of a release, from a server that does not always give it. */

const body = Buffer.from('the release')
const here: Act = { status: 200, body }

/** What is told is kept; silence ends a try soon. */
function way(clock: FakeClock = fakeClock()): Way & { clock: FakeClock; told: string[] } {
  const told: string[] = []
  const log = { info: (line: string) => void told.push(line), warning: (line: string) => void told.push(line) }
  return { clock, signal: undefined, log, told, limits: { idleMs: 200, wholeMs: 20_000, bytesPerSecond: 1 } }
}

describe('a download', () => {
  it.each<[string, Act, number, string]>([
    ['a connection that is cut', 'break', 1000, 'socket hang up'],
    ['an answer that is cut', { status: 200, headers: { 'content-length': 9999, connection: 'close' }, body: 'half' }, 1000, 'aborted'],
    ['a server that says nothing', 'hang', 1000, 'no answer within 0.2 s'],
    ['a server that falls silent in the middle', 'stall', 1000, 'no byte within 0.2 s'],
    ['a server that is overloaded', { status: 503 }, 1000, 'answered 503'],
    ['one that is busy, after the pause that it asks for', { status: 429, headers: { 'retry-after': 7 } }, 7000, 'answered 429'],
  ])('is tried again after %s, and that is told', async (_, fault, pause, why) => {
    await using server = await openServer((_asked, count) => (count === 1 ? fault : here))
    const how = way()
    expect(await download(`${server.url}/a.tar.gz`, how)).toEqual(body)
    expect(how.clock.slept).toEqual([pause])
    expect(how.told).toEqual([expect.stringContaining(`${server.address}: ${why}`)])
    expect(how.told[0]).toContain(`; tried again in ${pause / 1000} s (2 of 3)`)
  })

  it('is tried three times in all', async () => {
    await using server = await openServer(() => ({ status: 500 }))
    const how = way()
    expect(await download(`${server.url}/a.tar.gz`, how)).toBe(`${server.address} answered 500`)
    expect({ asked: server.asked.length, slept: how.clock.slept }).toEqual({ asked: 3, slept: [1000, 2000] })
    await using nothing = await openNothing()
    expect(await download(`http://127.0.0.1:${nothing.port}/a.tar.gz`, way())).toMatch(
      /^127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/,
    )
  })

  it.each<[string, Act, string]>([
    ['what is not there', { status: 404 }, 'answered 404'],
    ['what may not be had', { status: 403 }, 'answered 403'],
    ['who asks for a longer pause than a run has', { status: 429, headers: { 'retry-after': 3600 } }, 'answered 429'],
    ['where it leads in a circle', { status: 302, headers: { location: '/a.tar.gz' } }, 'answered 302'],
  ])('is not tried again with %s', async (_, act, why) => {
    await using server = await openServer(() => act)
    const how = way()
    expect(await download(`${server.url}/a.tar.gz`, how)).toBe(`${server.address} ${why}`)
    expect(how.clock.slept).toEqual([])
  })

  it('is not tried again where nobody has the name', async () => {
    const how = way()
    expect(await download('http://release.invalid/a.tar.gz', how)).toMatch(/^release\.invalid cannot be reached: .*(ENOTFOUND|EAI_AGAIN)/)
    expect(how.clock.slept).toEqual([])
  })

  it('goes where it is sent on to', async () => {
    await using store = await openServer(() => here)
    await using server = await openServer(() => ({ status: 302, headers: { location: `${store.url}/kept?signed=1` } }))
    expect(await download(`${server.url}/a.tar.gz`, way())).toEqual(body)
    expect(store.asked.map(({ url }) => url)).toEqual(['/kept?signed=1'])
  })

  it('ends with the run', async () => {
    await using server = await openServer(() => ({ status: 503 }))
    const ended = new AbortController()
    const log = { info: () => ended.abort(new Error('the run has ended')), warning: () => undefined }
    await expect(download(`${server.url}/a.tar.gz`, { ...way(), log, signal: ended.signal })).rejects.toThrow('the run has ended')
    expect(server.asked).toHaveLength(1)
  })
})
