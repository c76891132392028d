import type { Service } from '../core/deployment.ts'
import type { HostCall } from './call.ts'

/** One that is to be started, and what it takes. */
export interface Step {
  name: string
  /** The place in the order of what nothing else is said of: the lower ones come first. */
  rank: number
  after: NonNullable<Service['after']>
  /** Something has to stop for it: it is started and watched before the next one is. */
  isAlone: boolean
  start: readonly HostCall[]
  /** Returns once it is well. */
  watch: readonly HostCall[]
}

/**
 * The calls that start all of them, each after those that it names; one that is named and is none of them runs already.
 * What has no order starts side by side, as its rank has it; what others wait for has the rank of the first of them.
 */
export function orderedCalls(steps: readonly Step[]): HostCall[] {
  const names = new Set(steps.map(({ name }) => name))
  const ranks = ranksOf(steps)
  const rankOf = ({ name }: Step): number => ranks.get(name) ?? 0
  const calls: HostCall[] = []
  const started = new Set<string>()
  const well = new Set<string>()
  let waiting = [...steps]
  let pending: Step[] = []
  const isReady = ({ after }: Step): boolean =>
    after.every(({ name, until }) => !names.has(name) || (until === 'started' ? started : well).has(name))
  const watchAll = (): void => {
    calls.push(...pending.flatMap(({ watch }) => watch))
    for (const { name } of pending) well.add(name)
    pending = []
  }
  while (waiting.length > 0) {
    const lowest = Math.min(...waiting.map(rankOf))
    const ready = waiting.filter((step) => rankOf(step) === lowest && isReady(step))
    if (pending.length > 0 && (ready.length === 0 || pending.some((step) => rankOf(step) < lowest))) {
      watchAll()
      continue
    }
    // Those that wait for each other are nobody's to put in order: compose refuses them before.
    const next = ready.length === 0 ? waiting : ready
    waiting = waiting.filter((step) => !next.includes(step))
    const isOneByOne = next.some(({ isAlone }) => isAlone)
    if (isOneByOne) watchAll()
    for (const step of next) {
      calls.push(...step.start)
      started.add(step.name)
      pending.push(step)
      if (isOneByOne) watchAll()
    }
  }
  watchAll()
  return calls
}

function ranksOf(steps: readonly Step[]): Map<string, number> {
  const ranks = new Map(steps.map(({ name, rank }) => [name, rank]))
  // As often as a chain can be long.
  for (const _ of steps) {
    for (const { name, after } of steps) {
      const rank = ranks.get(name) ?? 0
      for (const { name: before } of after) {
        const own = ranks.get(before)
        if (own !== undefined && own > rank) ranks.set(before, rank)
      }
    }
  }
  return ranks
}

/** Each after those that it names, else in the order that they have. */
export function sortedByAfter<T extends { name: string; after?: Service['after'] }>(all: readonly T[]): T[] {
  const sorted: T[] = []
  const seen = new Set<string>()
  const visit = (one: T): void => {
    if (seen.has(one.name)) return
    seen.add(one.name)
    for (const { name } of one.after ?? []) {
      const before = all.find((other) => other.name === name)
      if (before !== undefined) visit(before)
    }
    sorted.push(one)
  }
  for (const one of all) visit(one)
  return sorted
}

/** The names of all that come before it, by way of others as well. */
export function allBefore(name: string, all: readonly { name: string; after?: Service['after'] }[]): Set<string> {
  const found = new Set<string>()
  const visit = (of: string): void => {
    for (const { name: before } of all.find((one) => one.name === of)?.after ?? []) {
      if (found.has(before)) continue
      found.add(before)
      visit(before)
    }
  }
  visit(name)
  return found
}
