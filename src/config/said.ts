import { z } from 'zod'
import { Written } from './read.ts'
import { below, unwrap } from './schema-below.ts'
import { scalar } from './schema-parts.ts'

type Path = readonly PropertyKey[]

/**
 * What a file says, for the schema to check: without `x-` keys, which hold what anchors share and what other tools read,
 * and each number as it is spelled where any text may stand. Where keys are names of the user's own, one with `x-` is a
 * name like others, unless what it holds is there to be shared, or is nothing that could stand there.
 * @param isShared whether others take up what stands at a path
 */
export function asSaid(value: unknown, schemas: readonly unknown[], isShared: (path: Path) => boolean, path: Path = []): unknown {
  if (value instanceof Written) return schemas.some((schema) => unwrap(schema) === scalar) ? value.text : value.value
  if (Array.isArray(value)) {
    const items = schemas.flatMap((schema) => below(schema, 0))
    return value.map((item, index) => asSaid(item, items, isShared, [...path, index]))
  }
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      const at = [...path, key]
      const said = asSaid(
        inner,
        schemas.flatMap((schema) => below(schema, key)),
        isShared,
        at,
      )
      return key.startsWith('x-') && schemas.some((schema) => isExtension({ key, said, at }, schema, isShared)) ? [] : [[key, said]]
    }),
  )
}

interface Entry {
  key: string
  said: unknown
  at: Path
}

function isExtension(entry: Entry, schema: unknown, isShared: (path: Path) => boolean): boolean {
  const bare = unwrap(schema)
  if (bare instanceof z.ZodUnion) return bare.options.some((option) => isExtension(entry, option, isShared))
  if (bare instanceof z.ZodObject) return true
  if (!(bare instanceof z.ZodRecord)) return false
  const { keyType, valueType } = bare
  // A header or a label whose value is wrong is told so: nobody shares blocks there.
  if (z.safeParse(keyType, entry.key).success && !takesMapping(valueType)) return false
  return isShared(entry.at) || !z.safeParse(valueType, entry.said).success
}

function takesMapping(schema: unknown): boolean {
  const bare = unwrap(schema)
  if (bare instanceof z.ZodUnion) return bare.options.some(takesMapping)
  return bare instanceof z.ZodObject || bare instanceof z.ZodRecord
}
