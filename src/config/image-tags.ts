import { nearest } from '../core/nearest.ts'

/**
 * One entry of `image-tags`, in the language of docker/metadata-action.
 * @see https://github.com/docker/metadata-action#tags-input
 */
export type TagRule =
  | ({ type: 'ref'; event: 'branch' | 'tag' | 'pr' } & Affixes)
  | ({ type: 'sha'; format: 'short' | 'long' } & Affixes)
  | ({ type: 'raw'; value: string } & Affixes)
  | ({ type: 'semver'; pattern: string } & Affixes)

interface Affixes {
  prefix: string
  suffix: string
  /** Whether the tag may name another image later. Default: by what it is called after. */
  overwrite?: boolean
}

const later = ['pep440', 'match', 'schedule', 'edge']
const types = ['ref', 'sha', 'raw', 'semver']
const attributes: Record<string, readonly string[]> = {
  ref: ['event', 'prefix', 'suffix', 'overwrite'],
  sha: ['format', 'prefix', 'suffix', 'overwrite'],
  raw: ['value', 'prefix', 'suffix', 'overwrite'],
  semver: ['pattern', 'prefix', 'suffix', 'overwrite'],
}

const semverPatterns = ['{{raw}}', '{{version}}', '{{major}}', '{{minor}}', '{{patch}}'] as const

/** The rule, or in words what is wrong with the entry. */
export function parseTagRule(entry: string): TagRule | string {
  const fields = new Map<string, string>()
  for (const part of entry.split(',')) {
    const cut = part.indexOf('=')
    if (cut < 1) return `"${part.trim()}" is not key=value`
    fields.set(part.slice(0, cut).trim(), part.slice(cut + 1).trim())
  }
  const type = fields.get('type')
  if (type === undefined) return 'type= is missing; if this is the rest of a rule with a comma in it, the whole rule needs quotes'
  if (later.includes(type)) return `type=${type} is reserved for a later version`
  const allowed = Object.hasOwn(attributes, type) ? attributes[type] : undefined
  if (allowed === undefined) return `unknown type "${type}"; did you mean "${nearest(type, types) ?? 'ref'}"?`
  fields.delete('type')
  for (const key of fields.keys()) {
    if (!allowed.includes(key)) return `type=${type} knows ${allowed.join(', ')}, not "${key}"`
  }
  const overwrite = fields.get('overwrite')
  if (overwrite !== undefined && overwrite !== 'true' && overwrite !== 'false') return 'overwrite= is true or false'
  const affixes: Affixes = {
    ...{ prefix: fields.get('prefix') ?? '', suffix: fields.get('suffix') ?? '' },
    ...(overwrite === undefined ? {} : { overwrite: overwrite === 'true' }),
  }
  switch (type) {
    case 'ref':
      return refRule(fields.get('event'), affixes)
    case 'sha':
      return shaRule(fields.get('format') ?? 'short', { ...affixes, prefix: fields.get('prefix') ?? 'sha-' })
    case 'raw':
      return fields.has('value') ? { type, value: fields.get('value') ?? '', ...affixes } : 'type=raw needs value='
    default:
      return semverRule(fields.get('pattern'), affixes)
  }
}

function refRule(event: string | undefined, affixes: Affixes): TagRule | string {
  return event === 'branch' || event === 'tag' || event === 'pr'
    ? { type: 'ref', event, ...affixes }
    : 'type=ref needs event=branch, event=tag or event=pr'
}

function shaRule(format: string, affixes: Affixes): TagRule | string {
  return format === 'short' || format === 'long' ? { type: 'sha', format, ...affixes } : 'type=sha knows format=short and format=long'
}

function semverRule(pattern: string | undefined, affixes: Affixes): TagRule | string {
  if (pattern === undefined) return 'type=semver needs pattern='
  const unknown = (pattern.match(/\{\{[^}]*\}\}/g) ?? []).find(
    (part) => !semverPatterns.some((known) => known === part.replaceAll(' ', '')),
  )
  return unknown === undefined
    ? { type: 'semver', pattern, ...affixes }
    : `unknown expression ${unknown}; known: ${semverPatterns.join(' ')}`
}

/** What images are tagged with when the configuration says nothing. */
export const defaultTagRules: readonly TagRule[] = [
  { type: 'ref', event: 'branch', prefix: '', suffix: '' },
  { type: 'semver', pattern: '{{version}}', prefix: '', suffix: '' },
  { type: 'ref', event: 'tag', prefix: '', suffix: '' },
  { type: 'ref', event: 'pr', prefix: '', suffix: '' },
  { type: 'sha', format: 'short', prefix: 'sha-', suffix: '' },
]
