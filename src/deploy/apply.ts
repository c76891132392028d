import { configFile } from '../core/docker-config.ts'
import type { JournalLine, JournalStep } from '../core/journal.ts'
import type { Ports } from '../core/ports.ts'
import type { DeployedHost } from '../core/release.ts'
import type { Secret } from '../core/secret.ts'
import { missingOn, type Mounted } from './bring.ts'
import { nameIn } from './call.ts'
import { type Texts, textParcels } from './composed.ts'
import { definitionsFile, unchangedOn } from './definition.ts'
import type { OwnSecrets } from './env-files.ts'
import type { Kept } from './kept.ts'
import type { SeenHost } from './look.ts'
import type { Observation } from './observation.ts'
import { perform } from './perform.ts'
import { type HostPlan, planHost } from './plan.ts'
import { type Parcel, secretsFile } from './program.ts'
import { waitOf } from './waiting.ts'
import type { Wanted } from './wanted.ts'

/** What travels to the host: secrets for its containers, and what it is to keep of a release that is new to it. */
export interface Brought {
  secrets: ReadonlyMap<string, Secret>
  /** What env files say, for one service each, and what is composed for it. */
  own?: OwnSecrets
  texts?: Texts
  mounted?: Mounted
  kept: Kept | undefined
}

/** Has the program on the host perform what the plan says, and follows it to its end. */
export async function apply(wanted: Wanted, of: SeenHost, brought: Brought, ports: Ports): Promise<DeployedHost> {
  const started = ports.clock.elapsed()
  const { host, seen } = of
  const { environment } = wanted
  const unchanged = wanted.isReturn ? undefined : unchangedOn(wanted, brought, seen.containers)
  const plan = planHost({ ...wanted, ...(unchanged === undefined ? {} : { unchanged }) }, seen, host)
  for (const note of plan.notes) ports.log.info(`${host}: ${note}`)
  for (const warning of [...plan.warnings, ...skewOf(seen, ports)]) ports.log.warning(`${host}: ${warning}`)
  const { slot, calls, sudo } = plan
  const version = brought.kept?.label
  const task = {
    ...{ app: wanted.app, environment, release: wanted.release, slot, calls, sudo },
    parcels: parcelsFor(wanted, plan, brought),
    contents: missingOn(seen, plan.calls, brought.mounted),
    did: wanted.isReturn ? 'rollback' : 'deploy',
    ...(version === undefined ? {} : { version }),
    ...(wanted.redeploys === undefined ? {} : { redeploys: wanted.redeploys }),
  }
  const lines = await perform(task, of, ports)
  const waits = waitAfter(wanted, plan, seen, lines)
  return { ...summary(host, wanted, plan, seen, lines), ...(waits === undefined ? {} : { waits }), ms: ports.clock.elapsed() - started }
}

const mostSkewMinutes = 5

/** A release is named by the clock here, a confirmation and scheduled commands go by that of the host. */
function skewOf({ clock }: Observation, ports: Ports): string[] {
  const minutes = clock === undefined ? 0 : Math.round((clock.getTime() - ports.clock.now().getTime()) / 60_000)
  if (Math.abs(minutes) < mostSkewMinutes) return []
  return [
    `its clock is ${Math.abs(minutes)} minutes ${minutes > 0 ? 'ahead of' : 'behind'} the one here: one of them is wrong, see timedatectl`,
  ]
}

/** What the host waits for now: from this attempt on, or since an earlier one of the same release. */
function waitAfter(
  { environment, release }: Wanted,
  { calls }: HostPlan,
  seen: Observation,
  lines: readonly JournalLine[],
): DeployedHost['waits'] {
  const within = environment.confirm?.withinMs
  const before = seen.current === release ? waitOf(seen) : undefined
  if (before !== undefined) return before.until === undefined ? {} : { until: before.until.toISOString() }
  if (!calls.some(([name]) => name === 'await')) return undefined
  // By the clock that ends it: the host's.
  const at = lines.find(({ step }) => step === 'record')?.at
  return within === undefined || at === undefined ? {} : { until: new Date(at * 1000 + within).toISOString() }
}

function parcelsFor(wanted: Wanted, plan: HostPlan, { kept, ...given }: Brought): Parcel[] {
  const { secrets, own = new Map(), texts = new Map() } = given
  const parcels = plan.files.map(({ key, text }): Parcel => ({ name: `site.${key}`, mode: '0644', body: text }))
  if (kept !== undefined) {
    parcels.push({ name: 'images', mode: '0644', body: plan.references.join('\n') })
    parcels.push({ name: 'release.json', mode: '0600', body: JSON.stringify(kept) })
  }
  const definitions = wanted.isReturn ? '' : definitionsFile(wanted, given)
  if (definitions !== '') parcels.push({ name: 'definitions', mode: '0600', body: definitions })
  if (secrets.size + own.size > 0) parcels.push({ name: 'secrets', mode: '0600', body: secretsFile(secrets, own) })
  parcels.push(...textParcels(wanted.environment, texts))
  if (wanted.logins.size > 0) parcels.push({ name: 'config.json', mode: '0600', body: configFile(wanted.logins) })
  return parcels
}

function summary(host: string, wanted: Wanted, plan: HostPlan, seen: Observation, lines: readonly JournalLine[]): Omit<DeployedHost, 'ms'> {
  const doneOf = (step: JournalStep, service: string): JournalLine | undefined =>
    lines.findLast((line) => line.step === step && line.service === service && line.state === 'done')
  const { environment, release } = wanted
  // A scheduler's gap is its own, and told in the journal: nobody asks it anything.
  const asked = new Set(environment.services.flatMap(({ name, port }) => (port === undefined ? [] : [name])))
  const answered = plan.switches ? plan.sites.map(({ service }) => doneOf('probe', service.name)?.ms ?? 0) : []
  return {
    host,
    slot: plan.slot,
    services: environment.services.map((service) => ({
      name: service.name,
      container: nameIn({ ...wanted, containers: plan.containers }, service),
      reference: wanted.images.get(service.image)?.reference ?? '',
      health:
        service.cron === undefined
          ? ((doneOf('healthy', service.name) ?? doneOf('carry', service.name))?.note ?? '')
          : `runs at ${service.cron}`,
      ms: doneOf('healthy', service.name)?.ms ?? 0,
      ...(plan.left.has(service.name) ? { since: plan.left.get(service.name) } : {}),
    })),
    downtimeMs: Math.max(0, ...lines.filter(({ step, service = '' }) => step === 'downtime' && asked.has(service)).map(({ ms = 0 }) => ms)),
    ...(answered.length === 0 ? {} : { switchMs: Math.max(...answered) }),
    stopped: lines.flatMap(({ step, state, note }) => (step === 'stop' && state === 'done' && note !== undefined ? [note] : [])),
    ...previousOf(seen, release),
  }
}

/** What ran before this release: where it runs already, since an earlier attempt ended on another host, that is what the host says. */
function previousOf({ current, previous }: Observation, release: string): { previous?: string } {
  const before = current === release ? previous : current
  return before === undefined ? {} : { previous: before }
}
