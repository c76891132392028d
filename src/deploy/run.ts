import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Credentials, Ports } from '../core/ports.ts'
import { parseRepository } from '../core/reference.ts'
import type { BuildSection, DeployedHost, DeploySection, Release } from '../core/release.ts'
import type { Secret } from '../core/secret.ts'
import { section } from '../core/stages.ts'
import { apply, type Brought } from './apply.ts'
import { withHostsBefore } from './failure.ts'
import type { Kept } from './kept.ts'
import { lookAt } from './look.ts'
import { prove } from './prove.ts'
import { refuseWhereOneWaits, showInstant, waysOut } from './waiting.ts'
import type { Wanted } from './wanted.ts'

/** Puts the release of the record live on each host of its environment, one after the other. */
export async function deploy(release: Release, ports: Ports): Promise<DeploySection> {
  const { environment } = release.plan
  if (environment === undefined) throw new LaunchwayError('RECORD_INVALID', 'the plan names no environment to deploy to')
  const started = ports.clock.elapsed()
  const secrets = requiredSecrets(environment, ports)
  const wanted = await whatIsWanted(release, environment, section(release, 'build'), ports)
  const brought = { secrets, kept: whatIsKept(release, wanted) }
  const hosts: DeployedHost[] = []
  const soFar = (): DeploySection => sectionOf(environment, hosts, ports.clock.elapsed() - started)
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

/**
 * The secrets of an environment's services; all that are missing at once.
 * @throws LaunchwayError SECRET_MISSING
 */
export function requiredSecrets(environment: Environment, ports: Ports): Map<string, Secret> {
  const found = new Map<string, Secret>()
  const missing: string[] = []
  for (const name of new Set(environment.services.flatMap(({ secrets }) => secrets))) {
    const secret = ports.secret(name)
    if (secret === undefined) missing.push(name)
    else found.set(name, secret)
  }
  if (missing.length > 0) {
    throw new LaunchwayError('SECRET_MISSING', `${environment.name} needs ${missing.join(', ')}`, {
      hint: `At a terminal: export ${missing.map((name) => `${name}=…`).join(' ')}\nIn a workflow, in the step:\n  env:\n${missing.map((name) => `    ${name}: \${{ secrets.${name} }}`).join('\n')}`,
    })
  }
  return found
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
  const [repository = '', ...others] = release.plan.images.flatMap(({ repositories }) => repositories).map(fullName)
  const from = new Set(planned.map(({ repositories }) => parseRepository(repositories[0] ?? '').host))
  return {
    app: release.app,
    release: release.id,
    environment,
    isReturn: false,
    images,
    repositories: [repository, ...others],
    logins: await loginsTo(from, release, ports),
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

function fullName(repository: string): string {
  const { host, path } = parseRepository(repository)
  return `${host}/${path}`
}

async function loginsTo(hosts: ReadonlySet<string>, release: Release, ports: Ports): Promise<Wanted['logins']> {
  const logins = new Map<string, Credentials>()
  for (const settings of release.plan.registries) {
    const credentials = hosts.has(settings.host) ? await ports.registry.credentials(settings) : undefined
    if (credentials !== undefined) logins.set(settings.host, credentials)
  }
  return logins
}

async function deployHost(host: string, wanted: Wanted, brought: Brought, ports: Ports): Promise<DeployedHost> {
  const started = ports.clock.elapsed()
  await using seen = await lookAt(host, wanted, ports)
  return { ...(await apply(wanted, seen, brought, ports)), ms: ports.clock.elapsed() - started }
}
