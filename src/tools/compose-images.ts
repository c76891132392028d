import { resolve } from 'node:path'
import type { PlannedImage } from '../core/planned-image.ts'
import { parseRepository } from '../core/reference.ts'
import type { ComposeService } from './compose.ts'

/**
 * Which services run an image of the plan, by service: those that would build the same, those that run what one of these
 * calls it (`image:` beside `build:`), and those that name one of its repositories, whatever the tag. A digest names other
 * bits on purpose, so such a service is left alone.
 */
export function plannedImages(
  services: Readonly<Record<string, ComposeService>>,
  images: readonly PlannedImage[],
  root: string,
): Map<string, PlannedImage> {
  const all = Object.entries(services)
  const called = new Map<string, PlannedImage>()
  for (const [name, service] of all) {
    const image = service.build === undefined ? undefined : plannedImageOf(name, service, images, root)
    if (image !== undefined && service.image !== undefined) called.set(service.image, image)
  }
  return new Map(
    all.flatMap(([name, service]) => {
      const named = service.build === undefined ? called.get(service.image ?? '') : undefined
      const image = plannedImageOf(name, service, images, root) ?? named
      return image === undefined ? [] : [[name, image] as const]
    }),
  )
}

/**
 * The image of the plan that a service runs: one whose repository it names, whatever the tag, else one that it would
 * build the same.
 */
function plannedImageOf(name: string, service: ComposeService, images: readonly PlannedImage[], root: string): PlannedImage | undefined {
  const named = images.find(({ repositories }) => repositories.some((repository) => isOf(service.image, repository)))
  if (named !== undefined) return named
  const built = images.filter((image) => buildsSame(service, image, root))
  // Two images of one Dockerfile differ by their arguments, or go to two repositories under the names of their services.
  const same = built.filter((image) => sameArgs(service, image))
  const fit = same.length > 0 ? same : built
  return fit.find((image) => image.name === name) ?? fit[0]
}

/** Whether a reference names that repository, with whatever tag; a digest names other bits on purpose. */
export function isOf(reference: string | undefined, repository: string): boolean {
  if (reference === undefined || reference.includes('@')) return false
  const [asked, ours] = [parseRepository(reference.replace(/:[^/:]*$/, '')), parseRepository(repository)]
  return asked.host === ours.host && asked.path === ours.path
}

function buildsSame({ build }: ComposeService, image: PlannedImage, root: string): boolean {
  if (build?.context === undefined || 'dockerfile_inline' in build) return false
  const context = resolve(root, image.context)
  return (
    build.context === context &&
    resolve(context, build.dockerfile ?? 'Dockerfile') === resolve(context, image.dockerfile) &&
    (build.target ?? '') === (image.target ?? '')
  )
}

function sameArgs({ build }: ComposeService, { args }: PlannedImage): boolean {
  const theirs = Object.entries(build?.args ?? {})
  return theirs.length === Object.keys(args).length && theirs.every(([name, value]) => args[name] === value)
}

/** In words, what a service has that runs an image of the plan. @param root as it shall be shown */
export function waysToRun(image: PlannedImage, root: string): string[] {
  const context = resolve(root, image.context)
  return [
    `image: ${image.repositories.join(' or ')} (any tag)`,
    `build: context ${context}, dockerfile ${image.dockerfile}${image.target === undefined ? '' : `, target ${image.target}`}`,
  ]
}
