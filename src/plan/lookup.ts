import { resolveRegistries } from '../config/resolve.ts'
import { resolveImages } from '../config/resolve-image.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { type Beside, besideOf } from './beside.ts'
import { recordOf } from './redeploy.ts'
import { readConfig } from './run.ts'

/**
 * The release record that is kept beside an image in its registry, and what else lies beside the images of that release.
 * @param reference a tag, a commit or a digest of the first image of the configuration, or a whole reference
 * @param environment of several records, one of a release to it comes first
 * @throws LaunchwayError VERSION_UNKNOWN
 */
export async function findRecord(
  configFile: string,
  reference: string,
  environment: string | undefined,
  ports: Ports,
): Promise<{ record: Release; beside: Beside[] }> {
  const named = parseReference(reference)
  const config = await readConfig(configFile, ports).catch((error: unknown) => {
    // A whole reference needs no configuration, but for the settings of its registry.
    if (named !== undefined && error instanceof LaunchwayError && error.code === 'CONFIG_INVALID') return undefined
    throw error
  })
  const own = resolveImages(config ?? {}).flatMap(({ repositories }) => repositories)
  const repository = named?.repository ?? own[0] ?? ''
  const registries = config === undefined ? [] : resolveRegistries(config)
  const record = await recordOf(await openRepository(repository, registries, ports), {
    version: named?.version ?? reference,
    repositories: [repository],
    ...(environment === undefined ? {} : { environment: { name: environment } }),
  })
  return { record, beside: await besideOf(record, [repository, ...own], registries, ports) }
}

/** A whole reference taken apart; undefined for a tag, a commit or a digest alone, none of which has a slash. */
export function parseReference(reference: string): { repository: string; version: string } | undefined {
  if (!reference.includes('/')) return undefined
  const at = reference.indexOf('@')
  const colon = reference.indexOf(':', reference.lastIndexOf('/'))
  // With a digest it is that which counts, as for docker.
  if (at !== -1) return { repository: reference.slice(0, colon !== -1 && colon < at ? colon : at), version: reference.slice(at + 1) }
  return colon === -1
    ? { repository: reference, version: 'latest' }
    : { repository: reference.slice(0, colon), version: reference.slice(colon + 1) }
}
