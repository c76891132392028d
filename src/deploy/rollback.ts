import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { DeployedHost, DeploySection } from '../core/release.ts'
import { apply } from './apply.ts'
import { withHostsBefore } from './failure.ts'
import type { Kept } from './kept.ts'
import { lookAt, type SeenHost } from './look.ts'
import type { Observation } from './observation.ts'
import { sectionOf } from './run.ts'
import type { Wanted } from './wanted.ts'

/** What a rollback has come to. */
export interface Returned extends DeploySection {
  release: string
  /** What people call it. */
  version: string
}

/**
 * Returns every host of an environment to the release before the current one: no registry, no build and no record is
 * needed, since the hosts have kept its containers and what there is to know about it.
 * @throws LaunchwayError VERSION_UNKNOWN when there is none, or not the same one on every host
 */
export async function rollback(app: string, environment: Environment, ports: Ports): Promise<Returned> {
  const started = ports.clock.elapsed()
  await using stack = new AsyncDisposableStack()
  const seen: SeenHost[] = []
  for (const host of environment.hosts) seen.push(stack.use(await lookAt(host, { app, environment }, ports)))
  const { target, from } = targetOf(seen)
  const hosts: DeployedHost[] = []
  const soFar = (): DeploySection => sectionOf(environment, hosts, ports.clock.elapsed() - started)
  for (const one of seen) {
    if (!from.includes(one)) {
      ports.log.info(`${one.host}: ${target.label} (release ${target.release}) runs here already`)
      continue
    }
    try {
      ports.log.info(`${one.host}: returning to ${target.label} (release ${target.release})`)
      hosts.push(await apply(asKept(target, environment), one, { secrets: new Map(), kept: undefined }, ports))
    } catch (error) {
      throw withHostsBefore(error, soFar())
    }
  }
  return { ...soFar(), release: target.release, version: target.label }
}

/**
 * The release before the one that runs. Where a deploy or a rollback ended between two hosts, it is that before the
 * newest, and hosts that have it already stay as they are.
 */
export function targetOf<H extends Pick<SeenHost, 'host' | 'seen'>>(hosts: readonly H[]): { target: Kept; from: H[] } {
  const newest = hosts
    .flatMap(({ seen }) => seen.current ?? [])
    .toSorted()
    .at(-1)
  const from = hosts.filter(({ seen }) => seen.current === newest)
  const id = from[0]?.seen.previous
  const others = hosts.filter((host) => !from.includes(host))
  if (from.some(({ seen }) => seen.previous !== id) || others.some(({ seen }) => seen.current !== id))
    throw unknown('the hosts do not agree on the version before', hosts)
  if (id === undefined) throw unknown('there is no version before the one that runs', hosts)
  // Hosts are taken in their order. Behind one with the newest, one that was rolled back from it: either a second
  // rollback was on its way to the newest, or a deploy of it that went wrong.
  if (others.some((host) => host.seen.previous === newest && hosts.indexOf(host) > hosts.findIndex((one) => from.includes(one))))
    throw unknown('the hosts do not tell whether the newest version was on its way to all of them or away', hosts)
  const target = from.map(({ seen }) => seen.releases.get(id)).find((kept) => kept !== undefined)
  if (target === undefined) throw unknown(`release ${id} was kept without what it takes to return to it`, hosts)
  return { target, from }
}

function unknown(why: string, hosts: readonly Pick<SeenHost, 'host' | 'seen'>[]): LaunchwayError {
  return new LaunchwayError('VERSION_UNKNOWN', `${why}: nothing to roll back to`, {
    hint: [
      ...hosts.map(({ host, seen }) => `${host}: ${described(seen)}`),
      'Nothing was changed. Put the version that you want on all hosts instead: launchway redeploy VERSION',
    ].join('\n'),
  })
}

/** `runs v2 (20261121-…), keeps v1 (20261120-…)` */
function described({ current, previous, releases }: Observation): string {
  const called = (id: string): string => (releases.get(id) === undefined ? id : `${releases.get(id)?.label} (${id})`)
  const kept = [...releases.keys()].filter((id) => id !== current)
  return [
    current === undefined ? 'nothing runs' : `runs ${called(current)}`,
    previous === undefined ? 'nothing ran before' : `before ${called(previous)}`,
    kept.length === 0 ? 'keeps nothing else' : `keeps ${kept.map(called).join(', ')}`,
  ].join(', ')
}

/** The services are those of the release; how the host is reached and what it keeps is as it is configured now. */
function asKept({ app, release, images, repositories, environment }: Kept, now: Environment): Wanted {
  const [first, ...others] = repositories
  return {
    app,
    release,
    isReturn: true,
    environment: { ...environment, stateRoot: now.stateRoot, keep: now.keep, accessories: now.accessories },
    images: new Map(Object.entries(images).map(([name, reference]) => [name, { reference, bytes: 0, platforms: [] }])),
    repositories: [first, ...others],
    logins: new Map(),
  }
}
