import { join } from 'node:path'
import { z } from 'zod'
import { parseJson } from '../core/json.ts'
import { Digest } from '../core/names.ts'
import type { Ports, Repository } from '../core/ports.ts'
import { parseReference } from '../core/reference.ts'
import type { PlannedImage, Registry } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { baseImage } from '../tools/dockerfile.ts'
import type { Report } from '../tools/trivy-report.ts'

/** What an image may have been built on: the image that its Dockerfile names, as it is now. */
interface Candidate {
  reference: string
  /** Digests of what its layers hold, the lowest first. */
  layers: readonly string[]
  /** In its registry. */
  repository?: string
  digest?: string
}

/** How long a registry may take to say what a base image is: it is worth no more. */
const patienceMs = 5_000

/** The image that the Dockerfile builds on, as it is written there. */
async function referenceFor(image: PlannedImage, ports: Ports): Promise<string | undefined> {
  const text = (await ports.files.read(join(ports.root, image.context, image.dockerfile)))?.toString()
  return text === undefined ? undefined : baseImage(text, image)
}

/** What the engine has under that name. It may be another one than at the time of the build: `baseLayers` tells. */
async function inEngine(reference: string, ports: Ports): Promise<Candidate | undefined> {
  try {
    const layers = (await ports.engine.image(reference))?.diffIds ?? []
    return layers.length === 0 ? undefined : { reference, layers }
  } catch (error) {
    // A name that it refuses is nobody's base.
    ports.signal.throwIfAborted()
    ports.log.debug(`${reference}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** The same of its registry; undefined where that does not say so, or not soon. */
async function inRegistry(
  reference: string,
  platform: string | undefined,
  registries: readonly Registry[],
  ports: Ports,
): Promise<Required<Candidate> | undefined> {
  const done = new AbortController()
  const late = ports.clock.sleep(patienceMs, AbortSignal.any([ports.signal, done.signal]))
  try {
    return await Promise.race([ask(reference, platform, registries, ports), late.then(() => undefined)])
  } catch (error) {
    ports.signal.throwIfAborted()
    ports.log.debug(`${reference}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  } finally {
    done.abort()
    late.catch(() => undefined)
  }
}

export interface Base {
  /** As the Dockerfile names it. */
  reference: string
  layers: number
  /** What its registry has now under that name, where that is another image. */
  newer?: { repository: string; digest: string }
}

/**
 * The image that this one stands on, where its layers prove it: what the Dockerfile names may have moved since the build,
 * and then nobody knows.
 */
export async function baseOf(
  image: PlannedImage,
  { layers, findings }: Pick<Report, 'layers' | 'findings'>,
  { registries, offline }: { registries: readonly Registry[]; offline: boolean },
  ports: Ports,
): Promise<Base | undefined> {
  // Without a finding there is nothing to tell apart.
  const reference = findings.length === 0 ? undefined : await referenceFor(image, ports)
  if (reference === undefined) return undefined
  const here = await inEngine(reference, ports)
  const found = here === undefined ? undefined : baseLayers(layers, here.layers)
  // What stands on it can be told apart already: the registry is asked only for something that it could mend.
  const below = new Set(layers.slice(0, found))
  if (found !== undefined && !findings.some(({ layer, fixed }) => fixed !== undefined && layer !== undefined && below.has(layer)))
    return { reference, layers: found }
  const there = offline ? undefined : await inRegistry(reference, image.platforms[0], registries, ports)
  if (found !== undefined) {
    const isNewer = there !== undefined && baseLayers(layers, there.layers) === undefined
    return { reference, layers: found, ...(isNewer ? { newer: { repository: there.repository, digest: there.digest } } : {}) }
  }
  const count = there === undefined ? undefined : baseLayers(layers, there.layers)
  return count === undefined ? undefined : { reference, layers: count }
}

/** How many layers of the image are those of the base; undefined where it stands on another one. */
export function baseLayers(layers: readonly string[], base: readonly string[]): number | undefined {
  return base.length > 0 && base.length <= layers.length && base.every((layer, index) => layer === layers[index]) ? base.length : undefined
}

const Config = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()) }) })
const Manifest = z.object({
  config: z.object({ digest: Digest }).optional(),
  manifests: z.array(z.object({ digest: Digest, platform: z.object({ os: z.string(), architecture: z.string() }).optional() })).optional(),
})

async function ask(
  reference: string,
  platform: string | undefined,
  registries: readonly Registry[],
  ports: Ports,
): Promise<Required<Candidate> | undefined> {
  const { repository: name, tag, digest } = parseReference(reference)
  const repository = await openRepository(name, registries, ports)
  const found = await manifestFor(repository, digest ?? tag, platform ?? (await ports.engine.info()).platform)
  const config = found?.config === undefined ? undefined : await repository.blob(found.config)
  const layers = config === undefined ? undefined : parseJson(config.toString(), Config)?.rootfs.diff_ids
  return found === undefined || layers === undefined ? undefined : { reference, repository: name, layers, digest: found.digest }
}

async function manifestFor(
  repository: Repository,
  reference: string,
  platform: string,
): Promise<{ digest: string; config: string | undefined } | undefined> {
  const found = await repository.manifest(reference)
  const parsed = found === undefined ? undefined : parseJson(found.body.toString(), Manifest)
  if (found === undefined || parsed === undefined) return undefined
  if (parsed.manifests === undefined) return { digest: found.descriptor.digest, config: parsed.config?.digest }
  const [os, architecture] = platform.split('/')
  const entry = parsed.manifests.find((one) => one.platform?.os === os && one.platform?.architecture === architecture)
  return entry === undefined || entry.digest === reference ? undefined : manifestFor(repository, entry.digest, platform)
}
