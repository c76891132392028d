import { abreast } from '../core/abreast.ts'
import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import { byDigest, fullName, parseRepository } from '../core/reference.ts'
import type { BuildSection, DeployedHost, DeploySection, Release } from '../core/release.ts'
import { section } from '../core/stages.ts'
import type { Swarm } from '../core/stack.ts'
import { apply, type Brought } from './apply.ts'
import { mountedBy, type Mounted, requireMounted } from './bring.ts'
import { failedOnOne, type Fleet, type Ran, ranBefore } from './fleet.ts'
import type { Kept } from './kept.ts'
import { lookAt, type SeenHost } from './look.ts'
import { lookToChange } from './recovered.ts'
import { loginsTo, requiredSecrets } from './secrets.ts'
import { askOutside, warnOfOnePage } from './outside.ts'
import { refuseBeforehand } from './plan.ts'
import { prove } from './prove.ts'
import { requireStillWell } from './still-well.ts'
import { atOnce, sideBySide, turnsOf, waitFor, withUnderWay, withUntouched } from './turns.ts'
import { requireSignatures } from './verify.ts'
import { showInstant, waysOut } from './waiting.ts'
import type { Wanted, WantedImage } from './wanted.ts'

/** Puts the release of the record live on each host of its environment, batch by batch. */
export async function deploy(release: Release, ports: Ports): Promise<DeploySection> {
  const { environment: planned } = release.plan
  if (planned === undefined) throw new LaunchwayError('RECORD_INVALID', 'the plan names no environment to deploy to')
  if (planned.swarm !== undefined) return deployToSwarm(release, planned, planned.swarm, ports)
  const started = ports.clock.elapsed()
  const { environment, ...secrets } = await requiredSecrets(planned, ports)
  const mounted = await mountedBy(environment, ports, release.plan.hashes)
  const wanted = { ...(await whatIsWanted(release, environment, section(release, 'build'), ports)), hashes: mounted.hashes }
  const brought = { ...secrets, mounted, kept: whatIsKept(release, wanted) }
  const byHost = new Map<string, DeployedHost>()
  const inOrder = (): DeployedHost[] => environment.hosts.flatMap((host) => byHost.get(host) ?? [])
  const soFar = (): DeploySection => sectionOf(environment, inOrder(), ports.clock.elapsed() - started)
  await requireSignatures(wanted, release.plan.registries, ports)
  const ran = await refuseWhereAny(wanted, mounted, release.plan, ports)
  const fleet: Fleet = { app: release.app, environment, release: release.id, registries: release.plan.registries, ran }
  const left = new Set(environment.hosts)
  const recent: string[] = []
  for (const turn of turnsOf(environment)) {
    const { name, hosts, waitMs } = turn
    try {
      if (waitMs > 0) {
        await waitFor(turn, ports)
        await requireStillWell(recent.splice(0), { fleet, done: soFar(), sinceMs: waitMs }, ports)
      }
      if (name !== '') ports.log.info(`${name}: ${hosts.join(', ')}`)
      recent.push(...hosts)
      await sideBySide(atOnce(hosts.length, mounted), hosts, ports, async (host) => {
        left.delete(host)
        // A migration is of the database, which the hosts share.
        const isFirst = host === environment.hosts[0]
        const here = isFirst ? { ...wanted, isFirstHost: true as const, beforeSwitch: environment.beforeSwitch ?? [] } : wanted
        byHost.set(host, await deployHost(host, here, brought, ports))
      })
    } catch (error) {
      const underWay = hosts.filter((host) => !left.has(host) && !byHost.has(host))
      throw await failedOnOne(withUntouched(withUnderWay(error, underWay), [...left]), fleet, soFar(), ports)
    }
  }
  const done = soFar()
  await prove(fleet, done, ports)
  await warnOfOnePage(environment, release.id, ports)
  for (const { host, waits, previous } of done.hosts) {
    if (waits !== undefined) ports.log.notice(`${host}: ${endOfWait(waits, environment.name, previous)}`)
  }
  return done
}

async function deployToSwarm(release: Release, environment: Environment, swarm: Swarm, ports: Ports): Promise<DeploySection> {
  const { deployStack, rollbackStack } = await import('./swarm/index.ts')
  const done = await deployStack(release, environment, swarm, ports)
  const { probe } = environment
  const evidence = probe === undefined ? undefined : await askOutside(probe, ports)
  if (probe === undefined || evidence === undefined) return done
  const previous = done.hosts[0]?.previous
  const stays = environment.noReturn ?? (previous === undefined ? 'there is no version before it' : undefined)
  if (previous === undefined || stays !== undefined)
    throw new LaunchwayError('PROBE_FAILED', `${probe.url} does not answer as it should, and the new version stays: ${stays ?? ''}`, {
      hint: evidence,
      part: { deploy: done },
    })
  ports.log.warning(`${probe.url} does not answer as it should: the stack goes back`)
  const target = { app: release.app, environment, swarm }
  const { version } = await rollbackStack(target, ports, { version: previous, registries: release.plan.registries })
  throw new LaunchwayError('DEPLOY_ROLLED_BACK', `${probe.url} does not answer as it should; ${version} serves again`, { hint: evidence })
}

/**
 * Where there are several hosts, the first is not touched when the second would refuse; one host finds out by itself.
 * @returns what each of them has
 */
