import { nearest } from '../core/nearest.ts'
import { keysOf } from '../core/objects.ts'
import { entryFields } from './tag-entry.ts'
import { globalNames, parseTemplate, scheduleNames, type Template, versionNames } from './template.ts'

/**
 * One entry of `image-tags`, in the language of docker/metadata-action.
 * @see https://github.com/docker/metadata-action#tags-input
 */
export type TagRule = Common & Kind

interface Common {
  /** As it was written. */
  entry: string
  /** Whether it counts at all; `default` and `other`: on the default branch alone, everywhere but there. */
  enable: 'true' | 'false' | 'default' | 'other'
  /** Those of higher priority come first, and the first tag is the version. */
  priority: number
  /** Undefined: that of the flavor. */
  prefix?: Template
  suffix?: Template
  /** Whether the tag may name another image later. Default: by what it is called after. */
  overwrite?: boolean
}

type Kind =
  | { type: 'ref'; event: 'branch' | 'tag' | 'pr' }
  | { type: 'semver' | 'pep440'; pattern: Template; value?: Template; match?: RegExp }
  | { type: 'match'; pattern: RegExp; group: number; value?: Template }
  | { type: 'sha'; format: 'short' | 'long' }
  | { type: 'schedule'; pattern: Template }
  /** Without a branch: the default branch. */
  | { type: 'edge'; branch?: string }
  | { type: 'raw'; value: Template }

interface TypeDefinition {
  priority: number
  /** Beside those that every type has. */
  attributes: readonly string[]
  prefix?: string
}

const types: Record<Kind['type'], TypeDefinition> = {
  schedule: { priority: 1000, attributes: ['pattern'] },
  semver: { priority: 900, attributes: ['pattern', 'value', 'match'] },
  pep440: { priority: 900, attributes: ['pattern', 'value', 'match'] },
  match: { priority: 800, attributes: ['pattern', 'group', 'value'] },
  edge: { priority: 700, attributes: ['branch'] },
  ref: { priority: 600, attributes: ['event'] },
  raw: { priority: 200, attributes: ['value'] },
  sha: { priority: 100, attributes: ['format'], prefix: 'sha-' },
}
const common = ['enable', 'priority', 'prefix', 'suffix', 'overwrite']

/** What somebody says with a reason that a person can act on; caught here alone. */
class Wrong extends Error {}

/** The rule, or in words what is wrong with the entry. */
export function parseTagRule(entry: string): TagRule | string {
  try {
    const { type, fields } = attributesOf(entry)
    return { entry: entry.trim(), ...commonOf(type, fields), ...kindOf(type, fields) }
  } catch (error) {
    if (error instanceof Wrong) return error.message
    throw error
  }
}

type Fields = ReadonlyMap<string, string>

function attributesOf(entry: string): { type: Kind['type']; fields: Fields } {
  const read = entryFields(entry.trim())
  if (typeof read === 'string') throw new Wrong(read)
  const fields = new Map<string, string>()
  // A field that is cut at a comma is told before what is left of it.
  const open = read.find(({ value }) => value.lastIndexOf('{{') > value.lastIndexOf('}}'))
  if (open !== undefined) template(open.key ?? 'value', open.value)
  for (const { key = 'value', value } of read) {
    if (fields.has(key)) throw new Wrong(`${key} stands twice${key === 'value' ? `: "${value}" is not key=value` : ''}`)
    fields.set(key, value)
  }
  if (fields.get('value') === '' && fields.size === 1) throw new Wrong('"" is not key=value')
  const name = fields.get('type') ?? (fields.size === 1 && fields.has('value') ? 'raw' : undefined)
  if (name === undefined) throw new Wrong('type= is missing; if this is the rest of a rule with a comma in it, the whole rule needs quotes')
  const type = keysOf(types).find((one) => one === name)
  if (type === undefined) throw new Wrong(`unknown type "${name}"; did you mean "${nearest(name, keysOf(types)) ?? 'ref'}"?`)
  fields.delete('type')
  const bare = read.find(({ key }) => key === undefined)?.value
  if (bare !== undefined && type !== 'raw')
    throw new Wrong(`"${bare}" is not key=value; a field with a comma in it stands in quotes: type=match,"pattern=\\d{1,2}"`)
  const known = [...types[type].attributes, ...common]
  for (const key of fields.keys()) {
    if (known.includes(key)) continue
    throw new Wrong(`type=${type} knows ${known.join(', ')}, not "${key}"`)
  }
  return { type, fields }
}

