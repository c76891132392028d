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

/** The entries of a text, which may hold several in lines, or of a list; lines that begin with # are remarks. */
export function tagEntries(given: string | readonly string[]): Entry[] {
  return [given]
    .flat()
    .flatMap((text, index) => text.split(/\r?\n/).map((entry, line) => ({ entry: entry.trim(), index, line })))
    .filter(({ entry }) => entry !== '' && !entry.startsWith('#'))
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
      const [quoted, inner = ''] = /^"((?:[^"]|"")*)"/.exec(rest) ?? []
      if (quoted === undefined) return 'a quotation mark is not closed'
      cells.push(inner.replaceAll('""', '"'))
      rest = rest.slice(quoted.length)
      if (rest !== '' && !rest.startsWith(',')) return `a comma is missing after ${quoted}`
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
