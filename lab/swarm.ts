import type { Lab, LabHost } from './lab.ts'
import { call, docker } from './run.ts'

/**
 * Makes one swarm of the hosts `node1`, `node2`, …, all of them managers. Nodes of a swarm join one after the other: two
 * that join at once may leave the managers without a majority for a moment.
 */
export async function formSwarm(lab: Lab): Promise<void> {
  const [first, ...others] = nodesOf(lab)
  if (first === undefined) return
  await docker('exec', first.container, 'docker', 'swarm', 'init', '--advertise-addr', 'eth0')
  const token = await docker('exec', first.container, 'docker', 'swarm', 'join-token', '--quiet', 'manager')
  for (const { container } of others) {
    const join = `docker swarm join --token "$(cat)" ${first.container}:2377`
    await call('docker', ['exec', '--interactive', container, 'sh', '-c', join], { stdin: token })
  }
}

export function nodesOf({ hosts }: Lab): LabHost[] {
  return Object.entries(hosts).flatMap(([name, host]) => (name.startsWith('node') ? [host] : []))
}
