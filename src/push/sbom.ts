import { hash } from 'node:crypto'
import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { SbomKind } from '../core/evidence.ts'
import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { convert } from '../tools/trivy.ts'

/** By the names under which registries and others know them. */
export const sbomTypes = {
  spdx: 'application/spdx+json',
  cyclonedx: 'application/vnd.cyclonedx+json',
} as const satisfies Record<SbomKind, string>

/**
 * What an image, or one platform of it, consists of, made of what the scan saw of it. Nothing is scanned again, and nothing looked up.
 * @returns none where the scan has kept nothing
 * @throws LaunchwayError TOOL_MISSING, COMMAND_FAILED, DIGEST_MISMATCH
 */
export async function sbomsOf(
  { image, platform }: { image: string; platform?: string | undefined },
  kinds: readonly SbomKind[],
  { scan, plan }: Pick<Release, 'scan' | 'plan'>,
  ports: Ports,
): Promise<ReadonlyMap<SbomKind, Buffer>> {
  const scanned = scan?.images.find(({ name }) => name === image)
  const seen = platform === undefined ? scanned?.seen : scanned?.platforms?.[platform]?.seen
  const made = new Map<SbomKind, Buffer>()
  if (seen === undefined) return made
  const from = join(ports.evidence, seen.path)
  const body = await ports.files.read(from)
  if (body === undefined) {
    ports.log.notice(
      `${image} gets no SBOM: ${seen.path}, which the scan has written, is not here. Between jobs carry the folder launchway-evidence along with the record`,
    )
    return made
  }
  if (`sha256:${hash('sha256', body)}` !== seen.digest) {
    throw new LaunchwayError('DIGEST_MISMATCH', `${from} is not what the scan has written about ${image}`, {
      hint: `Expected: ${seen.digest}. It was changed between the scan and here: run the scan stage again.`,
    })
  }
  const file = await ports.tools.trivy({ offline: plan.scan?.offline === true, trivyMirrors: plan.scan?.trivyMirrors })
  const folder = await ports.files.temporary('sbom')
  await Promise.all(
    kinds.map(async (kind) => {
      const to = join(folder, kind)
      await ports.exec.run(convert({ file, cacheDir: join(folder, `cache-${kind}`), cwd: folder }, { from, to, kind }), {
        signal: ports.signal,
      })
      const written = await ports.files.read(to)
      if (written !== undefined) made.set(kind, written)
    }),
  )
  return made
}
