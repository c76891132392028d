import { z } from 'zod'
import { parseJson } from '../core/json.ts'
import { Digest, recordType } from '../core/names.ts'
import { platformOf } from '../core/platform.ts'
import type { Ports, Repository } from '../core/ports.ts'
import type { Registry, Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'

/** A document beside an image, by whomever. */
export interface Beside {
  image: string
  repository: string
  /** The manifest or index that it is about. */
  subject: string
  /** Of an image of several: that of the manifest which it is about. */
  platform?: string
  /** In words; the type itself where nothing is known of it. */
  kind: string
  digest: string
  /** An instant, where it says one. */
  created?: string
  /** Of a record: the release. */
  release?: string
}

const kinds: Readonly<Record<string, string>> = {
  [recordType]: 'release record',
  'application/spdx+json': 'SBOM (SPDX)',
  'application/vnd.cyclonedx+json': 'SBOM (CycloneDX)',
}

/** What cosign keeps under tags beside the one of the image. */
const cosignTags = { sig: 'signature', att: 'attestation' } as const

/**
 * All that lies beside the images of a release, each image's together, the newest last.
 * @param repositories that may be asked: what a record says of repositories is not believed
 */
export async function besideOf(
  { plan, build }: Release,
  repositories: readonly string[],
  registries: readonly Registry[],
  ports: Ports,
): Promise<Beside[]> {
  const found: Beside[] = []
  for (const { name, config, registries: uploaded } of build?.images ?? []) {
    const repository = plan.images.find((image) => image.name === name)?.repositories[0]
    const subject = repository === undefined ? undefined : uploaded[repository]?.digest
    if (repository === undefined || subject === undefined || !repositories.includes(repository)) continue
    const opened = await openRepository(repository, registries, ports)
    for (const part of [{ subject }, ...(await partsOf(opened, subject, config))]) {
      const documents = [...(await referrersOf(opened, part.subject)), ...(await taggedOf(opened, part.subject))]
      found.push(...documents.map((document) => ({ image: name, repository, ...part, ...document })))
    }
  }
  return found
}

const Platform = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() })
const Index = z.object({ manifests: z.array(z.object({ digest: Digest, platform: Platform })) })

/** The manifests of an image of several platforms. */
async function partsOf(
  opened: Repository,
  subject: string,
  config: Readonly<Record<string, string>>,
): Promise<Pick<Beside, 'subject' | 'platform'>[]> {
  const index = Object.keys(config).length > 1 ? await opened.manifest(subject) : undefined
  const { manifests = [] } = (index === undefined ? undefined : parseJson(index.body.toString(), Index)) ?? {}
  return manifests.map(({ digest, platform }) => ({ subject: digest, platform: platformOf(platform) }))
}

type Found = Omit<Beside, 'image' | 'repository' | 'subject' | 'platform'>

async function referrersOf(opened: Repository, subject: string): Promise<Found[]> {
  const referrers = (await opened.referrers(subject)).map(({ digest, artifactType, annotations }): Found => {
    const [created, release] = [annotations['org.opencontainers.image.created'], annotations['launchway.release']]
    return {
      kind: kindOf(artifactType, annotations),
      digest,
      ...(created === undefined ? {} : { created }),
      ...(release === undefined || artifactType !== recordType ? {} : { release }),
    }
  })
  return referrers.toSorted((a, b) => (a.created ?? '').localeCompare(b.created ?? ''))
}

function kindOf(type: string, annotations: Readonly<Record<string, string>>): string {
  const predicate = annotations['in-toto.io/predicate-type'] ?? annotations['dev.sigstore.bundle.predicateType']
  if (predicate?.startsWith('https://slsa.dev/provenance/') === true) return 'provenance (SLSA)'
  if (predicate?.startsWith('https://sigstore.dev/cosign/sign/') === true) return 'signature'
  return kinds[type] ?? predicate ?? (type === '' ? 'unknown' : type)
}

async function taggedOf(opened: Repository, subject: string): Promise<Found[]> {
  const found: Found[] = []
  for (const [ending, kind] of Object.entries(cosignTags)) {
    const manifest = await opened.resolve(`${subject.replace(':', '-')}.${ending}`)
    if (manifest !== undefined) found.push({ kind, digest: manifest.digest })
  }
  return found
}
