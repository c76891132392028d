import { hash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'
import { parseJson } from '../core/json.ts'
import type { PlannedBase } from '../core/planned-image.ts'
import type { ContextEntry } from './context.ts'
import { type Inputs, keyVersion, settingsOf } from './key.ts'

/**
 * What an image was built of, short enough to lie beside it: to tell people what has changed since, and for nothing else.
 * What decides is the key.
 */
const InputList = z.object({
  keyVersion: z.int(),
  /** By name. */
  bases: z.record(z.string(), z.string()),
  arguments: z.record(z.string(), z.string()),
  settings: z.record(z.string(), z.string()),
  dockerfile: z.object({ path: z.string(), is: z.string() }),
  /** What has more names than this, one behind the other, is in the sum of its folder; absent where all is listed. */
  depth: z.int().optional(),
  /** By path, the path of a folder that stands for what is in it with a slash at its end: 32 bits of a digest, or their sum. */
  files: z.record(z.string(), z.int()),
})
export type InputList = z.infer<typeof InputList>

/** Paths that are listed one by one: some 80 kB, compressed. */
const mostPaths = 4_000

/** What the digest of one file is made of. */
type Seen = Pick<ContextEntry, 'kind' | 'mode' | 'blob'>

/** Takes the files of a context as they come. */
export class FileList {
  readonly paths = new Map<string, number>()
  /** Of those that are listed one by one. */
  readonly seen = new Map<string, Seen>()
  depth: number | undefined

  add({ path, kind, mode, blob }: Seen & Pick<ContextEntry, 'path'>): void {
    const seen = { kind, mode, blob }
    this.#sum(path, digestOf(seen))
    if (this.paths.has(path)) this.seen.set(path, seen)
    while (this.paths.size > mostPaths) this.#fold()
  }

  #sum(path: string, value: number): void {
    const [place, own] = folded(path, value, this.depth)
    this.paths.set(place, ((this.paths.get(place) ?? 0) + own) >>> 0)
  }

  /** The deepest of what is listed goes into the sum of its folder. */
  #fold(): void {
    const listed = [...this.paths]
    this.depth = Math.max(...listed.map(([path]) => depthOf(path))) - 1
    this.paths.clear()
    for (const [path, value] of listed) this.#sum(path, value)
    for (const path of this.seen.keys()) if (!this.paths.has(path)) this.seen.delete(path)
  }
}

function digestOf({ kind, mode, blob }: Seen): number {
  return bits(`${kind} ${mode} ${blob}`)
}

/** The sum of a folder does not depend on when what is in it came to it: what was a sum already is added as it is. */
function folded(path: string, value: number, depth: number | undefined): [string, number] {
  if (depth === undefined || depthOf(path) <= depth) return [path, value]
  const parts = path.split('/').slice(0, depth)
  return [`${parts.join('/')}/`, path.endsWith('/') ? value : bits(`${value} ${path}`)]
}

/** How many names it has, one behind the other. */
function depthOf(path: string): number {
  const names = path.split('/').length
  return path === '/' ? 0 : path.endsWith('/') ? names - 1 : names
}

function bits(text: string): number {
  return Number.parseInt(hash('sha1', text).slice(0, 8), 16)
}

export function inputList(image: PlannedBase, { dockerfile, bases, contexts }: Inputs, { paths, depth }: FileList): InputList {
  const { dockerfile: path, platforms } = image
  const { args: _args, ...settings } = settingsOf(image)
  // What nobody could tell stands in the key without a name.
  const { '': _unknown, ...told } = bases
  const named = Object.fromEntries(Object.entries(contexts).map(([name, is]) => [`contexts.${name}`, is]))
  const each = (values: object): Record<string, string> =>
    Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, bits(JSON.stringify(value) ?? '').toString(16)]],
      ),
    )
  return {
    keyVersion,
    bases: told,
    arguments: each(image.args),
    settings: each({ platforms, ...settings, ...named }),
    dockerfile: { path, is: bits(dockerfile).toString(16) },
    ...(depth === undefined ? {} : { depth }),
    files: Object.fromEntries(paths),
  }
}

