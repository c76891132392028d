import { z } from 'zod'
import { Config } from './schema.ts'

// The schema as it stands below a key, whatever is wrapped around it.

export function schemasAt(path: readonly PropertyKey[]): unknown[] {
  let schemas: unknown[] = [Config]
  for (const part of path) schemas = schemas.flatMap((schema) => below(schema, part))
  return schemas
}

export function shapeOf(schema: unknown): string[] {
  const bare = unwrap(schema)
  return bare instanceof z.ZodObject ? Object.keys(bare.shape) : []
}

export function below(schema: unknown, part: PropertyKey): unknown[] {
  const bare = unwrap(schema)
  if (bare instanceof z.ZodUnion) return bare.options.flatMap((option) => below(option, part))
  if (bare instanceof z.ZodObject) return String(part) in bare.shape ? [bare.shape[String(part)]] : []
  if (bare instanceof z.ZodRecord) return [bare.valueType]
  if (bare instanceof z.ZodArray) return [bare.element]
  return []
}

export function unwrap(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? unwrap(schema.unwrap()) : schema
}
