import { describe, expect, it } from 'vitest'
import { lacksAddresses, needsRanges, spareCount, withRanges } from '../../src/smoke/addresses.ts'
import type { ComposeNetwork } from '../../src/tools/compose.ts'

/** Draws these, one after the other. */
function drawing(...numbers: number[]): (below: number) => number {
  return () => numbers.shift() ?? 0
}

function ranged(networks: Record<string, ComposeNetwork | null>, ...numbers: number[]) {
  return withRanges({ services: {}, networks }, drawing(...numbers)).networks
}

describe('ranges of addresses for the networks of a stack', () => {
  it.each([
    [0, '198.18.0.0/26'],
    [1, '198.18.0.64/26'],
    [1023, '198.18.255.192/26'],
    [1024, '198.19.0.0/26'],
    [spareCount - 1, '198.19.255.192/26'],
  ])('number %i is %s', (number, subnet) => {
    expect(ranged({ default: null }, number)).toEqual({ default: { ipam: { config: [{ subnet }] } } })
  })

  it('are each another', () => {
    expect(ranged({ a: null, b: { labels: { x: 'y' } } }, 5, 5, 6)).toEqual({
      a: { ipam: { config: [{ subnet: '198.18.1.64/26' }] } },
      b: { labels: { x: 'y' }, ipam: { config: [{ subnet: '198.18.1.128/26' }] } },
    })
  })

  it.each<[string, ComposeNetwork]>([
    ['somebody else made', { external: true }],
    ['has one of its own', { ipam: { config: [{ subnet: '10.1.0.0/24' }] } }],
    ['is none of bridges', { driver: 'macvlan' }],
  ])('are not for one that %s', (_, network) => {
    expect(ranged({ a: network })).toEqual({ a: network })
    expect(needsRanges({ services: {}, networks: { a: network } })).toBe(false)
    expect(needsRanges({ services: {}, networks: { a: network, b: null } })).toBe(true)
  })

  it.each([
    ['could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network', true],
    ['all predefined address pools have been fully subnetted', true],
    ['Pool overlaps with other one on this address space', true],
    ['no such image', false],
  ])('are what lacks where the engine says: %s', (said, lacks) => {
    expect(lacksAddresses(`failed to create network x: Error response from daemon: ${said}`)).toBe(lacks)
  })
})
