import type { Environment } from '../core/deployment.ts'
import { type ErrorCode, LaunchwayError, told } from '../core/error.ts'
import type { Slot } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import { chainWarnings } from './chains.ts'
import { look } from './look.ts'
import { homeOf } from './program.ts'
import { isLeftOver } from './accessory.ts'
import { cronLacks, isJob, type Run } from './cron.ts'
import type { Hold, Observation, SeenAccessory, SeenContainer } from './observation.ts'
import { showWait, type Waiting, waitOf, waysOut } from './waiting.ts'
import { heldWords } from './held.ts'

interface StatusOfAccessory {
  name: string
  image?: string
  state: string
  status: string
}

/** A scheduled command in one release; instants are ISO 8601. */
interface StatusOfJob {
  /** Its five fields, by the host's clock. */
  times: string
  /** A line in a crontab runs it: of the release that is live, and not stopped. */
  scheduled: boolean
  lastRun?: Run
}

/** What one host runs, as `launchway status` shows it; or why it could not be seen. */
export type HostStatus =
  | {
      host: string
      error?: never
      current?: string
      previous?: string
      /** What people call the releases that the host keeps, by release. */
      versions?: Record<string, string>
      lockedBy?: string
      /** An attempt was ended from outside, and what it did is neither undone nor finished. */
      brokeOff?: true
      /** The current release waits for a confirmation; instants are ISO 8601. */
      waits?: { since: string; until?: string; by: string }
      /** Visitors get a page instead: who has said so, and since when. */
      maintenance?: string
      /** Who keeps everybody from deploying. */
      held?: Hold
      /** `carriedBy`: the releases that left it running when they came, and have it as well. */
      containers: {
        service: string
        release: string
        slot: Slot
        state: string
        status: string
        carriedBy?: readonly string[]
        cron?: StatusOfJob
      }[]
      /** Why no scheduled command runs, if there are any and none does. */
      cronLacks?: string[]
      /** Scheduled commands whose containers somebody has removed: they run no more, until the version is deployed again. */
      goneJobs?: string[]
      /** The same, of those whose next run makes it again. */
      remadeJobs?: string[]
      /** What browsers would say of the certificates that nginx presents. */
      certificates?: string[]
      /** What no release replaces. */
      accessories?: StatusOfAccessory[]
    }
  | { host: string; error: { code: ErrorCode; message: string; hint?: string } }

/** Looks at every host of an environment, side by side, and changes nothing. One that cannot be seen hides no other. */
export async function status(app: string, environment: Environment, ports: Ports): Promise<HostStatus[]> {
  const { swarm } = environment
  if (swarm !== undefined) {
    const { statusOfStack } = await import('./swarm/index.ts')
    const [first = ''] = environment.hosts
    return [await statusOfStack({ app, environment, swarm }, ports).catch((error: unknown) => unseen(first, error, ports))]
  }
  return Promise.all(
    environment.hosts.map((host) => statusOf(host, app, environment, ports).catch((error: unknown) => unseen(host, error, ports))),
  )
}

async function statusOf(host: string, app: string, environment: Environment, ports: Ports): Promise<HostStatus> {
  await using remote = await ports.ssh.connect(host, environment.ssh, { key: ports.secret(environment.ssh.key), signal: ports.signal })
  const home = homeOf({ app, environment })
  return toStatus(host, await look(remote, home, environment), environment)
}

/** What is no finding about this host ends the look: somebody cancelled it, or it is a bug. */
export function unseen(host: string, error: unknown, { signal, redact }: Ports): HostStatus {
  signal.throwIfAborted()
  if (!(error instanceof LaunchwayError)) throw error
  return { host, error: told(error, redact) }
}

function toStatus(host: string, seen: Observation, environment: Environment): HostStatus {
  const { current, previous, lockedBy, isInterrupted, held, maintenance, containers, accessories, releases } = seen
  const wait = waitOf(seen)
  const certificates = chainWarnings(environment, seen.nginx)
  const services = releases.get(current ?? '')?.environment.services ?? []
  const lacks = cronLacks(services, seen)
  const gone = services.filter(
    (one) => isJob(one) && !containers.some(({ service, release }) => service === one.name && release === current),
  )
  const [remade, lost] = [gone.filter(({ name }) => seen.cron?.noted?.has(name)), gone.filter(({ name }) => !seen.cron?.noted?.has(name))]
  const versions = [...releases].flatMap(([id, kept]) => (kept === undefined ? [] : [[id, kept.label] as const]))
  return {
    host,
    ...(current === undefined ? {} : { current }),
    ...(previous === undefined ? {} : { previous }),
    ...(versions.length === 0 ? {} : { versions: Object.fromEntries(versions) }),
    ...(lockedBy === undefined ? {} : { lockedBy }),
    ...(isInterrupted && lockedBy === undefined ? { brokeOff: true as const } : {}),
    ...(wait === undefined ? {} : { waits: waitOfStatus(wait) }),
    ...(maintenance === undefined ? {} : { maintenance }),
    ...(held === undefined ? {} : { held }),
    containers: containers.map((one) => {
      const { service, release, slot, state, status: words, carriedBy } = one
      return { service, release, slot, state, status: words, ...(carriedBy === undefined ? {} : { carriedBy }), ...jobOf(one, seen) }
    }),
    ...(lacks.length === 0 ? {} : { cronLacks: lacks.map(({ what }) => what) }),
    ...(lost.length === 0 ? {} : { goneJobs: lost.map(({ name }) => name) }),
    ...(remade.length === 0 ? {} : { remadeJobs: remade.map(({ name }) => name) }),
    ...(certificates.length === 0 ? {} : { certificates }),
    ...(accessories.length === 0 ? {} : { accessories: accessories.map(toAccessory) }),
  }
}