async function refuseWhereAny(wanted: Wanted, mounted: Mounted, { sha }: Release['plan'], ports: Ports): Promise<Map<string, Ran>> {
  const { hosts } = wanted.environment
  if (hosts.length === 1 && mounted.elsewhere.length === 0) return new Map()
  const ran = await abreast(atOnce(hosts.length), hosts, ports.signal, async (host) => {
    await using one = await lookAt(host, wanted, ports)
    refuseBeforehand(wanted, one.seen, host)
    requireMounted(mounted, one.seen, { host, sha })
    return [host, ranBefore(one.seen, wanted.release)] as const
  })
  return new Map(ran)
}

function endOfWait({ until }: NonNullable<DeployedHost['waits']>, environment: string, previous: string | undefined): string {
  const end = until === undefined ? '' : ` until ${showInstant(new Date(until))}, when it counts as confirmed`
  return `it waits for a confirmation${end}. ${waysOut(environment, previous ?? 'the version before')}`
}

export function sectionOf({ name, url }: Environment, hosts: DeployedHost[], ms: number): DeploySection {
  return { environment: name, ...(url === undefined ? {} : { url }), hosts, ms }
}

async function whatIsWanted(release: Release, environment: Environment, build: BuildSection, ports: Ports): Promise<Wanted> {
  const used = new Set(environment.services.map(({ image }) => image))
  const planned = release.plan.images.filter(({ name }) => used.has(name))
  const images = new Map<string, WantedImage>(pulledBy(environment))
  for (const { name, repositories } of planned) {
    const [repository = ''] = repositories
    const built = build.images.find((image) => image.name === name)
    const digest = built?.registries[repository]?.digest
    if (built === undefined || digest === undefined) {
      throw new LaunchwayError('RECORD_INVALID', `the record does not say where ${name} was pushed`, {
        hint: 'Run the push stage first: hosts pull from the registry.',
      })
    }
    images.set(name, { reference: `${repository}@${digest}`, bytes: built.size, platforms: Object.keys(built.config) })
  }
  const pulled = [...images.values()].flatMap(({ isPulled, reference }) => (isPulled === true ? [reference] : []))
  const references = [
    ...planned.map(({ repositories }) => repositories[0] ?? ''),
    ...environment.accessories.map(({ image }) => image),
    ...pulled,
  ]
  const from = new Set(references.map((reference) => parseRepository(reference).host))
  return {
    app: release.app,
    release: release.id,
    environment,
    isReturn: false,
    images,
    repositories: repositoriesOf(release),
    ...(release.plan.redeploys === undefined ? {} : { redeploys: release.plan.redeploys }),
    logins: await loginsTo(from, release.plan.registries, ports),
  }
}

/** The images of a project that are not built here, those alone that its services run. How large they are is not known. */
function pulledBy({ project, services }: Environment): [string, WantedImage][] {
  const used = new Set(services.map(({ image }) => image))
  return Object.entries(project?.pulled ?? {})
    .filter(([name]) => used.has(name))
    .map(([name, reference]) => [name, { reference: byDigest(reference), bytes: 0, platforms: [], isPulled: true }])
}

function whatIsKept({ plan }: Release, { app, release, environment, images, repositories, hashes = new Map() }: Wanted): Kept {
  const references = [...images].map(([name, { reference }]) => [name, reference] as const)
  return {
    version: 1,
    release,
    app,
    label: plan.version,
    sha: plan.sha,
    images: Object.fromEntries(references),
    repositories: [...repositories],
    environment,
    ...(hashes.size === 0 ? {} : { hashes: Object.fromEntries(hashes) }),
  }
}

/** Every repository of the application's images, the first of which the host knows its state by. */
export function repositoriesOf({ plan }: Release): Wanted['repositories'] {
  const [first = '', ...others] = plan.images.flatMap(({ repositories }) => repositories).map(fullName)
  return [first, ...others]
}

async function deployHost(host: string, wanted: Wanted, brought: Brought, ports: Ports): Promise<DeployedHost> {
  const started = ports.clock.elapsed()
  const until = started + (wanted.environment.lockWaitMs ?? 0)
  let first: Pick<SeenHost, 'before'> | undefined
  for (;;) {
    let isFinal = false
    try {
      await using one = await lookToChange(host, wanted, ports, until)
      isFinal = true
      first ??= { before: one.before }
      refuseOlder(wanted.release, one, first)
      isFinal = one.seen.held !== undefined
      return { ...(await apply(wanted, one, brought, ports)), ms: ports.clock.elapsed() - started }
    } catch (error) {
      // Somebody was faster since the look, or at mending what an attempt has left: the next one waits for them.
      const isTaken = error instanceof LaunchwayError && error.code === 'DEPLOY_LOCKED' && !isFinal
      if (!isTaken || ports.clock.elapsed() >= until) throw error
    }
  }
}

/** Of two that have waited for a third, the one that was planned first may come last: a release's name begins with its time. */
function refuseOlder(release: string, { host, seen: { current } }: SeenHost, { before }: Pick<SeenHost, 'before'>): void {
  if (current === undefined || current === before || current <= release) return
  throw new LaunchwayError('DEPLOY_LOCKED', `another deploy came first on ${host}`, {
    hint: `${current} went live while this one waited, and was planned after ${release}. Nothing was changed there.`,
  })
}
