import { join } from 'node:path'
import { configText } from '../config/file.ts'
import { composeFiles, type Found, ignoreFiles } from '../config/gates.ts'
import { loadConfig } from '../config/load.ts'
import { resolveApp, resolveRegistries } from '../config/resolve.ts'
import { resolveImages, resolveTargets } from '../config/resolve-image.ts'
import type { Config } from '../config/schema.ts'
import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import { releaseId, repositoryKnownHosts } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { PlanSection, Registry, Release } from '../core/release.ts'
import { changes, headRef, headSha } from '../tools/git.ts'
import { defaultBranchWarning, factsFor } from './facts.ts'
import { mountedHashes } from './mounted.ts'
import { plan, sectionToRescan } from './plan.ts'
import { noStages } from './stages.ts'
import type { Redeploy } from './redeploy.ts'
import type { SteppedUp } from './step/run.ts'
import type { Trigger } from './trigger.ts'
import { serviceWarnings } from './warnings.ts'
import type { Around } from './with-project.ts'

/** Files that a message names. */
const shownChanges = 5

/** Reads the configuration and makes the record that every other stage reads. */
export async function startRelease(configFile: string, trigger: Trigger, ports: Ports): Promise<Release> {
  // Each commit is judged by what it holds itself.
  const there = trigger.supposed === true ? await (await import('./elsewhere.ts')).filesAt(trigger, configFile, ports) : ports
  const config = await readConfig(configFile, there)
  if (there !== ports) (await import('./elsewhere.ts')).warnOfBeside(config, ports)
  const [files, facts] = await Promise.all([findFiles(there), factsFor(config, trigger, ports)])
  const found = { ...files, facts }
  for (const warning of await overlookedExceptions(config, files, there)) ports.log.warning(warning)
  const decided = plan(config, trigger, found)
  const rescanned = sectionToRescan(config, trigger, decided, found)
  if (rescanned !== undefined) return startRescan(resolveApp(config), rescanned, { supposed: trigger.supposed === true }, ports)
  const planned = await withFiles(decided, { config, file: configFile }, ports)
  const isProposal = trigger.event === 'pull_request' && planned.stages['build'].run
  const whole = isProposal ? await (await import('./proposed.ts')).withProposed(planned, { config, file: configFile }, ports) : planned
  const section = { ...whole, ...(await mountedHashes(whole.environment, ports)) }
  const unknown = defaultBranchWarning(config, trigger, facts) ?? []
  for (const warning of [unknown, serviceWarnings(config, section.environment?.name)].flat()) ports.log.warning(warning)
  const { now = ports.clock.now() } = facts
  const nothing = !section.stages['build']?.run
  return {
    version: 1,
    id: releaseId(now, trigger.sha),
    app: resolveApp(config),
    created: now.toISOString(),
    outcome: nothing ? { state: 'nothing-to-do', message: section.stages['build']?.reason ?? '' } : { state: 'running' },
    plan: section,
  }
}

/**
 * The plan with what other files than launchway.yml say: bake's, compose's, those of a stack. Most people have none, and
 * what reads them is a large part of this room.
 */
async function withFiles(decided: PlanSection, { config, file }: Pick<Around, 'config' | 'file'>, ports: Ports): Promise<PlanSection> {
  const { stages } = decided
  const bakes = stages['build'].run && resolveTargets(config).size > 0
  const baked = bakes ? await (await import('./baked.ts')).withBaked(decided, config, ports) : decided
  const { environment } = baked
  if (environment === undefined) return baked
  const composed = { ...baked, environment: await withCompose(environment, { config, file, ...baked }, 'images', ports) }
  if (environment.swarm === undefined || !stages['deploy'].run) return composed
  return (await import('./stack/index.ts')).withStack(resolveApp(config), composed, ports)
}

async function withCompose(
  environment: Environment,
  around: Around,
  needed: Exclude<Needed, 'nothing'>,
  ports: Ports,
): Promise<Environment> {
  if (around.config.environments?.[environment.name]?.compose === undefined) return environment
  const { withProject, withServices } = await import('./with-project.ts')
  return needed === 'images' ? withProject(environment, around, ports) : withServices(environment, around, ports)
}

async function startRescan(app: string, section: PlanSection, how: { supposed: boolean }, ports: Ports): Promise<Release> {
  const { planRescan } = await import('./rescan.ts')
  const start = await planRescan({ app, section, ...how }, ports)
  if (typeof start !== 'string') return start
  const now = ports.clock.now()
  const stages = noStages(start)
  const outcome = { state: 'nothing-to-do' as const, message: start }
  return { version: 1, id: releaseId(now, section.sha), app, created: now.toISOString(), outcome, plan: { ...section, stages } }
}

