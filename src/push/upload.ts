import { randomBytes } from 'node:crypto'
import { keepLogins } from '../core/docker-config.ts'
import { LaunchwayError } from '../core/error.ts'
import { annotationsOf } from '../core/image-labels.ts'
import { keyTag } from '../core/names.ts'
import type { Credentials, Ports, Repository } from '../core/ports.ts'
import { parseRepository } from '../core/reference.ts'
import type { BuiltImage, Registry, Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { section } from '../core/stages.ts'
import type { Client } from '../tools/docker.ts'
import { allOf } from './all.ts'
import { annotate } from './annotate.ts'
import { copyImage } from './copy.ts'
import { pushWithDocker } from './docker-push.ts'
import { configDigests } from './identity.ts'

/** What the uploads of a run share. */
interface Destination {
  registries: readonly Registry[]
  client: Client
  /** By registry host. */
  logins: ReadonlyMap<string, Credentials>
}

/**
 * Uploads each built image to each of its repositories under its content key: the only kind of tag that may exist
 * before the gate. Returns the images with what the registries have, read back from there and compared.
 */
export async function upload(release: Release, ports: Ports): Promise<BuiltImage[]> {
  const { images } = section(release, 'build')
  const to = await loggedIn(release.plan.registries, ports)
  const uploaded: BuiltImage[] = []
  for (const image of images) {
    if (image.how !== 'built') {
      // The registry had it first.
      uploaded.push(image)
      continue
    }
    const planned = release.plan.images.find(({ name }) => name === image.name)
    const annotations = planned === undefined ? {} : annotationsOf(planned, image.key, release.plan)
    uploaded.push({ ...image, registries: await uploadImage(image, planned?.repositories ?? [], annotations, to, ports) })
  }
  return uploaded
}

/**
 * A docker configuration of this run alone, with the logins that were found; docker uses the user's own when there
 * are none. The folder goes with the run. A login that is wrong shows at the push.
 */
async function loggedIn(registries: readonly Registry[], ports: Ports): Promise<Destination> {
  const logins = new Map<string, Credentials>()
  for (const settings of registries) {
    const credentials = await ports.registry.credentials(settings)
    if (credentials !== undefined) logins.set(settings.host, credentials)
  }
  if (logins.size === 0) return { registries, client: {}, logins }
  const [config, host] = [await keepLogins(logins, ports.files), await ports.engine.host()]
  return { registries, client: { config, ...(host === undefined ? {} : { host }) }, logins }
}

/** To the first repository of each registry, all registries at once; from there to the others of the same one. */
async function uploadImage(
  image: BuiltImage,
  repositories: readonly string[],
  annotations: Readonly<Record<string, string>>,
  to: Destination,
  ports: Ports,
): Promise<BuiltImage['registries']> {
  const byHost = Map.groupBy(repositories, (repository) => parseRepository(repository).host)
  const uploaded = await allOf(
    [...byHost.values()].map(async ([first = '', ...others]) => {
      const written = await uploadTo(first, image, annotations, to, ports)
      const copied = await allOf(
        others.map(async (other) => [other, await copyTo(other, first, written.digest, image, to, ports)] as const),
      )
      return [[first, written] as const, ...copied]
    }),
  )
  return Object.fromEntries(uploaded.flat())
}

async function uploadTo(
  repository: string,
  image: BuiltImage,
  annotations: Readonly<Record<string, string>>,
  to: Destination,
  ports: Ports,
): Promise<Written> {
  const reference = `${repository}:${keyTag(image.key)}`
  ports.log.info(`${image.name}: to ${reference}`)
  const opened = await openRepository(repository, to.registries, ports)
  const login = to.logins.get(parseRepository(repository).host)
  const ask = (): Promise<unknown> => opened.putBlob(randomBytes(32))
  const digest = await pushWithDocker({ image, repository, reference, client: to.client, login, ask }, ports)
  const pushed = await readBack(reference, image, digest, opened)
  // docker writes none, and only what is in the registry can have them.
  const asked = Object.keys(annotations).length > 0
  const written = asked
    ? await readBack(reference, image, await annotate(opened, keyTag(image.key), pushed.digest, annotations), opened)
    : pushed
  ports.log.info(`${image.name}: ${repository}@${written.digest}`)
  return written
}

async function copyTo(
  repository: string,
  from: string,
  digest: string,
  image: BuiltImage,
  to: Destination,
  ports: Ports,
): Promise<Written> {
  const [opened, source] = await Promise.all([openRepository(repository, to.registries, ports), openRepository(from, to.registries, ports)])
  await copyImage(source, opened, digest, keyTag(image.key), ports)
  return readBack(`${repository}:${keyTag(image.key)}`, image, digest, opened)
}

interface Written {
  digest: string
  mediaType: string
}

/**
 * What the registry has now, which must be what was built: between build and push another run may give the engine, and
 * after the push the registry, another image under the same key.
 * @param digest what docker says it wrote: the tag may point elsewhere by now. An engine that does not say it is asked by tag
 */
async function readBack(reference: string, image: BuiltImage, digest: string | undefined, repository: Repository): Promise<Written> {
  const found = await repository.manifest(digest ?? keyTag(image.key))
  if (found === undefined) {
    throw new LaunchwayError('DIGEST_MISMATCH', `${reference} was pushed, but the registry does not have it`, {
      hint: 'A mirror or a proxy may stand before the registry: push to the registry itself.',
    })
  }
  const [built, there] = [sorted(Object.values(image.config)), sorted(await configDigests(found, repository))]
  if (there === '' || built !== there) {
    throw new LaunchwayError('DIGEST_MISMATCH', `${reference} was pushed, but it is not the image that was built`, {
      hint: `Built: ${built}; in the registry: ${there === '' ? 'no image' : there}.\nAnother run of the same content on this engine may have replaced it: run this one again, from the build, and queue the runs of one branch.`,
    })
  }
  return { digest: found.descriptor.digest, mediaType: found.descriptor.mediaType }
}

function sorted(digests: readonly string[]): string {
  return digests.toSorted().join(', ')
}
