import type { PlanSection } from '../core/release.ts'

/**
 * What an image says of itself. Revision and version tell of the build that made it, and are no part of its key. The time of
 * the build is not among them: the configuration has its own, and a label of it would give every build of the same commit
 * another digest, so that nothing that was found out about the image would hold for the next one.
 * @see https://github.com/opencontainers/image-spec/blob/main/annotations.md
 */
export function labelsOf(title: string, { sha, version, source, labels }: PlanSection): Record<string, string> {
  return {
    'org.opencontainers.image.title': title,
    ...(source === undefined ? {} : { 'org.opencontainers.image.source': source }),
    'org.opencontainers.image.revision': sha,
    'org.opencontainers.image.version': version,
    ...labels,
  }
}
