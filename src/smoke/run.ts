import { LaunchwayError } from '../core/error.ts'
import type { SmokeCheck, SmokePlan } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import type { SmokeSection } from '../core/release.ts'
import { showMs } from '../core/units.ts'
import { within } from '../core/within.ts'
import type { Stack } from '../tools/compose.ts'
import { askAll } from './ask.ts'
import { differs, type Present } from './candidates.ts'
import { checksFailed } from './checks.ts'
import { keepEvidence, keepRendered, logOf, namesOf } from './evidence.ts'
import { refuseUnrun } from './images.ts'
import { buildOthers, make } from './make.ts'
import { allNeeds } from './order.ts'
import type { Prepared } from './plan.ts'
import { patienceOf, type Quickened } from './readiness.ts'
import { Answered, Dead, settle, start, unhealthy } from './stack.ts'
import type { Checked } from './standing.ts'
import { step, type Step } from './step.ts'
import { stepHint } from './step-hint.ts'
import { serviceOf, shownState } from './verdict.ts'
import { type Watch, watch } from './watch.ts'

/** How long somebody may need to listen on a port that is published. */
const portMs = 30_000

/** Until all that ended at the same time is known. */
const momentMs = 150
/** How much later than a step or a check has failed it may be told who took it along. */
const afterMs = 300
/** An engine that is busy tells later: the longest that one waits for it. */
const tellMs = 2_000

export interface Test {
  plan: SmokePlan
  /** The same with the checks that nobody asks for now. */
  whole: SmokePlan
  prepared: Prepared
  candidates: readonly Present[]
  stack: Stack
  /** The rendered project, for people. */
  shown: string
  quick: Quickened
  started: number
  ports: Ports
  /** Of a stack that stands already: who has shown earlier that it stays up, and has not been made anew since. */
  known?: Iterable<string>
  /** Aborted when nobody wants to know any more how it ends. */
  hurry?: AbortSignal
}

/**
 * Starts the stack, asks it, and keeps what it showed for itself.
 * @throws LaunchwayError SMOKE_UNHEALTHY or SMOKE_CHECK_FAILED with evidence and the section, DIGEST_MISMATCH
 */
