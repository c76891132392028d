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
    url,
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
