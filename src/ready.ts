import type { Environment } from './core/deployment.ts'
import type { Ports } from './core/ports.ts'
import type { Release } from './core/release.ts'

/**
 * What signing and the deploy at the end of a run would miss is said before anything is built.
 * @param runs whether a step will be done
 */
export async function unready(
  runs: (step: string) => boolean,
  { plan }: Release,
  ports: Ports,
): Promise<{ error: Error; stage: string } | undefined> {
  let stage = 'evidence'
  try {
    if (runs(stage) && plan.evidence?.sign !== undefined) await (await import('./push/index.ts')).requireSigner(plan.evidence.sign, ports)
    stage = 'deploy'
    if (runs(stage) && plan.environment !== undefined) await requireForDeploy(plan.environment, plan, ports)
    return undefined
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)), stage }
  }
}

async function requireForDeploy(environment: Environment, { hashes, redeploys }: Release['plan'], ports: Ports): Promise<void> {
  const { swarm } = environment
  if (swarm?.stack !== undefined) (await import('./deploy/index.ts')).requireStackValues(swarm.stack, environment.name, ports)
  const containers = [...environment.services, ...environment.accessories]
  const needsNone = containers.every(
    ({ secrets, envFiles, composed, texts }) => secrets.length + envFiles.length === 0 && composed === undefined && texts === undefined,
  )
  const mounts = redeploys === undefined && containers.some(({ files }) => files !== undefined)
  if (needsNone && environment.verify === undefined && !mounts) return
  const { mountedBy, requiredSecrets, requireKeys } = await import('./deploy/index.ts')
  if (!needsNone) await requiredSecrets(environment, ports)
  await requireKeys(environment, ports)
  if (mounts) await mountedBy(environment, ports, hashes)
}
