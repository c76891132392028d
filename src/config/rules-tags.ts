import { flavorOfRules, withFlavor } from './flavor.ts'
import { parseTagRule } from './image-tags.ts'
import type { Breach } from './rules.ts'
import type { Config } from './schema.ts'
import { tagEntries } from './tag-entry.ts'

type Entries = string | string[] | undefined

/** What cannot be read of image-tags and flavor. */
export function tagBreaches(config: Config): Breach[] {
  const lists: [(string | number)[], Entries][] = [[['image-tags'], config['image-tags']]]
  for (const kind of ['branches', 'tags'] as const) {
    for (const [pattern, target] of Object.entries(config[kind] ?? {})) {
      if (typeof target !== 'string') lists.push([[kind, pattern, 'image-tags'], target['image-tags']])
    }
  }
  return [
    ...lists.flatMap(([path, entries]) => wrong(path, entries, parseTagRule)),
    ...wrong(['flavor'], config.flavor, (entry) => withFlavor(flavorOfRules, entry)),
  ]
}

function wrong(path: (string | number)[], entries: Entries, read: (entry: string) => unknown): Breach[] {
  return tagEntries(entries ?? []).flatMap(({ entry, index, line }) => {
    const found = read(entry)
    if (typeof found !== 'string') return []
    // Of several lines in one text the place may be that of the text.
    const which = entries !== undefined && [entries].flat()[index]?.trim() === entry ? '' : `${entry}: `
    return [{ path: typeof entries === 'string' ? path : [...path, index], line, message: `${path.join('.')}: ${which}${found}` }]
  })
}
