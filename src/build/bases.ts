import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import { Digest } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import { familiarName, isNamedContext, isSameRepository, parseReference } from '../core/reference.ts'
import type { PlannedBase } from '../core/planned-image.ts'
import type { Registry, Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { within } from '../core/within.ts'
import { imagesOf, type Named } from '../tools/dockerfile.ts'
import { syntaxOf } from '../tools/dockerfile-text.ts'
import type { Inputs } from './key.ts'

/** How long a registry may take to say what a tag points at. */
const patienceMs = 10_000

/** What the images are that a Dockerfile names. */
export interface Bases {
  /** By the name in the Dockerfile: the digest in its registry, or what the engine calls it. */
  is: Record<string, string>
  /** What the build takes in place of a name, so that it is built on what is in the key: by the name, `docker-image://…`. */
  pins: Record<string, string>
  /** What nobody could tell, in words. */
  unknown: string | undefined
}

/** Where an image is built. */
export interface Workshop {
  /** Of the engine. */
  platform: Promise<string>
  /** Whether what lies in the engine of this machine can be built on. */
  usesEngine(this: void): Promise<boolean>
}

/** Asks each image once, however many Dockerfiles name it. */
export function baseFinder(release: Release, workshop: Workshop, ports: Ports): (image: PlannedBase, dockerfile: string) => Promise<Bases> {
  const asked = new Map<string, Promise<Found | undefined>>()
  return async (image, dockerfile) => {
    const build = await workshop.platform
    const { images, stages } = imagesFor(dockerfile, image, build)
    const bases: Bases = { is: {}, pins: {}, unknown: undefined }
    for (const named of [...images.map((one): Used => one), ...contextImages(image)]) {
      const { reference } = named
      // Something else stands in its place.
      if (named.context === undefined && reference !== undefined && isNamedContext(reference, image.contexts)) continue
      if (reference === undefined) {
        bases.unknown ??= `line ${named.line} of its Dockerfile names ${named.written}, and what that is cannot be told without building`
        continue
      }
      const answer = asked.get(reference) ?? identify(reference, release, workshop, ports)
      asked.set(reference, answer)
      const found = await answer
      await refuseOwn(named, reference, found, image, release, ports)
      if (found === undefined) {
        bases.unknown ??= `neither its registry nor this engine says what ${reference} is`
        continue
      }
      bases.is[reference] = found.id
      if (found.pin === undefined) continue
      const name = named.context ?? familiarName(reference)
      // BuildKit would put the image in the place of the stage.
      if (named.context === undefined && stages.includes(name))
        bases.unknown ??= `a stage of its Dockerfile is called ${name}, as the image is: give the stage another name`
      else bases.pins[name] = `docker-image://${found.pin}`
    }
    return bases
  }
}

/** What it names for any of its platforms: `FROM base-$TARGETARCH` is another one for each. */
function imagesFor(dockerfile: string, image: PlannedBase, build: string): ReturnType<typeof imagesOf> {
  const targets = image.platforms.length === 0 ? [build] : image.platforms
  const each = targets.map((target) => imagesOf(dockerfile, image, { target, build }))
  const images = new Map(each.flatMap((one) => one.images.map((named) => [`${named.line} ${named.reference ?? named.written}`, named])))
  return { images: [...images.values()], stages: [...new Set(each.flatMap(({ stages }) => stages))] }
}

interface Used extends Named {
  context?: string
}

/** Images that named contexts are, by the name of the context. */
function contextImages({ contexts = {} }: PlannedBase): Used[] {
  return Object.entries(contexts).flatMap(([context, value]) => {
    const reference = /^docker-image:\/\/(.+)$/.exec(value)?.[1]
    return reference === undefined ? [] : [{ reference, written: value, line: 1, context }]
  })
}

/**
 * Of these bases those that the build could not but take, by the name in the Dockerfile with the digest in its registry: named by it, or
 * held to it. The one that reads the Dockerfile (`# syntax=`) BuildKit finds by itself, and an image of this machine has no such digest.
 */
export function heldBases({ image: { args }, inputs: { bases, dockerfile }, pins }: Pinned): [string, string][] {
  const reader = args['BUILDKIT_SYNTAX'] ?? syntaxOf(dockerfile)
  const held = Object.values(pins)
  return Object.entries(bases).filter(([reference, id]) => {
    const { repository, digest } = parseReference(reference)
    if (!Digest.safeParse(id).success) return false
    return digest !== undefined || (reference !== reader && held.includes(`docker-image://${repository}@${id}`))
  })
}

interface Pinned extends Pick<Bases, 'pins'> {
  image: Pick<PlannedBase, 'args'>
  inputs: Pick<Inputs, 'bases' | 'dockerfile'>
}

interface Found {
  id: string
  /** Its name with the digest; absent where the build finds it by its name alone. */
  pin?: string
  /** It is on this machine, and in no registry that anybody could name. */
  isLocal?: true
}

/**
 * What is behind a name. What was made on this machine comes first, as docker has it; then what its registry says now; and
 * where that cannot be asked, what was pulled earlier.
 */
async function identify(reference: string, release: Release, { usesEngine }: Workshop, ports: Ports): Promise<Found | undefined> {
  const { repository, tag, digest } = parseReference(reference)
  if (digest !== undefined) return { id: digest }
  const here = await ports.engine.image(reference).catch(() => undefined)
  const pulled = here?.repoDigests.map(parseReference).find((one) => isSameRepository(one.repository, repository))?.digest
  if (here !== undefined && pulled === undefined && (await usesEngine())) return { id: here.id, isLocal: true }
  const there = await ask(repository, tag, release.plan.registries, ports)
  if (there !== undefined) return { id: there, pin: `${repository}@${there}` }
  if (here === undefined || !(await usesEngine())) return undefined
  ports.log.info(`${reference}: as it was pulled to this machine earlier`)
  return { id: pulled ?? here.id }
}

async function ask(repository: string, tag: string, registries: readonly Registry[], ports: Ports): Promise<string | undefined> {
  try {
    const opened = await openRepository(repository, registries, ports)
    const found = await within(patienceMs, ports.signal, ports, () => opened.resolve(tag))
    return found?.digest
  } catch (error) {
    ports.signal.throwIfAborted()
    ports.log.info(`${repository}:${tag}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/**
 * An image that is built on what the last build of it was called grows with each, and no commit says what is in it.
 * @throws LaunchwayError BUILD_FAILED
 */
async function refuseOwn(
  { line }: Named,
  reference: string,
  found: Found | undefined,
  image: PlannedBase,
  { plan }: Release,
  ports: Ports,
): Promise<void> {
  const { repository, tag, digest } = parseReference(reference)
  const own = plan.images
    .flatMap(({ repositories }) => repositories)
    // Such as `flask_addie`, made here by `docker commit`, for docker.io/apw247/flask_addie.
    .find(
      (one) =>
        isSameRepository(one, repository) || (found?.isLocal === true && !repository.includes('/') && one.split('/').at(-1) === repository),
    )
  if (own === undefined || digest !== undefined) return
  const now = await ask(own, tag, plan.registries, ports)
  const file = join(image.context, image.dockerfile)
  throw new LaunchwayError('BUILD_FAILED', `${image.name} would be built on ${reference}, which is what it is pushed as itself`, {
    place: { file, line },
    hint: [
      'Each build would then stand on the one before, and nothing but that would say what is in it. Two ways out:',
      `- What lies under your files once, as an image of its own: give it a Dockerfile and a repository such as ${own}-base, push it when it changes, and write FROM ${own}-base:1.`,
      `- To go on from one certain image, name it by its digest: FROM ${own}@${now ?? 'sha256:…'}`,
    ].join('\n'),
  })
}
