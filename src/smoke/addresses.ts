import type { ComposeNetwork, ComposeProject } from '../tools/compose.ts'

/**
 * Set aside for tests of network gear, so that it leads nowhere on the internet and is seldom in use on a network of one's own.
 * @see https://www.rfc-editor.org/rfc/rfc2544 (C.2.2) and RFC 5735
 */
export const spareRange = '198.18.0.0/15'
/** Each network gets 64 addresses of it. */
const rangeBits = 26
export const spareCount = 2 ** (rangeBits - 15)

/** An engine has about thirty ranges to give to networks by default: it says so when they are used up, or when one is taken. */
export function lacksAddresses(said: string): boolean {
  return /non-overlapping IPv4 address pool|address pools have been fully subnetted|Pool overlaps with other one/.test(said)
}

/**
 * The project with a range for each network that it makes and that has none, each drawn for itself.
 * @param draw a whole number below the one given
 */
export function withRanges(file: ComposeProject, draw: (below: number) => number): ComposeProject {
  const drawn = new Set<number>()
  const next = (): number => {
    const number = draw(spareCount)
    return drawn.has(number) ? next() : (drawn.add(number), number)
  }
  const networks = Object.entries(file.networks ?? {}).map(([name, network]) => [name, withRange(network, next)] as const)
  return { ...file, networks: Object.fromEntries(networks) }
}

/** Whether any network could have another range than it has. */
export function needsRanges({ networks = {} }: ComposeProject): boolean {
  return Object.values(networks).some((network) => isOpen(network))
}

function isOpen(network: ComposeNetwork | null): boolean {
  const { driver = 'bridge', external, ipam } = network ?? {}
  return external !== true && driver === 'bridge' && (ipam?.config ?? []).length === 0
}

function withRange(network: ComposeNetwork | null, next: () => number): ComposeNetwork | null {
  if (!isOpen(network)) return network
  return { ...network, ipam: { ...network?.ipam, config: [{ subnet: rangeAt(next()) }] } }
}

function rangeAt(number: number): string {
  const offset = number * 2 ** (32 - rangeBits)
  return `198.${18 + (offset >> 16)}.${(offset >> 8) & 255}.${offset & 255}/${rangeBits}`
}
