import * as fc from 'fast-check'
import { z } from 'zod'
import { anyText } from '../../support/text.ts'

/** As much of JSON Schema as zod writes for our records. */
interface Node {
  type?: string | string[] | undefined
  pattern?: string | undefined
  format?: string | undefined
  enum?: string[] | undefined
  const?: string | number | boolean | undefined
  oneOf?: Node[] | undefined
  anyOf?: Node[] | undefined
  properties?: Record<string, Node> | undefined
  required?: string[] | undefined
  propertyNames?: Node | undefined
  additionalProperties?: Node | boolean | undefined
  items?: Node | undefined
  minimum?: number | undefined
  maximum?: number | undefined
  minItems?: number | undefined
  maxItems?: number | undefined
}

const Node: z.ZodType<Node> = z.lazy(() =>
  z.object({
    type: z.union([z.string(), z.array(z.string())]).optional(),
    pattern: z.string().optional(),
    format: z.string().optional(),
    enum: z.array(z.string()).optional(),
    const: z.union([z.string(), z.number(), z.boolean()]).optional(),
    oneOf: z.array(Node).optional(),
    anyOf: z.array(Node).optional(),
    properties: z.record(z.string(), Node).optional(),
    required: z.array(z.string()).optional(),
    propertyNames: Node.optional(),
    additionalProperties: z.union([z.boolean(), Node]).optional(),
    items: Node.optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    minItems: z.number().optional(),
    maxItems: z.number().optional(),
  }),
)

/** Any value that the schema allows: made from the schema itself, so that a new field is tested from its first day. */
export function any<T>(schema: z.ZodType<T>): fc.Arbitrary<T> {
  return valueOf(Node.parse(z.toJSONSchema(schema))).map((value) => schema.parse(value))
}

function valueOf(node: Node): fc.Arbitrary<unknown> {
  if (node.const !== undefined) return fc.constant(node.const)
  if (node.enum !== undefined) return fc.constantFrom(...node.enum)
  const forms = node.oneOf ?? node.anyOf
  if (forms !== undefined) return fc.oneof(...forms.map(valueOf))
  if (Array.isArray(node.type)) return fc.oneof(...node.type.map((type) => valueOf({ ...node, type })))
  switch (node.type ?? '') {
    case 'null':
      return fc.constant(null)
    case 'string':
      return textOf(node)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.integer({ min: Math.max(0, node.minimum ?? 0), max: Math.min(2 ** 31, node.maximum ?? 2 ** 31) })
    case 'number':
      // JSON has no -0.
      return fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 })
    case 'array':
      return fc.array(valueOf(node.items ?? {}), { minLength: node.minItems ?? 0, maxLength: node.maxItems ?? 3 })
    case 'object':
      return objectOf(node)
    case '':
      // Anything: of what JSON gives back as it was.
      return fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
    default:
      throw new Error(`no values for ${JSON.stringify(node)}`)
  }
}

function textOf({ format, pattern }: Node): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') }).map((date) => date.toISOString())
  return pattern === undefined ? anyText() : matching(pattern)
}

/** A record says a handful of patterns dozens of times, and each takes longer to make than the values of it. */
function matching(pattern: string): fc.Arbitrary<string> {
  const made = byPattern.get(pattern) ?? fc.stringMatching(new RegExp(pattern))
  byPattern.set(pattern, made)
  return made
}

const byPattern = new Map<string, fc.Arbitrary<string>>()

function objectOf({ properties, required = [], propertyNames, additionalProperties }: Node): fc.Arbitrary<unknown> {
  if (properties !== undefined) {
    return fc.record(Object.fromEntries(Object.entries(properties).map(([key, node]) => [key, valueOf(node)])), { requiredKeys: required })
  }
  const value = valueOf(typeof additionalProperties === 'object' ? additionalProperties : {})
  if (propertyNames?.enum !== undefined) return fc.record(Object.fromEntries(propertyNames.enum.map((key) => [key, value])))
  return fc.dictionary(
    textOf(propertyNames ?? {}).filter((key) => key !== '__proto__'),
    value,
    { maxKeys: 3, noNullPrototype: true },
  )
}
