import { dirname, relative, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Place } from '../core/error.ts'
import type { Files } from '../core/ports.ts'

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
const Leads = z.looseObject({
  include: z.array(z.union([z.string(), z.looseObject({ path: Paths })])).optional(),
  services: z.record(z.string(), z.looseObject({ extends: z.unknown().optional() }).nullable()).optional(),
})
const Extended = z.looseObject({ file: z.string() })

/**
 * The files that compose reads, those among them that others include or extend: compose says what is wrong, not where.
 * What cannot be read or understood is left out, since compose itself has words for it.
 */
export async function sourcesOf(
  compose: readonly string[],
  { files, root }: { files: Pick<Files, 'read'>; root: string },
): Promise<Source[]> {
  const found = new Map<string, Source>()
  const waiting = compose.map((file) => resolve(root, file))
  for (let path = waiting.shift(); path !== undefined && found.size < mostFiles; path = waiting.shift()) {
    if (found.has(path)) continue
    const body = await files.read(path).catch(() => undefined)
    if (body === undefined) continue
    const source = { path, text: body.toString() }
    found.set(path, source)
    const folder = dirname(path)
    waiting.push(...leadsOf(source.text).map((other) => resolve(folder, other)))
  }
  return [...found.values()]
}

const EnvFile = z.union([z.string(), z.looseObject({ path: z.string() }).transform(({ path }) => path)])
const WithEnvFiles = z.looseObject({
  services: z.record(z.string(), z.looseObject({ env_file: z.union([EnvFile, z.array(EnvFile)]).optional() }).nullable()),
})

/** Files of variables that the services of a compose file name, absolute: compose fills them in, and says no more where from. */
export function envFilesOf({ path, text }: Source): string[] {
  try {
    const { services } = WithEnvFiles.parse(parse(text, { merge: true, logLevel: 'silent' }))
    return Object.values(services).flatMap((service) => [service?.env_file ?? []].flat().map((file) => resolve(dirname(path), file)))
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
