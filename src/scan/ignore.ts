import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { LaunchwayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'

/** What Trivy reads in a list of exceptions. It overlooks everything else, so a slip would be an exception without an end. */
const lists = ['vulnerabilities', 'misconfigurations', 'secrets', 'licenses']
const keys = ['id', 'paths', 'purls', 'expired_at', 'statement']

/**
 * Checks a `.trivyignore.yaml`: Trivy applies it. The older form, one id a line, is Trivy's alone.
 * @see https://trivy.dev/latest/docs/configuration/filtering/
 * @throws LaunchwayError CONFIG_INVALID with the place
 */
export function checkIgnoreFile(file: string, text: string): void {
  if (!/\.ya?ml$/.test(file)) return
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const fail = (problem: string, offset: number | undefined): never => {
    const { line, col } = lines.linePos(offset ?? 0)
    throw new LaunchwayError('CONFIG_INVALID', `${file}:${line}:${col}: ${problem}`, {
      hint: 'vulnerabilities:\n  - id: CVE-2023-45853\n    expired_at: 2027-01-31\n    statement: why it can wait',
      place: { file, line, column: col },
    })
  }
  const at = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined)
  const [error] = document.errors
  if (error !== undefined) fail(`not YAML: ${error.message}`, error.pos[0])
  const root = document.contents
  if (root === null) return
  if (!isMap(root)) return fail('must be a map of lists, such as vulnerabilities', at(root))
  for (const { key, value } of root.items) {
    const name = nameOf(key)
    if (!lists.includes(name)) fail(unknown(name, lists), at(key))
    if (value === null || (isScalar(value) && value.value === null)) continue
    if (!isSeq(value)) return fail(`${name} must be a list`, at(value))
    for (const entry of value.items) {
      if (!isMap(entry)) return fail(`an entry of ${name} must have an id`, at(entry))
      for (const { key: inner } of entry.items) if (!keys.includes(nameOf(inner))) fail(unknown(nameOf(inner), keys), at(inner))
      const [id, end]: unknown[] = ['id', 'expired_at'].map((key) => entry.get(key, true))
      if (nameOf(id) === '') fail(`an entry of ${name} has no id`, at(entry))
      if (end !== undefined && !isDate(nameOf(end))) fail('expired_at must be a date such as 2027-01-31', at(end))
    }
  }
}

function nameOf(node: unknown): string {
  return isScalar(node) && typeof node.value === 'string' ? node.value : ''
}

function unknown(name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return `Trivy does not know "${name}"${meant === undefined ? '' : `; did you mean ${meant}?`}`
}

function isDate(text: string): boolean {
  const [date = ''] = /^\d{4}-\d{2}-\d{2}(?=$|[Tt ])/.exec(text) ?? []
  // 30 February is a date to Date, and none to Trivy.
  return date !== '' && !Number.isNaN(Date.parse(date)) && new Date(date).toISOString().startsWith(date)
}
