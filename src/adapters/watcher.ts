import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { WatchedPlace, Watcher } from '../core/watcher.ts'

/** A checkout makes folders for longer than a moment, and a look enters every one; what is gathered for one change takes longer still. */
const lookMs = 100

/**
 * One ear for each folder, and none for a file: a file that an editor replaces by another of that name has a new number, and an
 * ear for the old one hears nothing more. Recursive watching, as Node has it on Linux, listens to each file by itself, and enters every folder.
 */
export function fileWatcher(onChange: (path: string) => void): Watcher {
  const open = new Map<string, { ear: FSWatcher; identity: string | undefined }>()
  let places: readonly WatchedPlace[] = []
  let due: NodeJS.Timeout | undefined
  /** Found by a look that nobody asked for. */
  let unsaid: string | undefined

  const drop = (folder: string): void => {
    open.get(folder)?.ear.close()
    open.delete(folder)
  }
  const listen = (folder: string): void => {
    const ear = watch(folder, { persistent: true }, (event, name) => {
      onChange(name === null ? folder : join(folder, name))
      // Something came or went: folders among it have to be heard, or no longer.
      if (event === 'rename') later()
    })
    // The folder is gone; its parent says so, too.
    ear.on('error', () => drop(folder))
    open.set(folder, { ear, identity: identityOf(folder) })
  }
  /** Many come and go at once: one look is for all of them. */
  const later = (): void => {
    due ??= setTimeout(() => {
      due = undefined
      const { fresh, problem } = hear()
      unsaid ??= problem
      for (const folder of fresh) onChange(folder)
    }, lookMs)
  }
  const hear = (): { fresh: string[]; problem: string | undefined } => {
    const wanted = foldersOf(places)
    // A folder that was made again under the same name is another one.
    for (const [folder, { identity }] of open) if (!wanted.has(folder) || identityOf(folder) !== identity) drop(folder)
    const fresh: string[] = []
    let problem: string | undefined
    for (const folder of wanted) {
      if (open.has(folder)) continue
      try {
        listen(folder)
        fresh.push(folder)
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined
        // Gone between the two looks.
        if (code === 'ENOENT' || code === 'ENOTDIR') continue
        problem ??= code === 'ENOSPC' ? `the system lets no more than ${open.size} folders be watched` : String(error)
      }
    }
    return { fresh, problem }
  }

  return {
    watch(asked) {
      places = asked
      const problem = hear().problem ?? unsaid
      unsaid = undefined
      return problem
    },
    close() {
      places = []
      clearTimeout(due)
      for (const folder of [...open.keys()]) drop(folder)
    },
  }
}

/** The folder of each place, or the nearest that there is; and of a tree all that is in it. */
function foldersOf(places: readonly WatchedPlace[]): Set<string> {
  const found = new Set<string>()
  for (const { path, isTree, prunes } of places) {
    found.add(nearest(dirname(path)))
    if (isTree) enter(path, path, prunes, found)
  }
  return found
}

function enter(top: string, folder: string, prunes: WatchedPlace['prunes'], found: Set<string>): void {
  // Two trees may have a part in common that one of them prunes: only what was entered whole is known.
  const entries = entriesOf(folder)
  if (entries === undefined) return
  found.add(folder)
  for (const name of entries) {
    const path = join(folder, name)
    if (prunes?.(relative(top, path)) !== true) enter(top, path, prunes, found)
  }
}

/** The folders in a folder, links not followed; undefined of what is none. */
function entriesOf(folder: string): string[] | undefined {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []))
  } catch {
    return undefined
  }
}

function nearest(folder: string): string {
  return identityOf(folder) !== undefined || dirname(folder) === folder ? folder : nearest(dirname(folder))
}

/** A folder that is made again at once often gets the number of the one that went. */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino, birthtimeMs } = statSync(path)
    return `${dev} ${ino} ${birthtimeMs}`
  } catch {
    return undefined
  }
}
