import { createHash } from 'node:crypto'
import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Proposal, proposeAbort, proposeConfirm, proposeRollback } from '../../src/deploy/proposal.ts'
import type { RollbackWish } from '../../src/deploy/rollback.ts'
import { deploy } from '../../src/deploy/run.ts'
import { killer } from './support/docker-killer.ts'
import type { HostUnderTest } from './support/host.ts'
import { failureOf, pathsOf, useHosts } from './support/hosts.ts'
import { aborted, back, confirmed, environmentOf, portsOf, release, releaseOf } from './support/lifecycle.ts'

const { image, machine } = useHosts()

const [proposals, moves] = [
  { rollback: proposeRollback, abort: proposeAbort, confirm: proposeConfirm },
  { rollback: back, abort: aborted, confirm: confirmed },
]
type Move = keyof typeof proposals

const propose = (how: Move, host: HostUnderTest, wish: RollbackWish = {}): Promise<Proposal> =>
  proposals[how](host.app, environmentOf(host), portsOf(host, {}), wish)

/** All that launchway keeps there, by its content and time, and every container. */
async function state(host: HostUnderTest): Promise<unknown> {
  const { home } = pathsOf(host)
  const files = globSync('**', { cwd: home }).filter((path) => statSync(join(home, path)).isFile())
  const known = files.map((path) => {
    const whole = join(home, path)
    return [path, statSync(whole).mtimeMs, createHash('sha1').update(readFileSync(whole)).digest('hex')]
  })
  return { known: known.toSorted(), containers: (await host.containers()).toSorted((one, other) => one.name.localeCompare(other.name)) }
}

test('each move tells beforehand what it comes to, and changes nothing; then it comes to that', async () => {
  const host = await machine()
  const oldest = await release(host, image(), { version: 'zero' })
  const first = await release(host, image(), { version: 'one' })
  const second = await release(host, image(), { version: 'two', confirm: {}, who: 'ada@laptop' })
  const before = await state(host)
  const runs = `two (${second.release})`
  expect(await propose('confirm', host)).toEqual({
    environment: 'test',
    release: second.release,
    version: 'two',
    hosts: [
      {
        host: 'host',
        runs,
        changes: true,
        notes: [expect.stringMatching(/^deployed by ada@laptop at .*, waits until somebody has decided$/)],
      },
    ],
  })
  const proposal = await propose('abort', host)
  expect(proposal).toMatchObject({ release: first.release, version: 'one', hosts: [{ host: 'host', runs, changes: true }] })
  expect(proposal.hosts[0]?.notes).toContainEqual(expect.stringMatching(/^web: /))
  expect(await propose('rollback', host, { version: 'one' })).toEqual(proposal)
  expect(await state(host)).toEqual(before)
  expect(await host.answer()).toBe('two')

  expect(await aborted(host)).toMatchObject({ release: proposal.release, version: proposal.version })
  const again = await propose('rollback', host)
  expect(again).toMatchObject({ version: 'zero', hosts: [{ runs: `one (${first.release})`, changes: true }] })
  expect(await back(host)).toMatchObject({ release: again.release })
  // Where it runs already, nothing would be done.
  expect(await propose('rollback', host, { version: oldest.release })).toMatchObject({
    hosts: [{ changes: false, notes: ['runs here already'] }],
  })
  expect(await propose('confirm', host)).toMatchObject({ hosts: [{ changes: false, notes: ['does not wait here'] }] })
})

test.each<[string, Move, RollbackWish, string]>([
  ['nothing waits', 'abort', {}, 'NOTHING_WAITS'],
  ['nobody keeps that version', 'rollback', { version: 'v9' }, 'VERSION_UNKNOWN'],
  ['the version that would be left declares it', 'rollback', {}, 'ROLLBACK_REFUSED'],
])('what refuses the move refuses to tell of it, in the same words: %s', async (_, how, wish, code) => {
  const host = await machine()
  await release(host, image(), { version: 'one' })
  await release(host, image(), { version: 'two', noReturn: 'the database cannot go back' })
  const before = await state(host)
  const told = await failureOf(propose(how, host, wish))
  const moved = await failureOf(moves[how](host, wish))
  expect(told).toMatchObject({ code, message: moved.message, hint: moved.hint })
  expect(await state(host)).toEqual(before)
})

test('a version that declares that it cannot be left is told of with --force, with its words', async () => {
  const host = await machine()
  await release(host, image(), { version: 'one' })
  await release(host, image(), { version: 'two', noReturn: 'the database cannot go back' })
  const { hosts } = await propose('rollback', host, { force: true })
  expect(hosts[0]?.notes[0]).toMatch(/^two \(.*\) cannot be rolled back: the database cannot go back$/)
})

test('what an attempt has left that broke off stays for the one who moves, and is told of', async () => {
  const host = await machine()
  await release(host, image(), { version: 'one' })
  await release(host, image(), { version: 'two' })
  const docker = killer(host.bin)
  const way = { version: 'three', hurry: true }
  const record = releaseOf(host, image(), way)
  docker.arm(4, 'after')
  expect(await failureOf(deploy(record, portsOf(host, way)))).toMatchObject({ code: 'DEPLOY_UNKNOWN' })
  docker.disarm()
  const before = await state(host)
  const { version, hosts } = await propose('rollback', host)
  expect({ version, hosts }).toMatchObject({
    version: 'one',
    hosts: [{ notes: [expect.stringMatching(/^an earlier attempt broke off here/)] }],
  })
  expect(await state(host)).toEqual(before)
})
