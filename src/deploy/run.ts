import { randomBytes } from 'node:crypto'
import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import { JournalLine } from '../core/journal.ts'
import type { Ports, Remote } from '../core/ports.ts'
import { parseRepository } from '../core/reference.ts'
import type { BuildSection, DeployedHost, DeploySection, Release } from '../core/release.ts'
import type { Secret } from '../core/secret.ts'
import { section } from '../core/stages.ts'
import { showMs } from '../core/units.ts'
import { failureOf } from './failure.ts'
import { type Observation, parseObservation } from './observation.ts'
import { type HostPlan, planHost, publishedPorts, type Wanted } from './plan.ts'
import { type Attempt, applyProgram, launchProgram, observeProgram, type Parcel, secretsFile } from './program.ts'

/** Puts the release of the record live on each host of its environment, one after the other. */
export async function deploy(release: Release, ports: Ports): Promise<DeploySection> {
  const { environment } = release.plan
  if (environment === undefined) throw new LaunchwayError('RECORD_INVALID', 'the plan names no environment to deploy to')
  const started = ports.clock.elapsed()
  const secrets = requiredSecrets(environment, ports)
  const wanted = await whatIsWanted(release, environment, section(release, 'build'), ports)
  const hosts: DeployedHost[] = []
  for (const host of environment.hosts) hosts.push(await deployHost(host, wanted, secrets, ports))
  return {
    environment: environment.name,
    ...(environment.url === undefined ? {} : { url: environment.url }),
    hosts,
    ms: ports.clock.elapsed() - started,
  }
}

/** All that are missing at once, before anything is touched. */
function requiredSecrets(environment: Environment, ports: Ports): Map<string, Secret> {
  const found = new Map<string, Secret>()
  const missing: string[] = []
  for (const name of new Set(environment.services.flatMap(({ secrets }) => secrets))) {
    const secret = ports.secret(name)
    if (secret === undefined) missing.push(name)
    else found.set(name, secret)
  }
  if (missing.length > 0) {
    throw new LaunchwayError('SECRET_MISSING', `${environment.name} needs ${missing.join(', ')}`, {
      hint: `Give each in the environment of the step:\n  env:\n${missing.map((name) => `    ${name}: \${{ secrets.${name} }}`).join('\n')}`,
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
  const registryHost = parseRepository(planned[0]?.repositories[0] ?? '').host
  const settings = release.plan.registries.find(({ host }) => host === registryHost)
  const credentials = settings === undefined ? undefined : await ports.registry.credentials(settings)
  return {
    app: release.app,
    release: release.id,
    environment,
    images,
    login: credentials === undefined ? undefined : { host: registryHost, ...credentials },
  }
}

async function deployHost(host: string, wanted: Wanted, secrets: ReadonlyMap<string, Secret>, ports: Ports): Promise<DeployedHost> {
  const { environment } = wanted
  const started = ports.clock.elapsed()
  ports.log.info(`${host}: connecting`)
  await using remote = await ports.ssh.connect(host, environment.ssh, { key: ports.secret(environment.ssh.key), signal: ports.signal })
  const home = { app: wanted.app, environment: environment.name, stateRoot: environment.stateRoot }
  const looked = await remote.sh(observeProgram(home, publishedPorts(environment)))
  const seen = parseObservation(host, looked.stdout)
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
  const lines = await apply(remote, attempt, parcels, seen, ports)
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
  if (wanted.login !== undefined) parcels.push({ name: 'login', mode: '0600', body: wanted.login.password })
  return parcels
}

/** Starts the program on the host and follows its journal. */
async function apply(
  remote: Remote,
  attempt: Attempt,
  parcels: readonly Parcel[],
  seen: Observation,
  ports: Ports,
): Promise<JournalLine[]> {
  const lines: JournalLine[] = []
  await remote.sh(launchProgram(attempt, parcels), {
    sudo: seen.as === 'sudo',
    onLine(text, stream) {
      const line = stream === 'stdout' ? readJournal(text) : undefined
      if (line === undefined || line.attempt !== attempt.attempt) return ports.log.debug(`${remote.host}: ${text}`)
      lines.push(line)
      const said = describe(line)
      if (said !== undefined) ports.log.info(`${remote.host}: ${said}`)
    },
  })
  return lines
}

function readJournal(text: string): JournalLine | undefined {
  try {
    const parsed = JournalLine.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

function describe({ step, state, service, ms, note }: JournalLine): string | undefined {
  if (state === 'start' || step === 'end') return undefined
  const of = service === undefined ? '' : ` ${service}`
  const time = ms === undefined ? '' : ` (${showMs(ms)})`
  const [first = ''] = (note ?? '').split('\n')
  return `${step}${of}: ${state}${time}${first === '' ? '' : `, ${first}`}`
}

function summary(host: string, wanted: Wanted, plan: HostPlan, seen: Observation, lines: readonly JournalLine[]): Omit<DeployedHost, 'ms'> {
  const doneOf = (step: JournalLine['step'], service: string): JournalLine | undefined =>
    lines.find((line) => line.step === step && line.service === service && line.state === 'done')
  const { environment, app, release } = wanted
  return {
    host,
    slot: plan.slot,
    services: environment.services.map((service) => ({
      name: service.name,
      container: [app, environment.name, service.name, release].join('.'),
      reference: wanted.images.get(service.image)?.reference ?? '',
      health: doneOf('healthy', service.name)?.note ?? '',
      ms: doneOf('healthy', service.name)?.ms ?? 0,
    })),
    downtimeMs: Math.max(0, ...lines.filter(({ step }) => step === 'switch').map(({ ms = 0 }) => ms)),
    stopped: lines.flatMap(({ step, state, note }) => (step === 'stop' && state === 'done' && note !== undefined ? [note] : [])),
    ...(seen.current === undefined || seen.current === release ? {} : { previous: seen.current }),
  }
}
