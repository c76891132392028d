import { entriesIn } from '../../core/objects.ts'
import { randomBytes } from 'node:crypto'
import type { Credentials } from '../../core/ports.ts'
import { configFile } from '../../core/docker-config.ts'
import { Secret } from '../../core/secret.ts'
import type { HostCall } from '../call.ts'
import { lockedError } from '../plan.ts'
import type { Parcel } from '../program.ts'
import { refuseLacks, unfit } from '../unfit.ts'
import { type KeptStack, recordName } from './kept.ts'
import type { SeenManager, Target } from './look.ts'
import { filledFile } from './file.ts'
import type { SwarmObject } from './objects.ts'
import { swarmLacks } from './unfit.ts'

/** What one version of a stack needs to run. */
export interface StackToRun {
  kept: KeptStack
  /** By name, the variables of its texts. */
  values: ReadonlyMap<string, Secret>
  objects: readonly SwarmObject[]
  /** Services that run once before it, in their order, with the file of each. */
  once: readonly { service: string; file: Record<string, unknown> }[]
  /** In which registries its images are that want a login. */
  logins: ReadonlyMap<string, Credentials>
}

/** A service that is new, or that Swarm sees no reason to update, is taken to be well after this time. */
const settleMs = 5000

/** Undefined salt: the cluster has recorded nothing yet. */
export function saltOf({ cluster }: Pick<SeenManager, 'cluster'>): string {
  return cluster.recorded.find(({ kept }) => kept !== undefined)?.kept?.salt ?? randomBytes(16).toString('hex')
}

/**
 * @param platforms by service, what its image is built for; empty where that is not known
 * @throws LaunchwayError HOST_UNFIT with everything that is missing, DEPLOY_LOCKED
 */
export function refuseUnfitSwarm(
  target: Target,
  through: SeenManager,
  platforms: ReadonlyMap<string, readonly string[]>,
  repositories: readonly [string, ...string[]],
): void {
  const { app, environment } = target
  const { host, seen } = through
  if (seen.lockedBy !== undefined) throw lockedError(host, seen.lockedBy)
  const wanted = { app, release: '', environment, isReturn: false, images: new Map(), repositories, logins: new Map() }
  refuseLacks([...unfit(wanted, seen), ...swarmLacks(target, through, platforms)], `${host} cannot take this deploy`)
}

