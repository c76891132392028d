import type { Config } from '../config/schema.ts'
import type { Ports } from '../core/ports.ts'
import { committedAt, originHead } from '../tools/git.ts'
import type { Facts, Trigger } from './trigger.ts'

const asksForDefaultBranch = /type\s*=\s*edge|is_(not_)?default_branch/

/** What only the repository can say, and asked only where it is needed; nothing is asked of a network. */
export async function factsFor(config: Config, trigger: Trigger, { exec, root, clock, log }: Ports): Promise<Facts> {
  const read = async (command: Parameters<typeof exec.read>[0]): Promise<string | undefined> => exec.read(command).catch(() => undefined)
  const tagging = JSON.stringify([config['image-tags'], config.flavor, config.branches, config.tags])
  const [head, time] = await Promise.all([
    trigger.defaultBranch === undefined && asksForDefaultBranch.test(tagging) ? read(originHead(root)) : undefined,
    trigger.committed === undefined && trigger.sha !== '' ? read(committedAt(trigger.sha, root)) : undefined,
  ])
  const defaultBranch = head?.replace(/^refs\/remotes\/origin\//, '')
  const isUnknown = trigger.defaultBranch === undefined && head === undefined && trigger.event !== 'schedule'
  if (isUnknown && asksForDefaultBranch.test(tagging))
    log.warning(
      'image-tags ask for the default branch, which this clone does not know: no branch counts as it. Say: git remote set-head origin --auto',
    )
  const committed = new Date(time ?? '')
  return {
    now: clock.now(),
    ...(defaultBranch === undefined ? {} : { defaultBranch }),
    ...(Number.isNaN(committed.getTime()) ? {} : { committed }),
  }
}
