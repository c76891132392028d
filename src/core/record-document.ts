import { z } from 'zod'
import { parseJson } from './json.ts'
import { Digest } from './names.ts'
import type { Ports, Repository } from './ports.ts'
import { parseRelease, type Registry, type Release } from './release.ts'
import { openRepository } from './repository.ts'

/** A release record in a registry: an artifact whose only layer it is. */

const Manifest = z.object({ layers: z.array(z.object({ digest: Digest })) })

/** The text of the document; undefined where there is none. @param reference digest or tag of the artifact */
export async function documentOf(repository: Repository, reference: string): Promise<string | undefined> {
  return (await onlyLayer(repository, reference))?.toString()
}

/** The bytes of an artifact that has one layer; undefined where there is none. @param reference its digest or tag */
export async function onlyLayer(repository: Repository, reference: string): Promise<Buffer | undefined> {
  const manifest = await repository.manifest(reference)
  const [layer] = (manifest === undefined ? undefined : parseJson(manifest.body.toString(), Manifest))?.layers ?? []
  return layer === undefined ? undefined : repository.blob(layer.digest)
}

/**
 * The record that a tag points at; undefined where there is none.
 * @throws LaunchwayError RECORD_INVALID, REGISTRY_DENIED, REGISTRY_UNAVAILABLE
 */
export async function findDocument(
  repository: string,
  tag: string,
  registries: readonly Registry[],
  ports: Ports,
): Promise<Release | undefined> {
  const text = await documentOf(await openRepository(repository, registries, ports), tag)
  return text === undefined ? undefined : parseRelease(text, `the record at ${repository}:${tag}`)
}
