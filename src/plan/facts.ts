import type { Config } from '../config/schema.ts'
import type { Ports } from '../core/ports.ts'
import { committedAt, originHead } from '../tools/git.ts'
import type { Facts, Trigger } from './trigger.ts'

function asksForDefaultBranch(config: Config): boolean {
  const tagging = JSON.stringify([config['image-tags'], config.flavor, config.branches, config.tags])
  const labels = JSON.stringify(Object.values(config.images ?? {}).map((image) => [image.labels, image.annotations]))
  return /type\s*=\s*edge|is_(not_)?default_branch/.test(tagging) || /is_(not_)?default_branch/.test(labels)
}

/** What a release should say when no branch can count as the default branch; undefined where none is asked for, or it is known. */
export function defaultBranchWarning(config: Config, trigger: Trigger, facts: Facts): string | undefined {
  const isKnown = (trigger.defaultBranch ?? facts.defaultBranch) !== undefined || trigger.event === 'schedule'
  if (isKnown || !asksForDefaultBranch(config)) return undefined
  return 'image-tags or labels ask for the default branch, which this clone does not know: no branch counts as it. Say: git remote set-head origin --auto'
}

/** What only the repository can say, and asked only where it is needed; nothing is asked of a network. */
export async function factsFor(config: Config, trigger: Trigger, { exec, root, clock }: Ports): Promise<Facts> {
  const read = async (command: Parameters<typeof exec.read>[0]): Promise<string | undefined> => exec.read(command).catch(() => undefined)
  const [head, time] = await Promise.all([
    trigger.defaultBranch === undefined && asksForDefaultBranch(config) ? read(originHead(root)) : undefined,
    trigger.committed === undefined && trigger.sha !== '' ? read(committedAt(trigger.sha, root)) : undefined,
  ])
  const defaultBranch = head?.replace(/^refs\/remotes\/origin\//, '')
  const committed = new Date(time ?? '')
  return {
    now: clock.now(),
    ...(defaultBranch === undefined ? {} : { defaultBranch }),
    ...(Number.isNaN(committed.getTime()) ? {} : { committed }),
  }
}
