import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { PlannedImage, Release } from '../core/release.ts'
import { baseFinder, type Workshop } from './bases.ts'
import { type Context, readContext } from './context.ts'
import { FileList, inputList, packed } from './inputs.ts'
import { contentKey, type Inputs } from './key.ts'
import { trackedFiles } from './tracked.ts'
import { whyBuilt } from './why.ts'

/** An image of the plan with its content key. */
export interface Keyed {
  image: PlannedImage
  key: string
  inputs: Inputs
  /** What the build takes in place of names of images. */
  pins: Readonly<Record<string, string>>
  /** What of it nobody could tell, in words: no other build has this key. */
  unknown: string | undefined
}

/** The content keys of all images. A folder that several are built of is looked through once. */
export async function keysOf(images: readonly PlannedImage[], workshop: Workshop, release: Release, ports: Ports): Promise<Keyed[]> {
  const basesOf = baseFinder(release, workshop, ports)
  const contexts = new Map<string, Promise<Context>>()
  const ignoreFiles = new Set<string>()
  const keyed: Keyed[] = []
  for (const planned of images) {
    const place = JSON.stringify([planned.context, planned.dockerfile])
    const reading = contexts.get(place) ?? look(planned, ports)
    contexts.set(place, reading)
    const [{ files, ignoreFile, hasHistory, tree, dockerfile }, bases, platform] = await Promise.all([
      reading,
      basesFor(planned, basesOf, ports),
      workshop.platform,
    ])
    const image = onPlatform(planned, platform)
    // What cannot be told may be something else each time.
    const is = bases.unknown === undefined ? bases.is : { ...bases.is, '': release.id }
    const inputs = { tree, dockerfile, bases: is }
    const key = contentKey(image, inputs)
    if (hasHistory) ignoreFiles.add(ignoreFile)
    for (const [name, id] of Object.entries(bases.is)) ports.log.debug(`${image.name}: ${name} is ${id}`)
    ports.log.info(`${image.name}: content key ${key}, over ${files} files`)
    keyed.push({ image, key, inputs, pins: bases.pins, unknown: bases.unknown })
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

/** One tree gives one image a platform: where none was asked for it is the engine's, and part of the key. */
function onPlatform(image: PlannedImage, platform: string): PlannedImage {
  return image.platforms.length === 0 ? { ...image, platforms: [platform] } : image
}

async function look(image: PlannedImage, ports: Ports, each?: FileList): Promise<Context> {
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

async function basesFor(image: PlannedImage, basesOf: ReturnType<typeof baseFinder>, { files, root }: Ports): ReturnType<typeof basesOf> {
  const dockerfile = await files.read(join(root, image.context, image.dockerfile))
  return basesOf(image, dockerfile?.toString('latin1') ?? '')
}

/** Why an image is built, for people; and what it is built of, for the build after it, where that will lie beside it. */
export async function reasonFor(
  { image, inputs, unknown }: Keyed,
  distrust: string | undefined,
  release: Release,
  ports: Ports,
): Promise<{ reason: string; inputs?: string }> {
  const { plan } = release
  const files = new FileList()
  const { tree } = await look(image, ports, files)
  const now = inputList(image, inputs, files)
  const reason = plan.rebuild === true ? '--rebuild asks for it' : (unknown ?? distrust ?? (await whyBuilt(image, now, release, ports)))
  return { reason, ...(plan.stages.push.run && tree === inputs.tree ? { inputs: packed(now) } : {}) }
}

/**
 * BuildKit reads the files after the key was made of them: whoever writes meanwhile would have another image under that key
 * than those files make, for everybody who comes to have them.
 * @throws LaunchwayError BUILD_FAILED
 */
export async function requireUnchanged(built: readonly Keyed[], ports: Ports): Promise<void> {
  for (const { image, inputs } of built) {
    const { tree, dockerfile, hasHistory } = await look(image, ports)
    // Git may write there at any time, and who sends it has been warned that each time gives another key.
    if (hasHistory || (tree === inputs.tree && dockerfile === inputs.dockerfile)) continue
    throw new LaunchwayError('BUILD_FAILED', `files of ${image.name} changed while it was built`, {
      hint: `Run it again, and leave ${image.context === '.' ? 'the files' : image.context} alone until the build is done. What programs write there all the time belongs into .dockerignore.`,
    })
  }
}
