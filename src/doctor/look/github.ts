import { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import type { Sources } from '../sources.ts'

/** What the token of this run may do. */
export interface SeenGitHub {
  /** `owner/name` */
  repository: string
  /** Deployments are recorded, where there are environments. */
  mayDeploy: boolean | undefined
  /** GitHub's words where the token is none, or may not see the repository. */
  refused: LaunchwayError | undefined
}

export async function lookAtGitHub({ environments }: Sources, ports: Ports): Promise<SeenGitHub | undefined> {
  const repository = ports.environment.get('GITHUB_REPOSITORY')?.reveal() ?? ''
  if (ports.github === undefined) return undefined
  if (environments.length === 0) return { repository, mayDeploy: undefined, refused: undefined }
  try {
    return { repository, mayDeploy: await ports.github.mayDeploy(), refused: undefined }
  } catch (error) {
    if (!(error instanceof LaunchwayError)) throw error
    return { repository, mayDeploy: undefined, refused: error }
  }
}
