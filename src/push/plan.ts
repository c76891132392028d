import { keyTag } from '../core/names.ts'
import type { BuiltImage, PlannedImage, PlanSection } from '../core/release.ts'

/** A tag that shall point at what the candidate tag points at. */
export interface Move {
  image: string
  repository: string
  candidate: string
  tag: string
}

/** Every tag of every image in every repository, in the order in which they move: all of one tag before the next. */
export function planMoves(plan: PlanSection, built: readonly BuiltImage[]): Move[] {
  const keys = new Map(built.map(({ name, key }) => [name, key]))
  return plan.tags.flatMap((tag) =>
    plan.images.flatMap((image: PlannedImage) =>
      image.repositories.map((repository) => ({ image: image.name, repository, candidate: keyTag(keys.get(image.name) ?? ''), tag })),
    ),
  )
}
