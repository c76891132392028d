import { LaunchwayError } from '../core/error.ts'
import type { Ports, Repository } from '../core/ports.ts'
import { parseRepository } from '../core/reference.ts'
import type { PushSection, Release } from '../core/release.ts'
import { section } from '../core/stages.ts'
import { type Move, planMoves } from './plan.ts'

/**
 * Moves the tags of the plan to the images that were uploaded. Nothing is built or uploaded here: a tag moves by
 * writing the candidate's own manifest under its name, so the digest is the one that was tested.
 */
export async function push(release: Release, ports: Ports): Promise<PushSection> {
  const started = ports.clock.elapsed()
  const { images } = section(release, 'build')
  const references: PushSection['references'] = []
  for (const move of planMoves(release.plan, images)) {
    const expected = images.find(({ name }) => name === move.image)?.registries[move.repository]?.digest
    references.push(await moveTag(move, expected, await repositoryOf(move, release, ports), ports))
  }
  return { references, ms: ports.clock.elapsed() - started }
}

function repositoryOf({ repository }: Move, release: Release, ports: Ports): Promise<Repository> {
  const { host } = parseRepository(repository)
  return ports.registry.repository(repository, release.plan.registries.find((one) => one.host === host) ?? { host, plainHttp: false })
}

async function moveTag(
  move: Move,
  expected: string | undefined,
  repository: Repository,
  ports: Ports,
): Promise<PushSection['references'][number]> {
  const reference = `${move.repository}:${move.tag}`
  const [candidate, before] = await Promise.all([repository.manifest(move.candidate), repository.resolve(move.tag)])
  if (candidate === undefined || candidate.descriptor.digest !== expected) {
    throw new LaunchwayError('DIGEST_MISMATCH', `${move.repository}:${move.candidate} is not what was uploaded`, {
      hint: `Uploaded: ${expected ?? 'nothing'}; the registry has ${candidate?.descriptor.digest ?? 'nothing'}. Something else writes launchway- tags there.`,
    })
  }
  if (before?.digest !== expected) {
    await repository.putManifest(move.tag, candidate.descriptor.mediaType, candidate.body)
    const after = await repository.resolve(move.tag)
    if (after?.digest !== expected) {
      throw new LaunchwayError('DIGEST_MISMATCH', `${reference} was written, but reads back as another image`, {
        hint: `Written: ${expected}; read: ${after?.digest ?? 'nothing'}.`,
      })
    }
  }
  ports.log.info(`${reference}: ${before?.digest === expected ? 'was there already' : 'moved'}, ${expected}`)
  return { reference, digest: candidate.descriptor.digest, ...(before === undefined ? {} : { was: before.digest }) }
}
