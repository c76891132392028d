import type { Ports } from '../core/ports.ts'
import type { Release, SmokeSection } from '../core/release.ts'
import type { ComposeProject } from '../tools/compose.ts'
import { type Round, type StandingStack, standingStack } from './round.ts'
import type { Wish } from './stage.ts'
import { smoke } from './variants.ts'

/** A round of all variants: what was replaced has their names before it. */
export interface Rounded {
  section: SmokeSection
  replaced: 'all' | string[]
  addresses: string[]
}

/** The stacks of a plan, one or a variant each, that stay between their tests. */
export interface StandingStacks {
  /** As they were rendered last. */
  rendered(): ComposeProject[]
  /** Each stack keeps it until its next round gets so far. @see StandingStack */
  touch(paths: Iterable<string>): void
  /** @see StandingStack */
  round(release: Release, ports: Ports, more: { hurry: AbortSignal; onRendered: () => Promise<void> }): Promise<Rounded>
  close(ports: Ports): Promise<void>
}

export function standingStacks(app: string, wish: Pick<Wish, 'fresh' | 'only' | 'scale'>): StandingStacks {
  const stacks = new Map<string, StandingStack>()
  return {
    rendered: () => [...stacks.values()].flatMap((stack) => stack.rendered() ?? []),
    touch(paths) {
      for (const stack of stacks.values()) stack.touch(paths)
    },
    async round(release, ports, more) {
      const done: [string, Round][] = []
      const variants = Object.keys(release.plan.smoke?.variants ?? { '': undefined })
      for (const [name, stack] of stacks) {
        if (variants.includes(name)) continue
        stacks.delete(name)
        await stack.close(ports)
      }
      const section = await smoke(release, ports, wish, async (plan, itsPorts, only, name) => {
        const stack = stacks.get(name) ?? standingStack(app, { ...wish, ...only })
        stacks.set(name, stack)
        const round = await stack.round(release, plan, itsPorts, more)
        done.push([name, round])
        return round.section
      })
      // They end in any order.
      done.sort(([one], [other]) => (one < other ? -1 : 1))
      const named = (name: string, text: string): string => (name === '' ? text : `${name}/${text}`)
      return {
        section,
        replaced: done.every(([, { replaced }]) => replaced === 'all')
          ? 'all'
          : done.flatMap(([name, { replaced }]) => (replaced === 'all' ? [named(name, 'all')] : replaced.map((one) => named(name, one)))),
        addresses: done.flatMap(([name, { addresses }]) => addresses.map((one) => named(name, one))),
      }
    },
    async close(ports) {
      await Promise.all([...stacks.values()].map((stack) => stack.close(ports)))
    },
  }
}
