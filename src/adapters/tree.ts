import type { Hash } from 'node:crypto'
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs'
import { byBytes } from '../core/byte-order.ts'
import type { FileEntry, Files } from '../core/ports.ts'

// In one go and not by promises: of a hundred thousand files each would cost more than the question itself.

/** Read at once, and in parts of this size beyond it. */
const partBytes = 1 << 20

/** It takes a while to load, and most of what reads files needs none. */
const sha1 = (): Hash => process.getBuiltinModule('node:crypto').createHash('sha1')

/** What is below a folder, in the order of git's index: by whole paths, a folder before what is in it. */
export function* tree(root: string, choose: Parameters<Files['tree']>[1], folder = ''): Generator<FileEntry> {
  const names = readdirSync(`${root}/${folder}`, { withFileTypes: true }).map((entry) => ({
    name: entry.name,
    kind: entry.isDirectory() ? ('directory' as const) : entry.isSymbolicLink() ? ('link' as const) : ('file' as const),
    place: entry.isDirectory() ? `${entry.name}/` : entry.name,
  }))
  names.sort((a, b) => byBytes(a.place, b.place))
  for (const { name, kind } of names) {
    const path = folder === '' ? name : `${folder}/${name}`
    const choice = choose(path, kind)
    if (choice === 'keep') {
      const stat = lstatSync(`${root}/${path}`)
      // A pipe has no size: nobody waits for what somebody may write into it.
      yield { path, kind, mode: stat.mode & 0o7777, size: kind === 'directory' || !(stat.isFile() || kind === 'link') ? 0 : stat.size }
    }
    if (kind === 'directory' && choice !== 'prune') yield* tree(root, choose, path)
  }
}

/** What git calls these bytes, or a link's target, in a repository of SHA-1. @see https://git-scm.com/book/en/v2/Git-Internals-Git-Objects */
export async function blobId(path: string, { kind, size }: Pick<FileEntry, 'kind' | 'size'>): Promise<string> {
  if (kind === 'link') return named(readlinkSync(path, { encoding: 'buffer' }))
  if (size === 0) return named(Buffer.alloc(0))
  if (size <= partBytes) return named(readFileSync(path))
  const digest = sha1().update(`blob ${size}\0`)
  const part = Buffer.allocUnsafe(partBytes)
  const file = openSync(path, 'r')
  try {
    for (let read = readSync(file, part); read > 0; read = readSync(file, part)) {
      digest.update(part.subarray(0, read))
      // Others of this process have their turn between two parts of a large file.
      await new Promise(setImmediate)
    }
  } finally {
    closeSync(file)
  }
  return digest.digest('hex')
}

function named(body: Buffer): string {
  return sha1().update(`blob ${body.length}\0`).update(body).digest('hex')
}
