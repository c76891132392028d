import { whereReached } from './core/addresses.ts'
import { called } from './core/called.ts'
import { LaunchwayError } from './core/error.ts'
import type { Ports } from './core/ports.ts'
import type { PlanSection, Release } from './core/release.ts'
import type { Operation, OperatingVerb } from './deploy/operate/index.ts'
import { buildingAs, type StageName } from './core/stages.ts'
import type { InitOptions } from './init/index.ts'
import { ending, isPlanned, tested } from './endings.ts'
import { confirm, goBack, type Move, propose } from './moves.ts'
import { runSteps, stepsOf } from './pipeline.ts'
import type { Wish } from './smoke/index.ts'
import { buttons, type Verb } from './verbs.ts'

/** What was asked for on the command line. */
export interface Asked {
  verb: Verb
  /** What follows the verb, where it takes something. */
  argument: string
  config: string
  environment?: string
  /** Over what a version declares. */
  force: boolean
  ref?: string
  /** Whatever is known. */
  rebuild: boolean
  /** Another way to run the services of an environment, only to be told of. */
  as?: string
  /** Of a run that is not to be, only to be told of. */
  event?: string
  base?: string
  release: string
  /** For the verbs that operate what runs. */
  operation: Omit<Operation, 'argument' | 'json' | 'streams' | 'isTerminal'>
  smoke: Wish & { down: boolean; watch: boolean }
  build: NonNullable<PlanSection['build']>
  /** Say what would happen, and do nothing. */
  dry: boolean
  /** Of a version that is put live again: leave out the command before the switch. */
  withoutBeforeSwitch: boolean
  doctor: { offline: boolean; fix: boolean }
  /** For init alone; the rest of what it takes stands above. */
  init: Omit<InitOptions, 'config' | 'yes' | 'force' | 'dryRun'>
  json: boolean
  debug: boolean
}

/** What a verb comes to. */
export interface Answer {
  text: string
  /** The same, for `--json`; undefined where that has been written already. */
  json: unknown
  /** What it failed of all the same. */
  error?: Error | undefined
  /** The exit code, where the answer tells all failures by itself. */
  exit?: number
}
/** What each verb that is there does. */
export const answers: Partial<Record<Verb, (asked: Asked, ports: Ports) => Promise<Answer>>> = {
  plan: planned,
  run: (asked, ports) => release(asked, undefined, ports),
  build: (asked, ports) => release(asked, 'build', ports),
  smoke,
  scan: (asked, ports) => release(asked, 'scan', ports),
  push: (asked, ports) => release(asked, 'push', ports),
  deploy: (asked, ports) => release(asked, 'deploy', ports),
  redeploy,
  status: operate('status'),
  recreate,
  rollback: (asked, ports) => (asked.dry ? proposed(asked, ports, 'rollback') : returnHosts(asked, ports, 'rollback')),
  abort: (asked, ports) => (asked.dry ? proposed(asked, ports, 'abort') : returnHosts(asked, ports, 'abort')),
  confirm: (asked, ports) => (asked.dry ? proposed(asked, ports, 'confirm') : confirmWaiting(asked, ports)),
  maintenance,
  report,
  // Looking at what runs, and operating it.
  history: operate('history'),
  logs: operate('logs'),
  exec: operate('exec'),
  stop: operate('stop'),
  start: operate('start'),
  remove: operate('remove'),
  lock: operate('lock'),
  unlock: operate('unlock'),
  prune: (asked, ports) => (asked.operation.registry ? pruneRegistries(asked, ports) : operate('prune')(asked, ports)),
  env: operate('env'),
  hosts: operate('hosts'),
  scale: operate('scale'),
  drain: operate('drain'),
  activate: operate('activate'),
  show,
  doctor: examine,
  init: initialise,
}

async function initialise({ config, init, force, dry, operation: { yes } }: Asked, ports: Ports): Promise<Answer> {
  const { init: write, showInitialised } = await import('./init/index.ts')
  const done = await write({ ...init, config, force, yes, dryRun: dry }, ports)
  return { text: showInitialised(done, dry), json: done }
}

function operate(verb: OperatingVerb): (asked: Asked, ports: Ports) => Promise<Answer> {
  return async ({ argument, config, environment: name, operation, json }, ports) => {
    const [{ findEnvironment }, deploy] = await Promise.all([import('./plan/index.ts'), import('./deploy/operate/index.ts')])
    // What a deploy from here would change is said of what it would run.
    const target = await findEnvironment(config, name, ports, verb === 'env' ? 'services' : 'nothing')
    const { stdin, stdout, stderr } = process
    const streams = { input: stdin.isTTY || verb !== 'exec' ? undefined : stdin, output: stdout, errors: stderr }
    return deploy.operate(verb, target, { ...operation, argument, json, streams, isTerminal: stdout.isTTY }, ports)
  }
}

