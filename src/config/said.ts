import { z } from 'zod'
import { Written } from './read.ts'
import { below, unwrap } from './schema-below.ts'
import { scalar } from './schema-parts.ts'

/**
 * What a file says, for the schema to check: without `x-` keys, which hold what anchors share and what other tools read,
 * and each number as it is spelled where any text may stand. Where keys are names of the user's own, such as those of
 * headers, one with `x-` is a name like others.
 */
export function asSaid(value: unknown, schemas: readonly unknown[]): unknown {
  if (value instanceof Written) return schemas.some((schema) => unwrap(schema) === scalar) ? value.text : value.value
  if (Array.isArray(value)) {
    const items = schemas.flatMap((schema) => below(schema, 0))
    return value.map((item) => asSaid(item, items))
  }
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !key.startsWith('x-') || !schemas.some((schema) => isExtension(key, schema)))
      .map(([key, inner]) => [
        key,
        asSaid(
          inner,
          schemas.flatMap((schema) => below(schema, key)),
        ),
      ]),
  )
}

function isExtension(key: string, schema: unknown): boolean {
  const bare = unwrap(schema)
  if (bare instanceof z.ZodUnion) return bare.options.some((option) => isExtension(key, option))
  if (bare instanceof z.ZodRecord) return !z.safeParse(bare.keyType, key).success || isExtension(key, bare.valueType)
  return bare instanceof z.ZodObject
}
