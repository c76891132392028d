import { relative } from 'node:path'
import { placed } from '../config/places.ts'
import { LaunchwayError, type Place } from '../core/error.ts'
import type { Source } from '../tools/compose-sources.ts'

/** Something in compose files that cannot be carried over, or not wholly. */
export interface Finding {
  /** From the root of a compose file: `services`, `web`, `ports`. */
  path: readonly (string | number)[]
  message: string
  /** It is in launchway.yml: the path is from the root of that. */
  isConfig?: true
}

/** Where compose files and launchway.yml are written. */
export interface Written {
  sources: readonly Source[]
  config: Source | undefined
  root: string
}

/** What is found while a project is translated: all of it at once. */
export interface Findings {
  refused: Finding[]
  warned: Finding[]
  /** For people who read the plan, by service. */
  notes: { service: string; text: string }[]
}

export const noFindings = (): Findings => ({ refused: [], warned: [], notes: [] })

/** Where it stands: in the last file that says it, since that one wins. */
export function placeOfFinding({ path, isConfig }: Finding, { sources, config, root }: Written): Place | undefined {
  const files = isConfig === true ? (config === undefined ? [] : [config]) : sources.toReversed()
  for (let length = path.length; length > 1; length -= 1) {
    const part = path.slice(0, length)
    for (const { path: file, text } of files) {
      const read = placed(text, relative(root, file))
      if (has(read.value, part)) return read.at(part, true)
    }
  }
  return undefined
}

function has(value: unknown, path: readonly (string | number)[]): boolean {
  let at = value
  for (const key of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, key)) return false
    at = Object.entries(at).find(([name]) => name === String(key))?.[1]
  }
  return true
}

const said = ({ path, message }: Finding): string => `${path.join('.')}: ${message}`

/** One line each, with its place. */
export function findingLine(finding: Finding, written: Written): string {
  const place = placeOfFinding(finding, written)
  return place === undefined ? said(finding) : `${place.file}:${place.line}:${place.column}: ${said(finding)}`
}

/** @param files as somebody named them */
export function refusedProject(found: readonly Finding[], files: readonly string[], written: Written): LaunchwayError {
  const [first] = found
  const place = first === undefined ? undefined : placeOfFinding(first, written)
  const count = found.length === 1 ? 'something that cannot be deployed' : `${found.length} things that cannot be deployed`
  return new LaunchwayError('CONFIG_INVALID', `${files.join(', ')} has ${count}`, {
    hint: found.map((finding) => findingLine(finding, written)).join('\n'),
    ...(place === undefined ? {} : { place }),
  })
}
