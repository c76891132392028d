import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { PlannedBase, PlannedImage } from '../core/planned-image.ts'
import type { Release } from '../core/release.ts'
import { baseFinder, type Workshop } from './bases.ts'
import { type Context, readContext } from './context.ts'
import { FileList, inputList, packed } from './inputs.ts'
import { contentKey, type Inputs } from './key.ts'
import { changedFolder, namedContexts } from './named-contexts.ts'
import { basesUnder, inOrder } from './plan.ts'
import { requireStage } from './stages.ts'
import { trackedFiles } from './tracked.ts'
import { whyBuilt } from './why.ts'

/** An image of the plan with its content key. */
export interface Keyed<Image extends PlannedBase = PlannedBase> {
  image: Image
  key: string
  inputs: Inputs
  /** What the build takes in place of names of images. */
  pins: Readonly<Record<string, string>>
  /** What of it nobody could tell, in words: no other build has this key. */
  unknown: string | undefined
}

/** The content keys of images, each after those that it is built on. A folder that several are built of is looked through once. */
export async function keysOf<Image extends PlannedBase>(
  images: readonly Image[],
  workshop: Workshop,
  release: Release,
  ports: Ports,
): Promise<Keyed<Image>[]> {
  const basesOf = baseFinder(release, workshop, ports)
  const folders = new Map<string, Promise<Context>>()
  const ignoreFiles = new Set<string>()
  const keyed: Keyed<Image>[] = []
  const keys = new Map<string, string>()
  for (const planned of inOrder(forWhoStandsOn(images))) {
    const place = placeOf(planned)
    const reading = folders.get(place) ?? look(planned, ports)
    folders.set(place, reading)
    const [{ files, ignoreFile, hasHistory, tree, dockerfile }, contexts, bases, platform] = await Promise.all([
      reading,
      namedContexts(planned, keys, ports),
      basesFor(planned, basesOf, ports),
      workshop.platform,
    ])
    requireStage(planned, dockerfile)
    const image = onPlatform(planned, platform)
    // What cannot be told may be something else each time.
    const below = keyed.filter(({ image: { name } }) => Object.values(planned.contexts ?? {}).includes(`target:${name}`))
    const unknown = bases.unknown ?? below.find((one) => one.unknown !== undefined)?.unknown
    const is = unknown === undefined ? bases.is : { ...bases.is, '': release.id }
    const inputs = { tree, dockerfile, bases: is, contexts }
    const key = contentKey(image, inputs)
    if (hasHistory) ignoreFiles.add(ignoreFile)
    for (const [name, id] of Object.entries(bases.is)) ports.log.debug(`${image.name}: ${name} is ${id}`)
    ports.log.info(`${image.name}: content key ${key}, over ${files} files`)
    keyed.push({ image, key, inputs, pins: bases.pins, unknown })
    keys.set(image.name, key)
  }
  // It stays in the key, since BuildKit sends it: without it, two images that differ would share one key.
  if (ignoreFiles.size > 0) {
    const where = [...ignoreFiles].join(' and ')
    ports.log.warning(
      `.git is in the build context: every commit gives another content key, and COPY can take the history into the image. Unless the build reads it, add the line .git to ${where}`,
    )
  }
  return keyed
}

/** What others stand on is built for all of theirs, where it says nothing of its own: bake joins no others. */
function forWhoStandsOn<Image extends PlannedBase>(images: readonly Image[]): Image[] {
  const above = (name: string): string[] =>
    images.flatMap(({ contexts = {}, platforms, name: its }) =>
      Object.values(contexts).includes(`target:${name}`) ? (platforms.length > 0 ? platforms : above(its)) : [],
    )
  return images.map((image) => (image.platforms.length > 0 ? image : { ...image, platforms: [...new Set(above(image.name))] }))
}

/** One tree gives one image a platform: where none was asked for it is the engine's, and part of the key. */
function onPlatform<Image extends PlannedBase>(image: Image, platform: string): Image {
  return image.platforms.length === 0 ? { ...image, platforms: [platform] } : image
}

function placeOf({ context, dockerfile }: PlannedBase): string {
  return JSON.stringify([context, dockerfile])
}

async function look(image: PlannedBase, ports: Ports, each?: FileList): Promise<Context> {
  const tracked = await trackedFiles(join(ports.root, image.context), ports)
  try {
    return await readContext(image, ports.root, ports.files, {
      tracked,
      ...(each === undefined ? {} : { each: (entry) => each.add(entry) }),
    })
  } finally {
    tracked.close()
  }
}

async function basesFor(image: PlannedBase, basesOf: ReturnType<typeof baseFinder>, { files, root }: Ports): ReturnType<typeof basesOf> {
  const dockerfile = await files.read(join(root, image.context, image.dockerfile))
  return basesOf(image, dockerfile?.toString('latin1') ?? '')
}

/** Whatever is known, all is built. */
export function isForced({ rebuild, build }: Release['plan']): boolean {
  return rebuild === true || build?.noCache === true
}

/**
 * Why an image is built, for people; and what it is built of, for the build after it, where that will lie beside it.
 * @param silent registries that have just not answered
 */
export async function reasonFor(
  { image, inputs, unknown }: Keyed<PlannedImage>,
  distrust: string | undefined,
  silent: ReadonlySet<string>,
  release: Release,
  ports: Ports,
): Promise<{ reason: string; inputs?: string }> {
  const { plan } = release
  const files = new FileList()
  const { tree } = await look(image, ports, files)
  const now = inputList(image, inputs, files)
  const reason = isForced(plan)
    ? `${plan.rebuild === true ? '--rebuild' : '--no-cache'} asks for it`
    : (unknown ?? distrust ?? (await whyBuilt(image, { now, seen: files.seen }, silent, release, ports)))
  return { reason, ...(plan.stages.push.run && tree === inputs.tree ? { inputs: packed(now) } : {}) }
}

/**
 * BuildKit reads the files after the key was made of them: whoever writes meanwhile would have another image under that key
 * than those files make, for everybody who comes to have them. The same of what lies under it, which is built along with it.
 * @param all with what images may be built on
 * @throws LaunchwayError BUILD_FAILED
 */
export async function requireUnchanged(built: readonly Keyed[], all: readonly Keyed[], ports: Ports): Promise<void> {
  const below = basesUnder(
    built.map(({ image }) => image),
    all.map(({ image }) => image),
  )
  const read = [...built, ...all.filter(({ image }) => below.includes(image) && !built.some(({ image: { name } }) => name === image.name))]
  const folders = new Map<string, Promise<Context>>()
  for (const { image, inputs } of read) {
    const reading = folders.get(placeOf(image)) ?? look(image, ports)
    folders.set(placeOf(image), reading)
    const { tree, dockerfile, hasHistory } = await reading
    // Git may write there at any time, and who sends it has been warned that each time gives another key.
    const isChanged = dockerfile !== inputs.dockerfile || (!hasHistory && tree !== inputs.tree)
    const folder = isChanged ? image.context : await changedFolder(image, inputs.contexts, ports)
    if (folder === undefined) continue
    throw new LaunchwayError('BUILD_FAILED', `files of ${image.name} changed while it was built`, {
      hint: `Run it again, and leave ${folder === '.' ? 'the files' : folder} alone until the build is done. What programs write there all the time belongs into .dockerignore.`,
    })
  }
}