/**
 * How much of a compose project is asked for. `nothing`: where the hosts are and what is kept there, which needs neither
 * compose nor a registry; services and accessories are none then. `services`: as the files have them, with no registry.
 */
type Needed = 'nothing' | 'services' | 'images'

/**
 * Where somebody looks who releases nothing: no commit is needed for that.
 * @param name the environment that was asked for; without one the only one there is, else the one that the branch leads to
 */
export async function findEnvironment(
  configFile: string,
  name: string | undefined,
  ports: Ports,
  needed: Needed = 'nothing',
): Promise<{ app: string; environment: Environment; repositories: [string, ...string[]]; registries: Registry[] }> {
  const config = await readConfig(configFile, ports)
  const environment = await environmentOf(config, configFile, await askedAtTerminal(config, name, ports), needed, ports)
  const [repository = '', ...others] = resolveImages(config).flatMap(({ repositories }) => repositories)
  return { app: resolveApp(config), environment, repositories: [repository, ...others], registries: resolveRegistries(config) }
}

/** What becomes of an environment that runs its services in another way: @see stepUp */
export async function findStep(configFile: string, name: string | undefined, wanted: string, ports: Ports): Promise<SteppedUp> {
  const config = await readConfig(configFile, ports)
  const { environment } = await askedAtTerminal(config, name, ports)
  if (environment !== undefined) return (await import('./step/run.ts')).stepUp(config, environment, wanted, ports)
  throw new LaunchwayError('USAGE', 'which environment?', {
    hint: `Name one with --environment: ${Object.keys(config.environments ?? {}).join(', ') || 'launchway.yml has none'}`,
  })
}

/** Where the images of a configuration are, and how many releases its environments keep. */
export async function findRepositories(
  configFile: string,
  ports: Ports,
): Promise<{ repositories: string[]; registries: Registry[]; keep: Map<string, number> }> {
  const config = await readConfig(configFile, ports)
  return {
    repositories: resolveImages(config).flatMap(({ repositories }) => repositories),
    registries: resolveRegistries(config),
    keep: new Map(Object.entries(config.environments ?? {}).map(([name, { keep = 5 }]) => [name, keep])),
  }
}

/**
 * The record of a release that puts an earlier version live again; or of nothing to do, where the event is one that releases nothing.
 * @param asked what set the run off, whose branch or environment says where; or what somebody at a terminal named
 * @throws LaunchwayError VERSION_UNKNOWN, and USAGE where it is not clear where to
 */
export async function startRedeploy(
  configFile: string,
  version: string,
  asked: (Trigger | { environment: string | undefined }) & Partial<Pick<Redeploy, 'withoutBeforeSwitch'>>,
  ports: Ports,
): Promise<Release> {
  const config = await readConfig(configFile, ports)
  const trigger = 'event' in asked ? asked : await askedAtTerminal(config, asked.environment, ports)
  // Whatever its job asks for: what was deleted or closed names a commit that nobody meant.
  if (trigger.idle !== undefined) return startRelease(configFile, trigger, ports)
  const environment = await environmentOf(config, configFile, trigger, 'images', ports)
  const [repository = '', ...others] = resolveImages(config).flatMap(({ repositories }) => repositories)
  const { planRedeploy } = await import('./redeploy.ts')
  return planRedeploy(
    {
      app: resolveApp(config),
      environment,
      event: trigger.event,
      ...(trigger.event === 'push' ? { pushed: trigger } : {}),
      version,
      repositories: [repository, ...others],
      registries: resolveRegistries(config),
      withoutBeforeSwitch: asked.withoutBeforeSwitch === true,
    },
    ports,
  )
}

/** Which environment somebody at a terminal means who may have named one. No commit is needed for that. */
async function askedAtTerminal({ environments = {} }: Config, name: string | undefined, ports: Ports): Promise<Trigger> {
  const names = Object.keys(environments)
  const wanted = name ?? (names.length === 1 ? names[0] : undefined)
  const ref = wanted === undefined ? await ports.exec.read(headRef(ports.root)).catch(() => undefined) : undefined
  return { event: 'local', sha: '', ...(ref === undefined ? {} : { ref }), ...(wanted === undefined ? {} : { environment: wanted }) }
}

