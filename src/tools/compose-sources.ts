import { dirname, join, relative, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Place } from '../core/error.ts'
import type { Files } from '../core/ports.ts'
import { parseVariables } from '../core/text.ts'

/** One compose file as it is written. */
export interface Source {
  /** Absolute. */
  path: string
  text: string
}

/** More than any project has: files that include each other in a circle end somewhere. */
const mostFiles = 100

const Paths = z.union([z.string(), z.array(z.string())])
/** What of a compose file leads to other files. */
const Included = z.union([z.string(), z.looseObject({ path: Paths, env_file: Paths.optional(), project_directory: z.string().optional() })])
const Leads = z.looseObject({
  include: z.array(Included).optional(),
  services: z.record(z.string(), z.looseObject({ extends: z.unknown().optional() }).nullable()).optional(),
})
const Extended = z.looseObject({ file: z.string() })

interface Around {
  files: Pick<Files, 'read'>
  root: string
  /** What a variable is, as far as that is known. */
  lookUp?: (name: string) => string | undefined
}

/**
 * The files that compose reads, those among them that others include or extend: compose says what is wrong, not where.
 * What cannot be read or understood is left out, since compose itself has words for it.
 */
export async function sourcesOf(compose: readonly string[], { files, root, lookUp = () => undefined }: Around): Promise<Source[]> {
  const found = new Map<string, Source>()
  const waiting = compose.map((file) => resolve(root, file))
  for (let path = waiting.shift(); path !== undefined && found.size < mostFiles; path = waiting.shift()) {
    if (found.has(path)) continue
    const source = await sourceAt(path, files)
    if (source === undefined) continue
    found.set(path, source)
    const folder = dirname(path)
    waiting.push(...leadsOf(source.text).map((other) => resolve(folder, filled(other, lookUp))))
  }
  return [...found.values()]
}

/** A file as it is written; undefined where it cannot be read. */
export async function sourceAt(path: string, files: Pick<Files, 'read'>): Promise<Source | undefined> {
  const body = await files.read(path).catch(() => undefined)
  return body === undefined ? undefined : { path, text: body.toString() }
}

/** What files of variables say, in their order; one that cannot be read says nothing. */
export function readVariables(paths: readonly string[], files: Pick<Files, 'read'>): Promise<NodeJS.Dict<string>[]> {
  return Promise.all(paths.map(async (path) => parseVariables((await sourceAt(path, files))?.text ?? '')))
}

function filled(path: string, lookUp: (name: string) => string | undefined): string {
  const variable = /\$(?:\{(\w+)(?::?-([^}]*))?[^}]*\}|(\w+))/g
  return path.replaceAll(variable, (whole, braced?: string, word?: string, bare?: string) => lookUp(braced ?? bare ?? '') ?? word ?? whole)
}

const EnvFile = z.union([z.string(), z.looseObject({ path: z.string() }).transform(({ path }) => path)])
const WithEnvFiles = z.looseObject({
  include: z.array(Included).optional(),
  services: z.record(z.string(), z.looseObject({ env_file: z.union([EnvFile, z.array(EnvFile)]).optional() }).nullable()).nullish(),
})

/**
 * Files of variables that a compose file names, absolute: those of services, and those of what it includes, by default beside
 * that. Compose fills them in, and says no more where from.
 */
export function envFilesOf({ path, text }: Source): string[] {
  try {
    const { include = [], services } = WithEnvFiles.parse(parse(text, { merge: true, logLevel: 'silent' }))
    const ofServices = Object.values(services ?? {}).flatMap((service) => [service?.env_file ?? []].flat())
    const ofIncluded = include.flatMap((one) => {
      const { path: paths, env_file: named, project_directory: folder } = typeof one === 'string' ? { path: one } : one
      return named ?? join(folder ?? dirname([paths].flat()[0] ?? ''), '.env')
    })
    return [...ofServices, ...ofIncluded].map((file) => resolve(dirname(path), file))
  } catch {
    return []
  }
}

function leadsOf(text: string): string[] {
  try {
    const { include = [], services = {} } = Leads.parse(parse(text, { merge: true, logLevel: 'silent' }))
    const included = include.flatMap((one) => (typeof one === 'string' ? one : one.path))
    const extended = Object.values(services).flatMap((service) => Extended.safeParse(service?.extends).data?.file ?? [])
    return [...included, ...extended]
  } catch {
    return []
  }
}

/** Where a variable is asked for: where it must be given, if anywhere, else where it first stands. */
export function placeOf(variable: string, sources: readonly Source[], root: string): Place | undefined {
  const anywhere = new RegExp(`(?<!\\$)\\$(?:\\{${variable}\\b|${variable}\\b)`)
  const needed = new RegExp(`(?<!\\$)\\$\\{${variable}:?\\?`)
  for (const pattern of [needed, anywhere]) {
    for (const { path, text } of sources) {
      const line = text.split('\n').findIndex((one) => pattern.test(one) && !/^\s*#/.test(one))
      if (line !== -1) return { file: relative(root, path), line: line + 1 }
    }
  }
  return undefined
}
