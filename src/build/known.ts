import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import { lastingAnnotations, missingAnnotations } from '../core/image-labels.ts'
import { parseJson } from '../core/json.ts'
import { Digest, inputsType, keyLabel, keyTag } from '../core/names.ts'
import type { Descriptor, Ports, Repository } from '../core/ports.ts'
import { onlyLayer } from '../core/record-document.ts'
import { parseRepository } from '../core/reference.ts'
import { Status } from '../core/registry-refusal.ts'
import type { BuiltImage, PlannedImage, Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { isProposal } from '../core/stages.ts'
import { showMs } from '../core/units.ts'
import { within } from '../core/within.ts'
import { isForced } from './keys.ts'
import { type MayPush, pushCheck, unbuilt } from './may-push.ts'
import { sizeAnnotation } from './why.ts'

/** How long a registry may take to say whether it has an image: then it is built. One that is down has been asked six times by then. */
const patienceMs = 20_000

const Part = z.object({ digest: Digest, size: z.number() })
const Manifest = z.object({ config: Part, layers: z.array(Part) })
const Index = z.object({ manifests: z.array(z.object({ digest: Digest, platform: z.object({ os: z.string() }).optional() })) })
const Config = z.object({
  os: z.string(),
  architecture: z.string(),
  config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
  rootfs: z.object({ diff_ids: z.array(z.string()) }),
})

/** An image that is not there as it should be: why, in words. */
class Untrue extends Error {}

/** What the registries have of the images of a plan. */
interface Known {
  /** The images that need no build, by name. */
  taken: Map<string, BuiltImage>
  /** Of those that are in the registry and cannot be taken, why. */
  distrusted: Map<string, string>
  /** Registries that did not answer. */
  silent: Set<string>
}

/**
 * Takes what needs no build.
 * @throws LaunchwayError before anything is built, where a registry that this run pushes to does not answer, or refuses that
 */
export async function takeKnown(
  keyed: readonly { image: PlannedImage; key: string; unknown: string | undefined }[],
  release: Release,
  ports: Ports,
  mayPush: MayPush = pushCheck(release, ports),
): Promise<Known> {
  const known: Known = { taken: new Map(), distrusted: new Map(), silent: new Set() }
  if (isForced(release.plan)) return known
  const asking: Asking = { release, ports, mayPush, final: [] }
  await Promise.all(
    keyed.map(async ({ image, key, unknown }) => {
      const found = unknown === undefined ? await findKnown(image, key, asking, known.silent) : undefined
      if (found === undefined) return
      if ('why' in found) {
        if (found.reason !== undefined) known.distrusted.set(image.name, found.reason)
        ports.log.info(`${image.name}: ${found.why}`)
        return
      }
      known.taken.set(image.name, found)
      ports.log.info(`${image.name}: ${found.how} in ${showMs(found.ms)}, ${found.reason ?? ''}: ${Object.values(found.config).join(', ')}`)
    }),
  )
  const [failure] = asking.final
  if (failure !== undefined) throw failure
  return known
}

interface Asking {
  release: Release
  ports: Ports
  mayPush: MayPush
  /** What ends the run. */
  final: Error[]
}

/**
 * The image of a key that a repository has already, as it was built by somebody who may write there; the upload takes it to those
 * that lack it. In words, why it is not taken, and where that is why it is built.
 */
async function findKnown(
  image: PlannedImage,
  key: string,
  asking: Asking,
  silent: Set<string>,
): Promise<BuiltImage | { why: string; reason?: string } | undefined> {
  const { release, ports } = asking
  const started = ports.clock.elapsed()
  const answers = await within(patienceMs, ports.signal, ports, () =>
    Promise.all(image.repositories.map((repository) => answerOf(repository, image, key, asking))),
  )
  for (const repository of image.repositories) {
    const answer = answers?.find((one) => one.repository === repository)
    if (answers === undefined || answer?.isSilent === true) silent.add(parseRepository(repository).host)
  }
  if (answers === undefined) return { why: `whether it is known was not told within ${patienceMs / 1000} s` }
  const there = answers.flatMap(({ repository, found }) => (found === undefined ? [] : [{ repository, ...found }]))
  const [first] = there
  const isMixed = there.some(({ config }) => JSON.stringify(config) !== JSON.stringify(first?.config))
  const untrue = isMixed
    ? `${image.repositories.join(' and ')} have different images under its key`
    : answers.find(({ untrue: says }) => says !== undefined)?.untrue
  if (untrue !== undefined) return { why: untrue, reason: `the one in the registry is not to be trusted: ${untrue}` }
  if (first === undefined) {
    const unasked = answers.find(({ unasked: says }) => says !== undefined)?.unasked
    return unasked === undefined ? undefined : { why: `whether it is known could not be asked: ${unasked}` }
  }
  const how = first.isCurrent || isProposal(release.plan) ? 'cached' : 'promoted'
  const { config, layers } = first
  const { size, isCompressed, inputs } = there.find((one) => !one.isCompressed) ?? first
  // Else what was refused for its size would pass when it is taken.
  if (isCompressed && image.size?.fail !== undefined) return unmeasured(image.name)
  // What says beside it what it was built of goes along to where it is not.
  const isWanted = release.plan.stages.push.run && there.length < answers.length
  const body = isWanted ? await inputs?.().catch(() => undefined) : undefined
  return {
    name: image.name,
    key,
    how,
    reason: how === 'cached' ? 'nothing of it has changed' : `built before${first.version === undefined ? '' : ` as ${first.version}`}`,
    ...(body === undefined ? {} : { inputs: body.toString('base64') }),
    config,
    registries: Object.fromEntries(there.map(({ repository, uploaded }) => [repository, uploaded])),
    size,
    ...(isCompressed ? { compressed: true } : {}),
    layers,
    ms: ports.clock.elapsed() - started,
  }
}

/** What one repository says of an image: without anything else, that it does not have it. */
interface Answer {
  repository: string
  found?: There
  /** It has it, but not as it should be. */
  untrue?: string
  /** Why it could not be asked. */
  unasked?: string
  isSilent?: true
}

async function answerOf(repository: string, image: PlannedImage, key: string, { release, ports, mayPush, final }: Asking): Promise<Answer> {
  try {
    const found = await inRepository(repository, image, key, release, ports)
    return { repository, ...(found === undefined ? {} : { found }) }
  } catch (error) {
    ports.signal.throwIfAborted()
    const said = error instanceof Error ? error.message : String(error)
    if (error instanceof Untrue) return { repository, untrue: said }
    if (!(error instanceof LaunchwayError)) return { repository, unasked: said }
    if (error.code === 'DIGEST_MISMATCH') return { repository, untrue: said }
    const { run: isPushed } = release.plan.stages.push
    const isSilent = error.code === 'REGISTRY_UNAVAILABLE' && !(error.cause instanceof Status)
    if (isPushed && isSilent) final.push(unbuilt(error))
    if (isPushed && error.code === 'REGISTRY_DENIED') {
      // A repository that the first push makes is refused by some registries until then.
      const refused = await mayPush(repository).catch((reason: unknown) => reason)
      if (refused === undefined) return { repository }
      if (refused instanceof Error) final.push(refused)
    }
    return { repository, unasked: said, ...(isSilent ? { isSilent } : {}) }
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
  /** Reads what it was built of; absent where nothing tells. */
  inputs: (() => Promise<Buffer | undefined>) | undefined
}

async function inRepository(name: string, image: PlannedImage, key: string, { plan }: Release, ports: Ports): Promise<There | undefined> {
  const repository = await openRepository(name, plan.registries, ports)
  const tag = keyTag(key)
  const [found, current] = await Promise.all([repository.manifest(tag), repository.resolve(plan.version)])
  if (found === undefined) return undefined
  const reference = `${name}:${tag}`
  // A run that was killed between its push and its annotations.
  const [bare] = missingAnnotations(found.body, lastingAnnotations(image, key))
  if (bare !== undefined) throw new Untrue(`${reference} lacks the annotation ${bare}`)
  const images = await imagesIn(found, reference, repository)
  const config: Record<string, string> = {}
  const [looked, beside] = await Promise.all([
    Promise.all(images.map((one) => look(one, { key, reference, repository }))),
    repository.referrers(found.descriptor.digest, inputsType).catch(() => []),
  ])
  for (const one of looked) config[one.platform] = one.config
  const wanted = image.platforms.map((platform) => platform.split('/').slice(0, 2).join('/')).toSorted()
  const has = Object.keys(config).toSorted()
  if (has.join(' ') !== wanted.join(' '))
    throw new Untrue(`${reference} is for ${has.join(', ') || 'no platform'}, not for ${wanted.join(', ')}`)
  const { digest, mediaType } = found.descriptor
  const note = beside.find(({ annotations }) => annotations[sizeAnnotation] !== undefined)
  const told = Number(note?.annotations[sizeAnnotation])
  return {
    uploaded: { digest, mediaType },
    config,
    size: told > 0 ? told : looked.reduce((sum, one) => sum + one.size, 0),
    isCompressed: !(told > 0),
    layers: looked[0]?.layers ?? 0,
    isCurrent: current?.digest === digest,
    version: looked[0]?.version,
    inputs: note === undefined ? undefined : () => onlyLayer(repository, note.digest),
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
    platform: `${parsed.os}/${parsed.architecture}`,
    config: config.digest,
    size: layers.reduce((sum, { size }) => sum + size, config.size),
    layers: parsed.rootfs.diff_ids.length,
    version: labels['org.opencontainers.image.version'],
  }
}
