import { LaunchwayError } from '../core/error.ts'
import type { GitHub } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'

export interface GitHubSettings {
  /** `owner/name` */
  repository: string
  token: Secret
  /** GITHUB_API_URL: another one on GitHub Enterprise. */
  apiUrl: string
  /** The page of this run, shown beside a deployment. */
  runUrl: string | undefined
}

/** GitHub's API through @actions/github, which is loaded at the first call. */
export function octokitGitHub({ repository, token, apiUrl, runUrl }: GitHubSettings): GitHub {
  const [owner = '', repo = ''] = repository.split('/')
  const client = async () => {
    const { getOctokit } = await import('@actions/github')
    return getOctokit(token.reveal(), { baseUrl: apiUrl }).rest
  }

  return {
    async startDeployment({ ref, environment, description }) {
      const created = await refusals('create a deployment', 'deployments: write', async () =>
        (await client()).repos.createDeployment({
          owner,
          repo,
          ref,
          environment,
          description,
          auto_merge: false,
          // What must have passed has passed: launchway's own gates stand before this call.
          required_contexts: [],
        }),
      )
      if (!('id' in created.data))
        throw new LaunchwayError('GITHUB_REFUSED', `GitHub made no deployment: ${created.data.message ?? 'no reason given'}`)
      return created.data.id
    },

    async setDeploymentStatus(deployment, { state, description, url }) {
      await refusals('set the status of a deployment', 'deployments: write', async () =>
        (await client()).repos.createDeploymentStatus({
          owner,
          repo,
          deployment_id: deployment,
          state,
          // The API refuses longer ones.
          description: description.slice(0, 140),
          auto_inactive: true,
          ...(url === undefined ? {} : { environment_url: url }),
          ...(runUrl === undefined ? {} : { log_url: runUrl }),
        }),
      )
    },
  }
}

async function refusals<T>(what: string, permission: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof Error && 'status' in error && typeof error.status === 'number')) throw error
    const hint =
      error.status === 403 || error.status === 404
        ? `Give the job this right:\n  permissions:\n    ${permission}`
        : 'See https://www.githubstatus.com if this goes on.'
    throw new LaunchwayError('GITHUB_REFUSED', `GitHub refused to ${what}: ${error.message}`, { cause: error, hint })
  }
}
