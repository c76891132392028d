import type { Environment } from '../../core/deployment.ts'
import { LaunchwayError } from '../../core/error.ts'
import type { JournalLine } from '../../core/journal.ts'
import type { Ports } from '../../core/ports.ts'
import { parseRepository } from '../../core/reference.ts'
import type { DeployedHost, DeploySection, Release } from '../../core/release.ts'
import { section } from '../../core/stages.ts'
import type { Stack, Swarm } from '../../core/stack.ts'
import { loginsTo } from '../secrets.ts'
import { requireSignatures } from '../verify.ts'
import { stackFile } from './file.ts'
import type { KeptStack } from './kept.ts'
import { lookThroughAny, type SeenManager, type Target } from './look.ts'
import { objectsOf, valuesFor } from './objects.ts'
import { performOn } from './perform.ts'
import { planStack, refuseUnfitSwarm, saltOf, type StackToRun } from './plan.ts'

/** Seconds before each look for another manager, once the one that was at it has gone: a Swarm chooses a leader first. */
const waits = [3, 5, 10, 15, 20]

/** Puts the release of the record live on a Swarm, through the first of its managers that can be reached. */
export async function deployStack(release: Release, environment: Environment, swarm: Swarm, ports: Ports): Promise<DeploySection> {
  const started = ports.clock.elapsed()
  const target = { app: release.app, environment, swarm }
  const built = builtFor(release, stackOf(swarm))
  const values = valuesFor(stackOf(swarm), environment.name, ports)
  const images = new Map([...built].map(([name, { reference, platforms }]) => [name, { reference, bytes: 0, platforms }]))
  await requireSignatures({ environment, images: onlyBuilt(images, stackOf(swarm)) }, release.plan.registries, ports)
  const bring = async (through: SeenManager): Promise<{ lines: JournalLine[]; host: DeployedHost }> => {
    const run = await stackToRun(release, target, { through, values, built }, ports)
    const platforms = new Map([...built].map(([name, image]) => [name, image.platforms]))
    refuseUnfitSwarm(target, through, platforms, repositoriesOf(release))
    return bringTo(target, through, run, 'deploy', ports)
  }
  const { host } = await throughSome(target, bring, ports)
  return {
    environment: environment.name,
    ...(environment.url === undefined ? {} : { url: environment.url }),
    hosts: [host],
    ms: ports.clock.elapsed() - started,
  }
}

/**
 * Does it through a manager; when that goes away in the middle, once more through another. What has been done is found done.
 */
export async function throughSome<T>(target: Target, work: (through: SeenManager) => Promise<T>, ports: Ports): Promise<T> {
  let gone: string | undefined
  try {
    await using through = await lookThroughAny(target, ports)
    gone = through.host
    return await work(through)
  } catch (error) {
    if (gone === undefined || !(error instanceof LaunchwayError) || !['DEPLOY_UNKNOWN', 'SSH_UNREACHABLE'].includes(error.code)) throw error
    if (target.environment.hosts.length === 1) throw error
    ports.log.warning(`${error.message}; it is taken up through another manager`)
    return await goOn(target, gone, work, error, ports)
  }
}

async function goOn<T>(
  target: Target,
  gone: string,
  work: (through: SeenManager) => Promise<T>,
  cause: LaunchwayError,
  ports: Ports,
): Promise<T> {
  for (const seconds of waits) {
    await ports.clock.sleep(seconds * 1000, ports.signal)
    try {
      await using through = await lookThroughAny(target, ports, gone)
      return await work(through)
    } catch (error) {
      // Without a leader a Swarm answers nothing for some seconds.
      const isOver =
        error instanceof LaunchwayError &&
        error.code === 'HOST_UNFIT' &&
        /leader|does not answer/.test(`${error.message}${error.hint ?? ''}`)
      if (!isOver) throw error
      ports.log.info(error.message)
    }
  }
  throw cause
}

