export { avail, scale, start, stop } from './change.ts'
export { exec } from './exec.ts'
export { logs } from './logs.ts'
export { remove } from './remove.ts'
export { setUpSwarm } from './setup.ts'
export { status } from './status.ts'
import { LaunchwayError } from '../../core/error.ts'
import type { Target } from '../operate/hosts.ts'

/** Why a verb does nothing on a swarm, and what does. */
const unsupported: Readonly<Record<string, readonly [why: string, instead: string]>> = {
  prune: [
    'a swarm takes the images of a service to whichever node runs it, and removes none',
    'On each node: docker image prune --all --filter until=240h, which leaves what a container uses. A rollback then pulls again.',
  ],
  env: [
    'what the services of a swarm were given is not read: values of variables stand there in the clear',
    'docker service inspect on a manager shows them to whoever may see them. A deploy that changes none leaves a service as it is.',
  ],
}

/** @throws LaunchwayError USAGE for what a swarm has not */
export function refuseOnSwarm(verb: string, { environment }: Target): void {
  const found = unsupported[verb]
  if (environment.swarm === undefined || found === undefined) return
  const [why, instead] = found
  throw new LaunchwayError('USAGE', `launchway ${verb} is not for ${environment.name}: ${why}`, { hint: instead })
}

/** @throws LaunchwayError USAGE: a verb that only a swarm has */
export function refuseOffSwarm(verb: 'scale' | 'drain' | 'activate', { environment }: Target): never {
  throw new LaunchwayError('USAGE', `launchway ${verb} is for an environment with swarm:, and ${environment.name} has none`, {
    hint: 'Its hosts each run one container of a service. docs/guide/growing.md says when another step is due.',
  })
}
