import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import { candidates } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { PlannedBase, PlannedImage } from '../core/planned-image.ts'
import type { BuildSection, BuiltImage, Release } from '../core/release.ts'
import { showBytes } from '../core/units.ts'
import { inspectBuilder, parseBuilder, parseMetadata } from '../tools/buildx.ts'
import { readContext } from './context.ts'
import { contentKey } from './key.ts'
import { namedContexts } from './named-contexts.ts'
import { inOrder } from './plan.ts'
import { solve } from './solve.ts'

/** Builds every image of the plan in one solve, into the engine of this machine. */
export async function build(release: Release, ports: Ports): Promise<BuildSection> {
  const { plan } = release
  const { platform } = await ports.engine.info()
  const images = plan.images.map((image) => onPlatform(image, platform))
  const bases = (plan.bases ?? []).map((base) => onPlatform(base, platform))
  const keys = await contentKeys([...images, ...bases], ports)
  const { name: builder, driver } = parseBuilder(await ports.exec.read(inspectBuilder()))
  const metadataFile = join(await ports.files.temporary('build'), 'metadata.json')
  const started = ports.clock.elapsed()
  await solve({ images, bases, keys, plan, driver, metadataFile }, ports)
  const ms = ports.clock.elapsed() - started
  const metadata = (await ports.files.read(metadataFile))?.toString() ?? '{}'
  const built: BuiltImage[] = []
  for (const image of images) built.push(await describe(image, keys.get(image.name) ?? '', metadata, ms, ports))
  return { builder: `${builder} (${driver})`, images: built }
}

/** One tree gives one image a platform: where none was asked for it is the engine's, and part of the key. */
function onPlatform<Image extends PlannedBase>(image: Image, platform: string): Image {
  return image.platforms.length === 0 ? { ...image, platforms: [platform] } : image
}

async function contentKeys(images: readonly PlannedBase[], ports: Ports): Promise<Map<string, string>> {
  const keys = new Map<string, string>()
  const ignoreFiles = new Set<string>()
  for (const image of inOrder(images)) {
    const { dockerfile, entries, ignoreFile } = await readContext(image, ports.root, ports.files)
    const key = contentKey(image, dockerfile, entries, await namedContexts(image, keys, ports))
    keys.set(image.name, key)
    if (entries.some(({ path, kind }) => kind !== 'directory' && /^\.git(\/|$)/.test(path))) ignoreFiles.add(ignoreFile)
    ports.log.info(`${image.name}: content key ${key}, over ${entries.length} files`)
  }
  // It stays in the key, since BuildKit sends it: without it, two images that differ would share one key.
  if (ignoreFiles.size > 0) {
    const where = [...ignoreFiles].join(' and ')
    ports.log.warning(
      `.git is in the build context: every commit gives another content key, and COPY can take the history into the image. Unless the build reads it, add the line .git to ${where}`,
    )
  }
  return keys
}

async function describe(image: PlannedImage, key: string, metadata: string, ms: number, ports: Ports): Promise<BuiltImage> {
  const config = parseMetadata(metadata, image.name)['containerimage.config.digest']
  const [candidate = ''] = candidates(image, key)
  const inspected = await ports.engine.image(candidate)
  if (inspected === undefined) {
    throw new LaunchwayError('BUILD_FAILED', `${candidate} was built, but the engine does not have it`, {
      hint: 'The builder in use does not load images into this engine: `docker buildx use default`.',
    })
  }
  ports.log.info(`${image.name}: ${showBytes(inspected.size)} in ${inspected.layers} layers, ${config}`)
  return {
    name: image.name,
    key,
    how: 'built',
    config: { [inspected.platform]: config },
    registries: {},
    size: inspected.size,
    layers: inspected.layers,
    ms,
  }
}
