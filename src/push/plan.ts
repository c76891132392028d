import { LaunchwayError } from '../core/error.ts'
import type { BuiltImage, PlannedImage, PlanSection } from '../core/release.ts'

/** A tag that shall point at what was uploaded, whatever the candidate's own tag points at by then. */
export interface Move {
  image: string
  repository: string
  digest: string
  tag: string
}

/**
 * Every tag of every image in every repository, in the order in which they move: all of one tag before the next.
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
