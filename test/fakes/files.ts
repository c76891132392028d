import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import type { FileEntry, Files } from '../../src/core/ports.ts'

export interface FakeFiles extends Files {
  /** The text of every file that is there, by its path. */
  readonly texts: Readonly<Record<string, string>>
}

/** Files in memory: what is written, and the folders that this makes. */
export function fakeFiles(texts: Readonly<Record<string, string>> = {}): FakeFiles {
  const bodies = new Map(Object.entries(texts).map(([path, text]) => [posix.normalize(path), Buffer.from(text)]))
  const modes = new Map<string, number>()
  let folders = 0

  function entriesBelow(root: string): FileEntry[] {
    const found = new Map<string, FileEntry>()
    for (const [path, { length }] of bodies) {
      if (!path.startsWith(`${root}/`)) continue
      const names = path.slice(root.length + 1).split('/')
      for (const depth of names.keys()) {
        const below = names.slice(0, depth + 1).join('/')
        const isFile = depth === names.length - 1
        found.set(
          below,
          isFile
            ? { path: below, kind: 'file', mode: modes.get(path) ?? 0o644, size: length }
            : { path: below, kind: 'directory', mode: 0o755, size: 0 },
        )
      }
    }
    const placed = [...found.values()].map((entry) => ({ entry, names: entry.path.split('/') }))
    return placed.toSorted((a, b) => compare(a.names, b.names)).map(({ entry }) => entry)
  }

  return {
    get texts() {
      return Object.fromEntries([...bodies].map(([path, body]) => [path, body.toString()]))
    },
    async look(path) {
      const at = posix.normalize(path)
      const body = bodies.get(at)
      if (body !== undefined) return { path: at, kind: 'file', mode: modes.get(at) ?? 0o644, size: body.length }
      return [...bodies.keys()].some((one) => one.startsWith(`${at}/`)) ? { path: at, kind: 'directory', mode: 0o755, size: 0 } : undefined
    },
    read: async (path) => bodies.get(posix.normalize(path)),
    async write(path, body, mode = 0o666) {
      bodies.set(posix.normalize(path), Buffer.from(body))
      // The usual umask.
      modes.set(posix.normalize(path), mode & ~0o022)
    },
    async walk(root, choose) {
      const pruned: string[] = []
      return entriesBelow(posix.normalize(root)).filter(({ path, kind }) => {
        if (pruned.some((folder) => path.startsWith(`${folder}/`))) return false
        const choice = choose(path, kind)
        if (choice === 'prune') pruned.push(path)
        return choice === 'keep'
      })
    },
    async stat(path) {
      const body = bodies.get(posix.normalize(path))
      return body === undefined ? undefined : { size: body.length, modified: 0 }
    },
    async hash(path) {
      const body = bodies.get(posix.normalize(path))
      if (body === undefined) throw Object.assign(new Error(`ENOENT: no such file or directory, lstat '${path}'`), { code: 'ENOENT' })
      return createHash('sha256').update(body).digest('hex')
    },
    link: () => Promise.reject(new Error('there are no links in memory')),
    async chmod(path, mode) {
      modes.set(posix.normalize(path), mode)
    },
    tree: (root, choose) => {
      const pruned: string[] = []
      const place = ({ path, kind }: FileEntry): string => (kind === 'directory' ? `${path}/` : path)
      return entriesBelow(posix.normalize(root))
        .toSorted((a, b) => (place(a) < place(b) ? -1 : 1))
        .filter(({ path, kind }) => {
          if (pruned.some((folder) => path.startsWith(`${folder}/`))) return false
          const choice = choose(path, kind)
          if (choice === 'prune') pruned.push(path)
          return choice === 'keep'
        })
    },
    async blobId(path) {
      const body = bodies.get(posix.normalize(path)) ?? Buffer.alloc(0)
      return createHash('sha1').update(`blob ${body.length}\0`).update(body).digest('hex')
    },
    async move(from, to) {
      const body = bodies.get(posix.normalize(from))
      if (body === undefined) throw Object.assign(new Error(`ENOENT: no such file or directory, rename '${from}'`), { code: 'ENOENT' })
      bodies.delete(posix.normalize(from))
      bodies.set(posix.normalize(to), body)
    },
    async remove(path) {
      bodies.delete(posix.normalize(path))
    },
    async temporary(name) {
      folders += 1
      return `/scratch/${name}-${folders}`
    },
    async free() {
      return Number.POSITIVE_INFINITY
    },
  }
}

/** Name by name: a folder comes before what is in it, and that before the next name. */
function compare(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((name, depth) => name !== b[depth])
  if (at === -1) return a.length - b.length
  const [left, right] = [a[at] ?? '', b[at] ?? '']
  return left < right ? -1 : 1
}
