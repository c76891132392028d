import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { findingName } from '../core/words.ts'
import { LaunchwayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import type { ScanException } from '../core/release.ts'
import type { Found } from '../tools/trivy-report.ts'

/** What Trivy reads in a list of exceptions. It overlooks everything else, so a slip would be an exception without an end. */
const lists = ['vulnerabilities', 'misconfigurations', 'secrets', 'licenses']
/** `owner` is ours: Trivy overlooks it. */
const keys = ['id', 'paths', 'purls', 'expired_at', 'statement', 'owner']

/** How long before its end an exception is announced. */
const noticeMs = 14 * 86_400_000

/** An entry of the list. */
export interface Entry {
  id: string
  /** From then on, in milliseconds since 1970, it is none any more. */
  until?: number
  owner?: string
  reason?: string
  line: number
}

/**
 * Checks a list of exceptions: Trivy applies it. Of the older form, one id a line, Trivy overlooks a line whose end is no date.
 * @param strict every entry needs an end, an owner and a reason
 * @see https://trivy.dev/latest/docs/configuration/filtering/
 * @throws LaunchwayError CONFIG_INVALID with the place
 */
export function readExceptions(file: string, text: string, strict: boolean): Entry[] {
  return /\.ya?ml$/.test(file) ? readYaml(file, text, strict) : readLines(file, text, strict)
}

const example = `vulnerabilities:
  - id: CVE-2023-45853
    expired_at: 2027-01-31
    owner: team-web
    statement: why it can wait`

function refuse(file: string, problem: string, { line, col }: { line: number; col: number }): never {
  throw new LaunchwayError('CONFIG_INVALID', `${file}:${line}:${col}: ${problem}`, { hint: example, place: { file, line, column: col } })
}

function readYaml(file: string, text: string, strict: boolean): Entry[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const place = (node: unknown): { line: number; col: number } => lines.linePos((isNode(node) ? node.range?.[0] : undefined) ?? 0)
  const [error] = document.errors
  if (error !== undefined) refuse(file, `not YAML: ${error.message}`, lines.linePos(error.pos[0]))
  const root = document.contents
  if (root === null) return []
  if (!isMap(root)) return refuse(file, 'must be a map of lists, such as vulnerabilities', place(root))
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
      entries.push({ id, line: place(entry).line, ...given(until, owner, reason) })
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

/** Where an exception stands. @param now in milliseconds since 1970 */
export function stateOf({ until }: Pick<Entry, 'until'>, now: number): ScanException['state'] {
  if (until === undefined) return 'open'
  return until < now ? 'ended' : until - now <= noticeMs ? 'ending' : 'open'
}

/** The exceptions of a run, with what each lets pass: those of the file, then those of VEX documents. */
export function exceptionsOf(
  file: string | undefined,
  entries: readonly Entry[],
  images: readonly { name: string; findings: readonly Found[] }[],
  now: number,
): ScanException[] {
  const passed = images.flatMap(({ name, findings }) =>
    findings.flatMap(({ exempt, ...finding }) =>
      exempt === undefined ? [] : [{ exempt, id: finding.id, name: findingName(name, finding) }],
    ),
  )
  const byFile = (source: string): boolean => file !== undefined && isOf(file, source)
  const listed = entries.map((entry): ScanException => {
    const state = stateOf(entry, now)
    const mine = passed.filter(
      ({ id, exempt }) => id === entry.id && byFile(exempt.source) && state !== 'ended' && exempt.reason === (entry.reason ?? ''),
    )
    return {
      id: entry.id,
      source: file ?? '',
      ...(entry.until === undefined ? {} : { until: new Date(entry.until).toISOString() }),
      ...(entry.owner === undefined ? {} : { owner: entry.owner }),
      ...(entry.reason === undefined ? {} : { reason: entry.reason }),
      state,
      findings: mine.map(({ name }) => name),
    }
  })
  const others = passed.filter(({ exempt, name }) => !byFile(exempt.source) || !listed.some(({ findings }) => findings.includes(name)))
  return [
    ...listed,
    ...others.map(({ id, exempt: { source, reason }, name }): ScanException => ({
      id,
      source: byFile(source) ? (file ?? '') : source.slice(source.lastIndexOf('/') + 1),
      ...(reason === '' ? {} : { reason }),
      state: 'open',
      findings: [name],
    })),
  ]
}

/**
 * What has ended lets nothing pass: that is Trivy's doing, and not believed unseen.
 * @throws LaunchwayError SCAN_BLOCKED with the place of the entry
 */
export function refuseEnded(
  file: string | undefined,
  entries: readonly Entry[],
  images: readonly { name: string; findings: readonly Found[] }[],
  now: number,
): void {
  for (const { name, findings } of images) {
    for (const { exempt, ...finding } of findings) {
      if (exempt === undefined || file === undefined || !isOf(file, exempt.source)) continue
      const behind = entries.filter(({ id, reason = '' }) => id === finding.id && reason === exempt.reason)
      const [entry] = behind
      if (entry === undefined || behind.some((one) => stateOf(one, now) !== 'ended')) continue
      throw new LaunchwayError(
        'SCAN_BLOCKED',
        `${file}:${entry.line}: this exception has ended, and Trivy still lets ${findingName(name, finding)} pass`,
        {
          hint: 'Remove the entry, or give it a new end. Where it goes on, another version of Trivy is in PATH than launchway is tested with.',
          place: { file, line: entry.line },
        },
      )
    }
  }
}

const isOf = (file: string, source: string): boolean => source === file || source.endsWith(`/${file}`)

/** What ends soon, in one message; undefined where nothing does. */
export function announcement(entries: readonly Entry[], now: number): { message: string; line: number } | undefined {
  const ending = entries.filter((entry) => stateOf(entry, now) === 'ending')
  const [first] = ending
  if (first === undefined) return undefined
  const words = ending.map(({ id, until = now, owner }) => {
    const days = Math.floor((until - now) / 86_400_000)
    const when = days === 0 ? 'within a day' : days === 1 ? 'in 1 day' : `in ${days} days`
    return `${id} on ${new Date(until).toISOString().slice(0, 10)}, ${when}${owner === undefined ? '' : ` (${owner})`}`
  })
  return {
    message: `${ending.length === 1 ? 'an exception ends' : `${ending.length} exceptions end`} soon: ${words.join('; ')}`,
    line: first.line,
  }
}

function nameOf(node: unknown): string {
  return isScalar(node) && typeof node.value === 'string' ? node.value : ''
}

function unknown(name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return `Trivy does not know "${name}"${meant === undefined ? '' : `; did you mean ${meant}?`}`
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
