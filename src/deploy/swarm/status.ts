import type { Ports } from '../../core/ports.ts'
import type { Entry } from '../operate/history.ts'
import type { HostStatus } from '../status.ts'
import { lookThroughAny, type SeenManager, type Target } from './look.ts'

/** What a Swarm runs, as `launchway status` shows it: one row, seen through the first manager that answers. */
export async function statusOfStack(target: Target, ports: Ports): Promise<HostStatus> {
  await using through = await lookThroughAny(target, ports)
  return toStatus(through, target)
}

/** @param through a manager; what it says of the host alone is left out */
function toStatus({ host, cluster }: Pick<SeenManager, 'host' | 'cluster'>, { swarm }: Pick<Target, 'swarm'>): HostStatus {
  const [newest] = cluster.recorded
  const previous = newest?.previous
  const versions = Object.fromEntries(cluster.recorded.toReversed().map(({ release, label }) => [release, label]))
  const services = cluster.services.filter(({ stack }) => stack === swarm.name)
  return {
    host,
    ...(newest === undefined ? {} : { current: newest.release }),
    ...(previous === undefined ? {} : { previous }),
    ...(Object.keys(versions).length === 0 ? {} : { versions }),
    ...(cluster.lockedBy === undefined ? {} : { lockedBy: cluster.lockedBy }),
    containers: services.map(({ name, labels, update }) => {
      const count = cluster.replicas.get(name) ?? '?'
      const [runs, wanted] = count.split('/')
      return {
        service: name.slice(swarm.name.length + 1),
        release: labels['launchway.release'] ?? 'of nobody known',
        slot: 'a' as const,
        // More than are wanted: one that is replaced has not ended yet.
        state: Number(runs) >= Number(wanted) ? 'running' : 'starting',
        status: `${count} tasks${update === '' || update === 'completed' ? '' : `, Swarm says ${update}`}`,
      }
    }),
  }
}

/** What the cluster has recorded, newest first. Attempts that changed nothing are in the journals of the managers alone. */
export async function historyOfStack(target: Target, limit: number, ports: Ports): Promise<{ host: string; entries: Entry[] }> {
  await using through = await lookThroughAny(target, ports)
  const entries = through.cluster.recorded
    .slice(0, limit)
    .map(({ at, release, label, did, by }) => ({ at: new Date(at).toISOString(), release, version: label, did, by, outcome: 'done' }))
  return { host: through.host, entries }
}
