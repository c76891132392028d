/**
 * The form of the lists that docker/metadata-action takes: a line is an entry, and an entry is a line of CSV whose
 * fields are `key=value`.
 */

interface Entry {
  entry: string
  /** Of the text in the list. */
  index: number
  /** In the text, from 0. */
  line: number
}

/** One field of CSV in quotes; two quotes in it are one. */
const quoted = /^"((?:[^"]|"")*)"/

/**
 * The entries of a text, which may hold several in lines, or of a list; lines that begin with # are remarks. Quotes around
 * a whole line are those of the list, and gone before the line is read: `"prefix=a-,onlatest=true"` has two fields.
 */
export function tagEntries(given: string | readonly string[]): Entry[] {
  return [given]
    .flat()
    .flatMap((text, index) => text.split(/\r?\n/).map((entry, line) => ({ entry: entry.trim(), index, line })))
    .filter(({ entry }) => entry !== '' && !entry.startsWith('#'))
    .map(({ entry, ...place }) => ({ entry: unquoted(entry).trim(), ...place }))
}

/** A field that is wholly in quotes, without them; any other as it is. */
function unquoted(field: string): string {
  const [whole, inner = ''] = quoted.exec(field) ?? []
  return whole === field ? inner.replaceAll('""', '"') : field
}

/** An entry of which nothing but quotes around a field means anything: a comma parts nothing, and stays. */
export function withoutFieldQuotes(entry: string): string {
  return entry.replaceAll(/(^|,)("(?:[^"]|"")*")(?=,|$)/g, (_, comma: string, field: string) => `${comma}${unquoted(field)}`)
}

interface Field {
  /** In small letters; undefined for a value alone. */
  key: string | undefined
  value: string
}

/** The fields of an entry, or in words what is wrong with it. */
export function entryFields(entry: string): Field[] | string {
  const cells = csv(entry)
  if (typeof cells === 'string') return cells
  return cells.map((cell) => {
    const cut = cell.indexOf('=')
    return cut < 1
      ? { key: undefined, value: cell.trim() }
      : { key: cell.slice(0, cut).trim().toLowerCase(), value: cell.slice(cut + 1).trim() }
  })
}

/** A field in quotes may hold commas; two quotes in it are one. */
function csv(line: string): string[] | string {
  const cells: string[] = []
  let rest = line
  for (;;) {
    if (rest.startsWith('"')) {
      const [field] = quoted.exec(rest) ?? []
      if (field === undefined) return 'a quotation mark is not closed'
      cells.push(unquoted(field))
      rest = rest.slice(field.length)
      if (rest !== '' && !rest.startsWith(',')) return `a comma is missing after ${field}`
    } else {
      const cut = rest.indexOf(',')
      const cell = cut === -1 ? rest : rest.slice(0, cut)
      if (cell.includes('"')) return `${cell}: quotation marks go around the whole field: "key=value, with a comma"`
      cells.push(cell)
      rest = rest.slice(cell.length)
    }
    if (rest === '') return cells
    rest = rest.slice(1)
  }
}
