import { firstOf } from '../core/text.ts'
import { z } from 'zod'
import { abreast } from '../core/abreast.ts'
import { parseJson } from '../core/json.ts'
import { environmentTag, inputsType } from '../core/names.ts'
import type { Ports, Repository } from '../core/ports.ts'
import { documentOf, onlyLayer } from '../core/record-document.ts'
import { parseRepository } from '../core/reference.ts'
import type { BuiltImage, PlannedImage, Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { within } from '../core/within.ts'
import { changesOf, type FileList, type InputList, unpacked } from './inputs.ts'

/** How long a registry may take to say what an image was built of: nothing depends on it. */
const patienceMs = 10_000
/** Repositories that are written to at once. */
const parallel = 4
/** Changes that a reason names. */
const shownChanges = 3

/** Annotation beside the inputs: bytes of the image in an engine, of which a registry knows only what it keeps. */
export const sizeAnnotation = 'launchway.size'

/** Why an image is built whose key nobody knows: what differs from the last one of this branch, tag or environment. */
export async function whyBuilt(
  image: PlannedImage,
  { now, seen }: { now: InputList } & Pick<FileList, 'seen'>,
  silent: ReadonlySet<string>,
  release: Release,
  ports: Ports,
): Promise<string> {
  const { host } = parseRepository(image.repositories[0] ?? '')
  if (silent.has(host)) return `what it was built of before is not known: ${host} did not answer`
  try {
    const before = await within(patienceMs, ports.signal, ports, () => lastInputs(image, release, ports))
    if (before === undefined) return 'what it was built of before is not known'
    return typeof before === 'string' ? before : inWords(changesOf(before, now, seen))
  } catch (error) {
    ports.signal.throwIfAborted()
    return `what it was built of before is not known: ${error instanceof Error ? error.message : String(error)}`
  }
}

function inWords(changes: readonly string[]): string {
  const shown = firstOf(changes, shownChanges)
  const last = shown.pop()
  if (last === undefined) return 'its image is no longer in the registry'
  // A file may be called anything: no name begins a line of the log.
  return (shown.length === 0 ? last : `${shown.join(', ')} and ${last}`).replaceAll(/\p{Cc}/gu, '?')
}

/** What the image was built of that has the version's tags now, or that the environment runs. In words, why there is none. */
async function lastInputs(image: PlannedImage, release: Release, ports: Ports): Promise<InputList | string> {
  const { plan } = release
  const repository = await openRepository(image.repositories[0] ?? '', plan.registries, ports)
  const digests = [...(await tagged(repository, plan.tags)), await deployed(image, release, ports)].flatMap((digest) => digest ?? [])
  for (const digest of new Set(digests)) {
    for (const { digest: document } of await repository.referrers(digest, inputsType)) {
      const body = await onlyLayer(repository, document)
      const inputs = body === undefined ? undefined : unpacked(body)
      if (inputs !== undefined) return inputs
    }
  }
  return digests.length === 0
    ? `it is the first build of ${plan.environment?.name ?? plan.version}`
    : `what ${plan.version} was built of before is not known`
}

async function tagged(repository: Repository, tags: readonly string[]): Promise<(string | undefined)[]> {
  return Promise.all(tags.map(async (tag) => (await repository.resolve(tag))?.digest))
}

const Record = z.object({
  build: z.object({ images: z.array(z.object({ name: z.string(), registries: z.record(z.string(), z.object({ digest: z.string() })) })) }),
})

/** The digest of the image that the environment runs, or that the change would go to. */
async function deployed(image: PlannedImage, { app, plan }: Release, ports: Ports): Promise<string | undefined> {
  const environment = plan.environment?.name ?? plan.against
  const first = plan.images[0]?.repositories[0]
  const [own] = image.repositories
  if (environment === undefined || first === undefined || own === undefined) return undefined
  const text = await documentOf(
    await openRepository(first, plan.registries, ports),
    environmentTag({ repository: first, app, environment }),
  )
  const images = text === undefined ? [] : (parseJson(text, Record)?.build.images ?? [])
  return images.find(({ name }) => name === image.name)?.registries[own]?.digest
}

/**
 * Keeps beside each image that was built what it was built of, for the build after it. A registry that does not take it
 * is no reason to fail.
 */
export async function keepInputs(images: readonly BuiltImage[], { plan }: Release, ports: Ports): Promise<BuiltImage[]> {
  const places = images.flatMap(({ name, inputs, registries, size }) =>
    inputs === undefined ? [] : Object.entries(registries).map(([at, { digest }]) => ({ name, inputs, size, at, digest })),
  )
  await abreast(parallel, places, ports.signal, async ({ name, inputs, size, at, digest }) => {
    try {
      const repository = await openRepository(at, plan.registries, ports)
      const subject = await repository.resolve(digest)
      if (subject === undefined) return
      await repository.attach(subject, inputsType, Buffer.from(inputs, 'base64'), { [sizeAnnotation]: String(size) })
    } catch (error) {
      ports.signal.throwIfAborted()
      ports.log.info(`${at} did not take what ${name} was built of: ${error instanceof Error ? error.message : String(error)}`)
    }
  })
  return images.map(({ inputs: _kept, ...image }) => image)
}
