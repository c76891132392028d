import { parseTagRule } from '../config/image-tags.ts'
import type { Config } from '../config/schema.ts'
import { tagEntries } from '../config/tag-entry.ts'
import type { Ports } from '../core/ports.ts'
import { committedAt, originHead } from '../tools/git.ts'
import type { Facts, Trigger } from './trigger.ts'

function asksForDefaultBranch(config: Config): boolean {
  const targets = Object.values({ ...config.branches, ...config.tags }).flatMap((target) => (typeof target === 'string' ? [] : [target]))
  const rules = [config, ...targets].flatMap((one) => tagEntries(one['image-tags'] ?? []).map(({ entry }) => parseTagRule(entry)))
  const isEdge = rules.some((rule) => typeof rule !== 'string' && rule.type === 'edge' && rule.branch === undefined)
  const labels = Object.values(config.images ?? {}).map((image) => [image.labels, image.annotations])
  return isEdge || /is_(not_)?default_branch/.test(JSON.stringify([config['image-tags'], config.flavor, targets, labels]))
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
