import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { confirm, abort } from '../../src/deploy/confirm.ts'
import { deploy } from '../../src/deploy/run.ts'
import { killer } from './support/docker-killer.ts'
import { killWhole, which } from './support/host.ts'
import { failureOf, pathsOf, running, useHosts } from './support/hosts.ts'
import { aborted, back, confirmed, environmentOf, portsOf, release, releaseOf } from './support/lifecycle.ts'

const { image, machine } = useHosts()

describe('a release that waits for its confirmation', () => {
  test('keeps others out until it is confirmed, and says so', async () => {
    const host = await machine({ name: 'busybox alone', shell: 'busybox', probe: 'wget' })
    const first = await release(host, image(), { version: 'one', confirm: {} })
    expect(first.hosts[0]?.waits).toBeUndefined()
    const second = await release(host, image(), { version: 'two', confirm: {}, who: 'ada@laptop' })
    expect(second.hosts[0]?.waits).toEqual({})
    const refused = await failureOf(release(host, image(), { version: 'three' }))
    expect(refused).toMatchObject({ code: 'DEPLOY_WAITS', message: `two (${second.release}) waits for a confirmation on host` })
    expect(refused.hint).toContain('deployed by ada@laptop at ')
    expect(refused.hint).toContain(`launchway confirm -e test keeps it, launchway abort -e test returns to one (${first.release})`)
    expect(await host.answer()).toBe('two')
    // What broke off is finished: the same release is no other.
    await release(host, image(), { version: 'two', confirm: {}, id: second.release })
    expect(await confirmed(host)).toMatchObject({ version: 'two', hosts: ['host'] })
    expect(await confirmed(host)).toMatchObject({ version: 'two', hosts: [] })
    await release(host, image(), { version: 'three' })
    expect(await host.answer()).toBe('three')
  })

  test('is left by abort, once; then there is nothing to abort', async () => {
    const host = await machine()
    await release(host, image(), { version: 'zero' })
    const first = await release(host, image(), { version: 'one' })
    expect(await failureOf(aborted(host))).toMatchObject({ code: 'NOTHING_WAITS' })
    const second = await release(host, image(), { version: 'two', confirm: { withinMs: 3_600_000 } })
    expect(await aborted(host)).toMatchObject({ version: 'one', release: first.release })
    expect(await host.answer()).toBe('one')
    const nothing = await failureOf(aborted(host))
    expect(nothing).toMatchObject({ code: 'NOTHING_WAITS', message: 'no version waits for a confirmation' })
    expect(nothing.hint).toContain('launchway rollback')
    // What was rejected is no version before: who rolls back afterwards gets the one that was before all that.
    expect((await host.containers()).map(({ release: of }) => of)).not.toContain(second.release)
    expect(await back(host)).toMatchObject({ version: 'zero' })
    expect(await host.answer()).toBe('zero')
    await release(host, image(), { version: 'three' })
  })

  test('whose time has passed counts as confirmed', async () => {
    const host = await machine()
    await release(host, image(), { version: 'one' })
    const { release: second } = await release(host, image(), { version: 'two', confirm: { withinMs: 3_600_000 } })
    const waits = join(pathsOf(host).home, 'waits')
    const [id, since = '', , ...by] = readFileSync(waits, 'utf8').trim().split(' ')
    expect(id).toBe(second)
    expect(by).toEqual(['ada@laptop'])
    writeFileSync(waits, `${id} ${Number(since) - 7200} ${Number(since) - 3600} ada@laptop\n`)
    expect((await failureOf(aborted(host))).hint).toContain('which counts as confirmed since ')
    await release(host, image(), { version: 'three' })
    expect(await host.answer()).toBe('three')
  })
})

test('a program killed around the wait, the record, the confirmation or the abort leaves nothing that needs a hand', async () => {
  const host = await machine()
  await release(host, image(), { version: 'one' })
  const docker_ = killer(host.bin)
  const arm = mvKiller(host.bin)
  const ports = (): ReturnType<typeof portsOf> => portsOf(host, { hurry: true })
  const killedAt = async (when: 'before' | 'after', pattern: string): Promise<void> => {
    writeFileSync(arm, `${when} ${pattern}\n`)
    const way = { version: `two-${when}-${pattern.slice(1)}`, confirm: {} }
    const record = releaseOf(host, image(), way)
    expect(await failureOf(deploy(record, portsOf(host, way)))).toMatchObject({ code: 'DEPLOY_UNKNOWN' })
    expect(existsSync(arm)).toBe(false)
  }
  // Not live: there is nothing to end, and nobody is kept out.
  await killedAt('before', '*waits')
  expect(await failureOf(aborted(host))).toMatchObject({ code: 'NOTHING_WAITS' })
  await killedAt('after', '*waits')
  expect(await failureOf(aborted(host))).toMatchObject({ code: 'NOTHING_WAITS' })
  // Live, and waiting from the record on: others are kept out, and it can be ended.
  await killedAt('after', '*current')
  expect(await failureOf(release(host, image(), { version: 'other' }))).toMatchObject({ code: 'DEPLOY_WAITS' })
  docker_.arm(1, 'before')
  await failureOf(confirm(host.app, environmentOf(host), ports()))
  docker_.disarm()
  await confirmed(host)
  const done = await release(host, image(), { version: 'three', confirm: {} })
  docker_.arm(2, 'after')
  await failureOf(abort(host.app, environmentOf(host), ports()))
  docker_.disarm()
  await aborted(host)
  expect(await running(host)).toHaveLength(1)
  expect(await running(host)).not.toContain(`web ${done.release}`)
  await release(host, image(), { version: 'four' })
  expect(await host.answer()).toBe('four')
})

test('an abort that is killed once the version before is back still leaves nothing of what it rejected', async () => {
  const host = await machine()
  await release(host, image(), { version: 'one' })
  const rejected = await release(host, image(), { version: 'two', confirm: {}, noReturn: 'its data is of another form' })
  writeFileSync(mvKiller(host.bin), 'after *current\n')
  await failureOf(abort(host.app, environmentOf(host), portsOf(host, { hurry: true }), { force: true }))
  await release(host, image(), { version: 'three' })
  expect((await host.containers()).map(({ release: of }) => of)).not.toContain(rejected.release)
  // It is no version before, and declares nothing any more.
  expect(await back(host)).toMatchObject({ version: 'one' })
})

/** A wrapper in the place of mv that ends the apply program around a call: the file that says when, as `after *current`. */
function mvKiller(bin: string): string {
  const arm = join(bin, 'mv-at')
  rmSync(join(bin, 'mv'))
  writeFileSync(
    join(bin, 'mv'),
    `#!/bin/sh
[ -e ${arm} ] || exec ${which('mv')} "$@"
read -r when pattern < ${arm}
case "$*" in $pattern) ;; *) exec ${which('mv')} "$@" ;; esac
rm ${arm}
[ "$when" = before ] || ${which('mv')} "$@"
${killWhole('PPID')}
`,
    { mode: 0o755 },
  )
  return arm
}
