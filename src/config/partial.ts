import { z } from 'zod'
import { nearest } from '../core/nearest.ts'
import { valueAt } from './read.ts'
import { type Breach, breaches } from './rules.ts'
import { Config } from './schema.ts'
import { below, schemasAt, shapeOf, unwrap } from './schema-below.ts'

type Path = readonly PropertyKey[]
type Mapping = Record<string, unknown>

/** Something that the schema refuses, and can be taken away; and what its author may have meant. */
interface Wrong {
  path: Path
  meant?: { path: Path; value: unknown }
}

/**
 * What the rules find in a file of which the schema refuses some parts. Nobody knows what should stand there, so only that
 * counts which is found both without these parts and with something else in their place: what a rule finds wrong of a key
 * that is missing only because its value could not be read would be no problem of the file.
 * @param completed adds what the file says elsewhere
 */
export function breachesBeside(
  value: unknown,
  issues: readonly z.core.$ZodIssue[],
  completed: (value: unknown) => unknown = (whole) => whole,
): Breach[] {
  const wrong = issues.map((issue) => wrongIn(issue, value))
  if (wrong.some((parts) => parts === undefined)) return []
  const all = wrong.flatMap((parts) => parts ?? [])
  const parts = all.filter(({ path }) => !all.some((other) => other.path.length < path.length && isWithin(path, other.path)))
  const without = parts.reduce((at, { path }) => replaced(at, path, undefined), value)
  const meant = parts.reduce((at, one) => (one.meant === undefined ? at : replaced(at, one.meant.path, one.meant.value)), without)
  const [few, more] = [without, meant].map((one) => Config.safeParse(completed(one)))
  if (few?.data === undefined || more?.data === undefined) return []
  const said = new Set(breaches(more.data).map(keyOf))
  return breaches(few.data).filter((breach) => said.has(keyOf(breach)))
}

function keyOf({ path, message }: Breach): string {
  return JSON.stringify([path, message])
}

function isWithin(path: Path, other: Path): boolean {
  return other.every((part, index) => path[index] === part)
}

/** Undefined where nothing can be said of what is left: of a list, for one, that stands in the place of the whole file. */
function wrongIn(issue: z.core.$ZodIssue, value: unknown): Wrong[] | undefined {
  if (issue.code === 'unrecognized_keys') {
    const known = [...new Set(schemasAt(issue.path).flatMap(shapeOf))]
    const parts = issue.keys.map((key) => {
      const path = [...issue.path, key]
      const name = nearest(key, known)
      return name === undefined ? { path } : wrongAt(path, [...issue.path, name], valueAt(value, path))
    })
    return allOf(parts)
  }
  for (let length = issue.path.length; length > 0; length -= 1) {
    const path = issue.path.slice(0, length)
    if (mayBeMissing(path)) return allOf([beside(path, value)])
  }
  return undefined
}

/** What is not read of an image may be where it names another one, which then needs no repository of its own. */
function beside(path: Path, value: unknown): Wrong | undefined {
  const [first, name = '', key] = path
  if (first !== 'images' || path.length < 2 || (path.length > 2 && key !== 'contexts')) return wrongAt(path, path)
  const names = Object.keys(mapping(valueAt(value, ['images'])) ?? {})
  const contexts = Object.fromEntries(names.map((other) => [other, `target:${other}`]))
  const place = [first, name, ...(key === undefined ? [] : [key])]
  return { path: place, meant: { path: place, value: key === undefined ? { ...mapping(sampleOf(schemasAt(place))), contexts } : contexts } }
}

/** @param written what stands there, if it may be right at the place that was meant */
function wrongAt(path: Path, place: Path, written?: unknown): Wrong | undefined {
  const schemas = schemasAt(place)
  const fits = written !== undefined && schemas.some((schema) => schema instanceof z.ZodType && z.safeParse(schema, written).success)
  // Whom the others name by the names of images and environments, nobody knows where none can be read.
  if (!fits && place.length === 1 && schemas.some((schema) => unwrap(schema) instanceof z.ZodRecord)) return undefined
  const value = fits ? written : sampleOf(schemas)
  return value === undefined ? { path } : { path, meant: { path: place, value } }
}

function allOf(parts: readonly (Wrong | undefined)[]): Wrong[] | undefined {
  const known = parts.filter((part) => part !== undefined)
  return known.length < parts.length ? undefined : known
}

/** Entries of lists are not taken away: those behind them would be other ones then. */
function mayBeMissing(path: Path): boolean {
  const key = String(path.at(-1))
  return schemasAt(path.slice(0, -1)).some(function isOptional(schema): boolean {
    const bare = unwrap(schema)
    if (bare instanceof z.ZodUnion) return bare.options.some(isOptional)
    return bare instanceof z.ZodRecord || (bare instanceof z.ZodObject && bare.shape[key] instanceof z.ZodOptional)
  })
}

/** Texts and numbers of every form that the schema knows. */
const anything: readonly unknown[] = [
  ...['x', 'X', '/x', 'x:/x', '1s', '1g', '0 0 * * *', 'a.example.org', 'https://a.example.org', 'a/b', 'type=sha', 'type=gha', 'no'],
  ...[1, true, false],
]

/** Something that may stand in a place. */
function sampleOf(schemas: readonly unknown[]): unknown {
  for (const schema of schemas) {
    const bare = unwrap(schema)
    if (!(bare instanceof z.ZodType)) continue
    const samples =
      bare instanceof z.ZodUnion ? bare.options.map((option) => sampleOf([option])) : [mappingOf(bare), listOf(bare), ...anything]
    const sample = samples.find((one) => one !== undefined && z.safeParse(bare, one).success)
    if (sample !== undefined) return sample
  }
  return undefined
}

function listOf(schema: z.ZodType): unknown {
  return schema instanceof z.ZodArray ? [sampleOf([schema.element])] : undefined
}

/** With all that may stand in it: what one knows nothing of lacks nothing. */
function mappingOf(schema: z.ZodType): Mapping | undefined {
  if (!(schema instanceof z.ZodObject)) return schema instanceof z.ZodRecord ? {} : undefined
  const samples = Object.keys(schema.shape).map((key) => [key, sampleOf(below(schema, key))] as const)
  return Object.fromEntries(samples.filter(([, sample]) => sample !== undefined))
}

function mapping(value: unknown): Mapping | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}

/** A copy in which something else stands at a path, or nothing; what is there already is not overwritten. */
function replaced(at: unknown, [part, ...rest]: Path, value: unknown): unknown {
  if (part === undefined) return value
  if (Array.isArray(at)) return at.map((item: unknown, index) => (index === part ? replaced(item, rest, value) : item))
  if (typeof at !== 'object' || at === null) return at
  const key = String(part)
  const inner: unknown = Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined
  if (rest.length > 0) return { ...at, [key]: replaced(inner, rest, value) }
  if (value !== undefined) return inner === undefined ? { ...at, [key]: value } : at
  return Object.fromEntries(Object.entries(at).filter(([name]) => name !== key))
}
