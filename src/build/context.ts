import { join } from 'node:path'
import dockerignore from '@balena/dockerignore'
import { LaunchwayError } from '../core/error.ts'
import type { Files } from '../core/ports.ts'
import type { PlannedBase } from '../core/planned-image.ts'
import type { ContextEntry } from './key.ts'

/** How many files are read at once. */
const parallel = 16

/**
 * What the build of an image reads: its Dockerfile, and its context after .dockerignore. `ignoreFile` is the one that
 * holds for the image, or the one to make. Paths are relative to `root`.
 */
export async function readContext(
  image: PlannedBase,
  root: string,
  files: Files,
): Promise<{ dockerfile: string; entries: ContextEntry[]; ignoreFile: string }> {
  const context = join(root, image.context)
  const dockerfilePath = join(context, image.dockerfile)
  // Byte by byte: in UTF-8 two files that are none would read alike.
  const dockerfile = (await files.read(dockerfilePath))?.toString('latin1')
  if (dockerfile === undefined) {
    throw new LaunchwayError('BUILD_FAILED', `the image ${image.name} has no Dockerfile at ${join(image.context, image.dockerfile)}`, {
      hint: 'Write one, or name it: images.<name>.dockerfile, a path inside images.<name>.context.',
    })
  }
  const ignores = await readIgnore(context, image.dockerfile, files)
  const found = await files.walk(context, (path, kind) => {
    if (!ignores.excludes(path)) return 'keep'
    return kind === 'directory' && !ignores.mayReinclude ? 'prune' : 'skip'
  })
  const entries: ContextEntry[] = found.map((entry) => ({ ...entry, hash: '' }))
  const queue = entries.filter(({ kind }) => kind !== 'directory').values()
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const entry of queue) entry.hash = await files.hash(join(context, entry.path))
    }),
  )
  return { dockerfile, entries, ignoreFile: join(image.context, ignores.file) }
}

export interface Ignores {
  excludes(path: string): boolean
  /** A `!` pattern may bring back something below an ignored folder. */
  mayReinclude: boolean
  /** Inside the context. */
  file: string
  /** Undefined where there is none. */
  text: string | undefined
}

/** A file named after the Dockerfile comes before the general one, as in BuildKit. */
export async function readIgnore(context: string, dockerfile: string, files: Files): Promise<Ignores> {
  const ownFile = `${dockerfile}.dockerignore`
  const own = await files.read(join(context, ownFile))
  const found = own ?? (await files.read(join(context, '.dockerignore')))
  const text = found?.toString() ?? ''
  // The package is CommonJS with a default of its own; Docker tells upper from lower case, the package by default does not.
  const rules = dockerignore.default({ ignorecase: false }).add(text)
  return {
    excludes: (path) => rules.ignores(path),
    mayReinclude: /^\s*!/m.test(text),
    file: own === undefined ? '.dockerignore' : ownFile,
    text: found === undefined ? undefined : text,
  }
}
