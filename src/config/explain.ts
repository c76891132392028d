import { z } from 'zod'
import { nearest } from '../core/nearest.ts'
import { Duration } from '../core/units.ts'
import { insteadOfKey, insteadOfValue } from './explain-scan.ts'
import { schemasAt, shapeOf, unwrap } from './schema-below.ts'

type TextAt = (path: readonly PropertyKey[]) => string | undefined

interface Explained {
  path: PropertyKey[]
  message: string
  /** The key itself is wrong, not its value. */
  onKey?: boolean
}

/**
 * What the schema refuses, in words for whoever wrote the file.
 * @param textAt how the file spells a number or a truth value
 */
export function explain(issue: z.core.$ZodIssue, textAt: TextAt): Explained[] {
  const where = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path)
    return issue.keys.map((key) => {
      const path = [...issue.path, key]
      // In a mapping in braces a comma ends the value: the rest of a rule becomes a key of its own.
      if (/^(enable|priority|event|pattern|format|value|prefix|suffix|branch|group|match|onlatest)=/.test(key))
        return { path, onKey: true, message: `${where}"${key}" is the rest of a tag rule: inside { } a rule with a comma needs quotes` }
      const meant = nearest(key, known)
      const written = insteadOfKey(issue.path, key)
      if (written !== undefined) return { path, onKey: true, message: `${where}unknown key "${key}"; ${written}` }
      const hint = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean "${meant}"?`
      return { path, onKey: true, message: `${where}unknown key "${key}"; ${hint}` }
    })
  }
  if (issue.code === 'invalid_key') {
    const message = issue.issues.map((inner) => inner.message).join('; ')
    return [{ path: issue.path, onKey: true, message: `the name "${String(issue.path.at(-1))}" ${message}` }]
  }
  const own = ofPlace(issue, textAt)
  if (own !== undefined) return [{ path: issue.path, message: `${where}${own}` }]
  const limit = limitOf(issue)
  if (limit !== undefined) return [{ path: issue.path, message: `${where}${limit}${insteadOf(issue, textAt)}${insteadOfValue(issue)}` }]
  if (issue.code === 'invalid_value')
    return [{ path: issue.path, message: `${where}must be ${kindsOf(issue).join(' or ')}${insteadOf(issue, textAt)}${nearestOf(issue)}` }]
  if (issue.code === 'invalid_union') return explainUnion(issue, textAt)
  return [
    {
      path: issue.path,
      message: `${where}${sentence(issue.message)}${written(issue, textAt)}${instead(issue, textAt)}${insteadOfValue(issue)}`,
    },
  ]
}

/** Where what is wrong says more than its type. */
function ofPlace({ path, input }: z.core.$ZodIssue, textAt: TextAt): string | undefined {
  const [first = ''] = path
  if (path.length === 2 && ['branches', 'tags'].includes(String(first)) && input === null)
    return 'nothing stands here: write {} to build and push without deploying, or the name of an environment'
  if (path.length !== 1 || first !== 'version') return undefined
  const text = textAt(path) ?? String(input)
  if (text === '1') return 'write 1, without quotes'
  const isNewer = typeof input === 'number' && input > 1
  return isNewer
    ? `this launchway knows version 1 alone, and is older than the file, which says ${text}: take a newer one, or write version: 1`
    : `must be 1, not "${shortened(text)}"`
}

/** What the schema has no words of ours for. */
function limitOf(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'invalid_format' && issue.message === 'Invalid URL') return 'must be an address such as https://shop.example.org'
  if (issue.code === 'invalid_format' && issue.message.startsWith('Invalid string: ')) return issue.message.slice('Invalid string: '.length)
  if (!/^Too (big|small): /.test(issue.message)) return undefined
  if (issue.code === 'too_big') return `must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`
  if (issue.code !== 'too_small') return undefined
  if (issue.origin === 'array') return `must have at least ${issue.minimum} ${issue.minimum === 1 ? 'entry' : 'entries'}`
  if (issue.origin === 'string') return 'must not be empty'
  return `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`
}

/** Keys whose list is the words of a command: what one would type, in pieces. */
const wordKeys: readonly PropertyKey[] = ['command', 'entrypoint', 'exec', 'options']

/** What a number without a unit most likely counts; elsewhere seconds. */
const unitOf: Readonly<Record<string, string>> = { 'max-db-age': 'h', 'known-for': 'd' }

/** How what was written looks as a list, or as a mapping. Of a mapping no value is repeated: it may be a password. */
function instead({ code, input, path, ...issue }: z.core.$ZodIssue, textAt: TextAt): string {
  if (typeof input === 'string' && /^\d+$/.test(input) && schemasAt(path).some((one) => accepts(one, Number(input))))
    return `; without quotes: ${input}`
  if (code !== 'invalid_type' || !('expected' in issue)) return ''
  if (issue.expected === 'boolean' && typeof input === 'string')
    return `; write ${/^(yes|on|y)$/i.test(input) ? 'true' : /^(no|off|n)$/i.test(input) ? 'false' : 'true or false'}`
  if (issue.expected === 'string' && typeof input === 'number' && schemasAt(path).some((schema) => unwrap(schema) === Duration))
    return `; with its unit: ${textAt(path) ?? String(input)}${unitOf[String(path.at(-1))] ?? 's'}`
  if (issue.expected === 'array') return asList(input, path, textAt(path))
  const [, name] = Array.isArray(input) && typeof input[0] === 'string' ? (/^([A-Za-z_][\w.-]*)=/.exec(input[0]) ?? []) : []
  return ['record', 'object'].includes(issue.expected) && name !== undefined ? `; as a mapping: ${name}: …` : ''
}

function accepts(schema: unknown, value: unknown): boolean {
  return schema instanceof z.ZodType && z.safeParse(schema, value).success
}

/** @param spelled what stands in the file, of a number */
function asList(input: unknown, path: readonly PropertyKey[], spelled: string | undefined): string {
  const holdsTexts = schemasAt(path).some((schema) => {
    const bare = unwrap(schema)
    return bare instanceof z.ZodArray && bare.element instanceof z.ZodString
  })
  if (typeof input === 'object' && input !== null)
    return `; each entry of a list begins with a dash: - ${holdsTexts ? '' : `${Object.keys(input)[0] ?? ''}: `}…`
  const text = typeof input === 'string' || typeof input === 'number' ? (spelled ?? String(input)).trim() : ''
  if (!holdsTexts || text === '' || text.length > 60) return ''
  if (!wordKeys.includes(path.at(-1) ?? '')) return `; as a list: ${flow([text])}`
  // What a shell reads otherwise than by its spaces, nobody can take apart without one.
  const isPlain = !/["'\\$`|&;<>()*?~#]/.test(text)
  return `; as a list: ${isPlain ? flow(text.split(/\s+/)) : '[sh, -c, …]'}`
}

/** A list in one line of YAML, in which each word is a text. */
function flow(words: readonly string[]): string {
  const isPlain = (word: string): boolean =>
    /^[A-Za-z_./-][\w./:=@+-]*$/.test(word) &&
    !/^(true|false|null|yes|no|on|off|-+)$/i.test(word) &&
    Number.isNaN(Number(word)) &&
    !word.endsWith(':')
  return `[${words.map((word) => (isPlain(word) ? word : `'${word.replaceAll("'", "''")}'`)).join(', ')}]`
}

/** The text that is of the wrong type; of a mapping or a list the place says enough. */
function written({ code, input, message, path }: z.core.$ZodIssue, textAt: TextAt): string {
  const isScalar = typeof input === 'string' || typeof input === 'number' || typeof input === 'boolean'
  if (code !== 'invalid_type' || !isScalar) return ''
  const text = textAt(path) ?? String(input)
  // Words of our own say what it must be, those of the schema what it is.
  return `${message.startsWith('must') ? ', not' : ''} "${shortened(text)}"`
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
  const kinds = [...new Set(forms.flat().flatMap(kindsOf))]
  return [{ path: issue.path, message: `${issue.path.join('.')}: must be ${kinds.join(' or ')}${insteadOf(issue, textAt)}` }]
}

function kindsOf(one: { message: string; expected?: string; values?: readonly unknown[] }): string[] {
  if (one.values !== undefined) return one.values.map((value) => JSON.stringify(value))
  if (one.expected === undefined) return [one.message]
  if (one.expected === 'array') return ['a list']
  return [['object', 'record'].includes(one.expected) ? 'a mapping' : one.expected]
}

function insteadOf({ input, path }: z.core.$ZodIssue, textAt: TextAt): string {
  if (Array.isArray(input)) return input.length === 0 ? '' : ', not a list'
  const isScalar = typeof input === 'string' || typeof input === 'number' || typeof input === 'boolean'
  return isScalar ? `, not "${shortened(textAt(path) ?? String(input))}"` : ''
}

/** The word that was probably meant, of those that may stand there. */
function nearestOf({ input, values }: { input?: unknown; values: readonly unknown[] }): string {
  const meant =
    typeof input === 'string'
      ? nearest(
          input,
          values.filter((value) => typeof value === 'string'),
        )
      : undefined
  return meant === undefined ? '' : `; did you mean ${meant}?`
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
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

function sentence(message: string): string {
  return message
    .replace(/^Invalid input: /, '')
    .replace(/^expected (record|object)\b/, 'expected a mapping')
    .replace(/^expected array\b/, 'expected a list')
    .replace(/, received array$/, ', received a list')
    .replace(/, received object$/, ', received a mapping')
    .replace(/^./, (first) => first.toLowerCase())
}