/** Has the cluster run a version, and waits until it does. */
export async function bringTo(
  target: Target,
  through: SeenManager,
  run: StackToRun,
  did: 'deploy' | 'rollback',
  ports: Ports,
): Promise<{ lines: JournalLine[]; host: DeployedHost }> {
  const started = ports.clock.elapsed()
  const { kept } = run
  const { calls, parcels, notes, retired } = planStack(target, through, run, { did, by: ports.who, now: ports.clock.now() })
  for (const note of notes) ports.log.info(`${through.host}: ${note}`)
  const lines = await performOn(through, target, { release: kept.release, version: kept.label, did, calls, parcels }, ports)
  const doneOf = (service: string): JournalLine | undefined =>
    lines.findLast((line) => line.step === 'healthy' && line.state === 'done' && line.service === service)
  const before = through.cluster.recorded[0]
  const previous = before?.release === kept.release ? before.previous : before?.release
  const ms = lines.findLast((line) => line.step === 'healthy' && line.state === 'done' && line.service === undefined)?.ms ?? 0
  const host: DeployedHost = {
    host: through.host,
    slot: 'a',
    services: Object.entries(kept.images).map(([name, reference]) => ({
      name,
      container: `${target.swarm.name}_${name}`,
      reference,
      health: doneOf(name)?.note ?? 'ran once, before the others',
      ms,
    })),
    downtimeMs: 0,
    stopped: retired,
    ...(previous === undefined ? {} : { previous }),
    ms: ports.clock.elapsed() - started,
  }
  return { lines, host }
}

async function stackToRun(
  release: Release,
  { environment, swarm }: Target,
  { through, values, built }: { through: SeenManager; values: StackToRun['values']; built: ReadonlyMap<string, { reference: string }> },
  ports: Ports,
): Promise<StackToRun> {
  const stack = stackOf(swarm)
  const salt = saltOf(through)
  const objects = await objectsOf(stack, { name: swarm.name, environment: environment.name, salt, values }, ports)
  const images = new Map([...built].map(([name, { reference }]) => [name, reference]))
  const of = { images, objects, release: release.id }
  const kept: KeptStack = {
    version: 1,
    release: release.id,
    app: release.app,
    environment: environment.name,
    label: release.plan.version,
    sha: release.plan.sha,
    salt,
    file: stackFile(stack, of),
    variables: stack.variables,
    images: Object.fromEntries(images),
    configs: objects.filter(({ kind }) => kind === 'config').map(({ name }) => name),
    secrets: objects.filter(({ kind }) => kind === 'secret').map(({ name }) => name),
    ...(environment.noReturn === undefined ? {} : { noReturn: environment.noReturn }),
  }
  const hosts = new Set([...images.values()].map((reference) => parseRepository(reference).host))
  return {
    kept,
    values,
    objects,
    once: stack.once.map((service) => ({ service, file: stackFile(stack, of, [service]) })),
    logins: await loginsTo(hosts, release.plan.registries, ports),
  }
}

/** By service, what it runs: by digest. */
function builtFor(release: Release, stack: Stack): Map<string, { reference: string; platforms: string[] }> {
  const built = section(release, 'build')
  return new Map(
    Object.entries(stack.images).map(([service, image]) => {
      if ('pulled' in image) return [service, { reference: image.pulled, platforms: [] }]
      const planned = release.plan.images.find(({ name }) => name === image.built)
      const found = built.images.find(({ name }) => name === image.built)
      const [repository = ''] = planned?.repositories ?? []
      const digest = found?.registries[repository]?.digest
      if (found === undefined || digest === undefined)
        throw new LaunchwayError('RECORD_INVALID', `the record does not say where ${image.built} was pushed`, {
          hint: 'Run the push stage first: nodes pull from the registry.',
        })
      return [service, { reference: `${repository}@${digest}`, platforms: Object.keys(found.config) }]
    }),
  )
}

function onlyBuilt<T>(images: ReadonlyMap<string, T>, stack: Stack): Map<string, T> {
  return new Map([...images].filter(([service]) => 'built' in (stack.images[service] ?? {})))
}

function repositoriesOf({ plan }: Release): [string, ...string[]] {
  const [first = '', ...others] = plan.images.flatMap(({ repositories }) => repositories)
  return [first, ...others]
}

/** @throws LaunchwayError RECORD_INVALID */
function stackOf({ stack }: Swarm): Stack {
  if (stack !== undefined) return stack
  throw new LaunchwayError('RECORD_INVALID', 'the record has no stack: it was planned without one', { hint: 'Run the plan stage again.' })
}
