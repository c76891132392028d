import { LaunchwayError } from '../../core/error.ts'
import type { SeenNode } from './node.ts'

/**
 * Where the others of a swarm reach a host: its one address, or the one that was meant.
 * @param wanted an interface (`eth1`) or a subnet (`10.0.0.0/24`)
 * @throws LaunchwayError HOST_UNFIT where nobody can tell
 */
export function addressOf({ host, addresses }: Pick<SeenNode, 'host' | 'addresses'>, wanted: string | undefined): string {
  const [one, ...more] = addresses.filter((of) => wanted === undefined || of.interface === wanted || isWithin(of.address, wanted))
  const has = addresses.map((of) => `${of.interface} ${of.address}`).join(', ') || 'none'
  if (one === undefined) {
    throw new LaunchwayError('HOST_UNFIT', `${host} has no address${wanted === undefined ? '' : ` for --advertise ${wanted}`}`, {
      hint: `Of its own it has: ${has}. An interface (eth1) or a subnet (10.0.0.0/24) names the one by which the others reach it.`,
    })
  }
  if (more.length > 0) {
    throw new LaunchwayError('HOST_UNFIT', `${host} has several addresses, and the others of the swarm must know one`, {
      hint: `It has: ${has}.\nName the private one, by its interface or its subnet: --advertise ${one.interface}, or --advertise ${subnetOf(one.address)}`,
    })
  }
  return one.address.replace(/\/.*$/, '')
}

function isWithin(address: string, subnet: string): boolean {
  const [network = '', bits = ''] = subnet.split('/')
  const [one, other] = [address.replace(/\/.*$/, ''), network].map(numberOf)
  if (one === undefined || other === undefined || !/^([0-9]|[12][0-9]|3[0-2])$/.test(bits)) return false
  const size = 2 ** (32 - Number(bits))
  return Math.floor(one / size) === Math.floor(other / size)
}

function numberOf(address: string): number | undefined {
  const parts = address.split('.').map(Number)
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined
  return parts.reduce((sum, part) => sum * 256 + part, 0)
}

function subnetOf(address: string): string {
  const [own = '', bits = ''] = address.split('/')
  const size = 2 ** (32 - Number(bits))
  const first = Math.floor((numberOf(own) ?? 0) / size) * size
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${bits}`
}
