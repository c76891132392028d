import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { groupedLog } from './adapters/log/stages.ts'
import { addSummary, maskOnRunner, reportBug, runnerSink, setOutput } from './adapters/log/runner.ts'
import { onSignals } from './adapters/signals.ts'
import { called } from './core/called.ts'
import { exitCodeOf, LaunchwayError, stackOf, told } from './core/error.ts'
import type { Ports } from './core/ports.ts'
import type { Release } from './core/release.ts'
import { type ActionDefinition, actions, type InputName, inputNames, inputOf, type OutputName } from './inputs.ts'
import { buildingAs, type StageName } from './core/stages.ts'
import { confirm, goBack, type Move, propose } from './moves.ts'
import { type Ran, runSteps, type Step, stepsOf, stepsUntilPush } from './pipeline.ts'
import type { Trigger } from './plan/index.ts'
import { openPorts, runUrl } from './ports.ts'

type Env = Record<string, string | undefined>

/** The door of an action step. Ends the process with the code of what failed, having said so once. */
export async function main(entry: string): Promise<void> {
  const action = actions.find((one) => one.entry === entry)
  if (action === undefined) throw new TypeError(`no action has the entry ${entry}`)
  const cancel = new AbortController()
  const log = groupedLog(runnerSink)
  const env = withInputs(process.env)
  const ports = openPorts({
    env,
    log,
    root: process.cwd(),
    evidence: join(dirname(recordPath(env)), 'launchway-evidence'),
    who: runUrl(env) ?? 'a workflow run',
    signal: cancel.signal,
    onSecret: maskOnRunner,
    github: readInput(env, 'deployments') === 'true',
  })
  onSignals(cancel, (signal) => log.info(`${signal}: what runs is being ended`), ports.close)
  let concluded = false
  try {
    const { stage } = action
    if ((stage === 'rollback' || stage === 'confirm' || stage === 'abort') && isOn(env, 'dry-run')) return await sayMove(stage, env, ports)
    if (stage === 'confirm') return await confirmWaiting(env, ports)
    if (stage === 'rollback' || stage === 'abort') return await returnHosts(stage, env, ports)
    const { release, error } = await perform(stage, env, ports)
    concluded = true
    if (error !== undefined) throw error
    if (release.outcome.state === 'nothing-to-do') log.notice(`nothing to do: ${release.outcome.message ?? ''}`)
  } catch (error) {
    process.exitCode = exitCodeOf(error)
    if (error instanceof LaunchwayError) log.error(error)
    else reportBug(stackOf(error))
    if (!concluded) await concludeWithoutRecord(action, error, env, ports)
  } finally {
    ports.close()
  }
}

async function perform(stage: StageName | undefined, env: Env, ports: Ports): Promise<Ran> {
  const path = recordPath(env)
  // Whoever wanted to look only must not find that something was done.
  const dry = isOn(env, 'dry-run')
  const steps = stage === undefined ? allSteps(env) : stepsOf(stage)
  const start = stage === undefined || stage === 'plan' ? await begin(env, ports) : await readRecord(path, ports)
  const building = { noCache: readInput(env, 'no-cache') === 'true', pull: readInput(env, 'pull') === 'true' }
  const ran = stage === 'plan' || dry ? { release: start, error: undefined } : await runSteps(steps, buildingAs(start, building), ports)
  await ports.files.write(path, `${JSON.stringify(ran.release, null, 2)}\n`)
  for (const [name, value] of Object.entries(outputsOf(ran.release, path))) await setOutput(name, value)
  const { forgetPage, keepPage, summary, tell } = await import('./report/index.ts')
  addSummary(summary(ran.release))
  const told = { comment: isOn(env, 'comment'), issue: isOn(env, 'issue'), codeScanning: isOn(env, 'code-scanning') }
  if (!dry) await tell(ran.release, told, ports)
  // What has planned, or has found that nothing is to be done here, adds nothing to the page that its summary does not say.
  if (ran.error !== undefined || !isDeepStrictEqual(ran.release, start)) await keepPage(ran.release, ports)
  else if (stage === undefined || stage === 'plan') await forgetPage(ports)
  return ran
}

/** @throws LaunchwayError USAGE for what is neither true nor false */
function isOn(env: Env, name: InputName): boolean {
  const given = readInput(env, name) ?? 'false'
  if (given === 'true' || given === 'false') return given === 'true'
  throw new LaunchwayError('USAGE', `${name} is true or false, not "${given}"`)
}

/** @throws LaunchwayError USAGE for an end that is none */
function allSteps(env: Env): readonly Step[] {
  const until = readInput(env, 'until')
  if (until === undefined) return stepsOf(undefined)
  if (until === 'push') return stepsUntilPush()
  throw new LaunchwayError('USAGE', `a release does not end at "${until}"`, {
    hint: 'until: push leaves the deploy to another job. For other stages there are actions of their own: docs/reference/actions.md.',
  })
}

function recordPath(env: Env): string {
  return readInput(env, 'release') ?? join(env['RUNNER_TEMP'] ?? tmpdir(), 'launchway', 'release.json')
}

async function returnHosts(how: 'rollback' | 'abort', env: Env, ports: Ports): Promise<void> {
  const version = readInput(env, 'version')
  const { app, environment, returned } = await goBack(how, placeOf(env), version === undefined ? {} : { version }, ports)
  await setMoved(environment.name, returned.version, returned.url ?? '')
  const { rollbackSummary } = await import('./report/index.ts')
  addSummary(rollbackSummary(app, called(returned.version, returned.release), returned, environment))
}

