import { join } from 'node:path'
import { candidates } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { BuiltImage, PlannedImage } from '../core/release.ts'
import { baseImage } from '../tools/dockerfile.ts'
import type { Base } from '../tools/provenance.ts'

/**
 * What an image was built on: what the build was held to, and the base that its Dockerfile or a named context has where it was not, such as
 * one that was made on this machine.
 */
export async function basesOf(image: PlannedImage, built: BuiltImage, ports: Ports): Promise<Base[]> {
  const held = Object.entries(built.bases ?? {}).map(([reference, digest]): Base => ({ reference, digest }))
  const base = await baseOf(image, built, ports)
  return base === undefined ? held : [...held, base]
}

/**
 * The base, with its digest where the engine has that image, and the layers of the new one begin with its layers. Undefined where the
 * Dockerfile does not say, or is not here, and for what the build was held to.
 */
async function baseOf(image: PlannedImage, { key, bases = {} }: BuiltImage, ports: Ports): Promise<Base | undefined> {
  const text = (await ports.files.read(join(ports.root, image.context, image.dockerfile)))?.toString()
  const reference = text === undefined ? undefined : baseImage(text, image)
  if (reference === undefined || Object.hasOwn(bases, reference)) return undefined
  try {
    const [candidate = ''] = candidates(image, key)
    const [base, built] = await Promise.all([ports.engine.image(reference), ports.engine.image(candidate)])
    const [below, layers] = [base?.diffIds ?? [], built?.diffIds ?? []]
    const [digest] = (base?.repoDigests ?? []).map((one) => one.slice(one.indexOf('@') + 1))
    const isProved = below.length > 0 && below.every((layer, index) => layer === layers[index])
    return isProved && digest !== undefined ? { reference, digest } : { reference }
  } catch (error) {
    // In a job of its own there may be no engine: then the name has to do.
    ports.signal.throwIfAborted()
    ports.log.debug(`${reference}: ${error instanceof Error ? error.message : String(error)}`)
    return { reference }
  }
}
