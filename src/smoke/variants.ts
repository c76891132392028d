import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import type { EngineInfo, Ports } from '../core/ports.ts'
import type { Release, SmokeSection } from '../core/release.ts'
import { chosen, resized } from './shape.ts'
import { smokeStack, type Wish } from './stage.ts'
import { Turns } from './turns.ts'

/** Memory that the engine's machine has to have for each stack that runs beside others. */
const stackBytes = 2e9
/** More at once only make each other slow. */
const mostAtOnce = 4

/** Tests one stack. `name` is that of the variant, empty where there are none. */
type Perform = (plan: SmokePlan, ports: Ports, wish: Pick<Wish, 'only'>, name: string) => Promise<SmokeSection>

/**
 * Tests the stack of the plan, or each of its variants side by side: all of them have to pass.
 * @param perform instead of a stack for this test alone
 * @throws LaunchwayError as the first variant that failed does, with the section of all
 */
export async function smoke(
  release: Release,
  ports: Ports,
  wish: Wish = {},
  perform: Perform = inTurn(release, wish),
): Promise<SmokeSection> {
  const { smoke: plan } = release.plan
  if (plan === undefined) {
    throw new LaunchwayError('RECORD_INVALID', 'the release record has no plan for the smoke test', {
      hint: 'Run the plan stage again: it writes the record anew.',
    })
  }
  const { variants, ...own } = plan
  if (variants === undefined) return perform(resized(own, wish), ports, wish.only === undefined ? {} : { only: wish.only }, '')
  const started = ports.clock.elapsed()
  const wanted = asked(Object.entries(variants), wish.only)
  const ends = new Map<string, PromiseSettledResult<SmokeSection>>()
  const waiting = [...wanted]
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, stack] = next
      const only = wish.only?.filter((check) => stack.checks.some((one) => one.name === check))
      const [end] = await Promise.allSettled([
        perform(resized(stack, wish), portsOf(name, ports), only === undefined ? {} : { only }, name),
      ])
      ends.set(name, end)
    }
  }
  const lanes = Math.min(wanted.length, atOnce(await ports.engine.info()))
  await Promise.all(Array.from({ length: lanes }, work))
  ports.signal.throwIfAborted()
  return together(
    new Map(wanted.flatMap(([name]) => (ends.has(name) ? [[name, ends.get(name)] as const] : []))),
    ports.clock.elapsed() - started,
  )
}

function inTurn(release: Release, wish: Wish): Perform {
  const turns = new Turns()
  return (plan, its, only) => smokeStack(release, plan, its, { ...wish, ...only }, turns)
}

/** How many stacks may run beside each other. */
export function atOnce({ memory }: Pick<EngineInfo, 'memory'>): number {
  return Math.max(1, Math.min(mostAtOnce, Math.floor((memory ?? 0) / stackBytes)))
}

type Variant = [name: string, plan: SmokePlan]

/** Those that have one of the checks. @throws LaunchwayError USAGE for a name that no check has */
function asked(variants: readonly Variant[], only: readonly string[] | undefined): readonly Variant[] {
  const [first] = variants
  if (only === undefined || first === undefined) return variants
  chosen({ ...first[1], checks: variants.flatMap(([, { checks }]) => checks) }, only)
  return variants.filter(([, { checks }]) => checks.some(({ name }) => only.includes(name)))
}

function portsOf(name: string, ports: Ports): Ports {
  const { log } = ports
  return {
    ...ports,
    evidence: join(ports.evidence, name),
    log: { ...log, info: (line) => log.info(`${name}: ${line}`), debug: (line) => log.debug(`${name}: ${line}`) },
  }
}

/** One section of all of them, and one failure: that of the first in the order of the file, with what the others showed. */
export function together(ends: ReadonlyMap<string, PromiseSettledResult<SmokeSection> | undefined>, ms: number): SmokeSection {
  const failures = [...ends].flatMap(([name, end]) => (end?.status === 'rejected' ? [{ name, error: asError(end.reason) }] : []))
  const bug = failures.find(({ error }) => !(error instanceof LaunchwayError))
  if (bug !== undefined) throw bug.error
  const sections = [...ends].flatMap(([name, end]): [string, SmokeSection][] => {
    const section = end?.status === 'fulfilled' ? end.value : partOf(end?.reason)
    return section === undefined ? [] : [[name, section]]
  })
  const section = merged(sections, failures.length > 0, ms)
  const [first] = failures
  if (first === undefined || !(first.error instanceof LaunchwayError)) return section
  const { code, place, cause } = first.error
  const shown = failures.map(({ name, error }) =>
    `${name}: ${error.message}\n${error instanceof LaunchwayError ? (error.hint ?? '') : ''}`.trim(),
  )
  const hint = failures.length === 1 ? first.error.hint : shown.join('\n\n')
  throw new LaunchwayError(
    code,
    `${first.name}: ${first.error.message}${failures.length === 1 ? '' : `; ${failures.length} of ${ends.size} variants failed`}`,
    {
      ...(hint === undefined ? {} : { hint }),
      ...(place === undefined ? {} : { place }),
      ...(cause === undefined ? {} : { cause }),
      part: { smoke: section },
    },
  )
}

function partOf(reason: unknown): SmokeSection | undefined {
  return reason instanceof LaunchwayError ? reason.part?.smoke : undefined
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}

function merged(sections: readonly [string, SmokeSection][], isFailed: boolean, ms: number): SmokeSection {
  const all = sections.map(([, section]) => section)
  const named = <T extends { name: string }>(pick: (section: SmokeSection) => readonly T[]): T[] =>
    sections.flatMap(([variant, section]) => pick(section).map((one) => ({ ...one, name: `${variant}/${one.name}` })))
  const steps = named(({ steps: found = [] }) => found)
  // All of it is from earlier only where each of them is; then the oldest speaks for all.
  const earlier = all.flatMap(({ earlier: found }) => found ?? []).toSorted((a, b) => (a.at < b.at ? -1 : 1))
  const [oldest] = earlier
  return {
    project: all.map(({ project }) => project).join(', '),
    services: named(({ services }) => services),
    ...(steps.length === 0 ? {} : { steps }),
    checks: named(({ checks }) => checks),
    verdict: isFailed ? 'failed' : 'passed',
    ms,
    ...(oldest !== undefined && earlier.length === all.length && !isFailed ? { earlier: oldest } : {}),
  }
}
