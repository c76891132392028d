import { createHash } from 'node:crypto'
import type { PlannedImage } from '../core/release.ts'
import type { Context } from './context.ts'

/** Changes whenever the key of the same inputs would: an image found under an old key is then not taken for a new one. */
export const keyVersion = 2

/** What determines an image beside its own settings. */
export interface Inputs extends Pick<Context, 'dockerfile' | 'tree'> {
  /** What each image that the Dockerfile names is, by its name there. */
  bases: Readonly<Record<string, string>>
}

/**
 * The content key of an image: a digest over everything that determines it and that this machine can see. Two trees
 * with the same files, modes and links have the same key; times and owners are left out, as BuildKit leaves them out
 * of its own cache keys. A setting that launchway.yml has for the image is in it, unless it is listed here as one that the
 * image does not depend on: what is forgotten costs a build, and never takes the wrong image.
 */
export function contentKey(image: PlannedImage, { dockerfile, tree, bases }: Inputs): string {
  const { name: _name, repositories: _repositories, context: _folder, dockerfile: _file, platforms, ...settings } = image
  const parts = { version: keyVersion, dockerfile, tree, bases, platforms: platforms.toSorted(), ...settings }
  return createHash('sha256').update(JSON.stringify(parts, sorted)).digest('hex').slice(0, 32)
}

/** Objects with their keys in order, so that it makes no difference how somebody wrote them down. */
function sorted(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
