import { keepLogins } from '../core/docker-config.ts'
import { LaunchwayError } from '../core/error.ts'
import { keyTag } from '../core/names.ts'
import type { Credentials, Ports, Repository } from '../core/ports.ts'
import { parseRepository } from '../core/reference.ts'
import type { BuiltImage, Registry, Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { section } from '../core/stages.ts'
import { type Client, push, pushedDigest } from '../tools/docker.ts'
import { configDigests } from './identity.ts'

/** What the uploads of a run share. */
interface Docker {
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
  const docker = await loggedIn(release.plan.registries, ports)
  const uploaded: BuiltImage[] = []
  for (const image of images) {
    if (image.how !== 'built') {
      // The registry had it first.
      uploaded.push(image)
      continue
    }
    const repositories = release.plan.images.find(({ name }) => name === image.name)?.repositories ?? []
    const registries = await Promise.all(
      repositories.map(
        async (repository) => [repository, await uploadTo(repository, image, release.plan.registries, docker, ports)] as const,
      ),
    )
    uploaded.push({ ...image, registries: Object.fromEntries(registries) })
  }
  return uploaded
}

/**
 * A docker configuration of this run alone, with the logins that were found; docker uses the user's own when there
 * are none. The folder goes with the run. A login that is wrong shows at the push.
 */
async function loggedIn(registries: readonly Registry[], ports: Ports): Promise<Docker> {
  const logins = new Map<string, Credentials>()
  for (const settings of registries) {
    const credentials = await ports.registry.credentials(settings)
    if (credentials !== undefined) logins.set(settings.host, credentials)
  }
  if (logins.size === 0) return { client: {}, logins }
  const [config, host] = [await keepLogins(logins, ports.files), await ports.engine.host()]
  return { client: { config, ...(host === undefined ? {} : { host }) }, logins }
}

async function uploadTo(
  repository: string,
  image: BuiltImage,
  registries: readonly Registry[],
  { client, logins }: Docker,
  ports: Ports,
): Promise<{ digest: string; mediaType: string }> {
  const reference = `${repository}:${keyTag(image.key)}`
  ports.log.info(`${image.name}: to ${reference}`)
  const { code, stdout, stderr } = await ports.exec.run(push(reference, client), {
    signal: ports.signal,
    accept: [0, 1],
    onLine: (line) => ports.log.debug(line),
  })
  if (code !== 0) throw refused(repository, image, logins.get(parseRepository(repository).host), stderr.trim())
  const written = await readBack(reference, image, pushedDigest(stdout), await openRepository(repository, registries, ports))
  ports.log.info(`${image.name}: ${repository}@${written.digest}`)
  return written
}

/**
 * What the registry has now, which must be what was built: between build and push another run may give the engine, and
 * after the push the registry, another image under the same key.
 * @param digest what docker says it wrote: the tag may point elsewhere by now. An engine that does not say it is asked by tag
 */
async function readBack(
  reference: string,
  image: BuiltImage,
  digest: string | undefined,
  repository: Repository,
): Promise<{ digest: string; mediaType: string }> {
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

function refused(repository: string, image: BuiltImage, login: Credentials | undefined, said: string): LaunchwayError {
  if (!/denied|unauthorized|authentication required|no basic auth credentials|forbidden/i.test(said))
    return new LaunchwayError('REGISTRY_UNAVAILABLE', `${image.name} could not be pushed to ${repository}`, { hint: said })
  const who = login === undefined ? 'without a login' : `as ${login.username}`
  return new LaunchwayError('REGISTRY_DENIED', `${repository} refused a push ${who}; nothing was tagged`, {
    hint: `${said}\nGive a username and a token with the right to push (registries: in launchway.yml, the secret in the step's environment).`,
  })
}
