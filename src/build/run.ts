import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import { candidates } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { PlannedBase, PlannedImage } from '../core/planned-image.ts'
import type { BuildSection, BuiltImage, Release } from '../core/release.ts'
import { showBytes } from '../core/units.ts'
import { inspectBuilder, parseBuilder, parseMetadata } from '../tools/buildx.ts'
import { heldBases } from './bases.ts'
import { type Keyed, keysOf, reasonFor, requireUnchanged } from './keys.ts'
import { takeKnown } from './known.ts'
import { pushCheck } from './may-push.ts'
import { basesUnder } from './plan.ts'
import { configsOf, requireStore } from './platforms.ts'
import { solve } from './solve.ts'

/**
 * Takes each image of the plan that the registry knows by its content key, and builds all others in one solve, into the engine
 * of this machine.
 */
export async function build(release: Release, ports: Ports): Promise<BuildSection> {
  let inspected: Promise<ReturnType<typeof parseBuilder>> | undefined
  const builder = (): Promise<ReturnType<typeof parseBuilder>> => (inspected ??= ports.exec.read(inspectBuilder()).then(parseBuilder))
  const usesEngine = async (): Promise<boolean> => (await builder()).driver === 'docker'
  const { images, bases = [] } = release.plan
  const all = await keysOf<PlannedBase>([...images, ...bases], { platform: ports.engine.platform(), usesEngine }, release, ports)
  const keyed = images.flatMap((image) => pushed(image, all))
  const mayPush = pushCheck(release, ports)
  const { taken, distrusted, silent } = await takeKnown(keyed, release, ports, mayPush)
  const wanted = keyed.filter(({ image }) => !taken.has(image.name))
  if (wanted.length === 0) return { builder: 'none', images: keyed.flatMap(({ image }) => taken.get(image.name) ?? []) }
  await requireStore(
    wanted.map(({ image }) => image),
    ports,
  )
  const repositories = wanted.flatMap(({ image }) => image.repositories)
  const [found] = await Promise.all([
    Promise.all(wanted.map((one) => reasonFor(one, distrusted.get(one.image.name), silent, release, ports))),
    ...repositories.map(mayPush),
  ])
  const reasons = new Map(found.map((one, index) => [wanted[index]?.image.name, one]))
  for (const [name = '', { reason }] of reasons) ports.log.info(`${name}: built because ${reason}`)
  const { name, driver } = await builder()
  const built = await buildAll(wanted, all, { release, driver }, ports)
  return {
    builder: `${name} (${driver})`,
    images: keyed.flatMap(({ image }) => {
      const one = built.get(image.name)
      return taken.get(image.name) ?? (one === undefined ? [] : { ...one, ...reasons.get(image.name) })
    }),
  }
}

/** With what its platform came to. */
function pushed({ name, repositories }: PlannedImage, all: readonly Keyed[]): Keyed<PlannedImage>[] {
  return all.flatMap((one) => (one.image.name === name ? [{ ...one, image: { ...one.image, repositories } }] : []))
}

/** @param all with those that images are built on: what is not built anew is there for who needs it, and for nobody else */
async function buildAll(
  wanted: readonly Keyed<PlannedImage>[],
  all: readonly Keyed[],
  { release, driver }: { release: Release; driver: string },
  ports: Ports,
): Promise<Map<string, BuiltImage>> {
  const metadataFile = join(await ports.files.temporary('build'), 'metadata.json')
  const started = ports.clock.elapsed()
  const images = wanted.map(({ image }) => image)
  const bases = all.flatMap(({ image }) => (images.some(({ name }) => name === image.name) ? [] : [image]))
  const keys = new Map(wanted.map(({ image, key }) => [image.name, key]))
  const pins = new Map(all.map((one) => [one.image.name, one.pins]))
  await solve({ images, bases, keys, pins, plan: release.plan, driver, metadataFile }, ports)
  await requireUnchanged(wanted, all, ports)
  const ms = ports.clock.elapsed() - started
  const metadata = (await ports.files.read(metadataFile))?.toString() ?? '{}'
  const built = new Map<string, BuiltImage>()
  const every = all.map(({ image }) => image)
  for (const one of wanted) {
    const described = await describe(one.image, one.key, metadata, ms, ports)
    const below = basesUnder([one.image], every)
    const held = new Map([one, ...all.filter(({ image }) => below.includes(image))].flatMap(heldBases))
    built.set(one.image.name, { ...described, ...(held.size === 0 ? {} : { bases: Object.fromEntries(held) }) })
  }
  return built
}

async function describe(image: PlannedImage, key: string, metadata: string, ms: number, ports: Ports): Promise<BuiltImage> {
  const { 'containerimage.config.digest': alone, 'containerimage.digest': digest } = parseMetadata(metadata, image.name)
  const [candidate = ''] = candidates(image, key)
  const inspected = await ports.engine.image(candidate)
  if (inspected === undefined) {
    throw new LaunchwayError('BUILD_FAILED', `${candidate} was built, but the engine does not have it`, {
      hint: 'The builder in use does not load images into this engine: `docker buildx use default`.',
    })
  }
  const config = alone === undefined ? await configsOf(image, { reference: candidate, digest }, ports) : { [inspected.platform]: alone }
  ports.log.info(`${image.name}: ${showBytes(inspected.size)} in ${inspected.layers} layers, ${describeAll(config)}`)
  return {
    name: image.name,
    key,
    how: 'built',
    config,
    registries: {},
    size: inspected.size,
    layers: inspected.layers,
    ms,
  }
}

function describeAll(config: Readonly<Record<string, string>>): string {
  const all = Object.entries(config)
  return all.length === 1 ? (all[0]?.[1] ?? '') : all.map(([platform, digest]) => `${platform} ${digest}`).join(', ')
}
