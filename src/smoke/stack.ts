import { LaunchwayError } from '../core/error.ts'
import type { EngineContainer, Ports } from '../core/ports.ts'
import { showMs } from '../core/units.ts'
import { type Stack, up } from '../tools/compose.ts'
import { evidenceOf, lastOf } from './evidence.ts'
import { call } from './make.ts'
import { startable, startsByItself, waitsInVain } from './order.ts'
import { serviceOf, type Verdict } from './verdict.ts'
import type { Watch } from './watch.ts'
import { within } from '../core/within.ts'

/** How long what has no HEALTHCHECK, and has answered nothing that was asked of it, must stay up. */
const settleMs = 2_000

/** A container of the stack died for good, or is unhealthy. */
export class Dead extends Error {
  readonly container: EngineContainer
  readonly echoes: readonly string[]

  constructor({ why, container, echoes }: Extract<Verdict, { kind: 'dead' }>) {
    super(why)
    this.container = container
    this.echoes = echoes
  }
}

/**
 * Starts the stack and waits until all of it is up.
 * @throws Dead, or LaunchwayError SMOKE_UNHEALTHY
 */
export async function start(stack: Stack, timeoutMs: number, seen: Watch, ports: Ports, signal: AbortSignal): Promise<void> {
  const isUp = await within(timeoutMs, signal, ports, async (inTime) => {
    await seen.refresh()
    await (startsByItself(stack.file) ? startInOrder(stack, seen, ports, inTime) : startByCompose(stack, seen, ports, inTime))
    await seen.refresh()
    await seen.until(({ kind }) => kind === 'up', inTime)
    return true
  })
  if (isUp !== true) throw await late(timeoutMs, seen, ports)
}

/** Each container as soon as what it waits for is there, which the engine tells: compose would look twice a second. */
async function startInOrder({ file }: Stack, seen: Watch, { engine }: Ports, signal: AbortSignal): Promise<void> {
  const begun = new Map<string, Promise<void>>()
  const begin = async (id: string): Promise<void> => {
    const problem = await engine.start(id)
    if (problem === undefined) return
    await seen.refresh()
    throwIfDead(seen)
    throw new LaunchwayError('SMOKE_UNHEALTHY', 'the stack could not be started', { hint: problem })
  }
  const next = (): EngineContainer[] => startable(seen.containers(), file.services).filter(({ id }) => !begun.has(id))
  // Of a stack that stays between two tests some run already.
  const all = new Set(seen.containers().flatMap((one) => (serviceOf(one) === undefined || one.status !== 'created' ? [] : [one.id])))
  let failed: { error: unknown } | undefined
  while (begun.size < all.size) {
    for (const { id } of next()) {
      const promise = begin(id)
      promise.catch(async (error: unknown) => {
        failed = { error }
        // Whoever waits for the next event looks up.
        await seen.refresh().catch(() => undefined)
      })
      begun.set(id, promise)
    }
    await seen.until(
      () => failed !== undefined || begun.size === all.size || next().length > 0 || hopeless(seen, file) !== undefined,
      signal,
    )
    if (failed !== undefined) break
    const vain = hopeless(seen, file)
    if (vain !== undefined) throw new LaunchwayError('SMOKE_UNHEALTHY', vain.why, { hint: vain.hint })
  }
  await Promise.all(begun.values())
}

const hopeless = (seen: Watch, { services }: Stack['file']) => waitsInVain(seen.containers(), services)

async function startByCompose(stack: Stack, seen: Watch, ports: Ports, signal: AbortSignal): Promise<void> {
  const { code, stderr } = await call(up(stack), ports, signal)
  if (code === 0) return
  // What compose says of a dependency is the echo of what a container did.
  await seen.refresh()
  throwIfDead(seen)
  throw new LaunchwayError('SMOKE_UNHEALTHY', 'the stack could not be started', { hint: lastOf(stderr, ports) })
}

/** The services that a check has reached, each of which has shown by that alone that it works. */
export class Answered {
  readonly services: Set<string>
  #next = Promise.withResolvers<void>()

