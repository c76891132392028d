import { join, resolve } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { BuiltImage, Release } from '../core/release.ts'
import { registryOf } from '../core/repository.ts'
import { save, unpack } from '../tools/docker.ts'
import { type ImageScan, parseReport, type Report, scanImage, type Trivy, trivyCodes } from '../tools/trivy.ts'
import { dockerConfig } from './logins.ts'
import { sourceOf } from './plan.ts'
import { isLocked, scanFailed } from './trivy-errors.ts'

/** The list of exceptions: its name from the root of the repository, and its path from anywhere. */
export interface IgnoreFile {
  name: string
  path: string
}

/** Has Trivy look at one image. */
export async function look(
  image: BuiltImage,
  reference: string,
  { trivy, ignoreFile }: { trivy: Trivy; ignoreFile: IgnoreFile | undefined },
  release: Release,
  ports: Ports,
): Promise<Report> {
  const folder = await ports.files.temporary('scan')
  const output = join(folder, 'report.json')
  const subject = await locate(image, reference, folder, release, ports)
  const asked: ImageScan = { ...subject, output, ...(ignoreFile === undefined ? {} : { ignoreFile: ignoreFile.path }) }
  const run = (more: Partial<ImageScan>) =>
    ports.exec.run(scanImage(trivy, { ...asked, ...more }), { signal: ports.signal, accept: trivyCodes })
  let ended = await run({})
  if (ended.code !== 0 && isLocked(ended.stderr)) ended = await run({ inMemory: true })
  if ('archive' in subject.image) await ports.files.remove(subject.image.archive)
  if (ended.code !== 0) throw scanFailed(image.name, ignoreFile?.name, ended.stderr)
  const report = parseReport((await ports.files.read(output))?.toString() ?? '')
  if (report === undefined) {
    throw new LaunchwayError('COMMAND_FAILED', `Trivy wrote no report about ${image.name} that launchway can read`, {
      hint: 'Another version of Trivy is in PATH than launchway is tested with; without one there, it fetches its own.',
    })
  }
  return report
}

/** How Trivy gets at the image. */
async function locate(
  image: BuiltImage,
  reference: string,
  folder: string,
  { plan }: Release,
  ports: Ports,
): Promise<Pick<ImageScan, 'image' | 'env' | 'insecure' | 'ca' | 'platform'>> {
  const [{ containerdStore }, found, host] = await Promise.all([ports.engine.info(), ports.engine.image(reference), ports.engine.host()])
  const source = sourceOf(image, { inEngine: found !== undefined, containerdStore, host })
  if (source === undefined) {
    throw new LaunchwayError('BUILD_FAILED', `${image.name} was built, but the engine does not have ${reference} any more`, {
      hint: 'Something removed it, or this is another machine than the one that built it, and nothing was uploaded: run the build again, in the same job.',
    })
  }
  if (source.from === 'engine')
    return { image: { reference, from: 'docker' }, ...(host === undefined ? {} : { env: { DOCKER_HOST: host } }) }
  if (source.from === 'archive') {
    return { image: { archive: await saved(reference, folder, ports) } }
  }
  const settings = registryOf(source.repository, plan.registries)
  const [platform] = Object.keys(image.config)
  return {
    image: { reference: `${source.repository}@${source.digest}`, from: 'remote' },
    env: await dockerConfig(settings, ports),
    insecure: settings.plainHttp,
    ...(settings.ca === undefined ? {} : { ca: resolve(ports.root, settings.ca) }),
    ...(platform === undefined ? {} : { platform }),
  }
}

/**
 * The image as files. Of an archive Trivy looks at the first layer to learn whether they are compressed, and chokes on one
 * that has both kinds, as a built image on a loaded base has; the OCI layout in it says it for each.
 */
async function saved(reference: string, folder: string, { exec, files, signal }: Ports): Promise<string> {
  const [archive, layout] = [join(folder, 'image.tar'), await files.temporary('layout')]
  await exec.run(save(reference, archive), { signal })
  await exec.run(unpack(archive, layout), { signal })
  if ((await files.read(join(layout, 'oci-layout'))) === undefined) return archive
  await files.remove(archive)
  return layout
}
