import type { ParsedNode } from 'yaml'
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { LaunchwayError, type Place } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import { offsetOf } from './places.ts'
import { reserved } from './reserved.ts'
import { breaches } from './rules.ts'
import { Config } from './schema.ts'

/** One thing that is wrong, and where. */
export interface Problem {
  place: Place
  message: string
}

/** Larger than any real configuration, and small enough to be parsed at once. */
const maxBytes = 1_000_000

const unquotedTimes = /\bcron:\s*[*@]/

/**
 * Reads launchway.yml. All problems are found at once; each names its line.
 * @param file the name to show
 * @throws InvalidConfig
 */
export function loadConfig(text: string, file: string): Config {
  if (text.length > maxBytes) {
    throw invalid([
      { place: { file, line: 1, column: 1 }, message: `the file has ${text.length} characters; more than ${maxBytes} are not read` },
    ])
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, merge: true, uniqueKeys: true, prettyErrors: false })
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line, column: col }
  }
  if (document.errors.length > 0) {
    const found = document.errors.map(({ pos, message }) => ({ place: placeAt(pos[0]), message: sentence(message) }))
    throw invalid(found.some(({ place }) => unquotedTimes.test(lineAt(place))) ? withoutTimes(found) : found)
  }

  function lineAt({ line = 1 }: Place): string {
    return text.split('\n')[line - 1] ?? ''
  }

  /** One word for all that YAML finds in times without quotes. */
  function withoutTimes(problems: Problem[]): Problem[] {
    const at = problems.filter(({ place }) => unquotedTimes.test(lineAt(place)))
    const firsts = at.filter(({ place }, index) => at.findIndex((other) => other.place.line === place.line) === index)
    const message = 'YAML reads what begins with * or @ as something else: cron needs quotes, as in cron: "*/5 * * * *"'
    return problems.flatMap((one) => (firsts.includes(one) ? [{ ...one, message }] : at.includes(one) ? [] : [one]))
  }

  const parsed = Config.safeParse(withoutExtensions(toValue(document.contents, document, placeAt) ?? {}, [Config]))
  const found = parsed.success ? breaches(parsed.data) : parsed.error.issues.flatMap((issue) => explain(issue))
  if (parsed.success && found.length === 0) return parsed.data
  throw invalid(
    found
      .map(({ path, message, onKey }) => ({ place: placeAt(offsetOf(document.contents, path, onKey)), message }))
      .toSorted((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0)),
  )

  function toValue(node: ParsedNode | null, owner: typeof document, locate: (offset: number) => Place): unknown {
    try {
      // A file of a few lines can stand for millions of nodes by aliases of aliases.
      return node === null ? null : owner.toJS({ maxAliasCount: 1000 })
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw invalid([{ place: locate(0), message: `aliases cannot be resolved: ${message}` }])
    }
  }
}

/** All problems as one error: the first as its place, each as a line of its hint. */
export class InvalidConfig extends LaunchwayError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const [first] = problems
    const rows = problems.map(({ place, message }) => `${place.file}:${place.line}:${place.column}: ${message}`)
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super('CONFIG_INVALID', `${first?.place.file ?? 'launchway.yml'} has ${count}`, {
      hint: rows.join('\n'),
      ...(first === undefined ? {} : { place: first.place }),
    })
    this.problems = problems
  }
}

function invalid(problems: readonly Problem[]): LaunchwayError {
  return new InvalidConfig(problems)
}

interface Explained {
  path: PropertyKey[]
  message: string
  /** The key itself is wrong, not its value. */
  onKey?: boolean
}

