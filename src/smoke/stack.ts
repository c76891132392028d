import { anyCode } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { EngineContainer, Output, Ports } from '../core/ports.ts'
import { showMs } from '../core/units.ts'
import { build, create, type Stack, up } from '../tools/compose.ts'
import { condensed, evidenceOf } from './evidence.ts'
import { serviceOf } from './verdict.ts'
import type { Watch } from './watch.ts'
import { within } from './within.ts'

/** How long what has no HEALTHCHECK must stay up. */
const settleMs = 2_000

/** A container of the stack died for good, or is unhealthy. */
export class Dead extends Error {
  readonly container: EngineContainer

  constructor(why: string, container: EngineContainer) {
    super(why)
    this.container = container
  }
}

/** Builds what is not ours, pulls what is missing, and makes the containers: none of it counts as time to come up. */
export async function make(stack: Stack, builds: readonly string[], ports: Ports, signal: AbortSignal): Promise<void> {
  if (builds.length > 0) {
    const { code, stdout, stderr } = await call(build(stack, builds), ports, signal)
    if (code !== 0) {
      throw new LaunchwayError('BUILD_FAILED', `compose could not build ${builds.join(', ')}`, { hint: lastOf(`${stdout}\n${stderr}`) })
    }
  }
  const { code, stderr } = await call(create(stack), ports, signal)
  if (code !== 0) throw new LaunchwayError('SMOKE_UNHEALTHY', 'the stack could not be made', { hint: lastOf(stderr) })
}

/**
 * Starts the stack and waits until all of it is up.
 * @throws Dead, or LaunchwayError SMOKE_UNHEALTHY
 */
export async function start(stack: Stack, timeoutMs: number, seen: Watch, ports: Ports, signal: AbortSignal): Promise<void> {
  const isUp = await within(timeoutMs, signal, ports, async (inTime) => {
    const { code, stderr } = await call(up(stack), ports, inTime)
    if (code !== 0) {
      // What compose says of a dependency is the echo of what a container did.
      await seen.refresh()
      throwIfDead(seen)
      throw new LaunchwayError('SMOKE_UNHEALTHY', 'the stack could not be started', { hint: lastOf(stderr) })
    }
    await seen.refresh()
    await seen.until(({ kind }) => kind === 'up', inTime)
    return true
  })
  if (isUp !== true) throw await late(timeoutMs, seen, ports)
}

/**
 * Waits until nothing has ended or begun for a while: what has no HEALTHCHECK runs a moment before each of its deaths.
 * @throws Dead, or LaunchwayError SMOKE_UNHEALTHY
 */
export async function settle(timeoutMs: number, seen: Watch, ports: Ports, signal: AbortSignal): Promise<void> {
  const settled = await within(timeoutMs, signal, ports, async (inTime) => {
    for (;;) {
      await seen.until(({ kind }) => kind === 'up', inTime)
      const before = livesOf(seen)
      await ports.clock.sleep(settleMs, inTime)
      await seen.refresh()
      if (seen.verdict().kind === 'up' && livesOf(seen) === before) return true
      throwIfDead(seen)
    }
  })
  if (settled !== true) throw await late(timeoutMs, seen, ports)
}

function livesOf(seen: Watch): string {
  return seen
    .containers()
    .flatMap((one) => (serviceOf(one) === undefined ? [] : `${one.id} ${one.startedAt ?? ''}`))
    .toSorted()
    .join('\n')
}

export function throwIfDead(seen: Watch): void {
  const verdict = seen.verdict()
  if (verdict.kind === 'dead') throw new Dead(verdict.why, verdict.container)
}

/** @throws LaunchwayError SMOKE_UNHEALTHY with what the first of those that are not up shows for itself */
async function late(timeoutMs: number, seen: Watch, ports: Ports): Promise<LaunchwayError> {
  await seen.refresh()
  const verdict = seen.verdict()
  if (verdict.kind === 'dead') return unhealthy(new Dead(verdict.why, verdict.container), ports)
  const on = verdict.kind === 'waiting' ? verdict.on : []
  const slow = seen.containers().filter((one) => serviceOf(one) !== undefined && seen.upAt(one.id) === undefined)
  // Who was not started yet waits for one that was.
  const container = slow.find(({ status }) => status !== 'created') ?? slow[0]
  const evidence = container === undefined ? [] : [`${serviceOf(container) ?? ''}:\n${await evidenceOf(container, ports)}`]
  return new LaunchwayError(
    'SMOKE_UNHEALTHY',
    `the stack was not up after ${showMs(timeoutMs)}: ${on.length === 0 ? 'its containers come and go' : on.join(', ')}`,
    {
      hint: [...evidence, 'If it needs longer, give it more: smoke.timeout in launchway.yml.'].join('\n\n'),
    },
  )
}

export async function unhealthy({ message, container }: Dead, ports: Ports): Promise<LaunchwayError> {
  return new LaunchwayError('SMOKE_UNHEALTHY', message, { hint: await evidenceOf(container, ports) })
}

function call(asked: Parameters<Ports['exec']['run']>[0], { exec, log }: Ports, signal: AbortSignal): Promise<Output> {
  return exec.run(asked, { signal, accept: anyCode, onLine: (line) => log.info(line) })
}

/** The end of what a program said. */
export function lastOf(text: string): string {
  return condensed(text.trim().split('\n').slice(-30).join('\n'))
}