async function pruneRegistries({ config, environment, operation }: Asked, ports: Ports): Promise<Answer> {
  const { host, more = '10', yes } = operation
  if (host !== undefined || environment !== undefined)
    throw new LaunchwayError('USAGE', 'launchway prune --registry is about all environments, and about no host', {
      hint: `Without --registry it is ${host === undefined ? 'the environment' : 'the host'} that is pruned.`,
    })
  if (!/^\d{1,6}$/.test(more)) throw new LaunchwayError('USAGE', `--more takes a whole number, not "${more}"`, {})
  const [{ findRepositories }, { pruneRegistries: prune }] = await Promise.all([import('./plan/index.ts'), import('./push/index.ts')])
  return prune(await findRepositories(config, ports), { more: Number(more), yes }, ports)
}

async function show({ config, argument, environment }: Asked, ports: Ports): Promise<Answer> {
  const [{ findRecord }, { showRecord }] = await Promise.all([import('./plan/index.ts'), import('./report/index.ts')])
  const { record, beside } = await findRecord(config, argument, environment, ports)
  return { text: showRecord(record, beside), json: { ...record, beside } }
}

async function examine({ config, environment, operation: { host }, doctor: wish, release: record }: Asked, ports: Ports): Promise<Answer> {
  const { doctor, showReport } = await import('./doctor/index.ts')
  const found = await doctor({ config, environment, host, record, ...wish }, ports)
  return { text: showReport(found), json: found, exit: found.counts.error > 0 ? 1 : 0 }
}

async function planned(asked: Asked, ports: Ports): Promise<Answer> {
  if (asked.as !== undefined) {
    const { findStep, showFindings: show } = await import('./plan/index.ts')
    const found = await findStep(asked.config, asked.environment, asked.as, ports)
    return { text: `${show(found.environment, found.to, found.findings)}\n`, json: found }
  }
  const { showPlan, startRelease, supposedTrigger } = await import('./plan/index.ts')
  if (asked.event !== undefined) {
    const supposed = await startRelease(asked.config, await supposedTrigger(asked.event, asked, ports), ports)
    if (asked.event === 'workflow_dispatch') ports.log.notice(`that is a button which releases a branch or tag; of the others: ${buttons}`)
    return { text: `${showPlan(supposed)}\n`, json: supposed }
  }
  const start = await begin(asked, ports)
  await save(asked.release, start, ports)
  return { text: `${showPlan(start)}\n`, json: start }
}

/** @param stage to run alone; the whole pipeline without one */
async function release(asked: Asked, stage: StageName | undefined, ports: Ports): Promise<Answer> {
  const start = stage === undefined ? await begin(asked, ports) : await readRecord(asked.release, ports)
  if (stage === 'build') await (await import('./plan/index.ts')).requireSameTree(start, ports)
  if (stage === 'scan') await (await import('./plan/index.ts')).warnOfChanges(asked.config, start, ports)
  return perform(asked, stage, buildingAs(start, asked.build), ports)
}

async function smoke(asked: Asked, ports: Ports): Promise<Answer> {
  const { down, watch, ...wish } = asked.smoke
  if (watch) return watched(asked, ports)
  const { smoke: test, takeDownKept } = await import('./smoke/index.ts')
  if (down) {
    const projects = await takeDownKept(ports)
    return { text: projects.length === 0 ? 'nothing was kept from here\n' : `taken down: ${projects.join(', ')}\n`, json: { projects } }
  }
  const start = await readRecord(asked.release, ports)
  if (start.outcome.state === 'nothing-to-do') return { text: `nothing to do: ${start.outcome.message ?? ''}\n`, json: start }
  const steps = stepsOf('smoke').map((step) => ({
    ...step,
    run: async (...of: Parameters<typeof step.run>) => ({ smoke: await test(...of, wish) }),
  }))
  const { release: record, error } = await runSteps(steps, start, ports)
  // Some of the checks, or another stack than was planned, are not the test: the record goes on saying what that said.
  if (isPlanned(wish)) await save(asked.release, record, ports)
  return { text: error === undefined ? tested(record, wish, asked.release) : '', json: record, error }
}

async function watched({ config, smoke: wish }: Asked, ports: Ports): Promise<Answer> {
  const { showWatched, watchRounds } = await import('./rounds/index.ts')
  const { rounds, error } = await watchRounds(config, wish, ports)
  return { ...showWatched({ rounds, error }), json: { rounds } }
}

async function redeploy(asked: Asked, ports: Ports): Promise<Answer> {
  const { showPlan, startRedeploy } = await import('./plan/index.ts')
  const { withoutBeforeSwitch } = asked
  const start = await startRedeploy(asked.config, asked.argument, { environment: asked.environment, withoutBeforeSwitch }, ports)
  if (asked.dry) return { text: `${showPlan(start)}\n`, json: start }
  return perform(asked, undefined, start, ports)
}

