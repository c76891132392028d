import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { cache, root } from '../../lab/paths.ts'
import type { Counts } from './counts.ts'

/** What else is on the machine may change without any file of ours: the longest that a result is believed. */
const believedMs = 12 * 3_600_000

/**
 * Remembers which parts of the real tests have passed with exactly these files, this Node and this engine, so that a
 * second run takes seconds and a run after a failure begins with what failed. Nothing else is reused: one byte changed
 * anywhere, and all of it runs.
 */
export class Passed {
  readonly #key: string
  readonly #folder: string

  constructor() {
    this.#key = stateKey()
    this.#folder = join(cache, 'passed', this.#key)
    mkdirSync(this.#folder, { recursive: true })
    utimesSync(this.#folder, new Date(), new Date())
    forgetOld(join(cache, 'passed'))
  }

  /** What a part came to when it last passed, and how long ago, in ms. */
  find(name: string): { counts: Counts; agoMs: number } | undefined {
    const file = this.#file(name)
    if (!existsSync(file)) return undefined
    const agoMs = Date.now() - statSync(file).mtimeMs
    if (agoMs > believedMs) return undefined
    return { counts: JSON.parse(readFileSync(file, 'utf8')) as Counts, agoMs }
  }

  /** A part that ran while somebody changed a file has shown nothing of the files as they are now. */
  keep(name: string, counts: Counts): void {
    if (stateKey() !== this.#key) return
    mkdirSync(this.#folder, { recursive: true })
    writeFileSync(this.#file(name), JSON.stringify(counts))
  }

  #file(name: string): string {
    return join(this.#folder, `${name.replaceAll(/\W/g, '-')}.json`)
  }
}

/** Removes what nobody believes any more. Other checkouts keep theirs in the same place, and may be here at the same time. */
export function forgetOld(kept: string): void {
  for (const name of readdirSync(kept)) {
    const folder = join(kept, name)
    const stat = statSync(folder, { throwIfNoEntry: false })
    if (stat !== undefined && Date.now() - stat.mtimeMs > believedMs) rmSync(folder, { recursive: true, force: true })
  }
}

/** Of every file that git has or would take, of Node and of the engine. */
function stateKey(): string {
  const hash = createHash('sha256')
    .update(process.version)
    .update(said('docker', 'version', '--format', '{{.Server.Version}}'))
  const listed = said('git', '-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard')
  for (const path of new Set(listed.split('\0').filter((one) => one !== ''))) {
    const file = join(root, path)
    const stat = lstatSync(file, { throwIfNoEntry: false })
    if (stat === undefined) continue
    hash.update(`\0${path}\0${stat.mode}\0`).update(stat.isSymbolicLink() ? readlinkSync(file) : readFileSync(file))
  }
  return hash.digest('hex').slice(0, 16)
}

function said(file: string, ...args: string[]): string {
  return execFileSync(file, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 24 })
}
