import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { LaunchwayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'

/** What Trivy reads in a list of exceptions. It overlooks everything else, so a slip would be an exception without an end. */
const lists = ['vulnerabilities', 'misconfigurations', 'secrets', 'licenses']
/** `owner` is ours: Trivy overlooks it. */
const keys = ['id', 'paths', 'purls', 'expired_at', 'statement', 'owner']

/** An entry of the list. */
export interface Entry {
  id: string
  /** From then on, in milliseconds since 1970, it is none any more. */
  until?: number
  owner?: string
  reason?: string
  /** The one that it stands in, such as `secrets`: it is about nothing else. Absent in the older form, which has none. */
  list?: string
  /** Only there. */
  purls?: readonly string[]
  paths?: readonly string[]
  line: number
}

/**
 * Checks a list of exceptions: Trivy applies it. Of the older form, one id a line, Trivy overlooks a line whose end is no date.
 * @param strict every entry needs an end, an owner and a reason
 * @see https://trivy.dev/latest/docs/configuration/filtering/
 * @throws LaunchwayError CONFIG_INVALID with the place
 */
export function readExceptions(file: string, text: string, strict: boolean): Entry[] {
  return isYaml(file) ? readYaml(file, text, strict) : readLines(file, text, strict)
}

/** Whether an entry is about what has this id. For a check Trivy takes the spellings of its earlier versions as well: `AVD-DS-0002` and `DS002` for `DS-0002`. */
export function means({ id }: Pick<Entry, 'id'>, found: string): boolean {
  return id === found || spelled(id) === spelled(found)
}

function spelled(id: string): string {
  return id.replace(/^(?:AVD-)?([A-Z]+)-?0?(\d{3,})$/, '$1-0$2')
}

const example = `vulnerabilities:
  - id: CVE-2023-45853
    expired_at: 2027-01-31
    owner: team-web
    statement: why it can wait`
const exampleLine = 'CVE-2023-45853 exp:2027-01-31 # why it can wait'

/** Where it is, who shows the failure says; a summary has the hint alone. */
function refuse(file: string, problem: string, { line, col }: { line: number; col: number }): never {
  throw new LaunchwayError('CONFIG_INVALID', problem, {
    hint: `In line ${line} of ${file}. An entry looks like this:\n${isYaml(file) ? example : exampleLine}`,
    place: { file, line, column: col },
  })
}

const isYaml = (file: string): boolean => /\.ya?ml$/.test(file)

function readYaml(file: string, text: string, strict: boolean): Entry[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const place = (node: unknown): { line: number; col: number } => lines.linePos((isNode(node) ? node.range?.[0] : undefined) ?? 0)
  const [error] = document.errors
  if (error !== undefined) refuse(file, `not YAML: ${error.message}`, lines.linePos(error.pos[0]))
  const root = document.contents
  if (root === null) return []
  if (!isMap(root)) return refuse(file, 'a list of exceptions must be a map of lists, such as vulnerabilities', place(root))
  const entries: Entry[] = []
  for (const { key, value } of root.items) {
    const name = nameOf(key)
    if (!lists.includes(name)) refuse(file, unknown(name, lists), place(key))
    if (value === null || (isScalar(value) && value.value === null)) continue
    if (!isSeq(value)) return refuse(file, `${name} must be a list`, place(value))
    for (const entry of value.items) {
      if (!isMap(entry)) return refuse(file, `an entry of ${name} must have an id`, place(entry))
      for (const { key: inner } of entry.items) if (!keys.includes(nameOf(inner))) refuse(file, unknown(nameOf(inner), keys), place(inner))
      const endNode: unknown = entry.get('expired_at', true)
      const [id, end, owner, reason] = ['id', 'expired_at', 'owner', 'statement'].map((one) => nameOf(entry.get(one, true)))
      if (id === undefined || id === '') return refuse(file, `an entry of ${name} has no id`, place(entry))
      const until = endOf(end)
      if (endNode !== undefined && until === undefined) refuse(file, 'expired_at must be a date such as 2027-01-31', place(endNode))
      const lacks = { expired_at: until, owner: owner === '' ? undefined : owner, statement: reason === '' ? undefined : reason }
      const missing = Object.entries(lacks).flatMap(([needed, given]) => (given === undefined ? [needed] : []))
      if (strict && missing.length > 0) refuse(file, `the exception for ${id} has no ${missing.join(' and no ')}`, place(entry))
      const [purls, paths] = ['purls', 'paths']
        .map((one) => {
          const node: unknown = entry.get(one, true)
          if (node !== undefined && !isSeq(node)) refuse(file, `${one} must be a list, such as ${samples[one] ?? ''}`, place(node))
          return node
        })
        .map(textsIn)
      const [wrong] = wrongPurls(entry.get('purls', true))
      if (wrong !== undefined) refuse(file, `purls: ${wrong.says}`, place(wrong.node))
      entries.push({
        ...{ id, line: place(entry).line, list: name },
        ...given(until, owner, reason),
        ...(purls === undefined ? {} : { purls }),
        ...(paths === undefined ? {} : { paths }),
      })
    }
  }
  return entries
}

function readLines(file: string, text: string, strict: boolean): Entry[] {
  const entries: Entry[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const [id, ...fields] = line.trim().split(/\s+/)
    if (id === undefined || id === '' || id.startsWith('#')) continue
    if (strict)
      refuse(file, `an exception in this form has no owner and no reason: scan.strict-exceptions wants ${file}.yaml`, {
        line: index + 1,
        col: 1,
      })
    const at = (field: string): { line: number; col: number } => ({
      line: index + 1,
      col: line.indexOf(field, line.indexOf(id) + id.length) + 1,
    })
    const comment = fields.findIndex((field) => field.startsWith('#'))
    const stray = (comment === -1 ? fields : fields.slice(0, comment)).find((field) => !field.startsWith('exp:'))
    if (stray !== undefined) refuse(file, `Trivy overlooks "${stray}"; an end is exp:2027-01-31, a comment begins with #`, at(stray))
    // Trivy looks for them in a comment as well.
    const [end, second] = fields.filter((field) => field.startsWith('exp:'))
    if (second !== undefined) refuse(file, `${id} has two ends`, at(second))
    const until = end !== undefined && /^exp:[\d-]+$/.test(end) ? endOf(end.slice('exp:'.length)) : undefined
    if (end !== undefined && until === undefined) refuse(file, `${end.slice('exp:'.length)} is no date such as 2027-01-31`, at(end))
    entries.push({ id, line: index + 1, ...given(until, undefined, undefined) })
  }
  return entries
}

const given = (until: number | undefined, owner = '', reason = ''): Omit<Entry, 'id' | 'line'> => ({
  ...(until === undefined ? {} : { until }),
  ...(owner === '' ? {} : { owner }),
  ...(reason === '' ? {} : { reason }),
})

function textsIn(node: unknown): string[] | undefined {
  const found = isSeq(node) ? node.items.map(nameOf).filter((text) => text !== '') : []
  return found.length === 0 ? undefined : found
}

function nameOf(node: unknown): string {
  return isScalar(node) && typeof node.value === 'string' ? node.value : ''
}

const samples: Readonly<Record<string, string>> = { purls: '["pkg:pypi/werkzeug"]', paths: '[app/package-lock.json]' }

/** Trivy refuses the whole file for one of these, in words of Go and without a line. */
function wrongPurls(node: unknown): { node: unknown; says: string }[] {
  return (isSeq(node) ? node.items : []).flatMap((item) => {
    const text = nameOf(item)
    if (/^pkg:[A-Za-z][\w.+-]*\/./.test(text)) return []
    const name = text.slice(text.lastIndexOf('/') + 1).replace(/^pkg:/, '')
    return [
      { node: item, says: `"${text}" is no package URL: write its kind as well, such as pkg:pypi/${name === '' ? 'werkzeug' : name}` },
    ]
  })
}

/** What others call these keys, and no slip of a hand. */
const otherNames: Readonly<Record<string, string>> = {
  ...{ package: 'purls', packages: 'purls', pkg: 'purls', file: 'paths', files: 'paths' },
  ...{ until: 'expired_at', expires: 'expired_at', end: 'expired_at', reason: 'statement', comment: 'statement' },
}

function unknown(name: string, known: readonly string[]): string {
  const meant = [nearest(name, known), otherNames[name]].find((one) => one !== undefined && known.includes(one))
  return `Trivy does not know "${name}"; ${meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`}`
}

/** The year 1, which is how Go writes a time that it does not have, is no end to Trivy. None was meant before this. */
const oldest = Date.UTC(2000, 0, 1)

/** In milliseconds since 1970, UTC where nothing else is said; undefined for what is no date. */
function endOf(text = ''): number | undefined {
  const [, date = '', time = '00:00:00', zone = 'Z'] =
    /^(\d{4}-\d{2}-\d{2})(?:[Tt ]+(\d{2}:\d{2}:\d{2}(?:\.\d+)?) ?(Z|[+-]\d{2}:\d{2})?)?$/.exec(text.trim()) ?? []
  // 30 February is a date to Date, and none to Trivy.
  if (date === '' || Number.isNaN(Date.parse(date)) || !new Date(date).toISOString().startsWith(date)) return undefined
  const instant = Date.parse(`${date}T${time}${zone}`)
  return Number.isNaN(instant) || instant < oldest ? undefined : instant
}
