import { z } from 'zod'
import { missingAnnotations } from '../core/annotations.ts'
import { LaunchwayError } from '../core/error.ts'
import { parseJson } from '../core/json.ts'
import { Digest, inputsType, keyLabel, keyTag } from '../core/names.ts'
import { normalPlatform, platformOf } from '../core/platform.ts'
import type { Descriptor, Ports, Repository } from '../core/ports.ts'
import type { BuiltImage, PlannedImage, Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { isProposal } from '../core/stages.ts'
import { showMs } from '../core/units.ts'
import { within } from '../core/within.ts'
import { isForced } from './keys.ts'
import { sizeAnnotation } from './why.ts'

/** How long a registry may take to say whether it has an image: then it is built. */
const patienceMs = 15_000

const Part = z.object({ digest: Digest, size: z.number() })
const Manifest = z.object({ config: Part, layers: z.array(Part) })
const Index = z.object({ manifests: z.array(z.object({ digest: Digest, platform: z.object({ os: z.string() }).optional() })) })
const Config = z.object({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().nullish(),
  config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
  rootfs: z.object({ diff_ids: z.array(z.string()) }),
})

/** An image that is not there as it should be: why, in words. */
class Untrue extends Error {}

/**
 * The images that need no build, by name; and of those that are in the registry and cannot be taken, why.
 */
export async function takeKnown(
  keyed: readonly { image: PlannedImage; key: string; unknown: string | undefined }[],
  release: Release,
  ports: Ports,
): Promise<{ taken: Map<string, BuiltImage>; distrusted: Map<string, string> }> {
  const [taken, distrusted] = [new Map<string, BuiltImage>(), new Map<string, string>()]
  if (isForced(release.plan)) return { taken, distrusted }
  await Promise.all(
    keyed.map(async ({ image, key, unknown }) => {
      const found = unknown === undefined ? await findKnown(image, key, release, ports) : undefined
      if (found === undefined) return
      if ('why' in found) {
        if (found.reason !== undefined) distrusted.set(image.name, found.reason)
        ports.log.info(`${image.name}: ${found.why}`)
        return
      }
      taken.set(image.name, found)
      ports.log.info(`${image.name}: ${found.how} in ${showMs(found.ms)}, ${found.reason ?? ''}: ${Object.values(found.config).join(', ')}`)
    }),
  )
  return { taken, distrusted }
}

/**
 * The image of a key that every repository has already, as it was built by somebody who may write there. In words, why it is
 * not taken, and where that is why it is built.
 */
async function findKnown(
  image: PlannedImage,
  key: string,
  release: Release,
  ports: Ports,
): Promise<BuiltImage | { why: string; reason?: string } | undefined> {
  const started = ports.clock.elapsed()
  try {
    const found = await within(patienceMs, ports.signal, ports, () =>
      Promise.all(image.repositories.map((repository) => inRepository(repository, image, key, release, ports))),
    )
    if (found === undefined) return { why: `whether it is known was not told within ${patienceMs / 1000} s` }
    const there = found.flatMap((one) => one ?? [])
    const [first] = there
    // Built for one of them, it is built for all: two builds of one key are two images.
    if (first === undefined || there.length < found.length) return undefined
    if (there.some(({ config }) => JSON.stringify(config) !== JSON.stringify(first.config)))
      throw new Untrue(`${image.repositories.join(' and ')} have different images under its key`)
    const how = first.isCurrent || isProposal(release.plan) ? 'cached' : 'promoted'
    const { config, layers } = first
    const { size, isCompressed } = there.find((one) => !one.isCompressed) ?? first
    // Else what was refused for its size would pass when it is taken.
    if (isCompressed && image.size?.fail !== undefined) return unmeasured(image.name)
    return {
      name: image.name,
      key,
      how,
      reason: how === 'cached' ? 'nothing of it has changed' : `built before${first.version === undefined ? '' : ` as ${first.version}`}`,
      config,
      registries: Object.fromEntries(image.repositories.map((repository, index) => [repository, there[index]?.uploaded ?? first.uploaded])),
      size,
      ...(isCompressed ? { compressed: true } : {}),
      layers,
      ms: ports.clock.elapsed() - started,
    }
  } catch (error) {
    ports.signal.throwIfAborted()
    const said = error instanceof Error ? error.message : String(error)
    const isUntrue = error instanceof Untrue || (error instanceof LaunchwayError && error.code === 'DIGEST_MISMATCH')
    if (!isUntrue) return { why: `whether it is known could not be asked: ${said}` }
    return { why: said, reason: `the one in the registry is not to be trusted: ${said}` }
  }
}

function unmeasured(name: string): { why: string; reason: string } {
  const why = `how large the one in the registry is was never told, and images.${name}.size.fail asks for it`
  return { why, reason: why }
}

interface There {
  uploaded: { digest: string; mediaType: string }
  config: Record<string, string>
  size: number
  /** `size` is what the registry keeps. */
  isCompressed: boolean
  layers: number
  /** The tag of this version leads to it already. */
  isCurrent: boolean
  /** What the release that built it was called. */
  version: string | undefined
}

async function inRepository(name: string, image: PlannedImage, key: string, { plan }: Release, ports: Ports): Promise<There | undefined> {
  const repository = await openRepository(name, plan.registries, ports)
  const tag = keyTag(key)
  const [found, current] = await Promise.all([repository.manifest(tag), repository.resolve(plan.version)])
  if (found === undefined) return undefined
  const reference = `${name}:${tag}`
  // A run that was killed between its push and its annotations.
  const [bare] = missingAnnotations(found.body, image.annotations ?? {})
  if (bare !== undefined) throw new Untrue(`${reference} lacks the annotation ${bare}`)
  const images = await imagesIn(found, reference, repository)
  const config: Record<string, string> = {}
  const [looked, beside] = await Promise.all([
    Promise.all(images.map((one) => look(one, { key, reference, repository }))),
    repository.referrers(found.descriptor.digest, inputsType).catch(() => []),
  ])
  // That of an engine is as the engine says it. In the order of the plan: the first names the files of a scan.
  const wanted = image.platforms.map(normalPlatform)
  for (const one of looked.toSorted((a, b) => wanted.indexOf(a.platform) - wanted.indexOf(b.platform))) config[one.platform] = one.config
  const has = Object.keys(config)
  if (has.toSorted().join(' ') !== wanted.toSorted().join(' '))
    throw new Untrue(`${reference} is for ${has.join(', ') || 'no platform'}, not for ${wanted.join(', ')}`)
  const { digest, mediaType } = found.descriptor
  const told = Number(beside.find(({ annotations }) => annotations[sizeAnnotation] !== undefined)?.annotations[sizeAnnotation])
  return {
    uploaded: { digest, mediaType },
    config,
    // Of several platforms nobody pulls more than one.
    size: told > 0 ? told : Math.max(...looked.map((one) => one.size)),
    isCompressed: !(told > 0),
    layers: looked[0]?.layers ?? 0,
    isCurrent: current?.digest === digest,
    version: looked[0]?.version,
  }
}

interface Found {
  descriptor: Descriptor
  body: Buffer
}

/** The manifest itself, or those of an index without what says where an image comes from. */
async function imagesIn(found: Found, reference: string, repository: Repository): Promise<z.infer<typeof Manifest>[]> {
  const text = found.body.toString()
  const one = parseJson(text, Manifest)
  if (one !== undefined) return [one]
  const entries = parseJson(text, Index)?.manifests.filter(({ platform }) => platform?.os !== 'unknown') ?? []
  return Promise.all(
    entries.map(async ({ digest }) => {
      const inner = await repository.manifest(digest)
      const manifest = inner === undefined ? undefined : parseJson(inner.body.toString(), Manifest)
      if (manifest === undefined) throw new Untrue(`${reference} lacks a part: ${digest}`)
      return manifest
    }),
  )
}

interface Looked {
  platform: string
  config: string
  /** As the registry keeps it. */
  size: number
  layers: number
  version: string | undefined
}

/** That everything it consists of is there, and that it says of itself that it has this key. */
async function look(
  { config, layers }: z.infer<typeof Manifest>,
  { key, reference, repository }: { key: string; reference: string; repository: Repository },
): Promise<Looked> {
  const [body, ...sizes] = await Promise.all([repository.blob(config.digest), ...layers.map(({ digest }) => repository.blobSize(digest))])
  const parsed = body === undefined ? undefined : parseJson(body.toString(), Config)
  if (parsed === undefined) throw new Untrue(`${reference} has no configuration`)
  const labels = parsed.config?.Labels ?? {}
  if (labels[keyLabel] !== key) throw new Untrue(`${reference} is of the key ${labels[keyLabel] ?? '(none)'}, as it says itself`)
  const lacks = layers.find(({ size }, index) => sizes[index] !== size)
  if (lacks !== undefined) throw new Untrue(`${reference} lacks ${lacks.digest}, or a part of it`)
  return {
    platform: platformOf(parsed),
    config: config.digest,
    size: layers.reduce((sum, { size }) => sum + size, config.size),
    layers: parsed.rootfs.diff_ids.length,
    version: labels['org.opencontainers.image.version'],
  }
}
