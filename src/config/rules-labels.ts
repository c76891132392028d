import { labelEntries } from './image-labels.ts'
import type { Breach } from './rules.ts'
import type { ImageConfig } from './schema-image.ts'
import { globalNames, parseTemplate } from './template.ts'

/** See labels in core/names.ts. */
const ownLabels = 'launchway.'

/** What buildx has before a key, as in `--annotation index:key=value`. */
const level = /^(?:manifest|index|manifest-descriptor|index-descriptor)(?:\[[^\]]*\])?(?:,[a-z-]+(?:\[[^\]]*\])?)*:/

/** What cannot be read of the labels and annotations of an image. */
export function labelBreaches(name: string, image: ImageConfig): Breach[] {
  const path = ['images', name]
  return (['labels', 'annotations'] as const).flatMap((kind) =>
    labelEntries(image[kind] ?? {}).flatMap((entry): Breach[] => {
      const place = { path: [...path, kind, ...entry.at], line: entry.line }
      const where = `images.${name}.${kind}`
      if ('wrong' in entry) return [{ ...place, message: `${where}: "${entry.wrong}" ${entry.why}` }]
      const { key, text } = entry
      const onKey = entry.at[0] === key
      const refusal = refusedKey(key, kind)
      if (refusal !== undefined) return [{ ...place, onKey, message: `${where}: ${refusal}` }]
      const found = parseTemplate(text, globalNames, 'text')
      return typeof found === 'string' ? [{ ...place, message: `${where}: ${key}: ${found}` }] : []
    }),
  )
}

function refusedKey(key: string, kind: 'labels' | 'annotations'): string | undefined {
  if (key.startsWith(ownLabels)) return `${kind} that begin with "${ownLabels}" are launchway's own`
  if (key.includes('{{')) return `${key}: expressions stand in the values of ${kind}, not in their names`
  const [found] = (kind === 'annotations' ? level.exec(key) : null) ?? []
  if (found === undefined) return undefined
  return `annotations are those of what hosts pull, and have no other place: write ${key.slice(found.length)} for ${key}`
}