function commonOf(type: Kind['type'], fields: Fields): Omit<Common, 'entry'> {
  const priority = fields.get('priority') ?? String(types[type].priority)
  if (!/^-?\d{1,9}$/.test(priority)) throw new Wrong(`priority is a whole number, not "${priority}"`)
  const prefix = fields.get('prefix') ?? (fields.get('event') === 'pr' ? 'pr-' : types[type].prefix)
  const suffix = fields.get('suffix')
  const overwrite = fields.get('overwrite')
  if (overwrite !== undefined && overwrite !== 'true' && overwrite !== 'false') throw new Wrong('overwrite= is true or false')
  return {
    enable: enableOf(fields.get('enable') ?? 'true'),
    priority: Number(priority),
    ...(prefix === undefined ? {} : { prefix: template('prefix', prefix) }),
    ...(suffix === undefined ? {} : { suffix: template('suffix', suffix) }),
    ...(overwrite === undefined ? {} : { overwrite: overwrite === 'true' }),
  }
}

function enableOf(text: string): Common['enable'] {
  if (text === 'true' || text === 'false') return text
  const [first, ...more] = template('enable', text)
  const name = typeof first === 'object' && more.length === 0 ? first.name : undefined
  if (name === 'is_default_branch') return 'default'
  if (name === 'is_not_default_branch') return 'other'
  throw new Wrong(`enable is true, false, {{is_default_branch}} or {{is_not_default_branch}}, not "${text}"`)
}

function kindOf(type: Kind['type'], fields: Fields): Kind {
  switch (type) {
    case 'ref':
      return { type, event: refEvent(fields.get('event')) }
    case 'sha':
      return { type, format: shaFormat(fields.get('format') ?? 'short') }
    case 'raw': {
      const value = fields.get('value')
      if (value === undefined) throw new Wrong('type=raw needs value=')
      if (value === '' && !fields.get('prefix') && !fields.get('suffix')) throw new Wrong('type=raw with an empty value gives no tag')
      return { type, value: template('value', value) }
    }
    case 'schedule':
      return { type, pattern: template('pattern', fields.get('pattern') ?? 'nightly', scheduleNames) }
    case 'edge': {
      const branch = fields.get('branch') ?? ''
      return { type, ...(branch === '' ? {} : { branch }) }
    }
    case 'match':
      return { type, ...matchRule(needed(type, 'pattern', fields), fields.get('group') ?? '0'), ...valueOf(fields) }
    case 'semver':
    case 'pep440': {
      const match = fields.get('match') ?? ''
      return {
        type,
        pattern: template('pattern', needed(type, 'pattern', fields), versionNames),
        ...valueOf(fields),
        ...(match === '' ? {} : { match: groupOf(match) }),
      }
    }
    default:
      return type satisfies never
  }
}

function needed(type: string, key: string, fields: Fields): string {
  const value = fields.get(key) ?? ''
  if (value === '') throw new Wrong(`type=${type} needs ${key}=`)
  return value
}

/** What stands in for the tag of the push; an empty one is none. */
function valueOf(fields: Fields): { value?: Template } {
  const value = fields.get('value') ?? ''
  return value === '' ? {} : { value: template('value', value) }
}

function template(key: string, text: string, known: Parameters<typeof parseTemplate>[1] = globalNames): Template {
  const read = parseTemplate(text, known)
  if (typeof read === 'string') throw new Wrong(`${key}: ${read}`)
  return read
}

function refEvent(event: string | undefined): 'branch' | 'tag' | 'pr' {
  if (event === 'branch' || event === 'tag' || event === 'pr') return event
  throw new Wrong('type=ref needs event=branch, event=tag or event=pr')
}

function shaFormat(format: string): 'short' | 'long' {
  if (format === 'short' || format === 'long') return format
  throw new Wrong('type=sha knows format=short and format=long')
}

/** A pattern may stand between slashes, with flags after them. One tag has one match: g and y would change what a group is. */
function matchRule(text: string, group: string): { pattern: RegExp; group: number } {
  const [, inner = text, flags = ''] = /^\/(.+)\/([a-z]*)$/s.exec(text) ?? []
  const pattern = regExp('pattern', inner, flags.replaceAll(/[gy]/g, ''))
  const groups = groupsOf(pattern)
  if (!/^\d+$/.test(group) || Number(group) > groups)
    throw new Wrong(`group is 0 (the whole) to ${groups}, the groups of the pattern, not "${group}"`)
  return { pattern, group: Number(group) }
}

function groupOf(text: string): RegExp {
  const pattern = regExp('match', text, '')
  if (groupsOf(pattern) === 0) throw new Wrong(`match: ${text} has no group: put what the version is into brackets, as in v(.*)`)
  return pattern
}

function regExp(key: string, source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags)
  } catch (error) {
    throw new Wrong(`${key}: ${error instanceof Error ? error.message : source}`)
  }
}

function groupsOf({ source, flags }: RegExp): number {
  return (new RegExp(`${source}|`, flags).exec('')?.length ?? 1) - 1
}

/** What images are tagged with when the configuration says nothing. */
export const defaultTagRules: readonly TagRule[] = [
  'type=ref,event=branch',
  'type=semver,pattern={{version}}',
  'type=ref,event=tag',
  'type=ref,event=pr',
  'type=sha',
].map((entry) => {
  const rule = parseTagRule(entry)
  if (typeof rule === 'string') throw new TypeError(`${entry}: ${rule}`)
  return rule
})
