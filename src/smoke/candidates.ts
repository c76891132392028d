import { keepLogins } from '../core/docker-config.ts'
import { LaunchwayError } from '../core/error.ts'
import { isOfRecord } from '../core/local-image.ts'
import { candidates } from '../core/names.ts'
import type { EngineImage, Ports } from '../core/ports.ts'
import type { BuiltImage, PlannedImage, Release } from '../core/release.ts'
import { registryOf } from '../core/repository.ts'
import { section } from '../core/stages.ts'
import { pull } from '../tools/docker.ts'
import type { Candidate } from './images.ts'

/** A candidate, and the ID that this engine has given it. */
export interface Present extends Candidate {
  id: string
}

/**
 * What was built, on this machine's engine: from the build of the same job, else pulled by the digest of its upload.
 * @throws LaunchwayError RECORD_INVALID when it is in neither place, DIGEST_MISMATCH when it is not what was built
 */
export async function presentImages(release: Release, ports: Ports): Promise<Present[]> {
  const { images } = section(release, 'build')
  const { containerdStore } = await ports.engine.info()
  const present: Present[] = []
  for (const image of release.plan.images) {
    const built = images.find(({ name }) => name === image.name)
    if (built === undefined) throw missing(image.name)
    present.push(await presentImage(image, built, { release, containerdStore, ports }))
  }
  return present
}

interface Around {
  release: Release
  containerdStore: boolean
  ports: Ports
}

async function presentImage(image: PlannedImage, built: BuiltImage, around: Around): Promise<Present> {
  const { engine, log } = around.ports
  const configs = Object.values(built.config)
  const isIt = (found: EngineImage): boolean => isOfRecord(found, built, around.containerdStore)
  const [own = ''] = candidates(image, built.key)
  const here = await engine.image(own)
  if (here !== undefined && isIt(here)) return { image, reference: own, id: here.id }
  const [repository, uploaded] = Object.entries(built.registries)[0] ?? []
  if (repository === undefined || uploaded === undefined) {
    if (here === undefined) throw missing(image.name)
    throw differs(own, here.id, configs)
  }
  const reference = `${repository}@${uploaded.digest}`
  log.info(`${image.name}: pulled as ${reference}`)
  await pullFrom(repository, reference, around.release, around.ports)
  const pulled = await engine.image(reference)
  if (pulled === undefined || !isIt(pulled)) throw differs(reference, pulled?.id ?? 'nothing', configs)
  return { image, reference, id: pulled.id }
}

/** With the login that the run has for its registry, if it has one. */
export async function pullFrom(repository: string, reference: string, { plan }: Pick<Release, 'plan'>, ports: Ports): Promise<void> {
  const settings = registryOf(repository, plan.registries)
  const credentials = await ports.registry.credentials(settings)
  if (credentials === undefined) return void (await ports.exec.run(pull(reference), { signal: ports.signal }))
  const [config, host] = [await keepLogins(new Map([[settings.host, credentials]]), ports.files), await ports.engine.host()]
  const client = { config, ...(host === undefined ? {} : { host }) }
  await ports.exec.run(pull(reference, client), { signal: ports.signal })
}

function missing(name: string): LaunchwayError {
  return new LaunchwayError('RECORD_INVALID', `the image ${name} that was built is neither on this machine nor in a registry`, {
    hint: 'Build it in the same job, or let the build upload it: run the build stage first, with the same record.',
  })
}

export function differs(what: string, found: string, configs: readonly string[]): LaunchwayError {
  return new LaunchwayError('DIGEST_MISMATCH', `${what} is not the image that was built`, {
    hint: `Built: ${configs.join(', ')}; found: ${found}.\nAnother run of the same content on this engine may have replaced it: run this one again, from the build, and queue the runs of one branch.`,
  })
}