  /** @param before who has shown it in an earlier test of the same containers */
  constructor(before: Iterable<string>) {
    this.services = new Set(before)
  }

  add(service: string): void {
    this.services.add(service)
    this.#next.resolve()
    this.#next = Promise.withResolvers()
  }
  /** Kept when there is one more. */
  next(): Promise<void> {
    return this.#next.promise
  }
}

/**
 * Waits until all of the stack is up and each container has shown that it stays so: it is healthy, has answered, or has
 * run for a while.
 * @throws Dead, or LaunchwayError SMOKE_UNHEALTHY
 */
export async function settle(timeoutMs: number, answered: Answered, seen: Watch, ports: Ports, signal: AbortSignal): Promise<void> {
  const { clock } = ports
  const settled = await within(timeoutMs, signal, ports, async (inTime) => {
    for (;;) {
      await seen.until(({ kind }) => kind === 'up', inTime)
      const wait = calmAt(seen, answered) - clock.elapsed()
      if (wait > 0) {
        await Promise.race([clock.sleep(wait, inTime), answered.next()])
        continue
      }
      await seen.refresh()
      throwIfDead(seen)
      if (seen.verdict().kind === 'up' && calmAt(seen, answered) <= clock.elapsed()) return true
    }
  })
  if (settled !== true) throw await late(timeoutMs, seen, ports)
}

/** When the last of those that show nothing else will have run for long enough: they run a moment before each of their deaths. */
function calmAt(seen: Watch, { services: answered }: Answered): number {
  const containers = seen.containers()
  const times = containers.map((one) => {
    const service = serviceOf(one)
    const isOpen = service !== undefined && one.status === 'running' && one.health === undefined
    // Who has died before is asked to stay up, whatever it answered; and of several one has answered for itself alone.
    const isAlone = containers.filter((other) => serviceOf(other) === service).length === 1
    const isKnown = service !== undefined && answered.has(service) && isAlone && one.restarts === 0
    return isOpen && !isKnown ? (seen.bornAt(one.id) ?? 0) + settleMs : 0
  })
  return Math.max(0, ...times)
}

function throwIfDead(seen: Watch): void {
  const verdict = seen.verdict()
  if (verdict.kind === 'dead') throw new Dead(verdict)
}

/** @throws LaunchwayError SMOKE_UNHEALTHY with what the first of those that are not up shows for itself */
async function late(timeoutMs: number, seen: Watch, ports: Ports): Promise<LaunchwayError> {
  await seen.refresh()
  const verdict = seen.verdict()
  if (verdict.kind === 'dead') return unhealthy(new Dead(verdict), seen, ports)
  const on = verdict.kind === 'waiting' ? verdict.on : []
  const slow = seen.containers().filter((one) => serviceOf(one) !== undefined && seen.upAt(one.id) === undefined)
  // Who was not started yet waits for one that was.
  const container = slow.find(({ status }) => status !== 'created') ?? slow[0]
  const evidence = container === undefined ? [] : [`${serviceOf(container) ?? ''}:\n${await evidenceOf(container, seen, ports)}`]
  return new LaunchwayError(
    'SMOKE_UNHEALTHY',
    `the stack was not up after ${showMs(timeoutMs)}: ${on.length === 0 ? 'its containers come and go' : on.join(', ')}`,
    {
      hint: [...evidence, 'If it needs longer, give it more: smoke.timeout in launchway.yml.'].join('\n\n'),
    },
  )
}

/** @param also what failed with it, and is told behind it */
export async function unhealthy(dead: Dead, seen: Watch, ports: Ports, also?: unknown): Promise<LaunchwayError> {
  const { message, container, echoes } = dead
  const after = echoes.length === 0 ? [] : [`after it: ${echoes.join('; ')}`]
  const asked = also instanceof LaunchwayError ? [`\n${also.message}`, ...(also.hint === undefined ? [] : [also.hint])] : []
  return new LaunchwayError('SMOKE_UNHEALTHY', message, { hint: [...after, await evidenceOf(container, seen, ports), ...asked].join('\n') })
}
