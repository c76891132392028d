import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import { fullName, parseRepository } from '../core/reference.ts'
import type { BuildSection, DeployedHost, DeploySection, Release } from '../core/release.ts'
import { section } from '../core/stages.ts'
import { apply, type Brought } from './apply.ts'
import { withHostsBefore } from './failure.ts'
import type { Kept } from './kept.ts'
import { lookAt } from './look.ts'
import { lookToChange } from './recovered.ts'
import { loginsTo, requiredSecrets } from './secrets.ts'
import { warnOfOnePage } from './outside.ts'
import { prove } from './prove.ts'
import { requireSignatures } from './verify.ts'
import { refuseWhereOneWaits, showInstant, waysOut } from './waiting.ts'
import type { Wanted } from './wanted.ts'

/** Puts the release of the record live on each host of its environment, one after the other. */
export async function deploy(release: Release, ports: Ports): Promise<DeploySection> {
  const { environment: planned } = release.plan
  if (planned === undefined) throw new LaunchwayError('RECORD_INVALID', 'the plan names no environment to deploy to')
  const started = ports.clock.elapsed()
  const { environment, secrets, own } = await requiredSecrets(planned, ports)
  const wanted = await whatIsWanted(release, environment, section(release, 'build'), ports)
  const brought = { secrets, own, kept: whatIsKept(release, wanted) }
  const hosts: DeployedHost[] = []
  const soFar = (): DeploySection => sectionOf(environment, hosts, ports.clock.elapsed() - started)
  await requireSignatures(wanted, release.plan.registries, ports)
  await refuseWhereAnyWaits(wanted, ports)
  for (const [index, host] of environment.hosts.entries()) {
    try {
      // A migration is of the database, which the hosts share.
      const here = index === 0 ? { ...wanted, beforeSwitch: environment.beforeSwitch ?? [] } : wanted
      hosts.push(await deployHost(host, here, brought, ports))
    } catch (error) {
      throw withHostsBefore(error, soFar())
    }
  }
  const done = soFar()
  await prove(release.app, environment, done, release.plan.registries, ports)
  await warnOfOnePage(environment, release.id, ports)
  for (const { host, waits, previous } of done.hosts) {
    if (waits !== undefined) ports.log.notice(`${host}: ${endOfWait(waits, environment.name, previous)}`)
  }
  return done
}

/** Where there are several hosts, the first is not touched when the second would refuse; one host finds out by itself. */
async function refuseWhereAnyWaits(wanted: Wanted, ports: Ports): Promise<void> {
  const { hosts, name } = wanted.environment
  if (hosts.length === 1) return
  await Promise.all(
    hosts.map(async (host) => {
      await using one = await lookAt(host, wanted, ports)
      refuseWhereOneWaits(host, one.seen, wanted.release, name)
    }),
  )
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
  const images = new Map<string, { reference: string; bytes: number; platforms: string[] }>()
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
  const references = [...planned.map(({ repositories }) => repositories[0] ?? ''), ...environment.accessories.map(({ image }) => image)]
  const from = new Set(references.map((reference) => parseRepository(reference).host))
  return {
    app: release.app,
    release: release.id,
    environment,
    isReturn: false,
    images,
    repositories: repositoriesOf(release),
    logins: await loginsTo(from, release.plan.registries, ports),
  }
}

function whatIsKept({ plan }: Release, { app, release, environment, images, repositories }: Wanted): Kept {
  const references = [...images].map(([name, { reference }]) => [name, reference] as const)
  return {
    version: 1,
    release,
    app,
    label: plan.version,
    images: Object.fromEntries(references),
    repositories: [...repositories],
    environment,
  }
}

/** Every repository of the application's images, the first of which the host knows its state by. */
export function repositoriesOf({ plan }: Release): Wanted['repositories'] {
  const [first = '', ...others] = plan.images.flatMap(({ repositories }) => repositories).map(fullName)
  return [first, ...others]
}

async function deployHost(host: string, wanted: Wanted, brought: Brought, ports: Ports): Promise<DeployedHost> {
  const started = ports.clock.elapsed()
  await using seen = await lookToChange(host, wanted, ports)
  return { ...(await apply(wanted, seen, brought, ports)), ms: ports.clock.elapsed() - started }
}