function explain(issue: z.core.$ZodIssue): Explained[] {
  const where = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path)
    return issue.keys.map((key) => {
      const path = [...issue.path, key]
      const later = reserved(path)
      if (later !== undefined) return { path, onKey: true, message: `${where}"${key}" is reserved for a later version: ${later}` }
      // In a mapping in braces a comma ends the value: the rest of a rule becomes a key of its own.
      if (/^(enable|priority|event|pattern|format|value|prefix|suffix|branch|group|match|onlatest)=/.test(key))
        return { path, onKey: true, message: `${where}"${key}" is the rest of a tag rule: inside { } a rule with a comma needs quotes` }
      const meant = nearest(key, known)
      const hint = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean "${meant}"?`
      return { path, onKey: true, message: `${where}unknown key "${key}"; ${hint}` }
    })
  }
  if (issue.code === 'invalid_key') {
    const message = issue.issues.map((inner) => inner.message).join('; ')
    return [{ path: issue.path, onKey: true, message: `the name "${String(issue.path.at(-1))}" ${message}` }]
  }
  if (issue.code === 'invalid_union') return explainUnion(issue)
  return [{ path: issue.path, message: `${where}${sentence(issue.message)}` }]
}

/** Of several forms, the one that the user seems to have written is the one to explain. */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion): Explained[] {
  const forms = issue.errors.map((inner) => inner.map((one) => ({ ...one, path: [...issue.path, ...one.path] })))
  const ofThisType = forms.filter((inner) =>
    inner.every((one) => !(['invalid_type', 'invalid_value'].includes(one.code ?? '') && one.path.length === issue.path.length)),
  )
  // The form that knows the most of the keys, then the one with the fewest problems.
  const chosen = ofThisType.toSorted((a, b) => unknownKeys(a) - unknownKeys(b) || a.length - b.length)[0]
  if (chosen !== undefined) {
    const kinds = kindsMissing(issue.path, chosen)
    if (kinds.length === 0) return chosen.flatMap((one) => explain(one as z.core.$ZodIssue))
    const unknown = chosen.filter(({ code }) => code === 'unrecognized_keys').flatMap((one) => explain(one as z.core.$ZodIssue))
    return [{ path: issue.path, message: `${issue.path.join('.')}: needs one of the keys ${kinds.join(', ')}` }, ...unknown]
  }
  const expected = forms.flat().map((one) => ('expected' in one ? String(one.expected) : one.message))
  return [{ path: issue.path, message: `${issue.path.join('.')}: must be ${[...new Set(expected)].join(' or ')}` }]
}

/** Where mappings of several kinds may stand, each known by its first key, and none of these keys is there: which they are. */
function kindsMissing(
  path: readonly PropertyKey[],
  issues: readonly { code?: string | undefined; path: PropertyKey[]; message: string }[],
): string[] {
  const kinds = schemasAt(path).flatMap((schema) => {
    const bare = unwrap(schema)
    return bare instanceof z.ZodUnion ? bare.options.map((option) => shapeOf(option)[0] ?? '') : []
  })
  const isMissing = issues.some(
    ({ code, path: at, message }) =>
      code === 'invalid_type' &&
      message.endsWith('received undefined') &&
      at.length === path.length + 1 &&
      kinds.includes(String(at.at(-1))),
  )
  return isMissing ? kinds : []
}

function unknownKeys(issues: readonly { code?: string | undefined; keys?: string[] }[]): number {
  return issues.reduce((sum, { keys = [] }) => sum + keys.length, 0)
}

/** The keys that may stand at a path: from the schema itself, so that they never drift. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  const names = schemasAt(path).flatMap((schema) => {
    const bare = unwrap(schema)
    if (bare instanceof z.ZodUnion) return bare.options.flatMap((option) => shapeOf(option))
    return shapeOf(bare)
  })
  return [...new Set(names)]
}

function schemasAt(path: readonly PropertyKey[]): unknown[] {
  let schemas: unknown[] = [Config]
  for (const part of path) schemas = schemas.flatMap((schema) => below(schema, part))
  return schemas
}

function shapeOf(schema: unknown): string[] {
  const bare = unwrap(schema)
  return bare instanceof z.ZodObject ? Object.keys(bare.shape) : []
}

function below(schema: unknown, part: PropertyKey): unknown[] {
  const bare = unwrap(schema)
  if (bare instanceof z.ZodUnion) return bare.options.flatMap((option) => below(option, part))
  if (bare instanceof z.ZodObject) return String(part) in bare.shape ? [bare.shape[String(part)]] : []
  if (bare instanceof z.ZodRecord) return [bare.valueType]
  if (bare instanceof z.ZodArray) return [bare.element]
  return []
}

function unwrap(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? unwrap(schema.unwrap()) : schema
}

function sentence(message: string): string {
  return message.replace(/^Invalid input: /, '').replace(/^./, (first) => first.toLowerCase())
}

/**
 * `x-` keys hold what anchors share, and what other tools read. Where the keys are names of the user's own, such as those
 * of headers, they are names like others.
 */
function withoutExtensions(value: unknown, schemas: readonly unknown[]): unknown {
  if (Array.isArray(value)) {
    const items = schemas.flatMap((schema) => below(schema, 0))
    return value.map((item) => withoutExtensions(item, items))
  }
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !key.startsWith('x-') || !schemas.some((schema) => isExtension(key, schema)))
      .map(([key, inner]) => [
        key,
        withoutExtensions(
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
