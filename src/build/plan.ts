import { candidates } from '../core/names.ts'
import type { PlannedImage, PlanSection } from '../core/release.ts'
import { labelsOf } from './labels.ts'
import type { BakeDefinition, BakeTarget } from '../tools/buildx.ts'

/**
 * One bake definition for all images, so that BuildKit builds shared stages once. The labels tell of the build that
 * made an image, and are not part of its key.
 */
export function bakeDefinition(images: readonly PlannedImage[], keys: ReadonlyMap<string, string>, plan: PlanSection): BakeDefinition {
  const target = images.map((image): [string, BakeTarget] => [
    image.name,
    {
      context: image.context,
      dockerfile: image.dockerfile,
      ...(image.target === undefined ? {} : { target: image.target }),
      ...(image.platforms.length === 0 ? {} : { platforms: image.platforms }),
      args: image.args,
      labels: labelsOf(titleOf(image), plan),
      tags: candidates(image, keys.get(image.name) ?? ''),
      output: ['type=docker'],
    },
  ])
  return { group: { default: { targets: images.map(({ name }) => name) } }, target: Object.fromEntries(target) }
}

/** What people call an image: the last part of where it is pushed. */
function titleOf({ name, repositories: [repository] }: PlannedImage): string {
  return repository?.split('/').at(-1) ?? name
}
