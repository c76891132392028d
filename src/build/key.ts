import { createHash } from 'node:crypto'
import type { FileEntry } from '../core/ports.ts'
import type { PlannedBase } from '../core/planned-image.ts'

export interface ContextEntry extends FileEntry {
  /** SHA-256 of the content, or of a link's target; empty for a folder. */
  hash: string
}

/** Changes whenever the key of the same inputs would: an image found under an old key is then not taken for a new one. */
const keyVersion = 1

/**
 * The content key of an image: a digest over everything that determines it and that this machine can see. Two trees
 * with the same files, modes and links have the same key; times and owners are left out, as BuildKit leaves them out
 * of its own cache keys. Of a secret it is the name, not the value; a cache makes no other image.
 * @param contexts what each named context comes to: the key of an image or a folder, else how it is written
 */
export function contentKey(
  image: PlannedBase,
  dockerfile: string,
  context: readonly ContextEntry[],
  contexts: Readonly<Record<string, string>> = {},
): string {
  const digest = createHash('sha256')
  const part = (...words: readonly (string | number)[]): void => {
    digest.update(`${JSON.stringify(words)}\n`)
  }
  part('version', keyVersion)
  part('dockerfile', dockerfile)
  part('target', image.target ?? '')
  part('platforms', ...image.platforms.toSorted())
  for (const [name, value] of sorted(image.args)) part('arg', name, value)
  for (const { path, kind, mode, size, hash } of context)
    part('file', path, kind, kind === 'link' ? 0 : mode, kind === 'file' ? size : 0, hash)
  for (const [name, value] of sorted(contexts)) part('context', name, value)
  for (const [name, value] of sorted(image.labels ?? {})) part('label', name, value)
  for (const { id } of image.secrets ?? []) part('secret', id)
  for (const { id } of image.ssh ?? []) part('ssh', id)
  for (const [name, value] of sorted(image.bake ?? {})) part('bake', name, JSON.stringify(value))
  return digest.digest('hex').slice(0, 32)
}

function sorted<Value>(of: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(of).toSorted(([a], [b]) => (a < b ? -1 : 1))
}
