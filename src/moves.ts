import type { Environment } from './core/deployment.ts'
import type { Ports } from './core/ports.ts'
import type { Confirmed, Proposal, Returned } from './deploy/index.ts'

/** Moves hosts between the versions that they keep: it needs no record, and makes none. Both doors have it. */

/** Where `launchway.yml` is, and which of its environments is meant. */
interface Place {
  config: string
  environment?: string | undefined
}

/** @param way.version another one than the version before, for a rollback */
export async function goBack(
  how: 'rollback' | 'abort',
  { config, environment: name }: Place,
  way: { version?: string; force?: boolean },
  ports: Ports,
): Promise<{ app: string; environment: Environment; returned: Returned }> {
  const [{ findEnvironment }, { abort, announceReturn, rollback }] = await Promise.all([
    import('./plan/index.ts'),
    import('./deploy/index.ts'),
  ])
  const { app, environment, registries, repositories } = await findEnvironment(config, name, ports)
  const returned = await (how === 'abort' ? abort : rollback)(app, environment, ports, { ...way, registries })
  const { markReturned } = await import('./push/index.ts')
  await markReturned({ app, environment: environment.name, repository: repositories[0], registries }, returned, ports)
  await announceReturn(environment, returned, ports)
  return { app, environment, returned }
}

/** The ways between kept versions. */
export type Move = 'rollback' | 'confirm' | 'abort'

/** What one of them would come to, and why it would be refused: hosts and registries stay as they are. */
export async function propose(
  how: Move,
  { config, environment: name }: Place,
  way: { version?: string; force?: boolean },
  ports: Ports,
): Promise<{ app: string; environment: Environment; proposal: Proposal }> {
  const [{ findEnvironment }, deploy] = await Promise.all([import('./plan/index.ts'), import('./deploy/index.ts')])
  const { app, environment } = await findEnvironment(config, name, ports)
  const by = { rollback: deploy.proposeRollback, confirm: deploy.proposeConfirm, abort: deploy.proposeAbort }[how]
  return { app, environment, proposal: await by(app, environment, ports, way) }
}

/** Ends the wait of a version for somebody's word. */
export async function confirm(
  { config, environment: name }: Place,
  ports: Ports,
): Promise<{ app: string; environment: Environment; confirmed: Confirmed }> {
  const [{ findEnvironment }, deploy] = await Promise.all([import('./plan/index.ts'), import('./deploy/index.ts')])
  const { app, environment } = await findEnvironment(config, name, ports)
  return { app, environment, confirmed: await deploy.confirm(app, environment, ports) }
}
