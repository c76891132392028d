import { z } from 'zod'
import { type Json, Json as JsonValue, type Row, Row as RowValue, schemas, standalone } from './description.ts'

export interface Misfit {
  /** `output.annotations.0.path`, empty for the whole. */
  where: string
  what: string
}

const compiled = new WeakMap<Row, z.ZodType>()
const JsonSchema = z.custom<z.core.JSONSchema.JSONSchema>((value) => RowValue.safeParse(value).success)

function compile(schema: Row): z.ZodType {
  const known = compiled.get(schema)
  if (known !== undefined) return known
  // A registry of its own: the global one would keep every schema for good.
  const made = z.fromJSONSchema(JsonSchema.parse(standalone(schema)), { defaultTarget: 'openapi-3.0', registry: z.registry() })
  compiled.set(schema, made)
  return made
}

/** Of a union, what is wrong with the branch that came nearest. */
function misfits(issue: z.core.$ZodIssue, before: readonly PropertyKey[]): Misfit[] {
  const path = [...before, ...issue.path]
  const branches = issue.code === 'invalid_union' ? issue.errors.toSorted((a, b) => a.length - b.length) : []
  const nearest = branches[0]
  if (nearest !== undefined) return nearest.flatMap((inner) => misfits(inner, path))
  return [{ where: path.map(String).join('.'), what: issue.message }]
}

/** The value with the schema's defaults filled in, or where it does not fit. */
export function fit(schema: Row, value: Json | undefined): { value: Json; misfits: [] } | { misfits: Misfit[] } {
  const parsed = compile(schema).safeParse(value)
  if (!parsed.success) return { misfits: parsed.error.issues.flatMap((issue) => misfits(issue, [])) }
  return { value: JsonValue.parse(parsed.data), misfits: [] }
}

/** The keys that a schema does not name. GitHub ignores them; here they are a mistake of whoever sent them. */
export function unknownKeys(schema: Row, value: Json, where: string[] = []): Misfit[] {
  const shapes = shapesOf(schema)
  if (Array.isArray(value)) {
    const items = shapes.map((shape) => shape['items']).find((found) => found !== undefined)
    return isRow(items) ? value.flatMap((item, index) => unknownKeys(items, item, [...where, String(index)])) : []
  }
  if (!isRow(value)) return []
  const objects = shapes.filter((shape) => isRow(shape['properties']))
  if (
    objects.length === 0 ||
    shapes.some((shape) => shape['additionalProperties'] !== undefined && shape['additionalProperties'] !== false)
  )
    return []
  const properties: Row = Object.fromEntries(
    objects.flatMap((shape) => Object.entries(isRow(shape['properties']) ? shape['properties'] : {})),
  )
  return Object.entries(value).flatMap(([key, inner]) => {
    const property = properties[key]
    return isRow(property)
      ? unknownKeys(property, inner, [...where, key])
      : [{ where: [...where, key].join('.'), what: `"${key}" is not a permitted key.` }]
  })
}

/** The schema and all that it is put together from. */
function shapesOf(schema: Row): Row[] {
  const reference = schema['$ref']
  const target = typeof reference === 'string' ? schemas[reference.split('/').at(-1) ?? ''] : undefined
  const parts = [target, ...['oneOf', 'anyOf', 'allOf'].flatMap((key) => schema[key])]
  return [schema, ...parts.filter(isRow).flatMap(shapesOf)]
}

function isRow(value: Json | undefined): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