/** The calls that bring the cluster to a version, and what travels with them. */
export function planStack(
  target: Target,
  through: Pick<SeenManager, 'cluster'>,
  { kept, values, objects, once, logins }: StackToRun,
  of: { did: 'deploy' | 'rollback'; by: string; now: Date },
): { calls: HostCall[]; parcels: Parcel[]; notes: string[]; retired: string[] } {
  const { app, environment, swarm } = target
  const { cluster } = through
  const [newest] = cluster.recorded
  const current = newest?.release
  const names = Object.keys(entriesIn(kept.file['services']))
  const inCluster = (service: string): string => `${swarm.name}_${service}`
  const retired = cluster.services
    .filter((one) => one.stack === swarm.name && !names.map(inCluster).includes(one.name))
    .map(({ name }) => name)
  const isNew = current !== kept.release
  const runs = isNew ? once : []
  const missing = objects.filter(({ kind, name }) => !(kind === 'config' ? cluster.configs : cluster.secrets).has(name))
  const record = recordName(app, environment.name, of.now)
  const before = isNew ? current : newest?.previous
  const labels: Record<string, string> = {
    'launchway.app': app,
    'launchway.environment': environment.name,
    'launchway.kind': 'release',
    'launchway.stack': swarm.name,
    'launchway.release': kept.release,
    'launchway.previous': before ?? '',
    'launchway.version': kept.label,
    'launchway.did': of.did,
    'launchway.by': of.by,
  }
  const onceSeconds = Math.ceil(swarm.onceTimeoutMs / 1000)
  const seconds = Math.ceil(swarm.timeoutMs / 1000)
  const forgotten = unneeded(target, through, kept)
  const calls: HostCall[] = [
    ['begin'],
    ['swarm_lock', String(seconds * 2 + onceSeconds * runs.length + 600)],
    ['swarm_expect', current ?? ''],
    ...missing.map(({ kind, key, name }, index): HostCall => ['keep_object', kind, name, `swarm.object.${index}`, key]),
    ...runs.map(({ service }): HostCall => ['swarm_once', inCluster(service), service, String(onceSeconds)]),
    ['swarm_deploy'],
    ['swarm_converge', String(seconds), String(settleMs / 10), ...names.map(inCluster)],
    ...(isNew
      ? [['swarm_record', record, ...Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`])] as const]
      : []),
    ['swarm_retire', ...new Set([...retired, ...runs.map(({ service }) => inCluster(service))])],
    ...forgotten.map(({ kind, name }): HostCall => ['swarm_forget', kind, name]),
    ['end', 'done'],
  ]
  const text = (file: Record<string, unknown>): Secret => filledFile(file, values, kept.salt)
  const previous = newest?.kept
  const parcels: Parcel[] = [
    { name: 'swarm.stack', mode: '0600', body: text(kept.file) },
    { name: 'swarm.release', mode: '0600', body: JSON.stringify(kept) },
    ...missing.map(({ content }, index): Parcel => ({
      name: `swarm.object.${index}`,
      mode: '0600',
      body: new Secret(`${content.reveal()}.`),
    })),
    ...runs.map(({ service, file }): Parcel => ({ name: `swarm.once.${service}`, mode: '0600', body: text(file) })),
    ...(previous !== undefined && previous.variables.every((name) => values.has(name))
      ? [{ name: 'swarm.previous', mode: '0600', body: text(previous.file) } as const]
      : []),
    ...(logins.size === 0 ? [] : [{ name: 'config.json', mode: '0600', body: configFile(logins) } as const]),
  ]
  const notes = [
    ...(retired.length === 0 ? [] : [`${retired.join(', ')}: not in this release any more, removed once the others run`]),
    ...(isNew || once.length === 0 ? [] : [`${once.map(({ service }) => service).join(', ')}: ran for this release already`]),
  ]
  return { calls, parcels, notes, retired }
}

/** Releases beyond those that are kept, then the configs and secrets that none of the others uses. */
function unneeded(
  { environment }: Target,
  { cluster }: Pick<SeenManager, 'cluster'>,
  wanted: KeptStack,
): { kind: 'config' | 'secret'; name: string }[] {
  const keeps = new Set([wanted.release])
  // The one that ran before is always kept: a rollback returns to it.
  for (const { release } of cluster.recorded) if (keeps.size < Math.max(2, environment.keep)) keeps.add(release)
  const newest = new Set<string>()
  const old = cluster.recorded.filter(({ release, name }, index) => {
    // Each return is recorded anew: of one release the newest is enough, but for the one that says what ran before.
    if (!keeps.has(release) || (newest.has(release) && index > 0)) return name !== ''
    newest.add(release)
    return false
  })
  const used = [wanted, ...cluster.recorded.flatMap(({ release, kept }) => (keeps.has(release) && kept !== undefined ? [kept] : []))]
  const configs = new Set(used.flatMap((one) => one.configs))
  const secrets = new Set(used.flatMap((one) => one.secrets))
  const ours = (name: string): boolean =>
    cluster.recorded.some(({ kept }) => kept?.configs.includes(name) === true || kept?.secrets.includes(name) === true)
  return [
    ...old.map(({ name }) => ({ kind: 'config' as const, name })),
    ...[...cluster.configs].filter((name) => ours(name) && !configs.has(name)).map((name) => ({ kind: 'config' as const, name })),
    ...[...cluster.secrets].filter((name) => ours(name) && !secrets.has(name)).map((name) => ({ kind: 'secret' as const, name })),
  ]
}
