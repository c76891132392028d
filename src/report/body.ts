import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { summaryParts } from './summary.ts'

/** GitHub takes 65,536 characters of a comment or an issue; the rest is for the mark and the link. */
export const mostChars = 60_000

/** The page of this run. */
export function pageOf({ who }: Pick<Ports, 'who'>): string | undefined {
  return who.startsWith('https://') ? who : undefined
}

/** The summary, with the page of the run; of one that is too long what fits, in whole parts. @param most characters */
export function bodyOf(release: Release, page: string | undefined, most = mostChars): string {
  const parts = summaryParts(release)
  let chars = 0
  const kept = parts.filter((part) => {
    if (chars + part.length > most) return false
    chars += part.length + 2
    return true
  })
  const link = page === undefined ? [] : [`[This run](${page})`]
  return [...kept, ...(kept.length < parts.length ? ['… there is more in the summary of the run.'] : []), ...link].join('\n\n')
}
