import type { PlanSection } from '../core/release.ts'

/**
 * What an image says of itself. Revision and version tell of the build that made it, and are no part of its key. `created`,
 * where the plan has it, is the time of the commit and not of the build: that would give every build of the same commit
 * another digest, so that nothing that was found out about the image would hold for the next one. The title that the event
 * names is that of the repository, and there for the only image alone.
 * @see https://github.com/opencontainers/image-spec/blob/main/annotations.md
 */
export function labelsOf(title: string, { labels }: PlanSection): Record<string, string> {
  return { 'org.opencontainers.image.title': title, ...labels }
}