async function perform(asked: Asked, stage: StageName | undefined, start: Release, ports: Ports): Promise<Answer> {
  ports.log.info((await import('./plan/index.ts')).showPlan(start))
  if (start.outcome.state === 'nothing-to-do') {
    await save(asked.release, start, ports)
    return { text: `nothing to do: ${start.outcome.message ?? ''}\n`, json: start }
  }
  const ran = await runSteps(stepsOf(stage), start, ports)
  const page = await save(asked.release, ran.release, ports)
  const where = [`record: ${asked.release}`, ...(page === undefined ? [] : [`report: ${page}`])].join('\n')
  if (ran.error === undefined) return { text: `${ending(ran.release)}\n${where}\n`, json: ran.release }
  ports.log.info(where)
  return { text: '', json: ran.release, error: ran.error }
}

async function report(asked: Asked, ports: Ports): Promise<Answer> {
  const [{ keepPage, summary }, record] = [await import('./report/index.ts'), await readRecord(asked.release, ports)]
  const page = await keepPage(record, ports)
  if (page !== undefined) ports.log.info(`as a page: ${page}`)
  return { text: summary(record), json: record }
}

async function begin(asked: Asked, ports: Ports): Promise<Release> {
  const { localTrigger, startRelease } = await import('./plan/index.ts')
  return startRelease(asked.config, await localTrigger(asked, ports), ports)
}

async function returnHosts(asked: Asked, ports: Ports, how: 'rollback' | 'abort'): Promise<Answer> {
  const { argument, force } = asked
  const { app, environment, returned } = await goBack(how, asked, { force, ...(argument === '' ? {} : { version: argument }) }, ports)
  const at = returned.url ?? whereReached(environment)
  return {
    text: `${app} is back at ${called(returned.version, returned.release)} in ${environment.name}${at === undefined ? '' : `: ${at}`}\n`,
    json: returned,
  }
}

async function proposed(asked: Asked, ports: Ports, how: Move): Promise<Answer> {
  const { argument, force } = asked
  const { app, proposal } = await propose(how, asked, { force, ...(argument === '' ? {} : { version: argument }) }, ports)
  const { proposalTitle, showProposal } = await import('./deploy/index.ts')
  return { text: showProposal(proposalTitle(app, how, proposal), proposal), json: proposal }
}

async function recreate(asked: Asked, ports: Ports): Promise<Answer> {
  const [{ findEnvironment }, { recreate: replace, showRecreated }] = await Promise.all([
    import('./plan/index.ts'),
    import('./deploy/index.ts'),
  ])
  const recreated = await replace(await findEnvironment(asked.config, asked.environment, ports, 'images'), asked.argument, ports)
  return { text: `${showRecreated(recreated)}\n`, json: recreated }
}

async function confirmWaiting(asked: Asked, ports: Ports): Promise<Answer> {
  const { app, environment, confirmed } = await confirm(asked, ports)
  const already = confirmed.hosts.length === 0 ? ' already: nothing waited' : ''
  return { text: `${app} ${called(confirmed.version, confirmed.release)} is confirmed in ${environment.name}${already}\n`, json: confirmed }
}

async function maintenance(asked: Asked, ports: Ports): Promise<Answer> {
  const wanted = asked.argument
  if (wanted !== 'on' && wanted !== 'off')
    throw new LaunchwayError('USAGE', `launchway maintenance takes on or off, not "${wanted}"`, { hint: 'See: launchway --help' })
  const [{ findEnvironment }, { maintain }] = await Promise.all([import('./plan/index.ts'), import('./deploy/index.ts')])
  const { app, environment } = await findEnvironment(asked.config, asked.environment, ports)
  const hosts = await maintain(app, environment, wanted, ports)
  const says = wanted === 'on' ? 'visitors get the maintenance page' : 'is open again'
  return { text: `${app} in ${environment.name}: ${says} (${hosts.map(({ host }) => host).join(', ')})\n`, json: hosts }
}

async function readRecord(path: string, ports: Ports): Promise<Release> {
  const text = (await ports.files.read(path))?.toString()
  if (text !== undefined) return (await import('./core/release.ts')).parseRelease(text, path)
  throw new LaunchwayError('RECORD_INVALID', `there is no release record at ${path}`, {
    hint: 'Run `launchway plan` first, or name the record with --release.',
  })
}

/** With its page, so that the two never tell of different runs. @returns where the page stands, if it could be kept */
async function save(path: string, record: Release, ports: Ports): Promise<string | undefined> {
  await ports.files.write(path, json(record))
  return (await import('./report/index.ts')).keepPage(record, ports)
}

/** Ends with a newline, as a file of text does. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
