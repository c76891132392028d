import { randomBytes } from 'node:crypto'
import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { JournalLine, JournalStep } from '../core/journal.ts'
import { containerName } from '../core/names.ts'
import type { Credentials, Ports, Remote } from '../core/ports.ts'
import { parseRepository } from '../core/reference.ts'
import type { BuildSection, DeployedHost, DeploySection, Release } from '../core/release.ts'
import type { Secret } from '../core/secret.ts'
import { section } from '../core/stages.ts'
import { configFile } from '../tools/docker.ts'
import { failureOf, withHostsBefore } from './failure.ts'
import { follow } from './follow.ts'
import { look } from './look.ts'
import type { Observation } from './observation.ts'
import { type HostPlan, planHost, type Wanted } from './plan.ts'
import { type Attempt, applyProgram, attachProgram, launchProgram, type Parcel, secretsFile } from './program.ts'

/** Puts the release of the record live on each host of its environment, one after the other. */
export async function deploy(release: Release, ports: Ports): Promise<DeploySection> {
  const { environment } = release.plan
  if (environment === undefined) throw new LaunchwayError('RECORD_INVALID', 'the plan names no environment to deploy to')
  const started = ports.clock.elapsed()
  const secrets = requiredSecrets(environment, ports)
  const wanted = await whatIsWanted(release, environment, section(release, 'build'), ports)
  const hosts: DeployedHost[] = []
  const soFar = (): DeploySection => ({
    environment: environment.name,
    ...(environment.url === undefined ? {} : { url: environment.url }),
    hosts,
    ms: ports.clock.elapsed() - started,
  })
  for (const host of environment.hosts) {
    try {
      hosts.push(await deployHost(host, wanted, secrets, ports))
    } catch (error) {
      throw withHostsBefore(error, soFar())
    }
  }
  return soFar()
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
    images,
    repositories: [repository, ...others],
    logins: await loginsTo(from, release, ports),
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

async function deployHost(host: string, wanted: Wanted, secrets: ReadonlyMap<string, Secret>, ports: Ports): Promise<DeployedHost> {
  const { environment } = wanted
  const started = ports.clock.elapsed()
  ports.log.info(`${host}: connecting`)
  const connect = (): Promise<Remote> =>
    ports.ssh.connect(host, environment.ssh, { key: ports.secret(environment.ssh.key), signal: ports.signal })
  await using remote = await connect()
  const home = { app: wanted.app, environment: environment.name, stateRoot: environment.stateRoot }
  const seen = await look(remote, home, environment)
  ports.log.info(`${host}: ${seen.current === undefined ? 'nothing runs here yet' : `release ${seen.current} runs here`}`)
  const plan = planHost(wanted, seen, host)
  for (const note of plan.notes) ports.log.info(`${host}: ${note}`)

  const attempt = {
    ...home,
    release: wanted.release,
    attempt: randomBytes(8).toString('hex'),
    slot: plan.slot,
    keep: environment.keep,
    by: ports.who,
  }
  const parcels = parcelsFor(wanted, plan, attempt, secrets)
  const following = {
    host,
    attempt: attempt.attempt,
    sudo: seen.as === 'sudo',
    launch: launchProgram(attempt, parcels, seen.detach),
    attach: attachProgram(attempt),
    reconnect: connect,
  }
  const lines = await follow(remote, following, ports)
  const end = lines.find(({ step }) => step === 'end')
  if (end === undefined || end.state !== 'done') throw failureOf(host, lines, seen.current)
  return { ...summary(host, wanted, plan, seen, lines), ms: ports.clock.elapsed() - started }
}

function parcelsFor(wanted: Wanted, plan: HostPlan, attempt: Attempt, secrets: ReadonlyMap<string, Secret>): Parcel[] {
  const parcels: Parcel[] = [
    { name: 'apply.sh', mode: '0644', body: applyProgram(attempt, plan.calls) },
    { name: 'images', mode: '0644', body: plan.references.join('\n') },
  ]
  if (secrets.size > 0) parcels.push({ name: 'secrets', mode: '0600', body: secretsFile(secrets) })
  if (wanted.logins.size > 0) parcels.push({ name: 'config.json', mode: '0600', body: configFile(wanted.logins) })
  return parcels
}

function summary(host: string, wanted: Wanted, plan: HostPlan, seen: Observation, lines: readonly JournalLine[]): Omit<DeployedHost, 'ms'> {
  const doneOf = (step: JournalStep, service: string): JournalLine | undefined =>
    lines.find((line) => line.step === step && line.service === service && line.state === 'done')
  const { environment, app, release } = wanted
  return {
    host,
    slot: plan.slot,
    services: environment.services.map((service) => ({
      name: service.name,
      container: containerName({ app, environment: environment.name, service: service.name, release }),
      reference: wanted.images.get(service.image)?.reference ?? '',
      health: doneOf('healthy', service.name)?.note ?? '',
      ms: doneOf('healthy', service.name)?.ms ?? 0,
    })),
    downtimeMs: Math.max(0, ...lines.filter(({ step }) => step === 'downtime').map(({ ms = 0 }) => ms)),
    stopped: lines.flatMap(({ step, state, note }) => (step === 'stop' && state === 'done' && note !== undefined ? [note] : [])),
    ...(seen.current === undefined || seen.current === release ? {} : { previous: seen.current }),
  }
}
