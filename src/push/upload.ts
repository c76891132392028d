import { randomBytes } from 'node:crypto'
import { abreast } from '../core/abreast.ts'
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

/** Images that are uploaded at once: docker itself sends five layers at once, whoever they are of. */
const parallel = 4

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
  const to = await loggedIn(release.plan, ports)
  const bring = async (image: BuiltImage, signal = ports.signal): Promise<BuiltImage> => {
    const planned = release.plan.images.find(({ name }) => name === image.name)
    const repositories = planned?.repositories ?? []
    const around = { ...ports, signal }
    if (image.how !== 'built') return { ...image, registries: await spread(image, repositories, to, around) }
    const annotations = planned === undefined ? {} : annotationsOf(planned, image.key, release.plan)
    return { ...image, registries: await uploadImage(image, repositories, annotations, to, around) }
  }
  // One alone: what the others share with it is then there, and is not sent by each of them.
  const first = images.find(({ how }) => how === 'built')
  const done = first === undefined ? [] : [await bring(first)]
  const others = images.filter((image) => image !== first)
  const uploaded = new Map([...done, ...(await abreast(parallel, others, ports.signal, bring))].map((image) => [image.name, image]))
  return images.flatMap(({ name }) => uploaded.get(name) ?? [])
}

/**
 * A docker configuration of this run alone, with the logins that were found; docker uses the user's own when there
 * are none. The folder goes with the run. One that the registry refuses has shown before the build, or shows at the push.
 */
async function loggedIn({ images, registries }: Release['plan'], ports: Ports): Promise<Destination> {
  const hosts = new Set(images.flatMap(({ repositories }) => repositories.map((repository) => parseRepository(repository).host)))
  const logins = new Map<string, Credentials>()
  for (const settings of registries.filter(({ host }) => hosts.has(host))) {
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

/** An image that was not built is in a registry: to those of its repositories that lack it, it comes from there. */
async function spread(
  image: BuiltImage,
  repositories: readonly string[],
  to: Destination,
  ports: Ports,
): Promise<BuiltImage['registries']> {
  const there = Object.entries(image.registries)
  const all = await allOf(
    repositories.map(async (repository) => {
      const { host } = parseRepository(repository)
      // From another repository of the same registry nothing is sent.
      const source = there.find(([one]) => parseRepository(one).host === host) ?? there[0]
      const has = image.registries[repository]
      if (has !== undefined || source === undefined) return [repository, has] as const
      return [repository, await copyTo(repository, source[0], source[1].digest, image, to, ports)] as const
    }),
  )
  return { ...image.registries, ...Object.fromEntries(all.flatMap(([repository, has]) => (has === undefined ? [] : [[repository, has]]))) }
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