async function environmentOf(config: Config, configFile: string, trigger: Trigger, needed: Needed, ports: Ports): Promise<Environment> {
  const [files, facts] = await Promise.all([findFiles(ports), factsFor(config, trigger, ports)])
  const { environment, stages, images, registries } = plan(config, trigger, { ...files, facts })
  if (environment !== undefined) {
    if (needed !== 'nothing') return withCompose(environment, { config, file: configFile, images, registries }, needed, ports)
    // Where no service names them they are asked for here, so that they are known to whoever redacts.
    const said = environment.services.length === 0 ? config.environments?.[environment.name] : undefined
    const names = [said, ...Object.values(said?.services ?? {})].flatMap((one) => one?.secrets ?? [])
    for (const name of new Set(names)) ports.secret(name)
    return environment
  }
  const names = Object.keys(config.environments ?? {})
  throw new LaunchwayError('USAGE', 'which environment?', {
    hint: `Name one with --environment: ${names.join(', ') || 'launchway.yml has none'} (${stages['deploy'].reason})`,
  })
}

/**
 * A stage alone builds what is found here, in the name of what was planned: both must be the same.
 * @throws LaunchwayError USAGE
 */
export async function requireSameTree({ plan: planned }: Release, ports: Ports): Promise<void> {
  // Where a runner made the record, what is checked out may be called otherwise: a pull request's merge, for one.
  if (planned.event !== 'local') return
  const sha = await ports.exec.read(headSha(ports.root))
  const changed = await ports.exec.read(changes(ports.root))
  const dirty = changed !== ''
  const moved =
    sha !== planned.sha
      ? `${planned.sha.slice(0, 7)} was planned, and ${sha.slice(0, 7)} is checked out`
      : dirty === (planned.dirty ?? false)
        ? undefined
        : dirty
          ? 'files were changed since the plan'
          : 'the plan was made with changed files, which are as committed now'
  if (moved !== undefined) {
    throw new LaunchwayError('USAGE', `this is not what was planned: ${moved}`, {
      hint: ['Run `launchway plan` again, or `launchway run`.', ...changed.split('\n').slice(0, shownChanges)].join('\n').trim(),
    })
  }
}

/**
 * A stage alone goes by the plan, whatever launchway.yml has said since: who has just changed it is told. Not of the record
 * of a runner, where what is checked out is younger than the plan.
 */
export async function warnOfChanges(
  configFile: string,
  { created, plan: { event } }: Pick<Release, 'created'> & { plan: Pick<PlanSection, 'event'> },
  { files, root, log }: Pick<Ports, 'files' | 'root' | 'log'>,
): Promise<void> {
  const changed = event === 'local' ? (await files.stat(join(root, configFile)))?.modified : undefined
  if (changed === undefined || changed <= Date.parse(created)) return
  log.warning(
    `${configFile} has changed since launchway plan of ${created.slice(0, 16).replace('T', ' ')} UTC, and the plan's rules count: run launchway plan again for those of now.`,
  )
}

/** What the repository has of the files that need no mention in the configuration. */
export async function findFiles({ files, root }: Ports): Promise<Found & { knownHosts?: string }> {
  const first = async (names: readonly string[]): Promise<string | undefined> => {
    for (const name of names) if ((await files.read(join(root, name))) !== undefined) return name
    return undefined
  }
  const [knownHosts, compose, ignoreFile] = await Promise.all([first([repositoryKnownHosts]), first(composeFiles), first(ignoreFiles)])
  return {
    ...(knownHosts === undefined ? {} : { knownHosts }),
    ...(compose === undefined ? {} : { compose }),
    ...(ignoreFile === undefined ? {} : { ignoreFile }),
  }
}

/** Of two lists of exceptions Trivy is given one: what stands in the other lets nothing pass, and nobody would say so. */
async function overlookedExceptions({ scan }: Config, { ignoreFile }: Found, { files, root }: Ports): Promise<string[]> {
  if (scan === false || scan?.['ignore-file'] !== undefined || ignoreFile === undefined) return []
  const rest = ignoreFiles.slice(ignoreFiles.findIndex((name) => name === ignoreFile) + 1)
  const texts = await Promise.all(rest.map(async (name) => ({ name, text: (await files.read(join(root, name)))?.toString() ?? '' })))
  return texts
    .filter(({ text }) => /^\s*[^\s#]/m.test(text))
    .map(
      ({ name }) =>
        `${ignoreFile} alone counts: ${name} beside it is overlooked. Move what stands in it to ${ignoreFile} and remove it, or name one of them: scan.ignore-file.`,
    )
}

export async function readConfig(configFile: string, ports: Ports): Promise<Config> {
  const text = await configText(configFile, ports)
  if (text !== undefined) return loadConfig(text, configFile)
  throw new LaunchwayError('CONFIG_INVALID', `there is no ${configFile} here`, {
    hint: 'The least that works:\n  image: ghcr.io/team/app\n  branches: { main: production }\n  environments:\n    production: { host: deploy@example.org, port: 5000, publish: 80 }',
    place: { file: configFile },
  })
}
