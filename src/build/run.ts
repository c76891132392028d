import { basename, join } from 'node:path'
import { LaunchwayError, type Place } from '../core/error.ts'
import { candidates } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { BuildSection, BuiltImage, PlannedImage, Release } from '../core/release.ts'
import { showBytes } from '../core/units.ts'
import { bake, failedLine, inspectBuilder, parseBuilder, parseMetadata } from '../tools/buildx.ts'
import { type Keyed, keysOf, reasonFor, requireUnchanged } from './keys.ts'
import { takeKnown } from './known.ts'
import { bakeDefinition } from './plan.ts'

/**
 * Takes each image of the plan that the registry knows by its content key, and builds all others in one solve, into the engine
 * of this machine.
 */
export async function build(release: Release, ports: Ports): Promise<BuildSection> {
  let inspected: Promise<ReturnType<typeof parseBuilder>> | undefined
  const builder = (): Promise<ReturnType<typeof parseBuilder>> => (inspected ??= ports.exec.read(inspectBuilder()).then(parseBuilder))
  const usesEngine = async (): Promise<boolean> => (await builder()).driver === 'docker'
  const keyed = await keysOf(release.plan.images, { platform: ports.engine.platform(), usesEngine }, release, ports)
  const { taken, distrusted } = await takeKnown(keyed, release, ports)
  const wanted = keyed.filter(({ image }) => !taken.has(image.name))
  if (wanted.length === 0) return { builder: 'none', images: keyed.flatMap(({ image }) => taken.get(image.name) ?? []) }
  const reasons = new Map<string, Awaited<ReturnType<typeof reasonFor>>>()
  for (const one of wanted) {
    const found = await reasonFor(one, distrusted.get(one.image.name), release, ports)
    reasons.set(one.image.name, found)
    ports.log.info(`${one.image.name}: built because ${found.reason}`)
  }
  const built = await buildAll(wanted, release, ports)
  const { name, driver } = await builder()
  return {
    builder: `${name} (${driver})`,
    images: keyed.flatMap(({ image }) => {
      const one = built.get(image.name)
      return taken.get(image.name) ?? (one === undefined ? [] : { ...one, ...reasons.get(image.name) })
    }),
  }
}

async function buildAll(wanted: readonly Keyed[], release: Release, ports: Ports): Promise<Map<string, BuiltImage>> {
  const metadataFile = join(await ports.files.temporary('build'), 'metadata.json')
  const started = ports.clock.elapsed()
  await solve(wanted, release, metadataFile, ports)
  await requireUnchanged(wanted, ports)
  const ms = ports.clock.elapsed() - started
  const metadata = (await ports.files.read(metadataFile))?.toString() ?? '{}'
  const built = new Map<string, BuiltImage>()
  for (const { image, key } of wanted) built.set(image.name, await describe(image, key, metadata, ms, ports))
  return built
}

async function solve(wanted: readonly Keyed[], { plan }: Release, metadataFile: string, ports: Ports): Promise<void> {
  const images = wanted.map(({ image }) => image)
  const keys = new Map(wanted.map(({ image, key }) => [image.name, key]))
  const pins = new Map(wanted.map((one) => [one.image.name, one.pins]))
  const output: string[] = []
  const call = bake(bakeDefinition(images, keys, plan, pins), metadataFile, ports.root, { anew: plan.rebuild === true })
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
