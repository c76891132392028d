import { z } from 'zod'
import { LaunchwayError } from '../../core/error.ts'
import { parseJson } from '../../core/json.ts'
import { Digest, isOwnTag, labels, recordType } from '../../core/names.ts'
import type { Ports, Repository } from '../../core/ports.ts'
import { documentOf } from '../../core/record-document.ts'
import { parseRelease } from '../../core/release.ts'
import { signatureTag } from '../../core/signature.ts'
import { noteIn } from '../note.ts'
import { type Found, isName } from './plan.ts'

/** One repository, as it was found. */
export interface Contents {
  repository: Repository
  /** All tags that there were. */
  listed: ReadonlySet<string>
  images: Found[]
  /** What environments run, as their records say: by the name of the environment, the digests by repository. */
  running: { environment: string; digests: ReadonlyMap<string, string> | undefined }[]
  moving: string[]
}

/** Questions that go at once. */
const parallel = 8
/** Builds that are to be the same on every machine say that they are from 1970. */
const plausible = Date.parse('2000-01-01')
const environmentPrefix = 'launchway-env-'

const Manifest = z.object({
  config: z.object({ digest: Digest, size: z.number() }).optional(),
  manifests: z.array(z.object({ digest: Digest })).optional(),
})
const Config = z.object({ created: z.string().optional() })

export async function lookInto(repository: Repository, ports: Pick<Ports, 'log'>): Promise<Contents> {
  const byTag = new Map<string, string>()
  await each(await repository.tags(), async (tag) => {
    const found = await repository.resolve(tag)
    if (found !== undefined) byTag.set(tag, found.digest)
  })
  const running: Contents['running'] = []
  const moving: string[] = []
  const tagsOf = new Map<string, string[]>()
  for (const [tag, digest] of [...byTag].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (tag.startsWith(environmentPrefix)) running.push(await currentOf(repository, tag, digest))
    else if (tag.startsWith('launchway-moving')) moving.push(...(await movingIn(repository, digest)))
    else if (!isOwnTag(tag) || /^launchway-[0-9a-f]{32}$/.test(tag)) tagsOf.set(digest, [...(tagsOf.get(digest) ?? []), tag])
  }
  const images: Found[] = []
  await each([...tagsOf], async ([digest, tags]) => {
    images.push(await describe(repository, digest, tags))
  })
  ports.log.info(`${repository.name}: ${byTag.size} tags, ${images.length} images`)
  return { repository, listed: new Set(byTag.keys()), images, running, moving }
}

/** @throws LaunchwayError RECORD_INVALID: what cannot be read might be what runs */
async function currentOf(repository: Repository, tag: string, digest: string): Promise<Contents['running'][number]> {
  const name = tag.slice(environmentPrefix.length)
  const environment = name.slice(name.indexOf('.') + 1)
  const text = await documentOf(repository, digest)
  if (text === undefined) return { environment, digests: undefined }
  const { build } = parseRelease(text, `the record at ${repository.name}:${tag}`)
  return {
    environment,
    digests: new Map(
      (build?.images ?? []).flatMap(({ registries }) => Object.entries(registries).map(([where, one]) => [where, one.digest])),
    ),
  }
}

async function movingIn(repository: Repository, digest: string): Promise<string[]> {
  const note = noteIn((await repository.manifest(digest))?.body)
  return [...(note?.changes ?? []).flatMap(({ to, was }) => [to, was ?? []].flat()), ...(note?.left ?? []).map((one) => one.digest)]
}

async function describe(repository: Repository, digest: string, tags: readonly string[]): Promise<Found> {
  const body = (await repository.manifest(digest))?.body
  const { config, manifests = [] } = (body === undefined ? undefined : parseJson(body.toString(), Manifest)) ?? {}
  const released = new Map<string, number>()
  let created: number | undefined
  const records = await repository.referrers(digest, recordType)
  for (const { annotations } of records) {
    const at = Date.parse(annotations['org.opencontainers.image.created'] ?? '')
    const environment = annotations[labels.environment]
    if (Number.isNaN(at)) continue
    created = Math.max(created ?? 0, at)
    if (environment !== undefined) released.set(environment, Math.max(released.get(environment) ?? 0, at))
  }
  created ??= await builtAt(repository, config?.digest ?? (await configInside(repository, manifests)))
  return { digest, tags, ...(created === undefined ? {} : { created }), parts: manifests.map((one) => one.digest), released }
}

async function configInside(repository: Repository, [first]: readonly { digest: string }[]): Promise<string | undefined> {
  const body = first === undefined ? undefined : (await repository.manifest(first.digest))?.body
  return body === undefined ? undefined : parseJson(body.toString(), Manifest)?.config?.digest
}

async function builtAt(repository: Repository, config: string | undefined): Promise<number | undefined> {
  const body = config === undefined ? undefined : await repository.blob(config)
  const at = Date.parse((body === undefined ? undefined : parseJson(body.toString(), Config))?.created ?? '')
  return at > plausible ? at : undefined
}

async function each<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const queue = all.values()
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const one of queue) await act(one)
    }),
  )
}

/** Images that got a name since they were looked at: a release may have come meanwhile. */
export async function namedSince({ repository, listed }: Contents): Promise<Set<string>> {
  const named = new Set<string>()
  const tags = (await repository.tags()).filter((tag) => isName(tag) || !listed.has(tag))
  await each(tags, async (tag) => {
    const found = await repository.resolve(tag)
    if (found !== undefined) named.add(found.digest)
  })
  return named
}

/** Removes an image with what refers to it. @returns false where the registry does not permit it */
export async function removeImage(repository: Repository, { digest, tags, parts }: Found): Promise<boolean> {
  const all = [digest, ...parts]
  const referrers = (await Promise.all(all.map((one) => repository.referrers(one)))).flat()
  // The list of referrers of a registry that keeps none by itself, and cosign's signature.
  const besideTags = all.flatMap((one) => [one.replace(':', '-'), signatureTag(one)])
  const beside = await Promise.all(besideTags.map((tag) => repository.resolve(tag)))
  if ((await repository.remove(digest)) === 'not permitted') {
    // Some want the tags to go first.
    for (const tag of tags) if ((await repository.untag(tag)) === 'not permitted') return false
    if ((await repository.remove(digest)) === 'not permitted') return false
  }
  for (const one of [...parts, ...[...referrers, ...beside].flatMap((found) => found?.digest ?? [])]) await repository.remove(one)
  return true
}

export function notPermitted(repository: string, removed: number): LaunchwayError {
  const done = removed === 0 ? 'nothing was removed' : `${removed} images were removed before`
  return new LaunchwayError('REGISTRY_DENIED', `${repository} does not permit images to be removed; ${done}`, {
    hint: [
      'Where it is yours (distribution, registry:2): REGISTRY_STORAGE_DELETE_ENABLED=true, or storage.delete.enabled in its configuration.',
      'ghcr.io, Docker Hub and Amazon ECR remove images by means of their own: package settings, the web page, lifecycle policies. The list above says what may go.',
    ].join('\n'),
  })
}
