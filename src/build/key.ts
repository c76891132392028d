import { createHash } from 'node:crypto'
import type { PlannedBase } from '../core/planned-image.ts'
import type { Context } from './context.ts'

/** Changes whenever the key of the same inputs would: an image found under an old key is then not taken for a new one. */
export const keyVersion = 2

/** What determines an image beside its own settings. */
export interface Inputs extends Pick<Context, 'dockerfile' | 'tree'> {
  /** What each image that the Dockerfile names is, by its name there. */
  bases: Readonly<Record<string, string>>
  /** What each named context comes to: the key of an image or a folder, else how it is written. */
  contexts: Readonly<Record<string, string>>
}

/**
 * The content key of an image: a digest over everything that determines it and that this machine can see. Two trees
 * with the same files, modes and links have the same key; times and owners are left out, as BuildKit leaves them out
 * of its own cache keys.
 */
export function contentKey(image: PlannedBase, { dockerfile, tree, bases, contexts }: Inputs): string {
  const { platforms } = image
  const parts = { version: keyVersion, dockerfile, tree, bases, contexts, platforms: platforms.toSorted(), ...settingsOf(image) }
  return createHash('sha256').update(JSON.stringify(parts, sorted)).digest('hex').slice(0, 32)
}

/**
 * What launchway.yml has for the image and the image depends on: all, unless it is listed here as something else. What is
 * forgotten costs a build, and never takes the wrong image. Of a secret it is the name, not the value; of a label that
 * says something of a release it is what is written; a cache makes no other image.
 */
export function settingsOf(image: PlannedBase & { repositories?: readonly string[] }): Record<string, unknown> {
  const { name: _name, repositories: _repositories, context: _folder, dockerfile: _file, size: _size, cache: _cache, ...rest } = image
  const { platforms: _platforms, contexts: _contexts, secrets, ssh, labels, annotations, written, ...settings } = rest
  const ids = (some: readonly { id: string }[] | undefined): string[] | undefined => some?.map(({ id }) => id)
  return {
    ...settings,
    labels: asWritten(labels, written?.labels),
    annotations: asWritten(annotations, written?.annotations),
    secrets: ids(secrets),
    ssh: ids(ssh),
  }
}

type Texts = Readonly<Record<string, string>>

/** With what is written of those that hold expressions, told apart from a text that has the same letters for its value. */
function asWritten(values: Texts | undefined, written: Texts = {}): Record<string, unknown> | undefined {
  const expressions = Object.fromEntries(Object.entries(written).map(([key, text]) => [key, { written: text }]))
  return values && { ...values, ...expressions }
}

/** Objects with their keys in order, so that it makes no difference how somebody wrote them down. */
function sorted(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
