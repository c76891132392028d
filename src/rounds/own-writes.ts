import { dirname, relative } from 'node:path'
import { anyCode } from '../core/command.ts'
import type { Ports } from '../core/ports.ts'
import { examinedPaths, ignoredAmong, trackedAmong } from '../tools/git.ts'
import { isDoubtful, type Place, placesAt } from './places.ts'

/** So many in a row a folder may ask for that git knows nothing of. */
const mostRounds = 2
/** Paths of one call: a system takes only so many words. */
const portion = 1000

type Asking = Pick<Ports, 'exec' | 'root' | 'signal'>

/**
 * Tells what somebody has written from what the containers write into the folders that they have mounted: else a stack
 * that keeps its data in one would be tested again for ever. What git ignores is theirs, what git has is not. What it knows nothing of
 * counts, until a folder of it has asked for two rounds by itself, one after the other: a database writes one new file after the other.
 */
export class OwnWrites {
  /** By folder, how many rounds it has asked for since somebody worked. */
  #asked = new Map<string, number>()
  readonly #theirs = new Set<string>()

  /** Those that count. */
  async sort(paths: readonly string[], places: readonly Place[], ports: Ports): Promise<string[]> {
    const { sure, doubtful } = parted(paths, places)
    if (doubtful.length === 0) return this.#decided(sure, [])
    const [ignored, tracked] = await Promise.all([ignoredOnes(doubtful, ports), trackedOnes(doubtful, ports)])
    const unknown = doubtful.filter((path) => !this.#theirs.has(dirname(path)) && !ignored.has(path) && !tracked.has(path))
    return this.#decided([...sure, ...tracked], unknown, ports)
  }

  /** Whether somebody works on one of these for certain. */
  async isSure(paths: readonly string[], places: readonly Place[], ports: Asking): Promise<boolean> {
    const { sure, doubtful } = parted(paths, places)
    return sure.length > 0 || (doubtful.length > 0 && (await trackedOnes(doubtful, ports)).size > 0)
  }

  #decided(sure: readonly string[], unknown: readonly string[], ports?: Pick<Ports, 'log' | 'root'>): string[] {
    if (sure.length > 0) {
      // Somebody works: what comes along with it is no sign of anything.
      this.#asked.clear()
      return [...sure, ...unknown]
    }
    for (const folder of new Set(unknown.map((path) => dirname(path)))) {
      const rounds = this.#asked.get(folder) ?? 0
      this.#asked.set(folder, rounds + 1)
      if (rounds < mostRounds) continue
      this.#theirs.add(folder)
      ports?.log.warning(
        `what is new in ${relative(ports.root, folder)} is written by the stack itself, it seems, and not watched from now on: let git ignore it, or have it if it is yours`,
      )
    }
    return unknown.filter((path) => !this.#theirs.has(dirname(path)))
  }
}

function parted(paths: readonly string[], places: readonly Place[]): { sure: string[]; doubtful: string[] } {
  const about = paths.filter((path) => placesAt(path, places).length > 0)
  return {
    sure: about.filter((path) => !isDoubtful(path, places)),
    doubtful: about.filter((path) => isDoubtful(path, places)),
  }
}

/** By the name that git is given; what is outside of the root it is not asked about. */
function named(paths: readonly string[], root: string): Map<string, string> {
  const names = paths.map((path) => [relative(root, path), path] as const)
  return new Map(names.filter(([name]) => name !== '' && name !== '..' && !name.startsWith('../')))
}

/** Those that git does not take. It ends at one that is beyond a link: neither that nor what is beside it is in the repository. */
async function ignoredOnes(paths: readonly string[], { exec, root, signal }: Asking): Promise<Set<string>> {
  const names = named(paths, root)
  const ignored = new Set<string>()
  for (let left = [...names.keys()]; left.length > 0;) {
    const asked = left.slice(0, portion)
    const { code, stdout, stderr } = await exec.run(ignoredAmong(asked, root), { signal, accept: anyCode })
    if (stderr.startsWith('fatal: not a git repository')) break
    const examined = examinedPaths(stdout)
    for (const { path, isIgnored } of examined) if (isIgnored) ignored.add(names.get(path) ?? path)
    left = left.slice(code === 0 || code === 1 ? asked.length : examined.length)
    const end = asked[examined.length]
    if (code > 1 && end !== undefined) left = left.filter((name) => dirname(name) !== dirname(end))
  }
  return ignored
}

/** Those that git has, or of which it has something. */
async function trackedOnes(paths: readonly string[], { exec, root, signal }: Asking): Promise<Set<string>> {
  const names = named(paths, root)
  const all = [...names.keys()]
  const tracked = new Set<string>()
  for (let at = 0; at < all.length; at += portion) {
    // Where there is no repository, git knows nothing.
    const { code, stdout } = await exec.run(trackedAmong(all.slice(at, at + portion), root), { signal, accept: anyCode })
    if (code !== 0) continue
    for (const found of stdout.split('\0')) {
      // Of a folder git names what is in it.
      for (let name = found; name !== '.' && name !== ''; name = dirname(name)) {
        const path = names.get(name)
        if (path !== undefined) tracked.add(path)
      }
    }
  }
  return tracked
}
