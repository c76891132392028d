import { randomBytes } from 'node:crypto'
import { configFile } from '../core/docker-config.ts'
import type { JournalLine, JournalStep } from '../core/journal.ts'
import { containerName } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { DeployedHost } from '../core/release.ts'
import type { Secret } from '../core/secret.ts'
import { failureOf } from './failure.ts'
import { follow } from './follow.ts'
import type { Kept } from './kept.ts'
import type { SeenHost } from './look.ts'
import type { Observation } from './observation.ts'
import { type HostPlan, planHost } from './plan.ts'
import { type Attempt, applyProgram, attachProgram, launchProgram, type Parcel, secretsFile } from './program.ts'
import type { Wanted } from './wanted.ts'

/** What travels to the host: secrets for its containers, and what it is to keep of a release that is new to it. */
export interface Brought {
  secrets: ReadonlyMap<string, Secret>
  kept: Kept | undefined
}

/** Has the program on the host perform what the plan says, and follows it to its end. */
export async function apply(
  wanted: Wanted,
  { host, remote, seen, reconnect }: SeenHost,
  brought: Brought,
  ports: Ports,
): Promise<DeployedHost> {
  const started = ports.clock.elapsed()
  const { environment } = wanted
  const plan = planHost(wanted, seen, host)
  for (const note of plan.notes) ports.log.info(`${host}: ${note}`)
  for (const warning of plan.warnings) ports.log.warning(`${host}: ${warning}`)
  const attempt = {
    app: wanted.app,
    environment: environment.name,
    stateRoot: environment.stateRoot,
    release: wanted.release,
    attempt: randomBytes(8).toString('hex'),
    slot: plan.slot,
    keep: environment.keep,
    by: ports.who,
    version: brought.kept?.label ?? seen.releases.get(wanted.release)?.label ?? '',
    did: wanted.isReturn ? 'rollback' : 'deploy',
  }
  // Root has no session of its own to start a scope in.
  const detach = plan.sudo && seen.detach === 'user' ? 'system' : seen.detach
  const following = {
    host,
    attempt: attempt.attempt,
    sudo: plan.sudo,
    launch: launchProgram(attempt, parcelsFor(wanted, plan, attempt, brought), detach),
    attach: attachProgram(attempt),
    reconnect,
  }
  const lines = await follow(remote, following, ports)
  const end = lines.find(({ step }) => step === 'end')
  if (end === undefined || end.state !== 'done') throw failureOf(host, lines, seen.current)
  return { ...summary(host, wanted, plan, seen, lines), ms: ports.clock.elapsed() - started }
}

function parcelsFor(wanted: Wanted, plan: HostPlan, attempt: Attempt, { secrets, kept }: Brought): Parcel[] {
  const parcels: Parcel[] = [
    { name: 'apply.sh', mode: '0644', body: applyProgram(attempt, plan.calls) },
    ...plan.sites.map(({ service, text }): Parcel => ({ name: `site.${service.name}`, mode: '0644', body: text })),
  ]
  if (kept !== undefined) {
    parcels.push({ name: 'images', mode: '0644', body: plan.references.join('\n') })
    parcels.push({ name: 'release.json', mode: '0600', body: JSON.stringify(kept) })
  }
  if (secrets.size > 0) parcels.push({ name: 'secrets', mode: '0600', body: secretsFile(secrets) })
  if (wanted.logins.size > 0) parcels.push({ name: 'config.json', mode: '0600', body: configFile(wanted.logins) })
  return parcels
}

function summary(host: string, wanted: Wanted, plan: HostPlan, seen: Observation, lines: readonly JournalLine[]): Omit<DeployedHost, 'ms'> {
  const doneOf = (step: JournalStep, service: string): JournalLine | undefined =>
    lines.findLast((line) => line.step === step && line.service === service && line.state === 'done')
  const { environment, app, release } = wanted
  const answered = plan.sites.map(({ service }) => doneOf('probe', service.name)?.ms ?? 0)
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
    ...(answered.length === 0 ? {} : { switchMs: Math.max(...answered) }),
    stopped: lines.flatMap(({ step, state, note }) => (step === 'stop' && state === 'done' && note !== undefined ? [note] : [])),
    ...(seen.current === undefined || seen.current === release ? {} : { previous: seen.current }),
  }
}