function jobOf({ service, release, cron: times, run }: SeenContainer, { current, cron }: Observation): { cron?: StatusOfJob } {
  if (times === undefined) return {}
  // What the line says is what counts, should somebody have edited it.
  const line = release === current ? cron?.lines.get(service) : undefined
  return { cron: { times: line ?? times, scheduled: line !== undefined, ...(run === undefined ? {} : { lastRun: run }) } }
}

function toAccessory({ container, name, state, status, configuration }: SeenAccessory): StatusOfAccessory {
  // What a recreate that broke off has left is called as it is.
  return {
    name: isLeftOver(container) ? container : name,
    ...(configuration === undefined ? {} : { image: configuration.image }),
    state,
    status,
  }
}

function waitOfStatus({ since, until, by }: Waiting): { since: string; until?: string; by: string } {
  return { since: since.toISOString(), ...(until === undefined ? {} : { until: until.toISOString() }), by }
}

/** @param environment that the hosts are of */
export function showStatus(hosts: readonly HostStatus[], environment: string): string {
  return hosts.flatMap((one) => showHost(one, environment)).join('\n')
}

function showHost(status: HostStatus, environment: string): string[] {
  const { host, error } = status
  if (error !== undefined) {
    const hint = error.hint === undefined ? [] : error.hint.split('\n').map((line) => `  ${line}`)
    return [`${host}: ${error.code}: ${error.message}`, ...hint]
  }
  const {
    current,
    previous,
    versions = {},
    lockedBy,
    brokeOff,
    held,
    waits,
    maintenance,
    containers,
    cronLacks: lacks = [],
    goneJobs = [],
    remadeJobs = [],
    certificates = [],
    accessories = [],
  } = status
  const called = (id: string): string => (versions[id] === undefined ? `release ${id}` : `${versions[id]} (release ${id})`)
  return [
    `${host}: ${current === undefined ? 'nothing runs here' : called(current)}${previous === undefined ? '' : `, before ${called(previous)}`}`,
    ...(lockedBy === undefined ? [] : [`  a deploy is under way: ${lockedBy}`]),
    ...(brokeOff === undefined
      ? []
      : ['  an attempt broke off here, and is half done: the next deploy or rollback undoes it first, or finishes it']),
    ...(waits === undefined ? [] : waitLines(waits, environment, previous === undefined ? 'the version before' : called(previous))),
    ...(maintenance === undefined ? [] : [`  maintenance: visitors get a page instead (${maintenance})`]),
    ...(held === undefined ? [] : [`  locked by ${heldWords(held)} (launchway unlock lets deploys through again)`]),
    ...containers.map(({ service, release, slot, status: words, carriedBy = [], cron }) => {
      const said = cron === undefined ? words : showJob(cron, service, release === current, environment)
      const also = current !== undefined && carriedBy.includes(current) ? ', left running since' : ''
      return `  ${service.padEnd(12)} ${slot}  ${release}  ${said}${also}`
    }),
    ...lacks.map((what) => `  no scheduled command runs: ${what}`),
    ...goneJobs.map(
      (name) => `  ${name.padEnd(12)} has no container any more, and does not run: somebody has removed it. Deploy this version again`,
    ),
    ...remadeJobs.map((name) => `  ${name.padEnd(12)} has no container any more: somebody has removed it. Its next run makes it again`),
    ...certificates.map((what) => `  ${what}`),
    ...accessories.map(({ name, image = '', status: words }) => `  ${name.padEnd(12)} accessory  ${image}  ${words}`),
  ]
}

/** @param isCurrent its times are those of the release that is live */
function showJob({ times, scheduled, lastRun }: StatusOfJob, service: string, isCurrent: boolean, environment: string): string {
  const last = showRun(lastRun)
  if (!isCurrent) return last
  return scheduled ? `at ${times}: ${last}` : `stopped, else at ${times} (launchway start ${service} -e ${environment}): ${last}`
}

function showRun(run: Run | undefined): string {
  if (run === undefined || run.state === 'never') return 'has not run yet'
  const at = (text: string): string => text.replace('T', ' ')
  if (run.state === 'running') return `running since ${at(run.startedAt)}`
  const memory = run.outOfMemory ? ', out of memory' : ''
  const error = run.error === '' ? '' : `, ${run.error}`
  return `last run ended ${run.endedAt === '' ? 'before it began' : at(run.endedAt)}, exit code ${run.exitCode}${memory}${error}`
}

function waitLines({ since, until, by }: { since: string; until?: string; by: string }, environment: string, before: string): string[] {
  const wait = { since: new Date(since), by, ...(until === undefined ? {} : { until: new Date(until) }) }
  return [`  it waits for a confirmation: ${showWait(wait)}`, `  ${waysOut(environment, before)}`]
}
