import { candidates, keyLabel } from '../core/names.ts'
import type { PlannedImage, PlanSection } from '../core/release.ts'
import type { BakeDefinition, BakeTarget } from '../tools/buildx.ts'

/**
 * One bake definition for all images, so that BuildKit builds shared stages once. The labels tell of the build that
 * made an image, and are not part of its key.
 * @param pins by the name of the image: what to take in place of images that its Dockerfile names
 * @see https://github.com/opencontainers/image-spec/blob/main/annotations.md
 */
export function bakeDefinition(
  images: readonly PlannedImage[],
  keys: ReadonlyMap<string, string>,
  plan: PlanSection,
  pins: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map(),
): BakeDefinition {
  const target = images.map((image): [string, BakeTarget] => [
    image.name,
    {
      context: image.context,
      dockerfile: image.dockerfile,
      ...(image.target === undefined ? {} : { target: image.target }),
      ...(image.platforms.length === 0 ? {} : { platforms: image.platforms }),
      ...(Object.keys(pins.get(image.name) ?? {}).length === 0 ? {} : { contexts: { ...pins.get(image.name) } }),
      args: image.args,
      labels: {
        'org.opencontainers.image.revision': plan.sha,
        'org.opencontainers.image.version': plan.version,
        [keyLabel]: keys.get(image.name) ?? '',
      },
      tags: candidates(image, keys.get(image.name) ?? ''),
      output: ['type=docker'],
    },
  ])
  return { group: { default: { targets: images.map(({ name }) => name) } }, target: Object.fromEntries(target) }
}
