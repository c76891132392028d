import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { PlannedBase } from '../core/planned-image.ts'
import type { Files, Ports } from '../core/ports.ts'
import { readContext } from './context.ts'
import { contentKey } from './key.ts'

/** No file has such a name: a folder that is no build context has no Dockerfile of its own. */
const noDockerfile = '.launchway-named-context'

/**
 * What the named contexts of an image come to: the key of an image or of a folder; what is elsewhere as it is written.
 * @param keys of the images that come before it
 * @throws LaunchwayError BUILD_FAILED for a folder that is not there
 */
export async function namedContexts(image: PlannedBase, keys: ReadonlyMap<string, string>, ports: Ports): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [name, value] of Object.entries(image.contexts ?? {})) {
    const target = /^target:(.*)$/s.exec(value)?.[1]
    if (target !== undefined) found[name] = keys.get(target) ?? value
    else if (isFolder(value)) found[name] = (await folderKey(image.name, name, value, ports)).key
    else found[name] = value
  }
  return found
}

function isFolder(value: string): boolean {
  return !/^(target:|[a-zA-Z][a-zA-Z0-9+.-]*:\/\/)/.test(value)
}

/** The first folder of the named contexts that no longer comes to what it came to. @param before by name, as `namedContexts` found them */
export async function changedFolder(
  image: PlannedBase,
  before: Readonly<Record<string, string>>,
  ports: Ports,
): Promise<string | undefined> {
  for (const [name, value] of Object.entries(image.contexts ?? {})) {
    if (!isFolder(value)) continue
    const { key, hasHistory } = await folderKey(image.name, name, value, ports)
    // Git may write there at any time.
    if (!hasHistory && key !== before[name]) return value
  }
  return undefined
}

async function folderKey(
  image: string,
  name: string,
  folder: string,
  { root, files, log }: Ports,
): Promise<{ key: string; hasHistory: boolean }> {
  if ((await files.look(join(root, folder)))?.kind !== 'directory') {
    throw new LaunchwayError('BUILD_FAILED', `${image}: the context ${name} is no folder here: ${folder}`, {
      hint: `images.${image}.contexts.${name} is a path from the root of the repository.`,
    })
  }
  const source = { name, context: folder, dockerfile: noDockerfile, platforms: [], args: {} }
  const read = await readContext(source, root, withEmpty(join(root, folder, noDockerfile), files))
  const { dockerfile, tree, files: count, hasHistory } = read
  const key = contentKey(source, { dockerfile, tree, bases: {}, contexts: {} })
  log.debug(`${image}: the context ${name} is ${key}, over ${count} files`)
  return { key, hasHistory }
}

function withEmpty(path: string, files: Files): Files {
  return { ...files, read: async (asked) => (asked === path ? Buffer.alloc(0) : files.read(asked)) }
}
