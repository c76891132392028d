import { z } from 'zod'
import { serviceKeys } from '../../src/config/rules.ts'
import { byKey } from '../../src/core/objects.ts'
import { Config, EnvironmentConfig } from '../../src/config/schema.ts'
import type { GeneratedFile } from './page.ts'
import { notice } from './page.ts'

type JsonSchema = z.core.JSONSchema.JSONSchema

/**
 * The JSON Schema of launchway.yml, for editors. Draft 7, which all of them know; so are `dependencies`, for which they
 * have a message of their own. Names that must name something, and the language of image-tags, are beyond a schema:
 * only the loader checks them.
 */
function jsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(Config, {
    target: 'draft-7',
    override({ zodSchema, jsonSchema: made }) {
      // zod's own name for a check; the pattern beside it says the same.
      if (String(made.format) === 'starts_with') delete made.format
      if (made.format === 'uri') made.pattern = '^https?://'
      if (zodSchema === Config) made.oneOf = [needs('image'), needs('images')]
      if (zodSchema === EnvironmentConfig) made.not = { required: ['host', 'hosts'] }
    },
  })
  // After the whole has been made: while it is being made, a record's names are still empty.
  allowExtensions(schema)
  const { defaults, environments } = schema.properties ?? {}
  mayBeNull(environments)
  if (typeof defaults === 'object') {
    const { description = '' } = defaults
    schema.properties = {
      ...schema.properties,
      defaults: { description, allOf: [{ $ref: '#/properties/environments/additionalProperties' }] },
    }
  }
  schema.anyOf = [needs('defaults'), { properties: { environments: { additionalProperties: whole, ...freeNames } } }]
  return { $id: 'urn:launchway:configuration:1', title: 'launchway.yml', $comment: notice('src/config/schema.ts'), ...schema }
}

/** An environment takes away with null what the defaults say; the loader refuses it where they say nothing. */
function mayBeNull(environments: JsonSchema | boolean | undefined): void {
  const { additionalProperties } = typeof environments === 'object' ? environments : {}
  if (typeof additionalProperties !== 'object') return
  const { properties = {} } = additionalProperties
  for (const [key, property] of Object.entries(properties)) {
    if (typeof property === 'boolean') continue
    const { description = '', anyOf, ...rest } = property
    properties[key] = { description, anyOf: [...(anyOf ?? [rest]), { type: 'null' }] }
  }
}

const wayIn = { anyOf: [needs('publish'), needs('url'), needs('nginx')] }
const serviceRules = { publish: ['port'], health: ['port'], nginx: { required: ['port'], not: needs('publish') } }
const freeNames = { patternProperties: { '^x-': {} } }

/** Beside services nothing of a service stands in the environment itself, but the secrets of a compose project. */
const notDirectly = {
  properties: byKey(
    serviceKeys.filter((key) => key !== 'secrets'),
    () => false,
  ),
  anyOf: [needs('compose'), { properties: { secrets: false } }],
}

/** What keys of an environment ask of each other. Where there are defaults, the other key may stand there: the loader checks it then. */
const whole = {
  oneOf: [needs('host'), needs('hosts')],
  dependencies: { ...serviceRules, port: wayIn, services: notDirectly },
  properties: { services: { additionalProperties: { dependencies: serviceRules }, ...freeNames } },
}

function needs(key: string): JsonSchema {
  return { required: [key] }
}

/**
 * `x-` keys may stand in every mapping of the file; the loader takes them out before it looks. But not where the names
 * are the user's own, whatever they are, and have no mapping as their value: those of headers and labels.
 */
function allowExtensions(schema: JsonSchema | boolean): void {
  if (typeof schema === 'boolean') return
  const { propertyNames, additionalProperties, items, properties = {}, anyOf = [] } = schema
  const areNames = typeof propertyNames === 'object' && propertyNames.pattern === undefined && !takesMapping(additionalProperties)
  if (additionalProperties !== undefined && !areNames) schema.patternProperties = { '^x-': {} }
  if (typeof propertyNames === 'object') {
    if (propertyNames.pattern === undefined) delete schema.propertyNames
    else schema.propertyNames = { anyOf: [propertyNames, { type: 'string', pattern: '^x-' }] }
  }
  const below = [additionalProperties, items, ...Object.values(properties), ...anyOf].flat()
  for (const inner of below) if (inner !== undefined) allowExtensions(inner)
}

function takesMapping(schema: JsonSchema | boolean | undefined): boolean {
  return typeof schema === 'object' && (schema.type === 'object' || (schema.anyOf ?? []).some(takesMapping))
}

export function schemaFile(): GeneratedFile {
  return { path: 'schema/launchway.json', text: `${JSON.stringify(jsonSchema(), null, 2)}\n` }
}
