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

/** Takes the files of a context as they come. */
export class FileList {
  readonly paths = new Map<string, number>()
  depth: number | undefined

  add({ path, kind, mode, blob }: Pick<ContextEntry, 'path' | 'kind' | 'mode' | 'blob'>): void {
    this.#sum(path, bits(`${kind} ${mode} ${blob}`))
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
  }
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

/** What has changed, for people, the weightiest first: `requirements.txt changed`, `the base python:3 moved`. */
export function changesOf(before: InputList, now: InputList): string[] {
  if (before.keyVersion !== now.keyVersion) return ['this launchway makes content keys in another way']
  const changes = [
    ...changed(before.bases, now.bases).map(([name, how]) => `the base ${name} ${how === 'changed' ? 'moved' : how}`),
    ...(before.dockerfile.path === now.dockerfile.path && before.dockerfile.is !== now.dockerfile.is
      ? [`${now.dockerfile.path} changed`]
      : []),
    ...changed(before.arguments, now.arguments).map(([name, how]) => `the argument ${name} ${how}`),
    ...changed(before.settings, now.settings).map(([name, how]) => `the setting ${name} ${how}`),
    ...fileChanges(before, now),
  ]
  return [...new Set(changes)]
}

function fileChanges(before: InputList, now: InputList): string[] {
  const depths = [before.depth, now.depth].flatMap((depth) => depth ?? [])
  const depth = depths.length === 0 ? undefined : Math.min(...depths)
  return changed(sums(before, depth), sums(now, depth)).map(([path, how]) => {
    if (path === '/') return 'the build context changed'
    return path.endsWith('/') ? `${path} changed` : `${path} ${how}`
  })
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
