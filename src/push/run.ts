import { failedAfter, LaunchwayError } from '../core/error.ts'
import type { Ports, Repository } from '../core/ports.ts'
import type { PushSection, Release } from '../core/release.ts'
import { openRepository } from '../core/repository.ts'
import { section } from '../core/stages.ts'
import { type Move, planMoves } from './plan.ts'

/**
 * Moves the tags of the plan to the images that were uploaded. Nothing is built or uploaded here: a tag moves by
 * writing the manifest of the upload under its name, so the digest is the one that was tested.
 */
export async function push(release: Release, ports: Ports): Promise<PushSection> {
  const started = ports.clock.elapsed()
  const { images } = section(release, 'build')
  const references: PushSection['references'] = []
  const soFar = (): PushSection => ({ references, ms: ports.clock.elapsed() - started })
  for (const move of planMoves(release.plan, images)) {
    try {
      references.push(await moveTag(move, await openRepository(move.repository, release.plan.registries, ports), ports))
    } catch (error) {
      throw withTagsBefore(error, soFar())
    }
  }
  return soFar()
}

/** The tags before the one that failed have moved: the record keeps them, and the message says so. */
function withTagsBefore(error: unknown, done: PushSection): unknown {
  if (!(error instanceof LaunchwayError) || done.references.length === 0) return error
  const moved = done.references.map(({ reference }) => reference).join(', ')
  return failedAfter(error, `moved before that: ${moved}`, { push: done })
}

async function moveTag(move: Move, repository: Repository, ports: Ports): Promise<PushSection['references'][number]> {
  const { digest } = move
  const reference = `${move.repository}:${move.tag}`
  const [candidate, before] = await Promise.all([repository.manifest(digest), repository.resolve(move.tag)])
  if (candidate === undefined) {
    throw new LaunchwayError('DIGEST_MISMATCH', `${move.repository}@${digest} was uploaded, but the registry does not have it`, {
      hint: 'A clean-up of the registry may have removed it, or a mirror answers in its place. Run the build again.',
    })
  }
  if (before?.digest !== digest) {
    await repository.putManifest(move.tag, candidate.descriptor.mediaType, candidate.body)
    const after = await repository.resolve(move.tag)
    if (after?.digest !== digest) {
      throw new LaunchwayError('DIGEST_MISMATCH', `${reference} was written, but reads back as another image`, {
        hint: `Written: ${digest}; read: ${after?.digest ?? 'nothing'}.`,
      })
    }
  }
  ports.log.info(`${reference}: ${before?.digest === digest ? 'was there already' : 'moved'}, ${digest}`)
  return { reference, digest, ...(before === undefined ? {} : { was: before.digest }) }
}
