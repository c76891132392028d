import { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import { parseRepository } from '../../core/reference.ts'
import { openRepository, registryOf } from '../../core/repository.ts'
import type { Skipped } from '../finding.ts'
import type { Sources } from '../sources.ts'

/** A repository that images are pushed to, and why they cannot be, if so. */
export interface SeenRepository {
  repository: string
  refused: LaunchwayError | undefined
}

export async function lookAtRepositories(
  { images, registries }: Sources,
  ports: Ports,
): Promise<{ seen: SeenRepository[]; skipped: Skipped[] }> {
  const all = [...new Set(images.flatMap(({ image }) => image.repositories))]
  const isRunner = ports.environment.has('GITHUB_ACTIONS') || ports.environment.has('CI')
  const asked = await Promise.all(
    all.map(async (repository): Promise<SeenRepository | Skipped> => {
      const { host } = parseRepository(repository)
      try {
        const login = await ports.registry.credentials(registryOf(repository, registries))
        // One that lets anybody push needs none: that shows by itself where it is near.
        if (login === undefined && !isRunner && !/^(localhost|127\.|\[::1\])/.test(host)) {
          return {
            check: `the right to push to ${repository}`,
            reason: `there is no login for ${host} here (docker login ${host}); what a workflow has cannot be seen from here`,
          }
        }
        await (await openRepository(repository, registries, ports)).tryPush()
        return { repository, refused: undefined }
      } catch (error) {
        ports.signal.throwIfAborted()
        if (!(error instanceof LaunchwayError)) throw error
        // What is not given at all is told among the secrets.
        if (error.code === 'SECRET_MISSING' && !isRunner) return { check: `the right to push to ${repository}`, reason: error.message }
        return { repository, refused: error }
      }
    }),
  )
  return {
    seen: asked.filter((one) => 'repository' in one),
    skipped: asked.filter((one) => 'check' in one),
  }
}
