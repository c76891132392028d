import { createHash } from 'node:crypto'
import { posix, resolve } from 'node:path'
import type { Accessory, Service } from './deployment.ts'
import { LaunchwayError } from './error.ts'
import type { FileEntry, Files } from './ports.ts'
import { showBytes } from './units.ts'

/**
 * What a service mounts of the repository: the working tree as it is found, but for git's own folder. Of its modes only
 * whether a file may be run counts, as with git, so that the umask of a checkout changes nothing.
 */

/** Of all that an environment mounts together: what is larger belongs into an image, or on the host. */
const mostBytes = 100e6
const mostEntries = 20_000

/** A file, a folder or a link as it comes to be on a host. */
interface Entry {
  /** Within the source; empty for the source itself. */
  path: string
  kind: FileEntry['kind']
  mode: 0o644 | 0o755
  size: number
  /** SHA-256 in hexadecimal: of a file's bytes, of a link's target. */
  hash: string
  /** Of a link. */
  target?: string
}

/** A file or a folder of the repository, with all that is in it. */
export interface Contents {
  /** As `placeIn` has it. */
  source: string
  /** Where it is here: absolute, without links. */
  from: string
  /** SHA-256 in hexadecimal, by which a host knows it again. */
  hash: string
  bytes: number
  entries: readonly Entry[]
}

/** By source: the hash of what it is. */
export type Hashes = ReadonlyMap<string, string>

type Here = { root: string; files: Pick<Files, 'look' | 'walk' | 'hash'> }
type Owner = Pick<Service | Accessory, 'files' | 'texts'>
type Mounted = NonNullable<Owner['files']>[number]

/** Each once, as `placeIn` has it. */
export function sourcesOf(mounted: readonly Mounted[]): string[] {
  return [...new Set(mounted.map(({ source }) => placeIn(source)))].toSorted()
}

/** `./conf/` is `conf`. */
export function placeIn(source: string): string {
  return posix.normalize(source).replace(/\/$/, '')
}

/**
 * Reads what is mounted of the repository.
 * @param sources as `sourcesOf` has them
 * @throws LaunchwayError FILES_UNFIT with everything that is missing, too large, or leads out of the repository
 */
export async function readContents(sources: readonly string[], here: Here): Promise<Map<string, Contents>> {
  const problems: string[] = []
  const found = new Map<string, Found>()
  for (const source of sources) {
    const one = await find(source, here)
    if (typeof one === 'string') problems.push(one)
    else found.set(source, one)
  }
  problems.push(...throughLinks(found), ...tooMuch([...found]))
  if (problems.length > 0) throw unfit(problems, here.root)
  const contents = new Map<string, Contents>()
  for (const [source, { from, entries }] of found) {
    const hashed: Entry[] = []
    for (const { path, kind, mode, size, target } of entries) {
      const executable = kind === 'directory' || (kind === 'file' && (mode & 0o100) !== 0)
      const hash = kind === 'directory' ? '' : await here.files.hash(path === '' ? from : `${from}/${path}`)
      hashed.push({ path, kind, mode: executable ? 0o755 : 0o644, size, hash, ...(target === undefined ? {} : { target }) })
    }
    const lines = hashed.map(({ path, kind, mode, hash }) => JSON.stringify([path, kind, mode, hash]))
    contents.set(source, { source, from, hash: sha256(lines.join('\n')), bytes: bytesOf(entries), entries: hashed })
  }
  return contents
}

/**
 * What a service or an accessory is given beside its image, as one hash: it is another one when a file or a text is
 * another. What is filled into a text is not part of it, for no hash of a secret is kept anywhere.
 * @param hashes of the release that it is of
 * @returns undefined for what is given nothing
 */
export function digestOf({ files = [], texts = [] }: Owner, hashes: Hashes): string | undefined {
  if (files.length + texts.length === 0) return undefined
  const mounted = files.map(({ source, target, readOnly }) => [target, readOnly, hashes.get(placeIn(source)) ?? `unknown ${source}`])
  const written = texts.map(({ target, text, mode, uid = '', gid = '' }) => [target, text, mode, uid, gid])
  return sha256(JSON.stringify([mounted.toSorted(byTarget), written.toSorted(byTarget)]))
}

const byTarget = ([one]: readonly unknown[], [other]: readonly unknown[]): number => (String(one) < String(other) ? -1 : 1)

interface Found {
  from: string
  entries: readonly FileEntry[]
}

