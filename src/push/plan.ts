import { LaunchwayError } from '../core/error.ts'
import type { BuiltImage, PlannedImage, PlanSection } from '../core/release.ts'

/** A tag that shall point at what was uploaded, whatever the candidate's own tag points at by then. */
export interface Move {
  image: string
  repository: string
  digest: string
  tag: string
}

/** What happens to one tag of a repository. */
export interface Change {
  repository: string
  tag: string
  /** The digest that it shall name. */
  to: string
  /** What it names until then; absent where it is not there. */
  was?: string | undefined
}

/** What a registry has under tags: a digest by reference, nothing for a tag that is not there. */
export type Seen = ReadonlyMap<string, string | undefined>

export function referenceOf({ repository, tag }: { repository: string; tag: string }): string {
  return `${repository}:${tag}`
}

/**
 * Every tag of every image in every repository.
 * @throws LaunchwayError RECORD_INVALID for an image that was not uploaded
 */
export function planMoves(plan: PlanSection, built: readonly BuiltImage[]): Move[] {
  return plan.tags.flatMap((tag) =>
    plan.images.flatMap((image: PlannedImage) =>
      image.repositories.map((repository) => ({ image: image.name, repository, digest: uploaded(image.name, repository, built), tag })),
    ),
  )
}

function uploaded(name: string, repository: string, built: readonly BuiltImage[]): string {
  const digest = built.find((image) => image.name === name)?.registries[repository]?.digest
  if (digest !== undefined) return digest
  throw new LaunchwayError('RECORD_INVALID', `the record does not say that ${name} was uploaded to ${repository}`, {
    hint: 'Run the build stage first, with the same record: it uploads what it built.',
  })
}

export interface Decision {
  /** Tags that must not be overwritten, and name something else. */
  refused: Change[]
  /**
   * What changes, in rounds: within one all go side by side, and the next begins when all of it has been read back. What
   * can be put back for certain goes first; what is new last, since not every registry lets a tag be taken away.
   */
  rounds: Change[][]
}

/**
 * @param immutable tags that may be made and never changed
 * @param left what a release that was never finished could not take away: of these a tag may be changed once more
 */
export function decide(moves: readonly Move[], seen: Seen, immutable: readonly string[], left: Seen): Decision {
  const changes = moves
    .map(({ repository, tag, digest }): Change => ({ repository, tag, to: digest, was: seen.get(referenceOf({ repository, tag })) }))
    .filter(({ to, was }) => was !== to)
  const refused = changes.filter(
    (change) => change.was !== undefined && immutable.includes(change.tag) && left.get(referenceOf(change)) !== change.was,
  )
  const tags = [...new Set(changes.map(({ tag }) => tag))]
  const round = (tag: string, isNew: boolean): Change[] => changes.filter((one) => one.tag === tag && (one.was === undefined) === isNew)
  const rounds = [false, true].flatMap((isNew) => tags.map((tag) => round(tag, isNew))).filter(({ length }) => length > 0)
  return { refused, rounds }
}

/** What is to be done to a tag so that it is again as it was. */
export interface Undo {
  change: Change
  /** `nothing`: it was not reached. `leave`: somebody else has moved it since. */
  how: 'restore' | 'remove' | 'nothing' | 'leave'
}

/** How a set of tags that was begun, and is not to be finished, becomes again what it was. */
export function planUndo(changes: readonly Change[], seen: Seen): Undo[] {
  return changes.map((change) => {
    const now = seen.get(referenceOf(change))
    if (now === change.was) return { change, how: 'nothing' }
    if (now !== change.to) return { change, how: 'leave' }
    return { change, how: change.was === undefined ? 'remove' : 'restore' }
  })
}

/**
 * The same for a set that a run left behind that has ended: nothing where it had come to its end and could only not say
 * so any more.
 */
export function planRepair(changes: readonly Change[], seen: Seen): Undo[] {
  const isWhole = changes.every((change) => seen.get(referenceOf(change)) === change.to)
  return isWhole ? [] : planUndo(changes, seen)
}
