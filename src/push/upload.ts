import { LaunchwayError } from '../core/error.ts'
import { keyTag } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import { parseRepository } from '../core/reference.ts'
import type { BuiltImage, Registry, Release } from '../core/release.ts'
import { section } from '../core/stages.ts'
import { login, push } from '../tools/docker.ts'

/**
 * Uploads each built image to each of its repositories under its content key: the only kind of tag that may exist
 * before the gate. Returns the images with what the registries answered, read back from there.
 */
export async function upload(release: Release, ports: Ports): Promise<BuiltImage[]> {
  const { images } = section(release, 'build')
  const folder = await loggedIn(release.plan.registries, ports)
  const uploaded: BuiltImage[] = []
  for (const image of images) {
    const repositories = release.plan.images.find(({ name }) => name === image.name)?.repositories ?? []
    const registries = await Promise.all(
      repositories.map(
        async (repository) => [repository, await uploadTo(repository, image, release.plan.registries, folder, ports)] as const,
      ),
    )
    uploaded.push({ ...image, registries: Object.fromEntries(registries) })
  }
  return uploaded
}

/**
 * A docker configuration of this run alone, logged in to the registries that have a login; undefined when none has,
 * so that docker uses the user's own. The folder goes with the run.
 */
async function loggedIn(registries: readonly Registry[], ports: Ports): Promise<string | undefined> {
  let folder: string | undefined
  for (const settings of registries) {
    const credentials = await ports.registry.credentials(settings)
    if (credentials === undefined) continue
    folder ??= await ports.files.temporary('docker-config')
    const { code, stderr } = await ports.exec.run(login(settings.host, credentials.username, credentials.password, folder), {
      signal: ports.signal,
      accept: [0, 1],
    })
    if (code !== 0) throw denied(settings.host, `as ${credentials.username}`, stderr)
  }
  return folder
}

async function uploadTo(
  repository: string,
  image: BuiltImage,
  registries: readonly Registry[],
  folder: string | undefined,
  ports: Ports,
): Promise<{ digest: string; mediaType: string }> {
  const reference = `${repository}:${keyTag(image.key)}`
  const { host } = parseRepository(repository)
  ports.log.info(`${image.name}: to ${reference}`)
  const { code, stderr } = await ports.exec.run(push(reference, folder), {
    signal: ports.signal,
    accept: [0, 1],
    onLine: (line) => ports.log.debug(line),
  })
  if (code !== 0) {
    if (/denied|unauthorized|authentication required|forbidden/i.test(stderr)) throw denied(repository, 'with this login', stderr)
    throw new LaunchwayError('REGISTRY_UNAVAILABLE', `${image.name} could not be pushed to ${repository}`, { hint: stderr.trim() })
  }
  const settings = registries.find((one) => one.host === host) ?? { host, plainHttp: false }
  const found = await (await ports.registry.repository(repository, settings)).resolve(keyTag(image.key))
  if (found === undefined) {
    throw new LaunchwayError('DIGEST_MISMATCH', `${reference} was pushed, but the registry does not have it`, {
      hint: 'A mirror or a proxy may stand before the registry: push to the registry itself.',
    })
  }
  ports.log.info(`${image.name}: ${repository}@${found.digest}`)
  return { digest: found.digest, mediaType: found.mediaType }
}

function denied(where: string, who: string, said: string): LaunchwayError {
  return new LaunchwayError('REGISTRY_DENIED', `${where} refused a push ${who}; nothing was tagged`, {
    hint: `${said.trim()}\nGive a username and a token with the right to push (registries: in launchway.yml, the secret in the step's environment).`,
  })
}