/** @returns in words why it cannot travel */
async function find(source: string, { root, files }: Here): Promise<Found | string> {
  if (posix.isAbsolute(source) || source === '..' || source.startsWith('../')) return `${source} is not in the repository`
  if (source === '.') return `${source} is the whole repository, with what git and this run keep in it: name the folders that are needed`
  // On the host it stands before a colon.
  if (/[:\p{Cc}]/u.test(source)) return `${JSON.stringify(source)} has a character that docker cannot be given in a path`
  const [home, there] = [await files.look(resolve(root)), await files.look(resolve(root, source))]
  if (there === undefined) return `${source} is not there`
  if (home === undefined || !isIn(home.path, there.path)) return `${source} leads out of the repository, to ${there.path}`
  if (there.kind === 'other') return `${source} is neither a file nor a folder`
  if (there.kind === 'file') return { from: there.path, entries: [{ path: '', kind: 'file', mode: there.mode, size: there.size }] }
  const within = await files.walk(there.path, (one) => (posix.basename(one) === '.git' ? 'prune' : 'keep'))
  const entries = within.filter((one) => posix.basename(one.path) !== '.git')
  for (const { path: name, kind, target } of entries) {
    const at = `${there.path}/${name}`
    if (kind === 'link' && !isIn(home.path, resolve(posix.dirname(at), target ?? '')))
      return `${source}/${name} is a link that leads out of the repository, to ${target ?? ''}`
    if (kind === 'file' && (await files.look(at))?.kind !== 'file') return `${source}/${name} is neither a file nor a folder`
  }
  return { from: there.path, entries: [{ path: '', kind: 'directory', mode: 0o755, size: 0 }, ...entries] }
}

/** On the host it is found within the other one, where a link leads to what has not come with it. */
function throughLinks(found: ReadonlyMap<string, Found>): string[] {
  return [...found].flatMap(([source, { from }]) => {
    const around = [...found].find(([other]) => source.startsWith(`${other}/`))
    return around === undefined || from === `${around[1].from}${source.slice(around[0].length)}`
      ? []
      : [`${source} goes by way of a link within ${around[0]}: name what it leads to`]
  })
}

function isIn(folder: string, path: string): boolean {
  return path.startsWith(`${folder}/`)
}

function tooMuch(found: readonly (readonly [string, Found])[]): string[] {
  const bytes = found.reduce((sum, [, { entries }]) => sum + bytesOf(entries), 0)
  const count = found.reduce((sum, [, { entries }]) => sum + entries.length, 0)
  if (bytes <= mostBytes && count <= mostEntries) return []
  const heaviest = found.flatMap(([source, { entries }]) => largest(source, entries)).toSorted((one, other) => other.share - one.share)[0]
  const where = heaviest === undefined ? '' : `: ${heaviest.path} alone has ${showBytes(heaviest.bytes)} in ${heaviest.count} files`
  return [
    `they are ${showBytes(bytes)} in ${count} files, and ${showBytes(mostBytes)} in ${mostEntries} is what travels with a release${where}`,
  ]
}

interface Heavy {
  path: string
  bytes: number
  count: number
  share: number
}

/** The deepest folder that has more than half of it. */
function largest(source: string, entries: readonly FileEntry[]): Heavy[] {
  const measure = (path: string, within: readonly FileEntry[]): Heavy => {
    const [bytes, count] = [bytesOf(within), within.filter(({ kind }) => kind !== 'directory').length]
    return { path, bytes, count, share: Math.max(bytes / mostBytes, count / mostEntries) }
  }
  let [at, inside] = ['', entries]
  let whole = measure(source, entries)
  for (;;) {
    const below = new Map<string, FileEntry[]>()
    for (const one of inside) {
      const rest = at === '' ? one.path : one.path.slice(at.length + 1)
      const [name = '', ...deeper] = rest.split('/')
      if (name === '' || (deeper.length === 0 && one.kind !== 'directory')) continue
      const path = at === '' ? name : `${at}/${name}`
      const list = below.get(path)
      if (list === undefined) below.set(path, [one])
      else list.push(one)
    }
    const half = [...below].map(([path, list]) => ({ path, list, heavy: measure(`${source}/${path}`, list) }))
    const next = half.find(({ heavy }) => heavy.share > whole.share / 2)
    if (next === undefined) return [whole]
    at = next.path
    inside = next.list.filter(({ path }) => path !== at)
    whole = next.heavy
  }
}

function bytesOf(entries: readonly Pick<FileEntry, 'kind' | 'size'>[]): number {
  return entries.reduce((sum, { kind, size }) => sum + (kind === 'file' ? size : 0), 0)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function unfit(problems: readonly string[], root: string): LaunchwayError {
  return new LaunchwayError('FILES_UNFIT', `what is mounted of the repository cannot travel: ${problems.join('; ')}`, {
    hint: `They are looked for in ${root}. Commit what is missing; what is data or large belongs on the host, mounted by its absolute path there, or into an image.`,
  })
}
