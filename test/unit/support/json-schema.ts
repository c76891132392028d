import { z } from 'zod'

/**
 * Validates a value against a JSON Schema of draft 7, as far as schema/launchway.json uses it. A keyword that is not
 * known here is an error, so that nothing in the schema goes unchecked.
 * @see https://json-schema.org/draft-07/json-schema-validation
 */
export function accepts(schema: unknown, value: unknown): boolean {
  if (typeof schema === 'boolean') return schema
  return Object.entries(Mapping.parse(schema)).every(([keyword, argument]) => {
    const check = keywords[keyword]
    if (check === undefined) throw new TypeError(`unknown keyword ${keyword}`)
    return check(argument, value, Mapping.parse(schema))
  })
}

/** The schema with what each `$ref` names in its place. */
export function dereferenced(schema: unknown, root: unknown = schema): unknown {
  if (Array.isArray(schema)) return schema.map((one) => dereferenced(one, root))
  const mapping = Mapping.safeParse(schema)
  if (!mapping.success) return schema
  const { $ref: reference, ...rest } = mapping.data
  if (typeof reference !== 'string') return Object.fromEntries(Object.entries(rest).map(([key, one]) => [key, dereferenced(one, root)]))
  const path = reference.replace(/^#\//, '').split('/')
  return dereferenced(
    path.reduce((at, part) => Mapping.parse(at)[part], root),
    root,
  )
}

const Mapping = z.record(z.string(), z.unknown())
const Words = z.array(z.string())

type Check = (argument: unknown, value: unknown, schema: Record<string, unknown>) => boolean

const always: Check = () => true
const forObjects =
  (check: (argument: unknown, value: Record<string, unknown>, schema: Record<string, unknown>) => boolean): Check =>
  (argument, value, schema) =>
    typeOf(value) !== 'object' || check(argument, Mapping.parse(value), schema)
const forNumbers =
  (check: (argument: number, value: number) => boolean): Check =>
  (argument, value) =>
    typeof value !== 'number' || check(z.number().parse(argument), value)

const keywords: Record<string, Check> = {
  $schema: always,
  $id: always,
  $comment: always,
  title: always,
  description: always,
  type: (types, value) => [types].flat().some((type) => type === typeOf(value) || (type === 'number' && typeOf(value) === 'integer')),
  enum: (allowed, value) => z.array(z.unknown()).parse(allowed).includes(value),
  not: (other, value) => !accepts(other, value),
  const: (expected, value) => expected === value,
  pattern: (pattern, value) => typeof value !== 'string' || new RegExp(z.string().parse(pattern)).test(value),
  maxLength: (most, value) => typeof value !== 'string' || value.length <= z.int().parse(most),
  format: (format, value) => {
    if (format !== 'uri') throw new TypeError(`unknown format ${String(format)}`)
    return typeof value !== 'string' || URL.canParse(value)
  },
  minimum: forNumbers((least, value) => value >= least),
  maximum: forNumbers((most, value) => value <= most),
  exclusiveMinimum: forNumbers((bound, value) => value > bound),
  minLength: (least, value) => typeof value !== 'string' || value.length >= z.number().parse(least),
  minItems: (least, value) => !Array.isArray(value) || value.length >= z.number().parse(least),
  maxItems: (most, value) => !Array.isArray(value) || value.length <= z.number().parse(most),
  items: (item, value) => !Array.isArray(value) || value.every((one) => accepts(item, one)),
  allOf: (all, value) =>
    z
      .array(z.unknown())
      .parse(all)
      .every((one) => accepts(one, value)),
  anyOf: (options, value) =>
    z
      .array(z.unknown())
      .parse(options)
      .some((option) => accepts(option, value)),
  oneOf: (options, value) =>
    z
      .array(z.unknown())
      .parse(options)
      .filter((option) => accepts(option, value)).length === 1,
  required: forObjects((names, value) => Words.parse(names).every((name) => Object.hasOwn(value, name))),
  properties: forObjects((properties, value) =>
    Object.entries(Mapping.parse(properties)).every(([name, schema]) => !Object.hasOwn(value, name) || accepts(schema, value[name])),
  ),
  patternProperties: forObjects((patterns, value) =>
    Object.entries(Mapping.parse(patterns)).every(([pattern, schema]) =>
      Object.entries(value).every(([name, inner]) => !new RegExp(pattern).test(name) || accepts(schema, inner)),
    ),
  ),
  propertyNames: forObjects((schema, value) => Object.keys(value).every((name) => accepts(schema, name))),
  additionalProperties: forObjects((schema, value, { properties = {}, patternProperties = {} }) => {
    const patterns = Object.keys(Mapping.parse(patternProperties)).map((pattern) => new RegExp(pattern))
    const isKnown = (name: string): boolean => Object.hasOwn(Mapping.parse(properties), name) || patterns.some((one) => one.test(name))
    return Object.entries(value).every(([name, inner]) => isKnown(name) || accepts(schema, inner))
  }),
  dependencies: forObjects((dependencies, value) =>
    Object.entries(Mapping.parse(dependencies)).every(
      ([name, needs]) =>
        !Object.hasOwn(value, name) ||
        (Array.isArray(needs) ? Words.parse(needs).every((one) => Object.hasOwn(value, one)) : accepts(needs, value)),
    ),
  ),
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}
