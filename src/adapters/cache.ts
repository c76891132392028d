import { cp, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Cache, Log } from '../core/ports.ts'

/** GitHub's cache service through @actions/cache, which is loaded at the first call. A cache never fails a run. */
export function actionsCache(log: Log): Cache {
  return {
    async restore(paths, key, prefixes) {
      const { restoreCache } = await import('@actions/cache')
      return restoreCache([...paths], key, prefixes).catch((error: unknown) => {
        log.warning(`the cache could not be read: ${String(error)}`)
        return undefined
      })
    },
    async save(paths, key) {
      const { saveCache } = await import('@actions/cache')
      await saveCache([...paths], key).catch((error: unknown) => log.warning(`the cache could not be written: ${String(error)}`))
    },
  }
}

/** The same in a folder of the user's, where there is no cache service. One entry a key, its paths side by side. */
export function folderCache(folder: string): Cache {
  const place = (key: string): string => join(folder, encodeURIComponent(key))
  return {
    async restore(paths, key, prefixes = []) {
      const found = await newest(folder, key, prefixes)
      if (found === undefined) return undefined
      for (const [index, path] of paths.entries()) {
        await mkdir(dirname(path), { recursive: true })
        await cp(join(place(found), String(index), basename(path)), path, { recursive: true })
      }
      return found
    },
    async save(paths, key) {
      // As in GitHub's service, an entry is written once: its key says what is in it.
      if ((await stat(place(key)).catch(() => undefined)) !== undefined) return
      const draft = `${place(key)}.${process.pid}.tmp`
      for (const [index, path] of paths.entries()) await cp(path, join(draft, String(index), basename(path)), { recursive: true })
      await rename(draft, place(key)).catch(() => rm(draft, { recursive: true, force: true }))
    },
  }
}

async function newest(folder: string, key: string, prefixes: string[]): Promise<string | undefined> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => !name.endsWith('.tmp')).map(decodeURIComponent)
  if (names.includes(key)) return key
  for (const prefix of [key, ...prefixes]) {
    const dated = await Promise.all(
      names
        .filter((name) => name.startsWith(prefix))
        .map(async (name) => ({ name, at: (await stat(join(folder, encodeURIComponent(name)))).mtimeMs })),
    )
    const latest = dated.toSorted((a, b) => b.at - a.at)[0]
    if (latest !== undefined) return latest.name
  }
  return undefined
}
