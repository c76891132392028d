import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { SmokeCheck, SmokePlan } from '../core/gates.ts'
import { smokeProject } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { Release, SmokeSection } from '../core/release.ts'
import { showMs } from '../core/units.ts'
import type { Stack } from '../tools/compose.ts'
import { differs, type Present, presentImages } from './candidates.ts'
import { askAll } from './ask.ts'
import { checksFailed } from './checks.ts'
import { removeLeftovers, takeDown } from './clean.ts'
import { logOf } from './evidence.ts'
import { type Prepared, prepare } from './plan.ts'
import { projectDirectory, render } from './render.ts'
import { hiding, secretNamesOf, secretsOf } from './secrets.ts'
import { Dead, make, settle, start, throwIfDead, unhealthy } from './stack.ts'
import type { Checked } from './standing.ts'
import { step, type Step } from './step.ts'
import { serviceOf, shownState } from './verdict.ts'
import { type Watch, watch } from './watch.ts'

/** How long somebody may need to listen on a port that is published. */
const portMs = 30_000

/**
 * Brings up the stack of the compose files with the images that were just built, asks it what the plan asks, and takes
 * it down again, whatever happens.
 * @throws LaunchwayError SMOKE_UNHEALTHY or SMOKE_CHECK_FAILED with evidence and the section, CONFIG_INVALID for files
 * that cannot be tested, DIGEST_MISMATCH when something else ran than was built
 */
export async function smoke(release: Release, ports: Ports): Promise<SmokeSection> {
  const { smoke: plan } = release.plan
  if (plan === undefined) {
    throw new LaunchwayError('RECORD_INVALID', 'the release record has no plan for the smoke test', {
      hint: 'Run the plan stage again: it writes the record anew.',
    })
  }
  const started = ports.clock.elapsed()
  // Says what to do where there is no engine.
  await ports.engine.info()
  await removeLeftovers(ports)
  const rendered = await render(plan, ports)
  const candidates = await presentImages(release, ports)
  const root = resolve(ports.root)
  const project = smokeProject(release.app, randomBytes(4).toString('hex'))
  const prepared = prepare(rendered, { plan, candidates, root, project, owner: ports.self.id })
  const stack: Stack = { project, directory: projectDirectory(plan, root), file: prepared.file }
  if (plan.checks.some(({ kind }) => kind === 'script')) for (const name of secretNamesOf(release)) ports.secret(name)
  const hide = hiding(secretsOf(rendered, plan.env), ports.redact)
  for (const [service, { reference }] of prepared.ours) ports.log.info(`${service}: ${reference}`)
  // A service's log goes through this one: what it repeats of the rendered file is not for everybody.
  const quiet: Ports = { ...ports, redact: hide, log: { ...ports.log, info: (line) => ports.log.info(hide(line)) } }
  try {
    return await test({ plan, prepared, candidates, stack, started, ports: quiet })
  } finally {
    await takeDown(stack, ports)
  }
}

interface Test {
  plan: SmokePlan
  prepared: Prepared
  candidates: readonly Present[]
  stack: Stack
  started: number
  ports: Ports
}

async function test({ plan, prepared, candidates, stack, started, ports }: Test): Promise<SmokeSection> {
  const { clock, log } = ports
  using seen = await watch(stack.project, prepared.mustEnd, ports)
  const stop = new AbortController()
  const signal = AbortSignal.any([ports.signal, stop.signal])
  seen
    .until(({ kind }) => kind === 'dead', signal)
    .then(() => throwIfDead(seen))
    .catch((error: unknown) => stop.abort(error))
  const checked: Checked[] = []
  const steps: Step[] = []
  let upSince = clock.elapsed()
  const section = async (verdict: SmokeSection['verdict']): Promise<SmokeSection> => ({
    project: stack.project,
    services: await servicesOf(seen, upSince, ports),
    ...(steps.length === 0 ? {} : { steps }),
    checks: checked.map(({ name, passed, ms, evidence }) => ({
      name,
      passed,
      ms,
      ...(evidence === undefined ? {} : { evidence: ports.redact(evidence) }),
    })),
    verdict,
    ms: clock.elapsed() - started,
  })
  try {
    await make(stack, prepared.builds, ports, signal)
    upSince = clock.elapsed()
    await start(stack, plan.timeoutMs, seen, ports, signal)
    log.info(`up in ${showMs(clock.elapsed() - upSince)}: ${listed(seen)}`)
    refuseOthers(seen, prepared, candidates)
    const calm = (): Promise<void> => settle(plan.timeoutMs, seen, ports, signal)
    const settled = calm()
    await Promise.all([settled, ask({ plan, prepared, stack, seen, settled, signal, checked, steps, ports })])
    if (checked.some(({ passed }) => !passed)) throw checksFailed(...(await failures(checked, seen, ports)))
    await seen.refresh()
    if (seen.verdict().kind !== 'up') await calm()
    return await section('passed')
  } catch (error) {
    ports.signal.throwIfAborted()
    const failure = error instanceof Dead ? await unhealthy(error, ports) : error
    if (!(failure instanceof LaunchwayError)) throw failure
    const { code, message, hint, place, cause } = failure
    throw new LaunchwayError(code, ports.redact(message), {
      ...(hint === undefined ? {} : { hint: ports.redact(hint) }),
      ...(place === undefined ? {} : { place }),
      ...(cause === undefined ? {} : { cause }),
      part: { smoke: await section('failed') },
    })
  } finally {
    stop.abort()
  }
}