async function sayMove(how: Move, env: Env, ports: Ports): Promise<void> {
  const version = readInput(env, 'version')
  const { app, environment, proposal } = await propose(how, placeOf(env), version === undefined ? {} : { version }, ports)
  const { proposalTitle, showProposal } = await import('./deploy/index.ts')
  const title = proposalTitle(app, how, proposal)
  ports.log.info(showProposal(title, proposal).trimEnd())
  await setMoved(environment.name, proposal.version, proposal.url ?? '')
  const { proposalSummary } = await import('./report/index.ts')
  addSummary(proposalSummary(title, proposal.hosts))
}

async function confirmWaiting(env: Env, ports: Ports): Promise<void> {
  const { app, environment, confirmed } = await confirm(placeOf(env), ports)
  await setMoved(environment.name, confirmed.version, environment.url ?? '')
  const { confirmSummary } = await import('./report/index.ts')
  addSummary(confirmSummary(app, { ...confirmed, version: called(confirmed.version, confirmed.release) }))
}

function placeOf(env: Env): { config: string; environment: string | undefined } {
  return { config: configOf(env), environment: readInput(env, 'environment') }
}

async function setMoved(environment: string, version: string, url: string): Promise<void> {
  for (const [name, value] of Object.entries({ environment, version, url, verdict: 'passed' })) await setOutput(name, value)
}

/** Later steps of the job ask for the verdict, and people for the reason, also where nothing could be planned. */
async function concludeWithoutRecord({ name, stage }: ActionDefinition, error: unknown, env: Env, ports: Ports): Promise<void> {
  await setOutput('verdict', 'failed')
  const { failureSummary, tellNoLook } = await import('./report/index.ts')
  const { hint, ...failure } = told(error, ports.redact)
  addSummary(failureSummary(name, { ...failure, ...(hint === undefined ? {} : { evidence: hint }) }))
  if (
    stage !== undefined ||
    readInput(env, 'issue') !== 'true' ||
    readInput(env, 'dry-run') === 'true' ||
    readInput(env, 'redeploy') !== undefined
  )
    return
  // Where not even the configuration can be read, there is no issue to be found.
  const look = await rescanned(env, ports).catch(() => undefined)
  if (look !== undefined) await tellNoLook(look, failure, ports)
}

async function rescanned(env: Env, ports: Ports): Promise<{ app: string; environment: string } | undefined> {
  const { rescanOf } = await import('./plan/index.ts')
  return rescanOf(configOf(env), await triggerFrom(env), ports)
}

async function begin(env: Env, ports: Ports): Promise<Release> {
  const { showPlan, startRedeploy, startRelease } = await import('./plan/index.ts')
  const asked = await triggerFrom(env)
  const version = readInput(env, 'redeploy')
  const config = configOf(env)
  const withoutBeforeSwitch = isOn(env, 'without-before-switch')
  if (withoutBeforeSwitch && version === undefined)
    throw new LaunchwayError('USAGE', 'without-before-switch is for a version that is put live again', {
      hint: 'Name that version with the input redeploy, or leave without-before-switch out.',
    })
  const release =
    version === undefined
      ? await startRelease(config, asked, ports)
      : await startRedeploy(config, version, { ...asked, withoutBeforeSwitch }, ports)
  ports.log.info(showPlan(release))
  return release
}

/** What set the run off, with what its inputs ask for. */
async function triggerFrom(env: Env): Promise<Trigger> {
  const { triggerOf } = await import('./plan/index.ts')
  const eventPath = env['GITHUB_EVENT_PATH']
  const trigger = triggerOf(env, eventPath === undefined ? '' : readFileSync(eventPath, 'utf8'))
  const environment = readInput(env, 'environment')
  const rebuild = readInput(env, 'rebuild') === 'true'
  return { ...trigger, ...(environment === undefined ? {} : { environment }), ...(rebuild ? { rebuild } : {}) }
}

function configOf(env: Env): string {
  return readInput(env, 'config') ?? 'launchway.yml'
}

async function readRecord(path: string, ports: Ports): Promise<Release> {
  const text = (await ports.files.read(path))?.toString()
  if (text !== undefined) return (await import('./core/release.ts')).parseRelease(text, path)
  throw new LaunchwayError('RECORD_INVALID', `there is no release record at ${path}`, {
    hint: 'Run the plan action first; between jobs carry the file along as an artifact and name it with the input `release`.',
  })
}

function outputsOf(release: Release, path: string): Record<OutputName, string> {
  const { plan, build, push, outcome } = release
  const [image] = build?.images ?? []
  const repository = plan.images[0]?.repositories[0] ?? ''
  return {
    environment: plan.environment?.name ?? '',
    version: plan.version,
    digest: image?.registries[repository]?.digest ?? '',
    imageid: Object.values(image?.config ?? {})[0] ?? '',
    tags: (push?.references ?? []).map(({ reference }) => reference).join('\n'),
    metadata: JSON.stringify(build?.images ?? []),
    url: plan.environment?.url ?? '',
    verdict: outcome.state === 'nothing-to-do' ? outcome.state : outcome.state === 'failed' ? 'failed' : 'passed',
    release: path,
  }
}

/** An input is an environment variable to the runner; one that gives a secret stands in for the variable of that name. */
function withInputs(env: Env): Env {
  const given = inputNames.flatMap((name) => {
    const { secret } = inputOf(name)
    const value = readInput(env, name)
    return secret === undefined || value === undefined ? [] : [[secret, value] as const]
  })
  const username = readInput(env, 'registry-username')
  return { ...env, ...Object.fromEntries(given), ...(username === undefined ? {} : { REGISTRY_USERNAME: username }) }
}

function readInput(env: Env, name: InputName): string | undefined {
  const value = env[`INPUT_${name.toUpperCase()}`]?.trim()
  return value === undefined || value === '' ? undefined : value
}
