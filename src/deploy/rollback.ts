import type { Environment } from '../core/deployment.ts'
import { failedAfter, LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { DeployedHost, DeploySection } from '../core/release.ts'
import type { SeenHost } from './look.ts'
import { lookToChangeAll } from './recovered.ts'
import { refuseWhereDeclared, returnTo, type Way } from './returning.ts'
import { sectionOf } from './run.ts'
import { sideBySide, widthOf } from './turns.ts'
import { namedTarget, type Target, targetOf } from './version.ts'

/** What a rollback has come to. */
export interface Returned extends DeploySection {
  release: string
  /** What people call it. */
  version: string
  /** Its commit, where the hosts have kept it. */
  sha?: string
}

export interface RollbackWish extends Partial<Way> {
  /** Another release than the one before. */
  version?: string
}

/**
 * Returns every host of an environment to the release before the current one, or to another that all of them keep: no
 * build and no record is needed, and a registry only for what somebody has removed by hand, since the hosts have kept
 * its containers and what there is to know about it.
 * @throws LaunchwayError VERSION_UNKNOWN when there is none, or not the same one on every host; ROLLBACK_REFUSED where
 * a release that would be left declares that it cannot be
 */
export async function rollback(app: string, environment: Environment, ports: Ports, wish: RollbackWish = {}): Promise<Returned> {
  const { swarm } = environment
  if (swarm !== undefined) return (await import('./swarm/index.ts')).rollbackStack({ app, environment, swarm }, ports, wish)
  return goBack(app, environment, ports, wish, rollbackTarget(wish))
}

/** Where a rollback leads, from what the hosts are. */
export function rollbackTarget({ version }: RollbackWish): (seen: SeenHost[]) => Target<SeenHost> {
  return (seen) => (version === undefined ? targetOf(seen) : namedTarget(version, seen))
}

/** @param choose what to return to, from what the hosts are; it may refuse */
export async function goBack(
  app: string,
  environment: Environment,
  ports: Ports,
  { force = false, registries = [] }: Partial<Way>,
  choose: (seen: SeenHost[]) => Target<SeenHost>,
): Promise<Returned> {
  const started = ports.clock.elapsed()
  await using stack = new AsyncDisposableStack()
  const seen = await lookToChangeAll({ app, environment }, stack, ports)
  const { target, from, note, takesBack } = choose(seen)
  if (note !== undefined) ports.log.notice(note)
  refuseWhereDeclared(from, target, { force, registries })
  const way = { force, registries, ...(takesBack === undefined ? {} : { takesBack }) }
  const byHost = new Map<string, DeployedHost>()
  const inOrder = (): DeployedHost[] => seen.flatMap(({ host }) => byHost.get(host) ?? [])
  for (const one of seen.filter((some) => !from.includes(some))) {
    if (one.seen.current === undefined)
      ports.log.notice(`${one.host}: nothing runs here, and nothing does now: the next deploy brings it in`)
    else ports.log.info(`${one.host}: ${target.label} (release ${target.release}) runs here already`)
  }
  try {
    // By the first of all hosts one tells which way a return went that broke off: `targetOf`.
    for (const turn of [from.slice(0, 1), from.slice(1)]) {
      await sideBySide(widthOf(environment), turn, ports, async (one) => {
        ports.log.info(`${one.host}: returning to ${target.label} (release ${target.release})`)
        byHost.set(one.host, await returnTo(target, one, environment, way, ports))
      })
    }
  } catch (error) {
    throw withHostsBefore(error, inOrder())
  }
  const { release, label, sha } = target
  const section = sectionOf(environment, inOrder(), ports.clock.elapsed() - started)
  return { ...section, release, version: label, ...(sha === undefined ? {} : { sha }) }
}

/** A return that breaks off between two hosts is finished by the same words. */
export function withHostsBefore(error: unknown, done: readonly Pick<DeployedHost, 'host'>[]): unknown {
  if (!(error instanceof LaunchwayError) || done.length === 0) return error
  return failedAfter(error, `back already: ${done.map(({ host }) => host).join(', ')}; the same again takes the others back`, {})
}
