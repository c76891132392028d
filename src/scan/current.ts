import { recordOfNow } from '../core/current.ts'
import { LaunchwayError } from '../core/error.ts'
import { isRescan } from '../core/stages.ts'
import type { Ports } from '../core/ports.ts'
import type { Release, ScanSection } from '../core/release.ts'
import type { Earlier } from './diff.ts'

/** What an environment runs, as far as it was scanned. */
export interface Current {
  against: NonNullable<ScanSection['against']>
  /** By the name of the image. */
  images: ReadonlyMap<string, Earlier>
}

/**
 * The release that the environment runs, from its record in the registry. What cannot be had is no failure: then
 * everything counts as new, and the log says why, as a warning where a record may be there and was not shown.
 */
export async function currentOf(release: Release, ports: Ports): Promise<Current | undefined> {
  const { scan: plan, images } = release.plan
  const environment = plan?.against
  if (environment === undefined || images[0]?.repositories[0] === undefined) return undefined
  const unknown = (why: string): undefined => {
    ports.log.info(`nothing to compare with, so everything counts as new: ${why}`)
  }
  const record = await recordOfNow(release, environment, ports)
  if (record instanceof Error) {
    const hint = record instanceof LaunchwayError && record.hint !== undefined ? `\n${record.hint}` : ''
    ports.log.warning(
      `what ${environment} runs cannot be read, so every finding counts as new, also to rules with \`new\`: ${record.message}${hint}`,
    )
    return undefined
  }
  if (typeof record === 'string') return unknown(record)
  const { id, plan: its, scan } = record
  if (scan === undefined) return unknown(`${its.version}, which ${environment} runs, was not scanned`)
  const means = isRescan(release.plan) ? ': what its scan did not find counts as new' : ''
  ports.log.info(`compared with ${its.version}, which ${environment} runs (${id})${means}`)
  return {
    against: { environment, release: id, version: its.version },
    images: new Map(scan.images.map((image) => [image.name, image])),
  }
}
