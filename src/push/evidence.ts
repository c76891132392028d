import { LaunchwayError } from '../core/error.ts'
import type { EvidenceItem, EvidencePlan, EvidenceSection, SbomKind } from '../core/evidence.ts'
import { sbomKinds } from '../core/words.ts'
import { labels } from '../core/names.ts'
import type { Descriptor, Ports, Repository } from '../core/ports.ts'
import type { BuiltImage, PlannedImage, Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { section } from '../core/stages.ts'
import { provenance, provenanceType, statementType, surroundings } from '../tools/provenance.ts'
import { version } from '../version.ts'
import { basesOf } from './base.ts'
import { partsByConfig } from './identity.ts'
import { sbomsOf, sbomTypes } from './sbom.ts'
import { openSigner, type Signer } from './sign.ts'

/** The annotation that names the predicate of a statement, as cosign and ORAS write it. */
const predicateKey = 'in-toto.io/predicate-type'

/** An image in one of its repositories. */
interface Subject {
  image: PlannedImage
  built: BuiltImage
  repository: string
  opened: Repository
  descriptor: Descriptor
  /** It is one of several: the manifest in the index. */
  platform?: string
}

/** A document to attach, made only where it is not there yet. */
interface Document {
  kind: EvidenceItem['kind']
  type: string
  annotations: Record<string, string>
  /** Undefined where there is nothing to make it of. */
  make(this: void): Promise<Buffer | undefined>
}

/**
 * Attaches to each image what tells of it, and signs it, before a tag moves: nobody who finds the image by its tag finds
 * it without. Once a digest: of the same image the same is true. A registry that cannot take a document holds nothing
 * back, as it does not for the record; a signature that was asked for and cannot be made does.
 * @throws LaunchwayError SECRET_MISSING, SIGNING_FAILED, TOOL_MISSING; DIGEST_MISMATCH where what the scan has written was changed
 */
export async function attachEvidence(release: Release, ports: Ports): Promise<EvidenceSection | undefined> {
  const { evidence } = release.plan
  if (evidence === undefined) return undefined
  const started = ports.clock.elapsed()
  const signer = evidence.sign === undefined ? undefined : await openSigner(evidence.sign, release.plan.registries, ports)
  const items: EvidenceItem[] = []
  for (const subject of await subjectsOf(release, ports)) {
    items.push(...(await attachDocuments(subject, evidence, release, ports)))
    // Whoever asks for the signature has the digest of the index.
    if (signer !== undefined && subject.platform === undefined) items.push(await signed(subject, signer, ports))
  }
  return { items, ms: ports.clock.elapsed() - started }
}

async function subjectsOf({ plan, ...release }: Release, ports: Ports): Promise<Subject[]> {
  const found: Subject[] = []
  for (const built of section({ plan, ...release }, 'build').images) {
    const image = plan.images.find(({ name }) => name === built.name)
    for (const [repository, { digest }] of Object.entries(built.registries)) {
      const opened = await openRepository(repository, plan.registries, ports)
      const descriptor = await opened.resolve(digest)
      // That it is gone is for the tags to say, which move to it.
      if (image === undefined || descriptor === undefined) continue
      found.push({ image, built, repository, opened, descriptor }, ...(await partsOf({ image, built, repository, opened, descriptor })))
    }
  }
  return found
}

/** One platform is made of other packages than the next: what tells of them lies beside the manifest of each. */
async function partsOf(subject: Subject): Promise<Subject[]> {
  const { built, opened, descriptor } = subject
  const index = isOfSeveral(built) ? await opened.manifest(descriptor.digest) : undefined
  if (index === undefined) return []
  const parts = await partsByConfig(index, opened)
  return Object.entries(built.config).flatMap(([platform, config]) => {
    const part = parts.get(config)
    return part === undefined ? [] : [{ ...subject, descriptor: part, platform }]
  })
}

function isOfSeveral({ config }: BuiltImage): boolean {
  return Object.keys(config).length > 1
}

async function attachDocuments(subject: Subject, plan: EvidencePlan, release: Release, ports: Ports): Promise<EvidenceItem[]> {
  const { image, repository, opened, descriptor, platform } = subject
  const items: EvidenceItem[] = []
  const of = platform === undefined ? {} : { platform }
  const about = { image: image.name, repository, subject: descriptor.digest, ...of }
  try {
    const there = (await opened.referrers(descriptor.digest)).filter(({ annotations }) => annotations[labels.release] !== undefined)
    for (const { kind, type, annotations, make } of documentsOf(subject, plan, release, ports)) {
      const predicate = annotations[predicateKey]
      const found = there.find(({ artifactType, annotations: its }) => artifactType === type && its[predicateKey] === predicate)
      if (found !== undefined) {
        items.push({ ...about, kind, digest: found.digest, added: false })
        continue
      }
      const body = await make()
      if (body === undefined) continue
      const { digest } = await opened.attach(descriptor, type, body, {
        'org.opencontainers.image.created': release.created,
        [labels.release]: release.id,
        ...annotations,
      })
      items.push({ ...about, kind, digest, added: true })
    }
    if (items.length > 0 || platform === undefined)
      ports.log.info(`${repository}${platform === undefined ? '' : `, ${platform}`}: ${told(items)}`)
  } catch (error) {
    ports.signal.throwIfAborted()
    if (error instanceof LaunchwayError && error.code === 'DIGEST_MISMATCH') throw error
    const said = error instanceof Error ? error.message : String(error)
    ports.log.warning(`${repository}: not all that tells of ${image.name} could be attached: ${said}`)
  }
  return items
}

function told(items: readonly EvidenceItem[]): string {
  const [added, known] = [items.filter((item) => item.added), items.filter((item) => !item.added)]
  const names = (of: readonly EvidenceItem[]): string => of.map(({ kind }) => kind).join(', ')
  return [
    added.length === 0 ? [] : `attached ${names(added)}`,
    known.length === 0 ? [] : `${names(known)} ${known.length === 1 ? 'was' : 'were'} there already`,
    items.length === 0 ? 'nothing to attach' : [],
  ]
    .flat()
    .join('; ')
}

function documentsOf(
  { image, built, repository, descriptor, platform }: Subject,
  plan: EvidencePlan,
  release: Release,
  ports: Ports,
): Document[] {
  const run = surroundings((name) => ports.environment.get(name)?.reveal(), { who: ports.who, id: release.id, launchway: version })
  const sboms = once(() => sbomsOf({ image: image.name, platform }, plan.sbom, release, ports))
  const ofPackages = platform === undefined && isOfSeveral(built) ? [] : sbomKinds.filter((kind) => plan.sbom.includes(kind))
  return [
    ...ofPackages.map((kind: SbomKind): Document => ({
      kind,
      type: sbomTypes[kind],
      annotations: {},
      make: async () => (await sboms()).get(kind),
    })),
    // Of an image that was taken this run knows neither when nor by whom it was built: its own run has said so.
    ...(plan.provenance && built.how === 'built' && platform === undefined
      ? [
          {
            kind: 'provenance' as const,
            type: statementType,
            annotations: { [predicateKey]: provenanceType },
            make: async () => {
              const bases = await basesOf(image, built, ports)
              const { builder } = section(release, 'build')
              return Buffer.from(provenance(release, { image, built, repository, subject: descriptor.digest, bases, builder }, run))
            },
          },
        ]
      : []),
  ]
}

async function signed({ image, repository, opened, descriptor }: Subject, signer: Signer, ports: Ports): Promise<EvidenceItem> {
  const { digest, added } = await signer(descriptor, repository, opened)
  ports.log.info(`${repository}@${descriptor.digest}: ${added ? 'signed' : 'was signed already'}`)
  return {
    image: image.name,
    repository,
    subject: descriptor.digest,
    kind: 'signature',
    ...(digest === undefined ? {} : { digest }),
    added,
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
