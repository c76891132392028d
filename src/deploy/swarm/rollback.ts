import { entriesIn } from '../../core/objects.ts'
import { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import { parseRepository } from '../../core/reference.ts'
import { loginsTo } from '../secrets.ts'
import type { Proposal } from '../proposal.ts'
import type { Returned, RollbackWish } from '../rollback.ts'
import { bringTo, throughSome } from './deploy.ts'
import type { KeptStack, Recorded } from './kept.ts'
import type { SeenManager, Target } from './look.ts'
import { valuesNamed } from './objects.ts'
import { planStack, refuseUnfitSwarm, type StackToRun } from './plan.ts'

/**
 * Has the Swarm run the release before the current one again, or another that it keeps: no build and no record is needed.
 * @throws LaunchwayError VERSION_UNKNOWN when there is none; ROLLBACK_REFUSED; SECRET_MISSING for a variable of its texts
 */
export async function rollbackStack(target: Target, ports: Ports, wish: RollbackWish): Promise<Returned> {
  const started = ports.clock.elapsed()
  const back = async (through: SeenManager): Promise<Returned> => {
    const run = await runAgain(target, through, wish, ports)
    const { kept } = run
    ports.log.info(`${through.host}: returning to ${kept.label} (release ${kept.release})`)
    const { host } = await bringTo(target, through, run, 'rollback', ports)
    return { ...ofStack(target, kept), hosts: [host], ms: ports.clock.elapsed() - started }
  }
  return throughSome(target, back, ports)
}

/** What that would come to, and nothing is done. */
export async function proposeStack(target: Target, ports: Ports, wish: RollbackWish): Promise<Proposal> {
  const look = async (through: SeenManager): Promise<Proposal> => {
    const run = await runAgain(target, through, wish, ports)
    const [current] = through.cluster.recorded
    const { notes } = planStack(target, through, run, { did: 'rollback', by: ports.who, now: ports.clock.now() })
    const runs = current === undefined ? {} : { runs: `${current.label} (${current.release})` }
    const services = `${Object.keys(entriesIn(run.kept.file['services'])).toSorted().join(', ')}: as ${run.kept.label} has them; what is the same keeps its tasks`
    return { ...ofStack(target, run.kept), hosts: [{ host: through.host, ...runs, changes: true, notes: [services, ...notes] }] }
  }
  return throughSome(target, look, ports)
}

function ofStack({ environment: { name, url } }: Target, { release, label, sha }: KeptStack): Omit<Proposal, 'hosts'> {
  return {
    environment: name,
    ...(url === undefined ? {} : { url }),
    release,
    version: label,
    ...(sha === undefined ? {} : { sha }),
  }
}

/** @throws LaunchwayError whatever refuses a rollback */
async function runAgain(
  target: Target,
  through: SeenManager,
  { version, force = false, registries = [] }: RollbackWish,
  ports: Ports,
): Promise<StackToRun> {
  const { environment } = target
  const kept = version === undefined ? before(through) : named(version, through)
  const [current] = through.cluster.recorded
  const declared = through.cluster.recorded.find(
    ({ release, kept: one }) => release === current?.release && one?.noReturn !== undefined,
  )?.kept
  if (!force && declared?.noReturn !== undefined && declared.release !== kept.release)
    throw new LaunchwayError('ROLLBACK_REFUSED', `${declared.label} (release ${declared.release}) cannot be left: ${declared.noReturn}`, {
      hint: 'Nothing was changed. Who knows better: the same with --force. Else mend what is wrong, and release that.',
    })
  refuseUnfitSwarm(target, through, new Map(), [through.seen.owner ?? ''])
  const hosts = new Set(Object.values(kept.images).map((reference) => parseRepository(reference).host))
  return {
    kept,
    values: valuesNamed(kept.variables, environment.name, ports),
    objects: [],
    once: [],
    logins: await loginsTo(hosts, registries, ports),
  }
}

/** What is recorded as current is returned to where a deploy broke off: part of the services may be on another one. */
function before(through: SeenManager): KeptStack {
  const [newest] = through.cluster.recorded
  const isWhole = through.cluster.services.every(
    ({ stack, labels }) =>
      stack === undefined ||
      labels['launchway.release'] === undefined ||
      !isOf(newest, labels) ||
      labels['launchway.release'] === newest?.release,
  )
  const release = isWhole ? newest?.previous : newest?.release
  if (release === undefined) throw unknown('there is no version before the one that runs', through)
  return keptOf(release, through)
}

function isOf(newest: Recorded | undefined, labels: Readonly<Record<string, string>>): boolean {
  return labels['launchway.app'] === newest?.kept?.app && labels['launchway.environment'] === newest?.kept?.environment
}

/** By what people call it, by its id, or by the beginning of its id or commit. */
function named(version: string, through: SeenManager): KeptStack {
  const { recorded } = through.cluster
  const current = recorded[0]?.release
  const plain = (label: string): string => label.replace(/^v(?=\d)/, '')
  const commit = version.replace(/^sha-/, '')
  const fits = (one: Recorded): boolean =>
    one.release === version ||
    plain(one.label) === plain(version) ||
    one.release.startsWith(version) ||
    one.release.endsWith(commit.slice(0, 7))
  const fitting = [...new Set(recorded.filter(fits).map(({ release }) => release))]
  const others = fitting.filter((release) => release !== current)
  const [found] = others.length > 0 ? others : fitting
  if (found === undefined) throw unknown(`the Swarm keeps no version "${version}"`, through)
  return keptOf(found, through)
}

function keptOf(release: string, through: SeenManager): KeptStack {
  const kept = through.cluster.recorded.find((one) => one.release === release && one.kept !== undefined)?.kept
  if (kept === undefined) throw unknown(`release ${release} was not kept`, through)
  return kept
}

function unknown(why: string, { host, cluster }: SeenManager): LaunchwayError {
  const all = [...new Map(cluster.recorded.map(({ release, label }) => [release, label]))].map(
    ([release, label]) => `${label} (${release})`,
  )
  return new LaunchwayError('VERSION_UNKNOWN', `${why}: nothing to roll back to`, {
    hint: `${host}: ${all.length === 0 ? 'the Swarm keeps nothing' : `the Swarm keeps ${all.join(', ')}`}\nNothing was changed. Put the version that you want live instead: launchway redeploy VERSION`,
  })
}
