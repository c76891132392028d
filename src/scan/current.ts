import { environmentTag } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { Release, ScanSection } from '../core/release.ts'
import { findDocument } from '../core/record-document.ts'
import type { Earlier } from './diff.ts'

/** What an environment runs, as far as it was scanned. */
export interface Current {
  against: NonNullable<ScanSection['against']>
  /** By the name of the image. */
  images: ReadonlyMap<string, Earlier>
}

/**
 * The release that the environment runs, from its record in the registry. What cannot be had is no failure: then
 * everything counts as new, and the log says why.
 */
export async function currentOf({ app, plan }: Release, ports: Ports): Promise<Current | undefined> {
  const environment = plan.scan?.against
  const repository = plan.images[0]?.repositories[0]
  if (environment === undefined || repository === undefined) return undefined
  const tag = environmentTag({ repository, app, environment })
  const unknown = (why: string): undefined => {
    ports.log.info(`nothing to compare with, so everything counts as new: ${why}`)
  }
  if (plan.scan?.offline === true) return unknown('scan.offline, so no registry is asked')
  try {
    const record = await findDocument(repository, tag, plan.registries, ports)
    if (record === undefined) return unknown(`${repository}:${tag}, the record of what ${environment} runs, is not there yet`)
    if (record.app !== app) return unknown(`${repository}:${tag} is about ${record.app}`)
    if (record.scan === undefined) return unknown(`${record.plan.version}, which ${environment} runs, was not scanned`)
    ports.log.info(`compared with ${record.plan.version}, which ${environment} runs (${record.id})`)
    return {
      against: { environment, release: record.id, version: record.plan.version },
      images: new Map(record.scan.images.map((image) => [image.name, image])),
    }
  } catch (error) {
    ports.signal.throwIfAborted()
    return unknown(error instanceof Error ? error.message : String(error))
  }
}
