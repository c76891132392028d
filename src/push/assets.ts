import { LaunchwayError } from '../core/error.ts'
import type { EvidenceItem } from '../core/evidence.ts'
import type { AssetFile, Ports } from '../core/ports.ts'
import { documentOf as bodyOf } from '../core/record-document.ts'
import type { Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { documentOf } from './keep.ts'
import { sbomTypes } from './sbom.ts'

const endings = { spdx: 'spdx.json', cyclonedx: 'cdx.json' } as const

/**
 * Attaches the record and the SBOMs to the release on GitHub that set this run off, for those who download there. What
 * GitHub refuses is a warning: all of it lies beside the image.
 */
export async function attachAssets(release: Release, ports: Ports): Promise<void> {
  const { event, ref = '' } = release.plan
  const { assets } = ports
  if (event !== 'release' || assets === undefined || !ref.startsWith('refs/tags/')) return
  const tag = ref.slice('refs/tags/'.length)
  try {
    const files = await filesOf(release, ports)
    await assets.put(tag, files)
    ports.log.info(`the release ${tag} has ${files.map(({ name }) => name).join(', ')}`)
  } catch (error) {
    ports.signal.throwIfAborted()
    if (!(error instanceof LaunchwayError)) throw error
    ports.log.warning(`${error.message}\n${error.hint ?? ''}`.trim())
  }
}

async function filesOf(release: Release, ports: Ports): Promise<AssetFile[]> {
  const files: AssetFile[] = [{ name: 'launchway-release.json', body: documentOf(release), type: 'application/json' }]
  for (const { image, platform, kind, repository, digest } of firsts(release.evidence?.items ?? [])) {
    if ((kind !== 'spdx' && kind !== 'cyclonedx') || digest === undefined) continue
    const text = await bodyOf(await openRepository(repository, release.plan.registries, ports), digest)
    if (text !== undefined)
      files.push({
        name: `${[image, platform?.replaceAll('/', '-') ?? []].flat().join('.')}.${endings[kind]}`,
        body: Buffer.from(text),
        type: sbomTypes[kind],
      })
  }
  return files
}

/** An image has the same in each of its repositories. */
function firsts(items: readonly EvidenceItem[]): EvidenceItem[] {
  const isLike = (one: EvidenceItem, other: EvidenceItem): boolean =>
    one.image === other.image && one.kind === other.kind && one.platform === other.platform
  return items.filter((item, index) => items.findIndex((one) => isLike(one, item)) === index)
}
