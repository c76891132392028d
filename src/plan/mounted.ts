import { resolve } from 'node:path'
import type { Environment } from '../core/deployment.ts'
import type { Ports } from '../core/ports.ts'
import type { PlanSection } from '../core/release.ts'

/**
 * Of what a release mounts of the repository: a deploy elsewhere must find the same, or its hosts must have it. What is not
 * here has no hash: a step before the deploy may make it.
 * @param earlier of the release whose images are put live again: its files go with them
 * @throws LaunchwayError FILES_UNFIT for what is here and cannot travel
 */
export async function mountedHashes(
  environment: Environment | undefined,
  { files, root }: Ports,
  earlier: PlanSection['hashes'] = {},
): Promise<Pick<PlanSection, 'hashes'>> {
  const { services, accessories } = environment ?? { services: [], accessories: [] }
  const mounted = [...services, ...accessories].flatMap((one) => one.files ?? [])
  if (mounted.length === 0) return {}
  const { readContents, sourcesOf } = await import('../core/contents.ts')
  const sources = sourcesOf(mounted)
  const there: string[] = []
  for (const source of sources) {
    if (earlier[source] === undefined && (await files.look(resolve(root, source))) !== undefined) there.push(source)
  }
  const contents = await readContents(there, { files, root })
  return { hashes: Object.fromEntries(sources.flatMap((source) => hashed(source, earlier[source] ?? contents.get(source)?.hash))) }
}

function hashed(source: string, hash: string | undefined): (readonly [string, string])[] {
  return hash === undefined ? [] : [[source, hash]]
}
