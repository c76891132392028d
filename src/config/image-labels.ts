import { z } from 'zod'
import { scalar } from './schema-parts.ts'
import { tagEntries, withoutFieldQuotes } from './tag-entry.ts'

/** A mapping, or lines of `key=value`, as docker/metadata-action takes them. */
export const LabelsConfig = z.union([z.record(z.string().min(1), scalar), z.string(), z.array(z.string()).min(1)])
export type LabelsConfig = z.infer<typeof LabelsConfig>

interface LabelEntry {
  key: string
  /** As it is written, with its `{{expressions}}`. */
  text: string
  /** Where in the file, below the list. */
  at: (string | number)[]
  /** Of several in one text. */
  line?: number
}

/** The entries in their order, or of a line that is none what it says. */
export function labelEntries(given: LabelsConfig): (LabelEntry | ({ wrong: string; why: string } & Pick<LabelEntry, 'at' | 'line'>))[] {
  if (typeof given !== 'string' && !Array.isArray(given))
    return Object.entries(given).map(([key, value]) => ({ key, text: String(value), at: [key] }))
  return tagEntries(given).map(({ entry: written, index, line }) => {
    const at = typeof given === 'string' ? [] : [index]
    const entry = withoutFieldQuotes(written)
    const cut = entry.indexOf('=')
    // No key begins with one: it is the beginning of a value of several lines, or a slip.
    if (entry.startsWith('"')) return { wrong: entry, why: 'has a quotation mark that is not closed in its line', at, line }
    return cut < 1
      ? { wrong: entry, why: 'is not key=value', at, line }
      : { key: entry.slice(0, cut).trim(), text: entry.slice(cut + 1), at, line }
  })
}

/** By key, as they are written; of a key that is there twice the last. */
export function labelTexts(given: LabelsConfig): Record<string, string> {
  return Object.fromEntries(labelEntries(given).flatMap((entry) => ('wrong' in entry ? [] : [[entry.key, entry.text]])))
}
