import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { applyProgram, swarmFunctions } from '../../src/deploy/program.ts'
import { second } from '../unit/support/deploy.ts'
import { environmentName, labHost } from './support/host.ts'
import { pathsOf } from './support/hosts.ts'

const lab = inject('lab')
const container = lab.hosts['forky']?.container ?? ''

/** The lock of a stack is an object of Swarm's: a swarm of one node knows it as a larger one does. */
describe('the lock of a stack, on a swarm of one', () => {
  const host = labHost(container, 'root', 0)
  const { home } = pathsOf(host)
  const lock = `launchway-lock-${host.app}`
  beforeAll(() => host.ask('docker swarm init --advertise-addr 127.0.0.1 > /dev/null'))
  afterAll(async () => {
    await host.ask('docker swarm leave --force')
    await host[Symbol.asyncDispose]()
  })

  const of = { app: host.app, environment: environmentName, stateRoot: host.stateRoot, release: second, slot: 'a', keep: 5 } as const
  const program = (calls: readonly (readonly [string, ...string[]])[]): string =>
    applyProgram(
      { ...of, attempt: '0f', by: 'bob@desk' },
      calls,
      swarmFunctions({ LW_STACK: host.app, LW_CLUSTER_LOCK: lock, LW_CURRENT: '' }),
    )
  /** Somebody has taken the lock through this manager, in a program with this number. */
  const taken = (folder: string, pid: number | string): Promise<string> =>
    host.ask(`docker config rm ${lock} > /dev/null 2>&1; echo 0e | docker config create --label launchway.node="$(docker info --format '{{.Swarm.NodeID}}')" \\
      --label launchway.pid=${pid} --label launchway.home=${folder} --label launchway.until=9999999999 --label launchway.by=ada@laptop ${lock} -`)

  test('is taken over from a program that has ended, though its number is that of another by now', async () => {
    await host.ask(`mkdir -p ${home}/attempts/0f`)
    // The first process is always there, and has never deployed.
    await taken(home, 1)
    await host.ask(program([['begin'], ['swarm_lock', '60'], ['end', 'done']]))
    const journal = await host.ask(`cat ${home}/journal.jsonl; docker config ls --quiet --filter name=${lock}`)
    expect(journal).toMatch(/"step":"end","state":"done"[^\n]*$/)
    expect(journal).not.toContain('held by')
  })

  test.each([
    ['is left to one that runs for another state folder, which has that one’s lock open', 'the holder', 'held'],
    ['is not, where that number belongs to another program', '1', 'stale'],
  ])('%s', async (_, pid, expected) => {
    const other = `${host.stateRoot}/other`
    const judge = `${program([])}own_node=$(docker info --format '{{.Swarm.NodeID}}')\nif is_stale; then echo stale; else echo held; fi`
    await host.ask(
      `mkdir -p ${other}; sh -c 'exec 9> ${other}/lock; flock 9; echo $$ > ${other}/pid; sleep 60' > /dev/null 2>&1 & until [ -s ${other}/pid ]; do sleep 0.1; done`,
    )
    const holder = await host.ask(`cat ${other}/pid`)
    await taken(other, pid === '1' ? pid : holder)
    expect(await host.ask(judge)).toBe(expected)
    await host.ask(`kill ${holder}; rm -r ${other}`)
  })
})
