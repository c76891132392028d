import { z } from 'zod'
import { parseJson } from './json.ts'
import { keyLabel } from './names.ts'
import type { PlannedImage } from './planned-image.ts'
import type { PlanSection } from './release.ts'

/**
 * What an image says of itself: in its configuration, and where annotations are asked for in its manifest. Revision and
 * version tell of the build that made it, and are no part of its key. `created`, where the plan has it, is the time of the
 * commit and not of the build: that would give every build of the same commit another digest, so that nothing that was found
 * out about the image would hold for the next one. The title that the event names is that of the repository, and there for
 * the only image alone.
 * @see https://github.com/opencontainers/image-spec/blob/main/annotations.md
 */
export function labelsOf(image: PlannedImage, key: string, plan: Pick<PlanSection, 'labels'>): Record<string, string> {
  return { ...ociOf(image, plan), ...image.labels, [keyLabel]: key }
}

/** None where none is asked for: the manifest is then what docker has pushed, to the last byte. */
export function annotationsOf(image: PlannedImage, key: string, plan: Pick<PlanSection, 'labels'>): Record<string, string> {
  return image.annotations === undefined ? {} : { ...ociOf(image, plan), ...image.annotations, [keyLabel]: key }
}

/**
 * Those that the image of a key has whichever release made it. The key is among them: what tells of a release may be
 * another each time, and a run may be killed before it has written any.
 */
export function lastingAnnotations({ annotations, written }: PlannedImage, key: string): Record<string, string> {
  if (annotations === undefined) return {}
  const lasting = Object.entries(annotations).filter(([name]) => !Object.hasOwn(written?.annotations ?? {}, name))
  return { ...Object.fromEntries(lasting), [keyLabel]: key }
}

function ociOf({ name, repositories: [repository] }: PlannedImage, { labels }: Pick<PlanSection, 'labels'>): Record<string, string> {
  // What people call an image: the last part of where it is pushed.
  return { 'org.opencontainers.image.title': repository?.split('/').at(-1) ?? name, ...labels }
}

const Annotated = z.object({ annotations: z.record(z.string(), z.string()).optional() })

/** Which of these annotations a manifest or an index does not have, or has otherwise. */
export function missingAnnotations(body: Buffer, annotations: Readonly<Record<string, string>>): string[] {
  const has = parseJson(body.toString(), Annotated)?.annotations ?? {}
  return Object.keys(annotations).filter((name) => has[name] !== annotations[name])
}
