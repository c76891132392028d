import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import { withDefaults, writtenAt } from './defaults.ts'
import { nodes, offsets } from './places.ts'
import { type Problem, readYaml, writtenIn } from './read.ts'
import { breaches } from './rules.ts'
import { Config } from './schema.ts'
import { asSaid } from './said.ts'
import { below, shapeOf, unwrap } from './schema-below.ts'

/** Problems that are shown; who has more has one that causes the others. */
const shownProblems = 100

/**
 * Reads launchway.yml. All problems are found at once; each names its line.
 * @param file the name to show
 * @throws InvalidConfig
 */
export function loadConfig(text: string, file: string): Config {
  const read = readYaml(text.replace(/^\uFEFF/, ''), file)
  if ('problems' in read) throw invalid(read.problems)
  const { root, value, shared, placeAt } = read
  const nodeAt = nodes(root)
  const said = asSaid(value ?? {}, [Config], (path) => shared.has(nodeAt(path)))
  // What is wrong in the defaults is told once, where it stands, before any environment has them.
  const asWritten = Config.safeParse(said, { reportInput: true })
  const parsed = asWritten.success && asWritten.data.defaults !== undefined ? Config.safeParse(withDefaults(said)) : asWritten
  const found = parsed.success
    ? breaches(parsed.data)
    : parsed.error.issues.flatMap((issue) => explain(issue, (path) => writtenIn(value, writtenAt(path, said))))
  if (parsed.success && found.length === 0) return parsed.data
  const offsetOf = offsets(root)
  throw invalid(
    found
      .map(({ path, message, onKey }) => ({ place: placeAt(offsetOf(writtenAt(path, said), onKey)), message }))
      .toSorted((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0)),
  )
}

/** Reads the bytes of a file. @throws LaunchwayError CONFIG_INVALID for what is no UTF-8 */
export function decodeConfig(bytes: Buffer, file: string): string {
  if (isUtf8(bytes)) return bytes.toString()
  if (bytes[0] === 0xff || bytes[0] === 0xfe)
    throw invalid([{ place: { file, line: 1, column: 1 }, message: 'the file is UTF-16: save it as UTF-8' }])
  // The first wrong byte: all before it is text, and with it nothing is.
  let [good, bad] = [0, bytes.length]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (isText(bytes.subarray(0, middle))) good = middle
    else bad = middle
  }
  while (!isUtf8(bytes.subarray(0, good))) good -= 1
  const before = bytes.subarray(0, good).toString().split('\n')
  const place = { file, line: before.length, column: (before.at(-1) ?? '').length + 1 }
  throw invalid([{ place, message: `the byte 0x${(bytes[good] ?? 0).toString(16)} is no UTF-8: save the file as UTF-8` }])
}

/** Whether it is UTF-8 as far as it goes: a character may be cut at its end. */
function isText(bytes: Buffer): boolean {
  return [0, 1, 2, 3].some(
    (cut) => cut <= bytes.length && isUtf8(bytes.subarray(0, bytes.length - cut)) && canBegin(bytes.subarray(bytes.length - cut)),
  )
}

/** Whether bytes may be the beginning of a character: its first byte says how many follow. */
function canBegin(bytes: Buffer): boolean {
  const [first = 0, ...rest] = bytes
  const length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 0
  return bytes.length === 0 || (bytes.length < length && rest.every((byte) => byte >= 0x80 && byte < 0xc0))
}

/** All problems as one error: the first as its place, each as a line of its hint. */
export class InvalidConfig extends LaunchwayError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const [first] = problems
    const rows = problems.slice(0, shownProblems).map(({ place, message }) => `${place.file}:${place.line}:${place.column}: ${message}`)
    if (problems.length > shownProblems) rows.push(`… and ${problems.length - shownProblems} more`)
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

type TextAt = (path: readonly PropertyKey[]) => string | undefined

interface Explained {
  path: PropertyKey[]
  message: string
  /** The key itself is wrong, not its value. */
  onKey?: boolean
}

/** @param textAt how the file spells a number or a truth value */
function explain(issue: z.core.$ZodIssue, textAt: TextAt): Explained[] {
  const where = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path)
    return issue.keys.map((key) => {
      const path = [...issue.path, key]
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
  if (issue.code === 'invalid_union') return explainUnion(issue, textAt)
  return [{ path: issue.path, message: `${where}${sentence(issue.message)}${written(issue, textAt)}` }]
}

/** The text that is of the wrong type; of a mapping or a list the place says enough. */
function written({ code, input, path }: z.core.$ZodIssue, textAt: TextAt): string {
  const isScalar = typeof input === 'string' || typeof input === 'number' || typeof input === 'boolean'
  if (code !== 'invalid_type' || !isScalar) return ''
  const text = textAt(path) ?? String(input)
  return ` "${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`
}

/** Of several forms, the one that the user seems to have written is the one to explain. */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion, textAt: TextAt): Explained[] {
  const forms = issue.errors.map((inner) => inner.map((one) => ({ ...one, path: [...issue.path, ...one.path] })))
  const ofThisType = forms.filter((inner) =>
    inner.every((one) => !(['invalid_type', 'invalid_value'].includes(one.code ?? '') && one.path.length === issue.path.length)),
  )
  // The form that knows the most of the keys, then the one with the fewest problems.
  const chosen = ofThisType.toSorted((a, b) => unknownKeys(a) - unknownKeys(b) || a.length - b.length)[0]
  if (chosen !== undefined) {
    const kinds = kindsMissing(issue.path, chosen)
    if (kinds.length === 0) return chosen.flatMap((one) => explain(one as z.core.$ZodIssue, textAt))
    const unknown = chosen.filter(({ code }) => code === 'unrecognized_keys').flatMap((one) => explain(one as z.core.$ZodIssue, textAt))
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
    return bare instanceof z.ZodUnion ? bare.options.flatMap((option) => shapeOf(option).slice(0, 1)) : []
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

function sentence(message: string): string {
  return message
    .replace(/^Invalid input: /, '')
    .replace(/^expected (record|object)\b/, 'expected a mapping')
    .replace(/^./, (first) => first.toLowerCase())
}
