import { z } from 'zod'
import { Digest, Name, ReleaseId } from '../../src/core/names.ts'
import { Duration } from '../../src/core/units.ts'

/** Schemas that have a name people know. */
const named = new Map<unknown, string>([
  [Duration, 'duration'],
  [Name, 'name'],
  [Digest, 'digest'],
  [ReleaseId, 'release id'],
])

/** What may stand there, in a reader's words. */
export function typeOf(field: unknown): string {
  const bare = unwrap(field)
  const known = named.get(bare)
  if (known !== undefined) return known
  if (bare instanceof z.ZodUnion) return [...new Set(bare.options.map(typeOf))].join(' or ')
  if (bare instanceof z.ZodArray) return `list of ${typeOf(bare.element)}`
  if (bare instanceof z.ZodRecord) return `by name: ${typeOf(bare.valueType)}`
  if (bare instanceof z.ZodObject) return 'mapping'
  if (bare instanceof z.ZodLiteral) return [...bare.values].join(' or ')
  if (bare instanceof z.ZodEnum) return bare.options.join(', ')
  if (bare instanceof z.ZodBoolean) return 'true or false'
  if (bare instanceof z.ZodNull) return 'null'
  if (bare instanceof z.ZodUnknown) return 'anything'
  if (bare instanceof z.ZodNumber) return numberType(bare)
  return 'text'
}

function numberType({ minValue, maxValue }: z.ZodNumber): string {
  const bounded = minValue !== null && maxValue !== null && minValue >= 0 && maxValue < Number.MAX_SAFE_INTEGER
  return bounded ? `${minValue} to ${maxValue}` : 'number'
}

export function isOptional(field: unknown): boolean {
  return field instanceof z.ZodOptional
}

export function unwrap(field: unknown): unknown {
  return field instanceof z.ZodOptional || field instanceof z.ZodDefault ? unwrap(field.unwrap()) : field
}
