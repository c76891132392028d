import { dirname, relative } from 'node:path'
import type { Ports } from '../core/ports.ts'
import { ignoredOf, trackedOf } from '../tools/git.ts'
import { isDoubtful, type Place, placesAt } from './places.ts'

/** So many in a row a folder may ask for that git knows nothing of. */
const mostRounds = 2

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
    const about = paths.filter((path) => placesAt(path, places).length > 0)
    const doubtful = about.filter((path) => isDoubtful(path, places))
    const sure = about.filter((path) => !isDoubtful(path, places))
    if (doubtful.length === 0) return this.#decided(sure, [])
    const ask = async (question: typeof ignoredOf): Promise<Set<string>> => {
      const names = doubtful.map((path) => relative(ports.root, path)).filter((name) => !name.startsWith('..'))
      if (names.length === 0) return new Set()
      // Where there is no repository, git knows nothing.
      const done = await ports.exec.run(question(names, ports.root), { signal: ports.signal, accept: [0, 1, 128] })
      return new Set(done.code === 128 ? [] : done.stdout.split('\n'))
    }
    const [ignored, tracked] = await Promise.all([ask(ignoredOf), ask(trackedOf)])
    const isIgnored = (path: string): boolean => ignored.has(relative(ports.root, path))
    // Of a folder git names what is in it.
    const isTracked = (path: string): boolean => {
      const name = relative(ports.root, path)
      return tracked.has(name) || [...tracked].some((one) => one.startsWith(`${name}/`))
    }
    const unknown = doubtful.filter((path) => !this.#theirs.has(dirname(path)) && !isIgnored(path) && !isTracked(path))
    return this.#decided([...sure, ...doubtful.filter(isTracked)], unknown, ports)
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