export function packed(list: InputList): string {
  return gzipSync(JSON.stringify(list)).toString('base64')
}

/** Undefined for what somebody else wrote, or another version. */
export function unpacked(body: Buffer): InputList | undefined {
  try {
    return parseJson(gunzipSync(body, { maxOutputLength: 10_000_000 }).toString(), InputList)
  } catch {
    return undefined
  }
}

/**
 * What has changed, for people, the weightiest first: `requirements.txt changed`, `the base python:3 moved`.
 * @param seen the files of now
 */
export function changesOf(before: InputList, now: InputList, seen: ReadonlyMap<string, Seen>): string[] {
  if (before.keyVersion !== now.keyVersion) return ['this launchway makes content keys in another way']
  const changes = [
    ...changed(before.bases, now.bases).map(([name, how]) => `the base ${name} ${how === 'changed' ? 'moved' : how}`),
    ...(before.dockerfile.path === now.dockerfile.path && before.dockerfile.is !== now.dockerfile.is
      ? [`${now.dockerfile.path} changed`]
      : []),
    ...changed(before.arguments, now.arguments).map(([name, how]) => `the argument ${name} ${how}`),
    ...changed(before.settings, now.settings).map(([name, how]) => `the setting ${name} ${how}`),
    ...fileChanges(before, now, seen),
  ]
  return [...new Set(changes)]
}

function fileChanges(before: InputList, now: InputList, seen: ReadonlyMap<string, Seen>): string[] {
  const depths = [before.depth, now.depth].flatMap((depth) => depth ?? [])
  const depth = depths.length === 0 ? undefined : Math.min(...depths)
  const was = sums(before, depth)
  return changed(was, sums(now, depth)).map(([path, how]) => {
    if (path === '/') return 'the build context changed'
    if (path.endsWith('/')) return `${path} changed`
    const is = seen.get(path)
    return is === undefined || how !== 'changed' ? `${path} ${how}` : inFull(path, was[path], is)
  })
}

const usualModes = [
  ...[0o644, 0o755, 0o664, 0o775, 0o600, 0o700, 0o640, 0o750, 0o666, 0o777, 0o444, 0o555, 0o400, 0o500],
  ...[0o2755, 0o2775, 0o1777],
]

/** The list from before has one digest for all that a file is: with the content of now and the mode of then it comes out again. */
function inFull(path: string, was: number | undefined, is: Seen): string {
  const { kind, mode } = is
  if (kind === 'link') return `the link ${path} changed`
  const old = [...usualModes, mode & ~0o111, mode ^ 0o100, mode | 0o111].find((one) => digestOf({ ...is, mode: one }) === was)
  if (old === undefined) return `${path} changed`
  const [runs, ran] = [mode, old].map((one) => (one & 0o111) !== 0)
  if (kind === 'file' && runs !== ran) return runs === true ? `${path} is executable now` : `${path} is no longer executable`
  return `the permissions of ${path} changed: ${mode.toString(8)}, they were ${old.toString(8)}`
}

/** As they would be listed where no more than so many folders are told apart. */
function sums({ files }: InputList, depth: number | undefined): Record<string, number> {
  const found = new Map<string, number>()
  for (const [path, value] of Object.entries(files)) {
    const [place, own] = folded(path, value, depth)
    found.set(place, ((found.get(place) ?? 0) + own) >>> 0)
  }
  return Object.fromEntries(found)
}

type How = 'changed' | 'is new' | 'is gone'

function changed<Value>(before: Readonly<Record<string, Value>>, now: Readonly<Record<string, Value>>): [string, How][] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].toSorted()
  return names.flatMap((name): [string, How][] => {
    if (!Object.hasOwn(before, name)) return [[name, 'is new']]
    if (!Object.hasOwn(now, name)) return [[name, 'is gone']]
    return before[name] === now[name] ? [] : [[name, 'changed']]
  })
}
