import { labelsOf } from '../core/image-labels.ts'
import { candidates } from '../core/names.ts'
import type { PlannedBase, PlannedImage } from '../core/planned-image.ts'
import type { PlanSection } from '../core/release.ts'
import { isProposal } from '../core/stages.ts'
import type { BakeDefinition, BakeTarget } from '../tools/buildx.ts'

/** What the steps of builds may ask for: by image and id, where buildx finds it. */
export interface Given {
  /** `env=NAME` or `src=PATH` */
  secrets: ReadonlyMap<string, string>
  /** The path of a key; without one it is the agent. */
  ssh: ReadonlyMap<string, string>
}

export const givenKey = (image: string, id: string): string => `${image} ${id}`

/** What a definition is made of, beside the images. */
export interface Order {
  /** What is only built on. */
  bases?: readonly PlannedBase[]
  given?: Given
  /** The builder can write caches, and not only into the image. */
  exportsCache?: boolean
  /** Caches are used. */
  cached?: boolean
  /** By the name of the image: what to take in place of images that its Dockerfile names. */
  pins?: ReadonlyMap<string, Readonly<Record<string, string>>>
}

/**
 * One bake definition for all images, so that BuildKit builds shared stages once. The labels tell of the build that
 * made an image, and are not part of its key. What is only built on has no output, and is built when an image needs it.
 * @see https://github.com/opencontainers/image-spec/blob/main/annotations.md
 */
export function bakeDefinition(
  images: readonly PlannedImage[],
  keys: ReadonlyMap<string, string>,
  plan: PlanSection,
  order: Order = {},
): BakeDefinition {
  const targets = images.map((image): [string, BakeTarget] => {
    const key = keys.get(image.name) ?? ''
    const tags = candidates(image, key)
    const { cache, ...build } = targetOf(image, plan, order)
    return [
      image.name,
      {
        ...build,
        ...cache,
        labels: labelsOf(image, key, plan),
        tags,
        output: ['type=docker'],
      },
    ]
  })
  const below = (order.bases ?? []).map((base): [string, BakeTarget] => {
    const { cache, ...build } = targetOf(base, plan, order)
    // Nobody asks for it by itself: only what an image needs of it is built, and that is not all that its cache should have.
    const { 'cache-to': _, ...from } = cache
    return [base.name, { ...build, ...from, labels: base.labels ?? {}, tags: [], output: ['type=cacheonly'] }]
  })
  return { group: { default: { targets: images.map(({ name }) => name) } }, target: Object.fromEntries([...below, ...targets]) }
}

type Build = Omit<BakeTarget, 'labels' | 'tags' | 'output'> & { cache: Pick<BakeTarget, 'cache-from' | 'cache-to'> }

function targetOf(image: PlannedBase, plan: PlanSection, order: Order): Build {
  const { given, pins } = order
  const contexts = { ...image.contexts, ...pins?.get(image.name) }
  const secret = (image.secrets ?? []).map(({ id }) => `id=${id},${given?.secrets.get(givenKey(image.name, id)) ?? ''}`)
  const ssh = (image.ssh ?? []).map(({ id }) => [id, given?.ssh.get(givenKey(image.name, id)) ?? []].flat().join('='))
  return {
    ...image.bake,
    context: image.context,
    dockerfile: image.dockerfile,
    ...(image.target === undefined ? {} : { target: image.target }),
    ...(image.platforms.length === 0 ? {} : { platforms: image.platforms }),
    args: image.args,
    ...(Object.keys(contexts).length === 0 ? {} : { contexts }),
    ...(secret.length === 0 ? {} : { secret }),
    ...(ssh.length === 0 ? {} : { ssh }),
    cache: cacheOf(image, plan, order),
  }
}

/** A pull request writes to no registry; its cache on GitHub is its own. */
function cacheOf({ cache }: PlannedBase, plan: PlanSection, { exportsCache = true, cached = true }: Order): Build['cache'] {
  const from = cached ? (cache?.from ?? []) : []
  const to = (cache?.to ?? []).filter((entry) => {
    if (!cached) return false
    if (entry.startsWith('type=registry') && isProposal(plan)) return false
    return exportsCache || entry.startsWith('type=inline')
  })
  return { ...(from.length === 0 ? {} : { 'cache-from': from }), ...(to.length === 0 ? {} : { 'cache-to': to }) }
}

/** An image after all that it is built on. Names that are no image of these stand for something else. */
export function inOrder<Image extends PlannedBase>(images: readonly Image[]): Image[] {
  const done: Image[] = []
  const seen = new Set<Image>()
  const visit = (image: Image): void => {
    if (seen.has(image)) return
    seen.add(image)
    for (const value of Object.values(image.contexts ?? {})) {
      const below = images.find(({ name }) => value === `target:${name}`)
      if (below !== undefined) visit(below)
    }
    done.push(image)
  }
  for (const image of images) visit(image)
  return done
}

/** Those of the bases that these images stand on, also through each other: what else there is need not be built. */
export function basesUnder<Base extends PlannedBase>(images: readonly PlannedBase[], bases: readonly Base[]): Base[] {
  const needed = new Set<Base>()
  const visit = ({ contexts = {} }: PlannedBase): void => {
    for (const base of bases) {
      if (needed.has(base) || !Object.values(contexts).includes(`target:${base.name}`)) continue
      needed.add(base)
      visit(base)
    }
  }
  for (const image of images) visit(image)
  return [...needed]
}
