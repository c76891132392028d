import { nearest } from '../core/nearest.ts'
import { dateFormatError } from './date-format.ts'

/**
 * Text with `{{expressions}}`, as docker/metadata-action has them from Handlebars: those of a closed list, and no other
 * part of that language. Read once, when the configuration is, so that a slip is found before a run needs the tag.
 */
export type Template = readonly (string | Expression)[]

type Expression = { name: ValueName } | { name: DateName; format: string; zone: string }

/** Of the event. */
const eventNames = ['branch', 'tag', 'sha', 'base_ref', 'is_default_branch', 'is_not_default_branch'] as const
/** What may stand in the pattern of a version. */
export const versionNames = ['raw', 'version', 'major', 'minor', 'patch'] as const
const dateNames = ['date', 'commit_date'] as const
/** What may stand in the pattern of a schedule. */
export const scheduleNames = dateNames
/** What may stand in prefix, suffix, value and enable, and in the value of a label or an annotation. */
export const globalNames = [...eventNames, ...dateNames] as const
export type ValueName = (typeof eventNames)[number] | (typeof versionNames)[number]
/** Why nobody may write one into launchway.yml. */
export const githubExpression = 'expressions of GitHub Actions, ${{ … }}, are for workflow files: nothing replaces them here'
type DateName = (typeof dateNames)[number]
type ExpressionName = ValueName | DateName

/**
 * @param known the expressions that have a meaning here
 * @param where `text` may hold braces of its own: \{{ is {{, and \\{{ a backslash before an expression, as in Handlebars
 * @returns in words what is wrong, where something is
 */
export function parseTemplate(text: string, known: readonly ExpressionName[], where: 'tag' | 'text' = 'tag'): Template | string {
  const parts: (string | Expression)[] = []
  let at = 0
  for (;;) {
    const open = text.indexOf('{{', at)
    const before = text.slice(at, open === -1 ? text.length : open)
    const isEscape = open !== -1 && before.endsWith('\\')
    if (isEscape && where === 'tag') return '\\{{ has no meaning here: no tag can hold a brace'
    const isLiteral = isEscape && !before.endsWith('\\\\')
    parts.push(`${isEscape ? before.slice(0, -1) : before}${isLiteral ? '{{' : ''}`)
    if (open === -1) return parts.filter((part) => part !== '')
    if (isLiteral) {
      at = open + 2
      continue
    }
    if (before.endsWith('$')) return githubExpression
    // Three braces are what keeps Handlebars from writing & as &amp;: here nothing is, with two neither.
    const three = text.startsWith('{{{', open)
    const end = closing(text, open + (three ? 3 : 2), three ? '}}}' : '}}')
    if (end === undefined) {
      const hint =
        where === 'tag'
          ? `an expression with a comma in it needs quotes around the whole field: "pattern={{date 'D, M'}}"`
          : 'braces that are meant as they stand are written \\{{'
      return `${text.slice(open)} is not closed; ${hint}`
    }
    const source = text.slice(open + (three ? 3 : 2), end)
    const expression = parseExpression(source.trim(), known)
    if (typeof expression === 'string') return expression
    parts.push(expression)
    at = end + (three ? 3 : 2)
  }
}

/** Where the braces are closed, those in quotes not counting. */
function closing(text: string, from: number, braces: string): number | undefined {
  let quote: string | undefined
  for (let at = from; at < text.length; at += 1) {
    const letter = text[at]
    if (quote !== undefined) quote = letter === quote ? undefined : quote
    else if (letter === "'" || letter === '"') quote = letter
    else if (text.startsWith(braces, at)) return at
  }
  return undefined
}

function parseExpression(source: string, known: readonly ExpressionName[]): Expression | string {
  const [name = '', ...words] = source.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? []
  const found = known.find((one) => one === name)
  const all = known.map((one) => `{{${one}}}`).join(' ')
  if (found === undefined) {
    if (/^[#^/>!&~*]/.test(name)) return `{{${source}}}: of Handlebars only expressions are known here: ${all}`
    const meant = nearest(name, known)
    return `unknown expression {{${source}}}; ${meant === undefined ? '' : `did you mean {{${meant}}}? `}known: ${all}`
  }
  if (found !== 'date' && found !== 'commit_date') {
    return words.length === 0 ? { name: found } : `{{${source}}}: ${found} takes nothing`
  }
  const [format, ...options] = words
  const zones = options.filter((word) => word.startsWith('tz='))
  if (format === undefined || unquoted(format) === undefined || zones.length > 1 || zones.length !== options.length)
    return `{{${source}}}: ${found} is written {{${found} 'YYYYMMDD'}} or {{${found} 'YYYYMMDD' tz='Europe/Berlin'}}`
  const [zone = "tz='UTC'"] = zones
  const made = { name: found, format: unquoted(format) ?? '', zone: unquoted(zone.slice('tz='.length)) ?? '' }
  const wrong = dateFormatError(made.format, made.zone)
  return wrong === undefined ? made : `{{${source}}}: ${wrong}`
}

function unquoted(word: string): string | undefined {
  return /^(?:'([^']*)'|"([^"]*)")$/
    .exec(word)
    ?.slice(1)
    .find((inner) => inner !== undefined)
}
