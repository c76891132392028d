import {
  chmodSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { FileEntry, Files } from '../core/ports.ts'
import { blobId, tree } from './tree.ts'

// node:fs/promises takes 4 ms to load: small files are read and written without it, so that a start does not wait.

/**
 * @param parent where the folder of this run alone is made, when it is first needed: with a name that nobody can know
 *   beforehand, since the parent may be shared. `close` removes it.
 */
export function localFiles(parent: string): Files & { close(this: void): void } {
  let scratch: string | undefined
  return {
    async look(path) {
      try {
        const real = realpathSync(path)
        const stat = statSync(real)
        const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other'
        return { path: real, kind, mode: stat.mode & 0o7777, size: stat.size }
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },

    async read(path) {
      try {
        return readFileSync(path)
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },

    async write(path, body, mode = 0o666) {
      mkdirSync(dirname(path), { recursive: true })
      // A reader sees the old file or the new one, never half of it.
      const draft = `${path}.${process.pid}.tmp`
      try {
        writeFileSync(draft, body, { mode })
        renameSync(draft, path)
      } catch (error) {
        rmSync(draft, { force: true })
        throw error
      }
    },

    async walk(root, choose) {
      const { lstat, readdir, readlink } = await import('node:fs/promises')
      const found: FileEntry[] = []
      async function enter(folder: string): Promise<void> {
        const entries = await readdir(join(root, folder), { withFileTypes: true })
        for (const entry of entries.toSorted((a, b) => compare(a.name, b.name))) {
          const path = folder === '' ? entry.name : `${folder}/${entry.name}`
          const kind = entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'link' : 'file'
          const choice = choose(path, kind)
          if (choice === 'keep') {
            const { mode, size } = await lstat(join(root, path))
            const target = kind === 'link' ? { target: await readlink(join(root, path)) } : {}
            found.push({ path, kind, mode: mode & 0o7777, size, ...target })
          }
          if (kind === 'directory' && choice !== 'prune') await enter(path)
        }
      }
      await enter('')
      return found
    },

    async stat(path) {
      try {
        const { size, mtimeMs } = statSync(path)
        return { size, modified: mtimeMs }
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },

    async hash(path) {
      const [{ createHash }, { lstat, readlink }] = await Promise.all([import('node:crypto'), import('node:fs/promises')])
      const digest = createHash('sha256')
      const stat = await lstat(path)
      if (stat.isSymbolicLink()) return digest.update(await readlink(path)).digest('hex')
      for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) digest.update(chunk)
      return digest.digest('hex')
    },

    tree: (root, choose) => tree(root, choose),
    blobId,

    async temporary(name) {
      mkdirSync(parent, { recursive: true })
      scratch ??= mkdtempSync(join(parent, 'launchway-'))
      return mkdtempSync(join(scratch, `${name}-`))
    },

    async free(folder) {
      const { bavail, bsize } = statfsSync(folder)
      return bavail * bsize
    },

    async chmod(path, mode) {
      chmodSync(path, mode)
    },

    async move(from, to) {
      mkdirSync(dirname(to), { recursive: true })
      try {
        renameSync(from, to)
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error
        const { copyFile } = await import('node:fs/promises')
        const draft = `${to}.${process.pid}.tmp`
        await copyFile(from, draft)
        renameSync(draft, to)
        rmSync(from)
      }
    },

    async link(target, path) {
      symlinkSync(target, path)
    },

    async remove(path) {
      rmSync(path, { force: true, recursive: true })
    },

    close() {
      if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true })
    },
  }
}

/** By code unit, so that the order is the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
