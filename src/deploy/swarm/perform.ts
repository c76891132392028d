import type { JournalLine } from '../../core/journal.ts'
import type { Ports } from '../../core/ports.ts'
import type { HostCall } from '../call.ts'
import { failureOf } from '../failure.ts'
import { attempt } from '../perform.ts'
import { type Parcel, swarmFunctions } from '../program.ts'
import { lockName } from './kept.ts'
import type { SeenManager, Target } from './look.ts'

/** What a program does through a manager. */
export interface SwarmTask {
  release: string
  /** What people call it. */
  version: string
  did: 'deploy' | 'rollback'
  calls: readonly HostCall[]
  parcels: readonly Parcel[]
}

/** @throws LaunchwayError when it did not end well; DEPLOY_UNKNOWN when the manager went away */
export async function performOn(
  through: SeenManager,
  { app, environment, swarm }: Target,
  task: SwarmTask,
  ports: Ports,
): Promise<JournalLine[]> {
  const current = through.cluster.recorded[0]?.release
  const more = swarmFunctions({
    LW_STACK: swarm.name,
    LW_CLUSTER_LOCK: lockName(app, environment.name),
    LW_CURRENT: current ?? '',
  })
  const lines = await attempt({ app, environment, ...task, slot: 'a', more, sudo: through.seen.as === 'sudo' }, through, ports)
  if (lines.find(({ step }) => step === 'end')?.state !== 'done') throw failureOf(through.host, lines, current)
  return lines
}
