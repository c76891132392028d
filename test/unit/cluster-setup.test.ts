import { describe, expect, it } from 'vitest'
import { addressOf } from '../../src/deploy/cluster/advertise.ts'
import type { ListedNode, SeenNode } from '../../src/deploy/cluster/node.ts'
import { managersOf, planSetUp } from '../../src/deploy/cluster/setup-plan.ts'
import { failureIn } from './support/deploy.ts'

function listed(ID: string, of: Partial<ListedNode> = {}): ListedNode {
  return { ID, Hostname: ID, Status: 'Ready', Availability: 'Active', ManagerStatus: 'Reachable', EngineVersion: '26.1', ...of }
}

function node(host: string, of: Partial<SeenNode> = {}): SeenNode {
  return {
    ...{ host, engine: '26.1', liveRestore: false, state: 'inactive', said: '', id: '', at: '', isManager: false, cluster: undefined },
    ...{ nodes: [], addresses: [{ interface: 'eth0', address: `10.0.0.${host.charCodeAt(0) - 96}/24` }] },
    ...of,
  }
}

const none = { managers: undefined, advertise: undefined }
const manages = (host: string, nodes: string[]): SeenNode =>
  node(host, { state: 'active', isManager: true, id: host, cluster: 'x', nodes: nodes.map((id) => listed(id)) })
const works = (host: string): SeenNode => node(host, { state: 'active', id: host })

describe('a swarm of hosts', () => {
  it.each([
    [1, undefined, 1],
    [2, undefined, 1],
    [3, undefined, 3],
    [4, undefined, 3],
    [7, undefined, 5],
    [7, 7, 7],
    [5, 1, 1],
  ])('of %i hosts, asked for %s: has %i managers', (hosts, wanted, managers) => {
    expect(managersOf(hosts, wanted)).toBe(managers)
  })

  it.each([
    [3, 2],
    [3, 5],
    [9, 9],
  ])('of %i hosts refuses %i managers', (hosts, wanted) => {
    expect(failureIn(() => managersOf(hosts, wanted))).toMatchObject({ code: 'USAGE' })
  })

  it.each<[string, SeenNode[], string[]]>([
    ['none is in one', [node('a'), node('b'), node('c')], ['init a', 'join b manager', 'join c manager']],
    [
      'four: the last is a worker',
      [node('a'), node('b'), node('c'), node('d')],
      ['init a', 'join b manager', 'join c manager', 'join d worker'],
    ],
    ['the first is alone in its own', [manages('a', ['a']), node('b'), node('c')], ['join b manager', 'join c manager']],
    ['the second began', [node('a'), manages('b', ['b']), node('c')], ['join a manager', 'join c manager']],
    ['one joined as a worker', [manages('a', ['a', 'b']), works('b'), node('c')], ['promote b', 'join c manager']],
    ['all is done', [manages('a', ['a', 'b', 'c']), manages('b', ['a', 'b', 'c']), manages('c', ['a', 'b', 'c'])], []],
    ['the swarm of the first has others', [manages('a', ['a', 'x', 'y']), node('b'), node('c')], ['join b manager', 'join c manager']],
  ])('%s', (_, seen, steps) => {
    expect(planSetUp(seen, none).map((step) => `${step.do} ${step.host}${step.do === 'join' ? ` ${step.role}` : ''}`)).toEqual(steps)
  })

  it.each<[string, SeenNode[], string]>([
    [
      'a swarm of others that the second manages',
      [node('a'), manages('b', ['b', 'x'])],
      'b is in another swarm than that of a, which is in none yet',
    ],
    ['a worker of a swarm of others', [manages('a', ['a']), works('b')], 'b is in another swarm than that of a'],
    ['two of their own', [manages('a', ['a']), manages('b', ['b'])], 'b is in another swarm than that of a'],
    ['one that still joins', [manages('a', ['a']), node('b', { state: 'pending' })], 'b is still joining a swarm'],
    ['one that is locked', [node('a', { state: 'locked' })], 'the swarm of a is locked'],
    ['one that has failed', [node('a', { state: 'error', said: 'x509' })], 'a is in a swarm that does not work'],
    ['live-restore', [node('a', { liveRestore: true })], 'the engine on a has live-restore, with which it cannot be in a swarm'],
  ])('refuses %s', (_, seen, message) => {
    expect(failureIn(() => planSetUp(seen, none))).toMatchObject({ code: 'HOST_UNFIT', message })
  })
})

describe('the address by which others know a host', () => {
  const two = {
    host: 'a',
    addresses: [
      { interface: 'eth0', address: '203.0.113.7/24' },
      { interface: 'eth1', address: '10.0.1.7/22' },
    ],
  }
  it.each([
    ['eth1', '10.0.1.7'],
    ['10.0.0.0/22', '10.0.1.7'],
    ['203.0.113.0/24', '203.0.113.7'],
  ])('--advertise %s: %s', (wanted, address) => {
    expect(addressOf(two, wanted)).toBe(address)
  })

  it('is asked for where there are several, and none fits by chance', () => {
    expect(failureIn(() => addressOf(two, undefined))).toMatchObject({
      message: 'a has several addresses, and the others of the swarm must know one',
      hint: expect.stringContaining('eth0 203.0.113.7/24, eth1 10.0.1.7/22'),
    })
    for (const wanted of ['10.0.4.0/22', 'eth', '10.0.0.0', '10.0.0.0/33', '::/0'])
      expect(failureIn(() => addressOf(two, wanted))).toMatchObject({ message: `a has no address for --advertise ${wanted}` })
  })
})
