import type { EngineImage } from './engine.ts'
import type { BuiltImage } from './release.ts'

/**
 * Whether what the engine has under the name of an image is the image of the record. Of one that was taken, the registry's is
 * the truth: another machine has built it, and a build of the same key that is left here has the same name and is another image.
 */
export function isOfRecord(
  { id, repoDigests }: Pick<EngineImage, 'id' | 'repoDigests'>,
  { how, config, registries }: Pick<BuiltImage, 'how' | 'config' | 'registries'>,
  containerdStore: boolean,
): boolean {
  if (Object.values(config).includes(id)) return true
  // Only the classic store names an image by its configuration; containerd's names it by what is around that.
  if (how === 'built') return containerdStore
  const uploaded = Object.values(registries).map(({ digest }) => digest)
  return [id, ...repoDigests.map((one) => one.slice(one.indexOf('@') + 1))].some((one) => uploaded.includes(one))
}
