import { globalNames, parseTemplate, type Template } from '../config/template.ts'
import type { PlannedBase } from '../core/planned-image.ts'
import { expanded } from './expression.ts'
import type { Facts, Trigger } from './trigger.ts'

/**
 * What the label and annotation keys of OCI say of an image, as far as the event says it. `created` is the time of the
 * commit: the same commit, built again, is the same image to the last byte. A repository that makes several images gives
 * none of them its name: the build calls each by its own.
 * @see https://github.com/opencontainers/image-spec/blob/main/annotations.md
 */
export function ociLabels(version: string, trigger: Trigger, facts: Facts, images: number): Record<string, string> {
  const { name, description, url, license } = trigger.repository ?? {}
  const created = (trigger.committed ?? facts.committed)?.toISOString()
  const values = {
    title: images > 1 ? undefined : name,
    description,
    // The event of a schedule says nothing of the repository.
    url: url ?? (trigger.event === 'schedule' ? trigger.source : undefined),
    source: url ?? trigger.source,
    version,
    created,
    revision: trigger.sha,
    licenses: license,
  }
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      value === undefined || value === '' ? [] : [[`org.opencontainers.image.${key}`, value]],
    ),
  )
}

/**
 * An image whose labels and annotations say what their expressions come to in this release. Its key is made of what is
 * written: another commit is no other image.
 */
export function withValues<Image extends PlannedBase>(image: Image, trigger: Trigger, facts: Facts): Image {
  const [labels, annotations] = [valuesOf(image.labels, trigger, facts), valuesOf(image.annotations, trigger, facts)]
  const written = {
    ...(labels?.written === undefined ? {} : { labels: labels.written }),
    ...(annotations?.written === undefined ? {} : { annotations: annotations.written }),
  }
  return {
    ...image,
    ...(labels === undefined ? {} : { labels: labels.values }),
    ...(annotations === undefined ? {} : { annotations: annotations.values }),
    ...(Object.keys(written).length === 0 ? {} : { written }),
  }
}

interface Values {
  values: Record<string, string>
  /** Those that hold expressions, as they are written; undefined where none does. */
  written?: Record<string, string>
}

function valuesOf(texts: Readonly<Record<string, string>> | undefined, trigger: Trigger, facts: Facts): Values | undefined {
  if (texts === undefined) return undefined
  const read = Object.entries(texts).map(([key, text]) => ({ key, text, template: templateOf(key, text) }))
  const values = Object.fromEntries(read.map(({ key, template }) => [key, expanded(template, trigger, facts)]))
  const written = read.filter(({ template }) => template.some((part) => typeof part !== 'string'))
  return { values, ...(written.length === 0 ? {} : { written: Object.fromEntries(written.map(({ key, text }) => [key, text])) }) }
}

/** config/rules-labels.ts has refused what cannot be read, with its place. */
function templateOf(key: string, text: string): Template {
  const template = parseTemplate(text, globalNames, 'text')
  if (typeof template === 'string') throw new TypeError(`${key}: ${template}`)
  return template
}