export async function test(asked: Test): Promise<SmokeSection> {
  const { plan, prepared, candidates, shown, quick, started, ports, known = [], hurry } = asked
  const { clock, log } = ports
  using seen = await watch(asked.stack.project, { ...prepared, needs: allNeeds(asked.stack.file.services) }, ports)
  const stop = new AbortController()
  const signal = AbortSignal.any([ports.signal, stop.signal])
  let cause: Promise<Dead> | undefined
  /** Whoever reads along knows as soon as it is clear; what it shows for itself comes when all of it is there. */
  const causeOf = (dead: Dead): Promise<Dead> =>
    (cause ??= firstOf(dead, seen, ports).then((first) => {
      log.info(`failed: ${first.message}`)
      return first
    }))
  seen
    .until(({ kind }) => kind === 'dead', signal)
    .then((verdict) => (verdict.kind === 'dead' ? causeOf(new Dead(verdict)) : undefined))
    .then((first) => stop.abort(first))
    .catch((error: unknown) => stop.abort(error))
  const checked: Checked[] = []
  const steps: Step[] = []
  let upSince = clock.elapsed()
  const section = async (verdict: SmokeSection['verdict']): Promise<SmokeSection> => ({
    project: asked.stack.project,
    services: await shownServices(seen, upSince, ports),
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
  await keepRendered(shown, ports)
  try {
    await buildOthers(asked.stack, prepared.builds, ports, signal)
    const stack = await make(asked.stack, ports, signal)
    // From here on nothing is half made that could stand in the way of the next test.
    hurry?.addEventListener('abort', () => stop.abort(hurry.reason), { once: true, signal })
    if (hurry?.aborted === true) stop.abort(hurry.reason)
    upSince = clock.elapsed()
    await seen.refresh()
    refuseUnrun(prepared.ours, new Set(seen.containers().flatMap((one) => serviceOf(one) ?? [])), asked.whole)
    seen.allow(await patienceOf(seen.containers(), quick, ports))
    await start(stack, plan.timeoutMs, seen, ports, signal)
    log.info(`up in ${showMs(clock.elapsed() - upSince)}: ${listed(seen)}`)
    refuseOtherImages(seen, prepared, candidates)
    const answered = new Answered(known)
    const calm = (): Promise<void> => settle(plan.timeoutMs, answered, seen, ports, signal)
    const settled = calm()
    await Promise.all([settled, ask({ plan, prepared, stack, seen, answered, settled, signal, checked, steps, ports })])
    if (checked.some(({ passed }) => !passed)) throw checksFailed(...(await failures(checked, seen, ports)))
    await seen.refresh()
    if (seen.verdict().kind !== 'up') await calm()
    const [passed, folder] = await Promise.all([section('passed'), keepEvidence(seen, ports)])
    if (folder !== undefined) log.info(`the rendered project, and what each container showed: ${folder}`)
    return passed
  } catch (error) {
    ports.signal.throwIfAborted()
    if (stop.signal.reason === hurry?.reason) hurry?.throwIfAborted()
    const told = await causedBy(error, causeOf, seen, ports)
    // Whatever failed of an engine that has ended says nothing of the stack. It is asked once more: the end of its events may come last.
    const failure = seen.goneBy(told) ?? seen.goneBy(await seen.refresh().catch((gone: unknown) => gone)) ?? told
    const folder = await keepEvidence(seen, ports)
    if (folder !== undefined) log.info(`the rendered project, and what each container showed: ${folder}`)
    if (!(failure instanceof LaunchwayError)) throw failure
    const { code, message, hint: shows, place, cause } = failure
    const more = stepHint({
      prepare: plan.prepare,
      steps,
      containers: seen.containers(),
      services: asked.stack.file.services,
      fates: prepared,
    })
    const hint = [shows, more].filter((one) => one !== undefined && one !== '').join('\n\n')
    throw new LaunchwayError(code, ports.redact(message), {
      ...(hint === '' ? {} : { hint: ports.redact(hint) }),
      ...(place === undefined ? {} : { place }),
      ...(cause === undefined ? {} : { cause }),
      part: { smoke: await section('failed') },
    })
  } finally {
    stop.abort()
  }
}

/** The error of the container that is behind it, with what that shows for itself; else the error as it is, or that of asking. */
async function causedBy(error: unknown, causeOf: (dead: Dead) => Promise<Dead>, seen: Watch, ports: Ports): Promise<unknown> {
  try {
    const dead = error instanceof Dead ? error : await deathBehind(error, seen, ports)
    return dead === undefined ? error : await unhealthy(await causeOf(dead), seen, ports, error)
  } catch (asking) {
    return asking
  }
}

/** Who took along the one whose end was told first may end, or be seen to have ended, a moment later. */
async function firstOf(told: Dead, seen: Watch, { clock, signal }: Ports): Promise<Dead> {
  await clock.sleep(momentMs, signal)
  await seen.refresh()
  await Promise.race([seen.until(() => !seen.isBehind(), signal), clock.sleep(tellMs, signal)])
  const verdict = seen.verdict()
  return verdict.kind === 'dead' ? new Dead(verdict) : told
}

/** Who took a step or a check along is told to have died a moment later: it is the cause, and what was asked of it an echo. */
async function deathBehind(error: unknown, seen: Watch, ports: Ports): Promise<Dead | undefined> {
  if (!(error instanceof LaunchwayError) || error.code !== 'SMOKE_CHECK_FAILED') return undefined
  try {
    await within(afterMs, ports.signal, ports, (inTime) => seen.until(({ kind }) => kind === 'dead', inTime))
    await seen.refresh()
  } catch {
    ports.signal.throwIfAborted()
    // What the check said counts more than that the engine says nothing.
    return undefined
  }
  const verdict = seen.verdict()
  return verdict.kind === 'dead' ? new Dead(verdict) : undefined
}

interface Ask {
  plan: SmokePlan
  prepared: Prepared
  stack: Stack
  seen: Watch
  answered: Answered
  settled: Promise<void>
  signal: AbortSignal
  /** Filled as the checks and the steps end. */
  checked: Checked[]
  steps: Step[]
  ports: Ports
}

/** The steps in their order, then the checks side by side. */
async function ask({ plan, prepared, stack, seen, answered, settled, signal, checked, steps, ports }: Ask): Promise<void> {
  const standing = { stack, containers: seen.containers, reached: prepared.reached, settled, signal }
  for (const one of plan.prepare) await step(one, standing, steps, ports)
  await askAll(checksOf(plan, prepared, seen), standing, ports, (done, check) => {
    checked.push(done)
    const reached = done.passed ? reachedBy(check) : undefined
    if (reached !== undefined) answered.add(reached)
    ports.log.info(`${done.passed ? 'passed' : 'failed'}: ${done.name} (${showMs(done.ms)})`)
  })
}

/**
 * The service that works itself, as the check shows that has passed. A connection shows nothing of that: many servers
 * listen before their application is loaded, and end when it cannot be.
 */
export function reachedBy(check: SmokeCheck): string | undefined {
  if (check.kind === 'script' || check.kind === 'run' || check.kind === 'tcp') return undefined
  return check.kind === 'log' && check.matches === undefined ? undefined : check.service
}

/** Without checks: that somebody listens where the file publishes a port, but for what has to end, or has no container. */
function checksOf({ checks }: SmokePlan, { published, mustEnd }: Prepared, seen: Watch): readonly SmokeCheck[] {
  if (checks.length > 0) return checks
  const there = new Set(seen.containers().flatMap((one) => serviceOf(one) ?? []))
  return published
    .filter(({ service }) => there.has(service) && !mustEnd.has(service))
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
function refuseOtherImages(seen: Watch, { ours }: Prepared, candidates: readonly Present[]): void {
  for (const container of seen.containers()) {
    const candidate = ours.get(serviceOf(container) ?? '')
    const present = candidates.find((one) => one.reference === candidate?.reference)
    if (present !== undefined && container.image !== present.id) throw differs(present.reference, container.image, [present.id])
  }
}

async function shownServices(seen: Watch, upSince: number, { engine, clock, redact }: Ports): Promise<SmokeSection['services']> {
  // An engine that is gone is no reason to tell less of what was seen.
  const { containerdStore } = await engine.info().catch(() => ({ containerdStore: true }))
  const own = seen.containers().filter((one) => serviceOf(one) !== undefined)
  const names = namesOf(own)
  return own
    .map((container) => {
      const name = names.get(container.id) ?? ''
      const memory = seen.memoryOf(container.id)
      const ms = Math.max(0, (seen.upAt(container.id) ?? clock.elapsed()) - upSince)
      // In containerd's store the ID is of a manifest or an index.
      const config = containerdStore ? {} : { config: container.image }
      const most = memory === undefined ? {} : { memory }
      return { name, image: container.reference, ...config, state: redact(shownState(container)), ms, ...most }
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
