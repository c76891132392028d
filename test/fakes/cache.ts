import { existsSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cache } from '../../src/core/ports.ts'

export interface FakeCache extends Cache {
  /** Keys in the order in which they were saved. */
  readonly keys: readonly string[]
}

/**
 * Remembers folders and files as the service does: once a key, for the same paths, the newest of a prefix first.
 * @param folder where it keeps them; it goes with the test
 */
export function fakeCache(folder: string): FakeCache {
  const entries: { key: string; paths: string; kept: string }[] = []
  return {
    get keys() {
      return entries.map(({ key }) => key)
    },
    async restore(paths, key, prefixes = []) {
      const known = entries.filter((entry) => entry.paths === paths.join('\n'))
      const newest = (prefix: string): (typeof entries)[number] | undefined => known.findLast((entry) => entry.key.startsWith(prefix))
      const found = known.find((entry) => entry.key === key) ?? [key, ...prefixes].map(newest).find((entry) => entry !== undefined)
      if (found === undefined) return undefined
      for (const [index, path] of paths.entries())
        await cp(join(found.kept, String(index)), path, { recursive: true, verbatimSymlinks: true })
      return found.key
    },
    async save(paths, key) {
      if (entries.some((entry) => entry.key === key && entry.paths === paths.join('\n')) || !paths.every((path) => existsSync(path))) return
      const kept = join(folder, String(entries.length))
      for (const [index, path] of paths.entries()) await cp(path, join(kept, String(index)), { recursive: true, verbatimSymlinks: true })
      entries.push({ key, paths: paths.join('\n'), kept })
    },
  }
}
