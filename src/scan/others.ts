import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import { parseJson } from '../core/json.ts'
import { Digest } from '../core/names.ts'
import type { Ports, Repository } from '../core/ports.ts'
import { parseReference } from '../core/reference.ts'
import type { BuiltImage, Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { locate, type Subject } from './look.ts'

/** Images that others make, and an environment runs. */
export interface Others {
  subjects: Subject[]
  /** What they are called where they run, by name. */
  references: ReadonlyMap<string, string>
  /** Why some cannot be looked at. */
  unseen: LaunchwayError[]
}

/** Where what runs beside the own images is, by its digest. That one of them cannot be had says nothing of the rest. */
export async function othersOf({ plan, build }: Release, ports: Ports): Promise<Others> {
  const { others } = plan
  const [platform = 'linux/amd64'] = Object.keys(build?.images[0]?.config ?? {})
  const found: Others = { subjects: [], references: new Map(others?.map(({ name, reference }) => [name, reference])), unseen: [] }
  for (const { name, reference } of others ?? []) {
    const { repository, digest = '' } = parseReference(reference)
    try {
      const image = await imageAt(name, { digest, platform }, await openRepository(repository, plan.registries, ports))
      if (image === undefined) found.unseen.push(gone(name, reference))
      else found.subjects.push(await locate({ image }, { reference: `${repository}@${digest}`, registries: plan.registries }, ports))
    } catch (error) {
      found.unseen.push(cannotSee(name, reference, error, ports))
    }
  }
  return found
}

function gone(name: string, reference: string): LaunchwayError {
  return new LaunchwayError('SCAN_BLOCKED', `${name} cannot be judged: ${reference} is not in its registry any more`, {
    hint: 'Hosts that have it go on running it, and a new one could not fetch it. Release with a version that is there.',
  })
}

/** What keeps one from being looked at, under the code that it has: a registry that is busy today is no verdict. @throws what it is given, where the run is at its end */
export function cannotSee(name: string, reference: string, error: unknown, { signal }: Pick<Ports, 'signal'>): LaunchwayError {
  if (signal.aborted || !(error instanceof LaunchwayError)) throw error
  return new LaunchwayError(error.code, `${name} cannot be judged: ${reference}: ${error.message}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  })
}

const Manifest = z.object({
  config: z.object({ digest: Digest }).optional(),
  manifests: z
    .array(
      z.object({
        digest: Digest,
        platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).optional(),
      }),
    )
    .default([]),
})

/** An image as if it had been built: what it is says the digest of its configuration. Undefined where it is not there. */
async function imageAt(
  name: string,
  { digest, platform }: { digest: string; platform: string },
  repository: Repository,
): Promise<BuiltImage | undefined> {
  const found = await repository.manifest(digest)
  if (found === undefined) return undefined
  const { config, manifests } = parseJson(found.body.toString(), Manifest) ?? { manifests: [] }
  // An attestation stands beside the images under a platform of its own.
  const fits = manifests.filter(({ platform: of }) => of === undefined || of.os !== 'unknown')
  const mine = fits.find(
    (one) =>
      [one.platform?.os, one.platform?.architecture, ...(one.platform?.variant === undefined ? [] : [one.platform.variant])].join('/') ===
      platform,
  )
  const child = mine ?? fits.find((one) => `${one.platform?.os}/${one.platform?.architecture}` === platform) ?? fits[0]
  const inner = config === undefined && child !== undefined ? await repository.manifest(child.digest) : undefined
  const its = config ?? (inner === undefined ? undefined : parseJson(inner.body.toString(), Manifest)?.config)
  if (its === undefined) return undefined
  const { descriptor } = inner ?? found
  return {
    ...{ name, key: descriptor.digest.slice('sha256:'.length, 'sha256:'.length + 32), how: 'promoted', size: 0, layers: 0, ms: 0 },
    config: { [platform]: its.digest },
    // That of its platform: of an index Trivy would choose once more.
    registries: { [repository.name]: { digest: descriptor.digest, mediaType: descriptor.mediaType } },
  }
}
