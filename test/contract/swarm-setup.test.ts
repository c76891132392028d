import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, dissolve, dockerOn, membersOf, nodeNames, openDesk } from './support/cluster.ts'

const service = { port: 8000, publish: 18_000 }
const threeManagers = ['node1 Ready manager', 'node2 Ready manager', 'node3 Ready manager']

describe('launchway hosts setup --swarm', { timeout: 240_000 }, () => {
  let desk: Desk
  beforeAll(async () => {
    desk = await openDesk('formed')
    desk.configure(service)
  })
  afterAll(async () => {
    // The lab goes on as it came up, whatever a test has left.
    if ((await membersOf('node1').catch(() => [])).join() !== threeManagers.join()) {
      await dissolve(...nodeNames)
      await desk.launchway(['hosts', 'setup', '--swarm'])
    }
    await desk[Symbol.asyncDispose]()
  })

  test('has as many managers as are asked for, the others are workers, and never an even number', async () => {
    await dissolve(...nodeNames)
    const refused = await desk.launchway(['hosts', 'setup', '--swarm', '--managers', '2'])
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('--managers 2 is not an odd number of at most 3') })
    const made = await desk.launchway(['hosts', 'setup', '--swarm', '--managers', '1'])
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining('1 of 3 manage it, and it bears the loss of none of them.') })
    expect(await membersOf('node1')).toEqual(['node1 Ready manager', 'node2 Ready worker', 'node3 Ready worker'])
  })

  test('refuses a host that is in another swarm, and changes nothing; finishes what is half formed, from whichever host it was begun', async () => {
    await dissolve(...nodeNames)
    for (const node of ['node1', 'node2'] as const) await dockerOn(node, 'swarm', 'init', '--advertise-addr', 'eth0')
    const refused = await desk.launchway(['hosts', 'setup', '--swarm'])
    expect(refused.code).toBe(6)
    expect(refused.err).toContain(`HOST_UNFIT: ${desk.addresses.node2} is in another swarm than that of ${desk.addresses.node1}`)
    expect(refused.err).toContain('docker swarm leave --force')
    expect(await membersOf('node1')).toEqual(['node1 Ready manager'])
    expect(await dockerOn('node3', 'info', '--format', '{{.Swarm.LocalNodeState}}')).toBe('inactive')

    // Now it is that of the second, which the third has joined.
    await dissolve('node1')
    const token = await dockerOn('node2', 'swarm', 'join-token', '--quiet', 'worker')
    const [, at = ''] = /inet ([\d.]+)/.exec(await dockerOn('node2', 'info', '--format', 'inet {{.Swarm.NodeAddr}}')) ?? []
    await dockerOn('node3', 'swarm', 'join', '--token', token, `${at}:2377`)
    const made = await desk.launchway(['hosts', 'setup', '--swarm'])
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining('3 of 3 manage it') })
    expect(await membersOf('node1')).toEqual(threeManagers)
  })

  test('asks which address is meant where a host has several, makes one swarm of three, says so, and has nothing to do the next time', async () => {
    await dissolve(...nodeNames)
    const refused = await desk.launchway(['hosts', 'setup', '--swarm', '--advertise', '192.0.2.0/24'])
    expect(refused.code).toBe(6)
    expect(refused.err).toMatch(/has no address for --advertise 192\.0\.2\.0\/24\n.*it has: eth0 \d/)
    const made = await desk.launchway(['hosts', 'setup', '--swarm', '--advertise', 'eth0', '--debug'])
    expect(made).toMatchObject({
      code: 0,
      out: expect.stringContaining('These hosts are one swarm now: 3 of 3 manage it, and it bears the loss of 1 of them.'),
    })
    expect(made.out).toContain('2377/tcp')
    expect(made.out + made.err).not.toContain('SWMTKN')
    expect(await membersOf('node1')).toEqual(threeManagers)
    const again = await desk.launchway(['hosts', 'setup', '--swarm', '--json'])
    expect(again.code).toBe(0)
    expect(JSON.parse(again.out)).toMatchObject({
      changed: [],
      gone: [],
      hosts: nodeNames.map((hostname) => ({ hostname, role: 'manager', state: 'ready' })),
    })
  })
})
