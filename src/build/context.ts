import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { FileEntry, Files } from '../core/ports.ts'
import type { PlannedBase } from '../core/planned-image.ts'
import { type Ignores, readIgnores } from '../tools/dockerignore.ts'
import { type Tracked, untracked } from './tracked.ts'

export interface ContextEntry extends FileEntry {
  /** What git calls the content, or a link's target: the SHA-1 of a blob; empty for a folder. */
  blob: string
}

/** What the build of an image reads: its Dockerfile, and its context after .dockerignore. */
export interface Context {
  /** The ignore file that holds for the image, or the one to make. */
  ignoreFile: string
  /** Byte by byte: in UTF-8 two files that are none would read alike. */
  dockerfile: string
  /** SHA-256 over all entries in their order. */
  tree: string
  files: number
  /** The history of the repository is in it. */
  hasHistory: boolean
}

/** So many entries go into the digest at once, and then others of this process have their turn. */
const entriesAtOnce = 500
/** So many are known before git has begun to answer. */
const mostWaiting = 20_000

/**
 * Reads what determines an image of its context. Nothing of it is kept but its digest, whatever its size; `each` is shown
 * the entries as they come.
 */
export async function readContext(
  image: PlannedBase,
  root: string,
  files: Files,
  { tracked = untracked, each }: { tracked?: Tracked; each?: (entry: ContextEntry) => void } = {},
): Promise<Context> {
  const context = join(root, image.context)
  const dockerfile = (await files.read(join(context, image.dockerfile)))?.toString('latin1')
  if (dockerfile === undefined) {
    throw new LaunchwayError('BUILD_FAILED', `the image ${image.name} has no Dockerfile at ${join(image.context, image.dockerfile)}`, {
      hint: 'Write one, or name it: images.<name>.dockerfile, a path inside images.<name>.context.',
    })
  }
  const ignores = await readIgnore(context, image.dockerfile, files)
  const entries = files.tree(context, (path, kind) => {
    if (!ignores.excludes(path, kind)) return 'keep'
    return kind === 'directory' && !ignores.mayReinclude ? 'prune' : 'skip'
  })
  const digest = createHash('sha256')
  let [count, hasHistory] = [0, false]
  const take = async (some: readonly FileEntry[]): Promise<void> => {
    let lines = ''
    for (const { path, kind, mode: bits, size } of some) {
      const mode = kind === 'link' ? 0 : bits
      const told = kind === 'directory' ? '' : tracked.blob(path)
      const known = told instanceof Promise ? await told : told
      const blob = known ?? (await files.blobId(`${context}/${path}`, { kind, size }))
      // No name has a zero byte in it, and nothing before it a space.
      lines += `${kind} ${mode} ${blob} ${path}\0`
      each?.({ path, kind, mode, size, blob })
      hasHistory ||= kind !== 'directory' && /^\.git(\/|$)/.test(path)
    }
    digest.update(lines)
  }
  let waiting: FileEntry[] = []
  for (const entry of entries) {
    waiting.push(entry)
    count += 1
    if (count % entriesAtOnce !== 0) continue
    await new Promise(setImmediate)
    // Git looks at the same files at the same time: who is not there yet is not waited for.
    if (!tracked.isReady() && waiting.length < mostWaiting) continue
    await take(waiting)
    waiting = []
  }
  await take(waiting)
  return { ignoreFile: join(image.context, ignores.file), dockerfile, tree: digest.digest('hex'), files: count, hasHistory }
}

/** What is kept from a build, and the file that says so. */
export interface IgnoreFile extends Ignores {
  /** Inside the context: the one that holds, or the one to make. */
  file: string
  /** Undefined where there is none. */
  text: string | undefined
}

/** A file named after the Dockerfile comes before the general one, as in BuildKit. */
export async function readIgnore(context: string, dockerfile: string, files: Files): Promise<IgnoreFile> {
  const ownFile = `${dockerfile}.dockerignore`
  const own = await files.read(join(context, ownFile))
  const text = (own ?? (await files.read(join(context, '.dockerignore'))))?.toString()
  return { ...readIgnores(text ?? ''), file: own === undefined ? '.dockerignore' : ownFile, text }
}
