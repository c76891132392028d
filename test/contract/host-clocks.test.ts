import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { failureOf, useHosts } from './support/hosts.ts'
import { back, release, type Way } from './support/lifecycle.ts'
import { worker } from './support/release.ts'

const { image, machine } = useHosts()

describe('a clock that is wrong', () => {
  test('of those who deploy is not what says which release came before: not for the way back, nor for what is kept', async () => {
    const host = await machine()
    const ids = ['20260110-101500-aaaaaaa', '20260109-101500-bbbbbbb', '20260108-101500-ccccccc', '20260107-101500-ddddddd']
    const [first = '', second = '', third = '', fourth = ''] = ids
    const way = (id: string, more: Partial<Way> = {}): Way => ({ version: id.slice(-7), id, services: [worker], keep: 3, ...more })
    await release(host, image(), way(first))
    await release(host, image(), way(second, { noReturn: 'it drops a column' }))
    expect(await failureOf(back(host))).toMatchObject({
      code: 'ROLLBACK_REFUSED',
      message: `bbbbbbb (${second}) cannot be rolled back: it drops a column`,
    })
    await release(host, image(), way(third))
    expect(await failureOf(back(host, { version: first }))).toMatchObject({ code: 'ROLLBACK_REFUSED' })
    await release(host, image(), way(fourth))
    expect((await host.ask(`ls ${host.stateRoot}/${host.app}/test/releases`)).trim().split('\n')).toEqual([fourth, third, second])
    expect((await host.ask(`cat ${host.stateRoot}/${host.app}/test/order`)).trim().split('\n')).toEqual([second, third, fourth])
    // What was returned to stays where it was.
    await back(host)
    await back(host)
    expect((await host.ask(`cat ${host.stateRoot}/${host.app}/test/order`)).trim().split('\n')).toEqual([second, third, fourth])
  }, 240_000)

  test('of the host is told of, and ends the wait for a confirmation', async () => {
    const host = await machine()
    rmSync(join(host.bin, 'date'))
    writeFileSync(join(host.bin, 'date'), '#!/bin/sh\nexec /usr/bin/date -d "1 day" "$@"\n', { mode: 0o755 })
    const warnings: string[] = []
    const way = { services: [worker], confirm: { withinMs: 60_000 }, onWarning: (line: string) => warnings.push(line) }
    await release(host, image(), { version: 'one', ...way })
    const { hosts } = await release(host, image(), { version: 'two', ...way })
    const [, , until] = (await host.ask(`cat ${host.stateRoot}/${host.app}/test/waits`)).split(' ')
    const told = Date.parse(hosts[0]?.waits?.until ?? '') / 1000
    expect(Math.abs(told - Number(until))).toBeLessThan(60)
    expect(warnings).toContainEqual(expect.stringMatching(/: its clock is 14\d\d minutes ahead of the one here: one of them is wrong/))
  }, 240_000)
})
