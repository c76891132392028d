import { readFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { z } from 'zod'
import { loadConfig } from '../../src/config/load.ts'
import { serviceKeys } from '../../src/config/rules.ts'
import { Config } from '../../src/config/schema.ts'
import { code, fenced, type GeneratedFile, page, prose, table } from './page.ts'
import { typeOf, unwrap } from './types.ts'

/** Every key of launchway.yml: the tables from the schema, the examples cut out of two files that the loader takes. */
export function configurationPage(): GeneratedFile {
  const [short, long] = [example('short.yml'), example('long.yml')]
  const samples = [long, short].map((text) => loadConfig(text, 'launchway.yml'))
  return page('docs/reference/configuration.md', 'launchway.yml', 'src/config/schema.ts', [
    'The file stands at the root of the repository. Unknown keys are errors; keys that begin with `x-` are free, also as anchors to share between blocks. Among names of your own (branches, environments, services) one with `x-` is a name like others, unless an alias takes it up or it holds what could not stand there. Editors check it while you type if its first line is:',
    fenced('yaml', '# yaml-language-server: $schema=PATH_OR_URL_OF/schema/launchway.json'),
    '## Three lines that work',
    fenced('yaml', short),
    'One image is built from `./Dockerfile`. A push to `main` goes to the host, a push to `next` to the registry only.',
    '## Everything in its place',
    fenced('yaml', long),
    ...sectionsOf(Config, [], samples),
  ])
}

function example(name: 'short.yml' | 'long.yml'): string {
  return readFileSync(new URL(`./examples/${name}`, import.meta.url), 'utf8')
}

/** A table for a mapping, then one for each mapping inside of it; each once, though two keys may hold its like. */
function sectionsOf(schema: z.ZodObject, path: readonly string[], samples: readonly unknown[], shown = new Set<z.ZodObject>()): string[] {
  // A variant of the smoke test has the keys of the smoke test.
  if (shown.has(schema) || path.join('.') === 'smoke.variants.<name>') return []
  shown.add(schema)
  const title = path.length === 0 ? 'Top level' : code(path.join('.'))
  // An environment takes the keys of its only service as well: they are shown once, with the services.
  const inEnvironment = path.join('.') === 'environments.<name>'
  const fields = Object.entries(schema.shape).filter(([key]) => !inEnvironment || !serviceKeys.includes(key))
  const rows = fields.map(([key, field]) => [code(key), typeOf(field), ...meaning(described(field)), sampleOf(key, samples)])
  const also = inEnvironment
    ? ['An environment with one service takes the keys of [a service](#environmentsnameservicesname) directly, without `services`.']
    : []
  const inner = fields.flatMap(([key, field]) => {
    const below = samples.map((sample) => valueAt(sample, key))
    const mappings = mappingsIn(field)
    return mappings.flatMap(({ mapping, each }) => {
      // Of several forms each is told by its first key.
      const form = each !== 'name' && mappings.length > 1 ? [Object.keys(mapping.shape)[0] ?? ''] : []
      const inside = each === 'name' ? ['<name>'] : form
      return sectionsOf(mapping, [...path, key, ...inside], each === 'alone' ? below : below.flatMap(valuesOf), shown)
    })
  })
  return [`## ${title}`, ...also, table(['key', 'type', 'default', 'meaning', 'example'], rows), ...inner]
}

/** The mappings that a field holds: itself, by name, or as the items of a list. */
function mappingsIn(field: unknown): { mapping: z.ZodObject; each: 'alone' | 'name' | 'item' }[] {
  const bare = unwrap(field)
  if (bare instanceof z.ZodObject) return [{ mapping: bare, each: 'alone' }]
  if (bare instanceof z.ZodUnion) return bare.options.flatMap((option) => mappingsIn(option))
  if (bare instanceof z.ZodRecord) return mappingsIn(bare.valueType).map(({ mapping }) => ({ mapping, each: 'name' }))
  if (bare instanceof z.ZodArray) return mappingsIn(bare.element).map(({ mapping }) => ({ mapping, each: 'item' }))
  return []
}

/** What a description says about the default goes into a column of its own. */
function meaning(description: string): [string, string] {
  const [, says = '', value = ''] = /^(.*?)(?: Default: (.*))?$/s.exec(description) ?? []
  return [prose(value), prose(says)]
}

function described(field: unknown): string {
  const description = field instanceof z.ZodType ? z.toJSONSchema(field).description : undefined
  if (description === undefined) throw new TypeError('a key of the schema has no description')
  return description
}

/** The shortest value that the examples have for a key, as it would stand in the file; none where it takes a block. */
function sampleOf(key: string, samples: readonly unknown[]): string {
  const values = samples.map((sample) => valueAt(sample, key)).filter((value) => value !== undefined)
  const [shortest] = values.map((value) => flow(key, value)).toSorted((a, b) => a.length - b.length)
  if (shortest === undefined) throw new TypeError(`no example has the key ${key}`)
  return shortest.length > 75 ? '' : code(shortest)
}

function flow(key: string, value: unknown): string {
  const line = stringify({ [key]: value }, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false, singleQuote: true })
  return line.trim().slice(1, -1)
}

function valueAt(sample: unknown, key: string): unknown {
  return sample !== null && typeof sample === 'object' ? Object.entries(sample).find(([name]) => name === key)?.[1] : undefined
}

function valuesOf(sample: unknown): unknown[] {
  return sample !== null && typeof sample === 'object' ? Object.values(sample) : []
}
