import { basename, join } from 'node:path'
import { LaunchwayError, type Place } from '../core/error.ts'
import { candidates } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { BuildSection, BuiltImage, PlannedImage, Release } from '../core/release.ts'
import { showBytes } from '../core/units.ts'
import { bake, failedLine, inspectBuilder, parseBuilder, parseMetadata } from '../tools/buildx.ts'
import { readContext } from './context.ts'
import { contentKey } from './key.ts'
import { bakeDefinition } from './plan.ts'
import { trackedFiles } from './tracked.ts'

/** Builds every image of the plan in one solve, into the engine of this machine. */
export async function build(release: Release, ports: Ports): Promise<BuildSection> {
  const { root } = ports
  const { platform } = await ports.engine.info()
  const images = release.plan.images.map((image) => onPlatform(image, platform))
  const keys = await contentKeys(images, ports)
  const { name: builder, driver } = parseBuilder(await ports.exec.read(inspectBuilder()))
  const metadataFile = join(await ports.files.temporary('build'), 'metadata.json')
  const started = ports.clock.elapsed()
  await solve(images, keys, release, metadataFile, root, ports)
  const ms = ports.clock.elapsed() - started
  const metadata = (await ports.files.read(metadataFile))?.toString() ?? '{}'
  const built: BuiltImage[] = []
  for (const image of images) built.push(await describe(image, keys.get(image.name) ?? '', metadata, ms, ports))
  return { builder: `${builder} (${driver})`, images: built }
}

/** One tree gives one image a platform: where none was asked for it is the engine's, and part of the key. */
function onPlatform(image: PlannedImage, platform: string): PlannedImage {
  return image.platforms.length === 0 ? { ...image, platforms: [platform] } : image
}

async function contentKeys(images: readonly PlannedImage[], ports: Ports): Promise<Map<string, string>> {
  const keys = new Map<string, string>()
  const ignoreFiles = new Set<string>()
  for (const image of images) {
    const tracked = await trackedFiles(join(ports.root, image.context), ports)
    const { files, ignoreFile, hasHistory, ...inputs } = await readContext(image, ports.root, ports.files, { tracked }).finally(
      tracked.close,
    )
    const key = contentKey(image, { ...inputs, bases: {} })
    keys.set(image.name, key)
    if (hasHistory) ignoreFiles.add(ignoreFile)
    ports.log.info(`${image.name}: content key ${key}, over ${files} files`)
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

async function solve(
  images: readonly PlannedImage[],
  keys: ReadonlyMap<string, string>,
  release: Release,
  metadataFile: string,
  root: string,
  ports: Ports,
): Promise<void> {
  const output: string[] = []
  const call = bake(bakeDefinition(images, keys, release.plan), metadataFile, root)
  const { code } = await ports.exec.run(call, {
    signal: ports.signal,
    accept: [0, 1],
    onLine(line) {
      output.push(line)
      ports.log.info(line)
    },
  })
  if (code === 0) return
  const place = await placeOf(images, output.join('\n'), ports)
  const last = output.filter((line) => line.trim() !== '').slice(-25)
  throw new LaunchwayError('BUILD_FAILED', place === undefined ? 'the build failed' : `the build failed at ${place.file}:${place.line}`, {
    hint: last.join('\n'),
    ...(place === undefined ? {} : { place }),
  })
}

/** BuildKit names a Dockerfile without its folder: the image is the one whose file has that line. */
async function placeOf(images: readonly PlannedImage[], output: string, ports: Ports): Promise<Place | undefined> {
  const found = failedLine(output)
  if (found === undefined) return undefined
  for (const { context, dockerfile } of images) {
    const file = join(context, dockerfile)
    if (basename(file) !== found.file) continue
    const lines = (await ports.files.read(join(ports.root, file)))?.toString().split('\n')
    if (lines?.[found.line - 1]?.trim() === found.text) return { file, line: found.line }
  }
  return undefined
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
