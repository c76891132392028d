import { LaunchwayError } from '../../core/error.ts'
import { addressOf } from './advertise.ts'
import type { SeenNode } from './node.ts'
import type { Role } from './program.ts'

export interface SetUpWish {
  /** How many of the hosts are managers; the first ones. */
  managers: number | undefined
  /** An interface or a subnet, where a host has several addresses. */
  advertise: string | undefined
}

/** What is done to make one swarm of hosts, in this order. */
export type SetUpStep =
  | { do: 'init'; host: string; address: string }
  | { do: 'join'; host: string; address: string; role: Role }
  | { do: 'promote'; host: string; id: string }

/**
 * What is left to do until the hosts are one swarm: nothing where they are. The first hosts are its managers.
 * @throws LaunchwayError HOST_UNFIT for a host that cannot be of it, USAGE for a number of managers that loses its majority too easily
 */
export function planSetUp(seen: readonly SeenNode[], wish: SetUpWish): SetUpStep[] {
  const managers = managersOf(seen.length, wish.managers)
  for (const node of seen) refuseUnfit(node)
  const ours = clusterOf(seen)
  for (const node of seen) refuseStranger(node, seen, ours)
  return seen.flatMap((node, index): SetUpStep[] => {
    const role: Role = index < managers ? 'manager' : 'worker'
    if (node.state === 'active') return role === 'manager' && !node.isManager ? [{ do: 'promote', host: node.host, id: node.id }] : []
    const address = addressOf(node, wish.advertise)
    // Whoever is first begins, unless another has begun already.
    if (ours === undefined && index === 0) return [{ do: 'init', host: node.host, address }]
    return [{ do: 'join', host: node.host, address, role }]
  })
}

/** An odd number: a fourth manager bears no more losses than the third, and is one more to lose. */
export function managersOf(hosts: number, wanted: number | undefined): number {
  if (wanted === undefined) return Math.min(5, hosts % 2 === 0 ? hosts - 1 : hosts)
  if (wanted <= hosts && wanted <= 7 && wanted % 2 === 1) return wanted
  throw new LaunchwayError('USAGE', `--managers ${wanted} is not an odd number of at most ${Math.min(7, hosts)}`, {
    hint: 'Most of the managers must be there, or nothing can be deployed: 3 bear the loss of 1, 5 that of 2. An even number bears no more than the odd one below it.',
  })
}

function refuseUnfit({ host, state, said, liveRestore }: SeenNode): void {
  const unfit = (message: string, hint: string): LaunchwayError => new LaunchwayError('HOST_UNFIT', message, { hint })
  if (state === 'locked')
    throw unfit(`the swarm of ${host} is locked`, 'Its managers ask for a key after each start: docker swarm unlock on the host.')
  if (state === 'pending')
    throw unfit(
      `${host} is still joining a swarm`,
      `It goes on trying; what keeps it is usually a closed port.\n${portsWords}\nTo give up: docker swarm leave --force on the host.`,
    )
  if (state === 'error')
    throw unfit(
      `${host} is in a swarm that does not work`,
      `${said}\nTo take it out of that swarm: docker swarm leave --force on the host.`,
    )
  if (state === 'inactive' && liveRestore)
    throw unfit(
      `the engine on ${host} has live-restore, with which it cannot be in a swarm`,
      'Take "live-restore" out of /etc/docker/daemon.json, then: systemctl reload docker.',
    )
}

/** The swarm that the hosts are to be of, by one of its managers; undefined where it is to be made. */
export function clusterOf(seen: readonly SeenNode[]): SeenNode | undefined {
  const [first] = seen
  if (first?.isManager === true) return first
  const ids = new Set(seen.map(({ id }) => id))
  // Half of it was formed: nobody else is in it.
  const isOnlyOurs = ({ nodes }: SeenNode): boolean => nodes.every(({ ID, Status }) => ids.has(ID) || Status === 'Down')
  return seen.find((node) => node.isManager && (node.nodes.some(({ ID }) => ID === first?.id) || isOnlyOurs(node)))
}

function refuseStranger(node: SeenNode, seen: readonly SeenNode[], ours: SeenNode | undefined): void {
  if (node.state !== 'active') return
  const members = ours?.nodes ?? []
  if (members.some(({ ID }) => ID === node.id)) return
  const others = node.nodes.filter(({ ID }) => ID !== node.id).map(({ Hostname }) => Hostname)
  const whose = node.isManager
    ? `It manages one ${others.length === 0 ? 'of itself alone' : `with ${others.join(', ')}`}.`
    : 'It is a worker there, and cannot say whose it is.'
  const wanted = ours === undefined ? `that of ${seen[0]?.host}, which is in none yet` : `that of ${ours.host}`
  throw new LaunchwayError('HOST_UNFIT', `${node.host} is in another swarm than ${wanted}`, {
    hint: `${whose} Nothing was changed. If nobody needs that swarm: docker swarm leave --force on ${node.host}, which ends its services there; then once more.`,
  })
}

export const portsWords =
  'Between the hosts these ports must be open: 2377/tcp (to managers), 7946/tcp and 7946/udp (who is there), 4789/udp (networks of the containers).'
