import { cacheTag } from '../core/names.ts'
import type { BuildSecret, BuildSsh, PlannedBase, PlannedImage } from '../core/planned-image.ts'
import { resolveSize } from './evidence.ts'
import { labelTexts } from './image-labels.ts'
import { isBaked } from './rules-image.ts'
import type { Config } from './schema.ts'
import type { ImageConfig } from './schema-image.ts'
import { texts } from './texts.ts'

/** The name of the image that the short form does not name. */
export const onlyImage = 'app'

/** The images that are pushed, with labels and annotations as they are written: what these say of a release the plan knows. Of one that a bake file describes, nothing else is known here but its target. */
export function resolveImages(config: Config): PlannedImage[] {
  const images = config.images ?? { [onlyImage]: { repositories: config.image === undefined ? [] : [config.image] } }
  return Object.entries(images).flatMap(([name, image]) =>
    image.repositories === undefined ? [] : [{ ...resolveBuild(name, image), repositories: image.repositories }],
  )
}

/** What they are built on and nobody pushes. */
export function resolveBases({ images = {} }: Config): PlannedBase[] {
  return Object.entries(images).flatMap(([name, image]) => (image.repositories === undefined ? [resolveBuild(name, image)] : []))
}

/** By the name of the image: the target of the bake file that says how it is built. */
export function resolveTargets(config: Config): Map<string, string> {
  const baked = Object.entries(config.images ?? {}).filter(([, image]) => isBaked(config, image))
  return new Map(baked.map(([name, { bake = name }]) => [name, bake]))
}

function resolveBuild(name: string, image: ImageConfig): PlannedBase {
  const { contexts, secrets, ssh, labels, annotations } = image
  return {
    name,
    context: image.context ?? '.',
    dockerfile: image.dockerfile ?? 'Dockerfile',
    ...(image.target === undefined ? {} : { target: image.target }),
    platforms: image.platforms ?? [],
    args: texts(image.args ?? {}),
    ...(contexts === undefined ? {} : { contexts }),
    ...(secrets === undefined ? {} : { secrets: secrets.map(resolveSecret) }),
    ...(ssh === undefined ? {} : { ssh: ssh.map(resolveSsh) }),
    ...(labels === undefined ? {} : { labels: labelTexts(labels) }),
    ...(annotations === undefined ? {} : { annotations: labelTexts(annotations) }),
    ...(image.cache === undefined ? {} : { cache: resolveCache(name, image) }),
    ...(image.size === undefined ? {} : { size: resolveSize(image.size) }),
  }
}

function resolveSecret(secret: NonNullable<ImageConfig['secrets']>[number]): BuildSecret {
  if (typeof secret === 'string') return { id: secret, env: secret }
  const { id, env, file } = secret
  return file === undefined ? { id, env: env ?? id } : { id, file }
}

function resolveSsh(ssh: NonNullable<ImageConfig['ssh']>[number]): BuildSsh {
  if (typeof ssh === 'string') return { id: ssh }
  return { id: ssh.id ?? 'default', ...(ssh.key === undefined ? {} : { key: ssh.key }) }
}

/** Images of one repository do not overwrite each other's caches: each has a place of its own. */
function resolveCache(name: string, { cache, repositories = [] }: ImageConfig): NonNullable<PlannedImage['cache']> {
  if (cache === undefined) return { from: [], to: [] }
  if (typeof cache !== 'string') return { from: [cache.from ?? []].flat(), to: [cache.to ?? []].flat().map(forgiving) }
  const [repository = ''] = repositories
  const place = cache === 'gha' ? `type=gha,scope=${name}` : `type=registry,ref=${repository}:${cacheTag(name)}`
  return { from: [place], to: [forgiving(`${place},mode=max`)] }
}

/** A cache that cannot be written is no reason to throw away an image that could be built. */
export function forgiving(entry: string): string {
  return entry.startsWith('type=inline') || /,ignore-error=/.test(entry) ? entry : `${entry},ignore-error=true`
}
