import type { EvidenceSection } from '../core/evidence.ts'
import { code, prose } from './markdown.ts'

const names = { spdx: 'SBOM (SPDX)', cyclonedx: 'SBOM (CycloneDX)', provenance: 'provenance', signature: 'signature' } as const

/** What lies beside each image, in a line each: the same in all of its repositories. */
export function evidenceParts({ items }: EvidenceSection): string[] {
  const images = [...new Set(items.map(({ image }) => image))]
  const lines = images.map((image) => {
    const kinds = [...new Set(items.filter((item) => item.image === image).map(({ kind }) => kind))]
    const repositories = [...new Set(items.filter((item) => item.image === image).map(({ repository }) => repository))]
    return `Beside ${prose(image)} in ${repositories.map(code).join(', ')}: ${kinds.map((kind) => names[kind]).join(', ')}.`
  })
  return lines.length === 0 ? [] : [lines.join('\\\n')]
}
