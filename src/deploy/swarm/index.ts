import type { Environment } from '../../core/deployment.ts'
import { LaunchwayError } from '../../core/error.ts'
import type { Target } from './look.ts'

export { deployStack } from './deploy.ts'
export { lookThroughAny, type SeenManager, type Target } from './look.ts'
export { refuseUnfitSwarm } from './plan.ts'
export { proposeStack, rollbackStack } from './rollback.ts'
export { historyOfStack, statusOfStack } from './status.ts'

/** What is deployed to a Swarm; undefined where an environment is of hosts of their own. */
export function swarmTarget(app: string, environment: Environment): Target | undefined {
  const { swarm } = environment
  return swarm === undefined ? undefined : { app, environment, swarm }
}

/** @throws LaunchwayError USAGE for what a Swarm has no use for */
export function refuseOnSwarm(verb: string, environment: Environment, instead: string): void {
  if (environment.swarm === undefined) return
  throw new LaunchwayError('USAGE', `launchway ${verb} is for hosts, and ${environment.name} is a stack on a Swarm`, { hint: instead })
}
