import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Cache, Log } from '../core/ports.ts'

/** GitHub's cache service through @actions/cache, which is loaded at the first call. */
export function actionsCache(log: Log): Cache {
  return forgiving(log, {
    async restore(paths, key, prefixes) {
      const { restoreCache } = await import('@actions/cache')
      return restoreCache([...paths], key, prefixes)
    },
    async save(paths, key) {
      const { saveCache } = await import('@actions/cache')
      await saveCache([...paths], key)
    },
  })
}

/** The same in a folder of the user's, where there is no cache service. One entry a key, its paths side by side. */
export function folderCache(folder: string, log: Log): Cache {
  return forgiving(log, {
    async restore(paths, key, prefixes = []) {
      const shelf = shelfOf(folder, paths)
      const found = await newest(shelf, key, prefixes)
      if (found === undefined) return undefined
      for (const [index, path] of paths.entries()) {
        await mkdir(dirname(path), { recursive: true })
        await cp(join(placeOf(shelf, found), String(index), basename(path)), path, asItIs)
      }
      return found
    },
    async save(paths, key) {
      const shelf = shelfOf(folder, paths)
      // As in GitHub's service, an entry is written once: its key says what is in it.
      if ((await stat(placeOf(shelf, key)).catch(() => undefined)) !== undefined) return
      await mkdir(shelf, { recursive: true })
      const draft = await mkdtemp(join(shelf, draftPrefix))
      try {
        for (const [index, path] of paths.entries()) await cp(path, join(draft, String(index), basename(path)), asItIs)
        await rename(draft, placeOf(shelf, key))
      } catch (error) {
        await rm(draft, { recursive: true, force: true })
        throw error
      }
    },
  })
}

/** No key begins so: a `%` in it is written `%25`. */
const draftPrefix = '%draft-'
const asItIs = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true }

/** A cache never fails a run: what it cannot do costs time, not the release. */
function forgiving(log: Log, cache: Cache): Cache {
  return {
    restore: (paths, key, prefixes) =>
      cache.restore(paths, key, prefixes).catch((error: unknown) => {
        log.warning(`the cache could not be read: ${String(error)}`)
        return undefined
      }),
    save: (paths, key) => cache.save(paths, key).catch((error: unknown) => log.warning(`the cache could not be written: ${String(error)}`)),
  }
}

/** As in GitHub's service, what was saved from other paths is not found: it would have no place to go. */
function shelfOf(folder: string, paths: readonly string[]): string {
  return join(folder, createHash('sha256').update(paths.join('\n')).digest('hex').slice(0, 16))
}

function placeOf(shelf: string, key: string): string {
  return join(shelf, encodeURIComponent(key))
}

async function newest(shelf: string, key: string, prefixes: string[]): Promise<string | undefined> {
  const names = (await readdir(shelf).catch(() => [])).filter((name) => !name.startsWith(draftPrefix)).map(decodeURIComponent)
  if (names.includes(key)) return key
  for (const prefix of [key, ...prefixes]) {
    const dated = await Promise.all(
      names.filter((name) => name.startsWith(prefix)).map(async (name) => ({ name, at: (await stat(placeOf(shelf, name))).ctimeMs })),
    )
    const latest = dated.toSorted((a, b) => b.at - a.at)[0]
    if (latest !== undefined) return latest.name
  }
  return undefined
}
