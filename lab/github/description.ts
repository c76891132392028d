import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

export const Json = z.json()
export type Json = z.infer<typeof Json>
export const Row = z.record(z.string(), Json)
/** An object of JSON: a body, a resource, a schema. */
export type Row = z.infer<typeof Row>

const Described = z.object({ paths: z.record(z.string(), z.record(z.string(), Json)), components: z.record(z.string(), Row) })
const described = Described.parse(JSON.parse(readFileSync(join(import.meta.dirname, 'openapi.json'), 'utf8')))

export const schemas = described.components['schemas'] ?? {}

/** What a `$ref` stands for; the schemas' own references stay, since they may go round in a circle. */
function resolved(node: Json): Json {
  if (Array.isArray(node)) return node.map(resolved)
  if (node === null || typeof node !== 'object') return node
  const reference = node['$ref']
  if (typeof reference === 'string' && !reference.startsWith('#/components/schemas/')) {
    const [, , kind = '', name = ''] = reference.split('/')
    return resolved(described.components[kind]?.[name] ?? null)
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, resolved(value)]))
}

const Content = z.record(z.string(), z.object({ schema: Row }))
const Operation = z.object({
  operationId: z.string(),
  servers: z.array(z.object({ url: z.string() })).optional(),
  parameters: z
    .array(z.object({ name: z.string(), in: z.enum(['path', 'query', 'header']), required: z.boolean().default(false), schema: Row }))
    .default([]),
  requestBody: z.object({ required: z.boolean().default(false), content: Content }).optional(),
  responses: z.record(z.string(), z.object({ content: Content.optional() })),
})

export interface Operation extends z.infer<typeof Operation> {
  method: string
  /** `/repos/{owner}/{repo}/deployments` */
  template: string
  /** Matches what stands in the place of the template's names, in their order. */
  pattern: RegExp
}

/** Names that hold slashes: `heads/main`, `release/1.2`. */
const manySegments = new Set(['ref', 'tag'])

/** Release assets have a server of their own at GitHub; here it is a folder. */
export const uploads = '/uploads'

function patternOf(template: string): RegExp {
  return new RegExp(`^${template.replaceAll(/\{(\w+)\}/g, (_, name: string) => `(?<${name}>${manySegments.has(name) ? '.+' : '[^/]+'})`)}$`)
}

/** The operations that the lab plays; of two that match a path, the one with fewer names in its template comes first. */
export const operations: readonly Operation[] = Object.entries(described.paths)
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, node]) => {
      const operation = Operation.parse(resolved(node))
      const template = operation.servers === undefined ? path : `${uploads}${path}`
      return { ...operation, method: method.toUpperCase(), template, pattern: patternOf(template) }
    }),
  )
  .toSorted((a, b) => a.template.split('{').length - b.template.split('{').length)

/** The schema with all that it refers to, in the place where a JSON Schema of its own has it. */
export function standalone(schema: Row): Row {
  const written = JSON.stringify({ ...schema, definitions: schemas }, (_, node: Json) => emptyAddress(node) ?? node)
  return Row.parse(JSON.parse(written.replaceAll('#/components/schemas/', '#/definitions/')))
}

/** The description gives some addresses the default `''`, which is none: what it means is an address or nothing. */
function emptyAddress(node: Json): Row | undefined {
  if (node === null || typeof node !== 'object' || Array.isArray(node) || node['format'] !== 'uri' || node['default'] !== '')
    return undefined
  const { default: nothing, ...address } = node
  return { anyOf: [{ type: 'string', maxLength: 0 }, address], default: nothing }
}