interface Ask {
  plan: SmokePlan
  prepared: Prepared
  stack: Stack
  seen: Watch
  settled: Promise<void>
  signal: AbortSignal
  /** Filled as the checks and the steps end. */
  checked: Checked[]
  steps: Step[]
  ports: Ports
}

/** The steps in their order, then the checks side by side. */
async function ask({ plan, prepared, stack, seen, settled, signal, checked, steps, ports }: Ask): Promise<void> {
  for (const one of plan.prepare) await step(one, stack, steps, ports, signal)
  const standing = { stack, containers: seen.containers, reached: prepared.reached, settled, signal }
  await askAll(checksOf(plan, prepared, seen), standing, ports, (done) => {
    checked.push(done)
    ports.log.info(`${done.passed ? 'passed' : 'failed'}: ${done.name} (${showMs(done.ms)})`)
  })
}

/** Without checks: that somebody listens where the file publishes a port, but for what has ended. */
function checksOf({ checks }: SmokePlan, { published }: Prepared, seen: Watch): readonly SmokeCheck[] {
  if (checks.length > 0) return checks
  const running = new Set(seen.containers().flatMap((one) => (one.status === 'running' ? (serviceOf(one) ?? []) : [])))
  return published
    .filter(({ service }) => running.has(service))
    .map(({ service, port }) => ({ kind: 'tcp', name: `${service}:${port} takes connections`, service, port, timeoutMs: portMs }))
}

async function failures(checked: readonly Checked[], seen: Watch, ports: Ports): Promise<[Checked[], Map<string, string>]> {
  const failed = checked.filter(({ passed }) => !passed)
  const logs = new Map<string, string>()
  for (const service of new Set(failed.flatMap((one) => (one.isEcho === true ? [] : (one.service ?? []))))) {
    const container = seen.containers().find((one) => serviceOf(one) === service)
    if (container !== undefined) logs.set(service, await logOf(container, ports))
  }
  return [failed, logs]
}

/** What ran must be what was built, whatever a tag pointed at in between. */
function refuseOthers(seen: Watch, { ours }: Prepared, candidates: readonly Present[]): void {
  for (const container of seen.containers()) {
    const candidate = ours.get(serviceOf(container) ?? '')
    const present = candidates.find((one) => one.reference === candidate?.reference)
    if (present !== undefined && container.image !== present.id) throw differs(present.reference, container.image, [present.id])
  }
}

async function servicesOf(seen: Watch, upSince: number, { engine, clock, redact }: Ports): Promise<SmokeSection['services']> {
  const { containerdStore } = await engine.info()
  return seen
    .containers()
    .flatMap((container) => {
      const name = serviceOf(container)
      if (name === undefined) return []
      const ms = Math.max(0, (seen.upAt(container.id) ?? clock.elapsed()) - upSince)
      // In containerd's store the ID is of a manifest or an index.
      const config = containerdStore ? {} : { config: container.image }
      return [{ name, image: container.reference, ...config, state: redact(shownState(container)), ms }]
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function listed(seen: Watch): string {
  return seen
    .containers()
    .flatMap((container) => serviceOf(container) ?? [])
    .toSorted()
    .join(', ')
}
