import { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import { neededRights } from '../rights.ts'
import type { Sources } from '../sources.ts'

/** What the token of this run may do. */
export interface SeenGitHub {
  /** `owner/name` */
  repository: string
  /** A workflow asks for deployments to be recorded. */
  isToDeploy: boolean
  mayDeploy: boolean | undefined
  /** GitHub's words where the token is none, or may not see the repository. */
  refused: LaunchwayError | undefined
}

export async function lookAtGitHub(
  { environments, workflows }: Pick<Sources, 'environments' | 'workflows'>,
  ports: Ports,
): Promise<SeenGitHub | undefined> {
  const repository = ports.environment.get('GITHUB_REPOSITORY')?.reveal() ?? ''
  if (ports.github === undefined) return undefined
  const isToDeploy = neededRights(workflows).some(({ scope }) => scope === 'deployments')
  if (environments.length === 0) return { repository, isToDeploy, mayDeploy: undefined, refused: undefined }
  try {
    return { repository, isToDeploy, mayDeploy: await ports.github.mayDeploy(), refused: undefined }
  } catch (error) {
    if (!(error instanceof LaunchwayError)) throw error
    return { repository, isToDeploy, mayDeploy: undefined, refused: error }
  }
}
