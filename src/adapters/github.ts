import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import type { Branches, GitHub } from '../core/ports.ts'
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

/** Who waits for this has all else done. */
const headTimeoutMs = 10_000

/** @actions/github is loaded here and not before: it takes longer than all else at the start of an action. */
export async function openClient({ token, apiUrl }: Pick<GitHubSettings, 'token' | 'apiUrl'>) {
  const { getOctokit } = await import('@actions/github')
  return getOctokit(token.reveal(), { baseUrl: apiUrl })
}

/** GitHub's API through @actions/github, which is loaded at the first call. */
export function octokitGitHub({ repository, token, apiUrl, runUrl }: GitHubSettings): Branches & GitHub {
  const [owner = '', repo = ''] = repository.split('/')
  const client = async () => (await openClient({ token, apiUrl })).rest

  return {
    async branchHead(branch) {
      try {
        const request = { signal: AbortSignal.timeout(headTimeoutMs) }
        const { data } = await refusals('say where a branch is', 'contents: read', async () =>
          (await client()).git.getRef({ owner, repo, ref: `heads/${branch}`, request }),
        )
        return data.object.sha
      } catch (error) {
        // 404 is a branch that is gone, and a token that may not look: both know of none.
        if (error instanceof LaunchwayError && Answer.safeParse(error.cause).data?.status === 404) return undefined
        if (error instanceof LaunchwayError) throw error
        throw new LaunchwayError('GITHUB_REFUSED', 'GitHub did not say where a branch is', { cause: error })
      }
    },

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

    async mayDeploy() {
      const { repos } = await client()
      await refusals('show the repository', 'contents: read', () => repos.get({ owner, repo }))
      try {
        // There is no deployment 0: who may write is told that, and who may not is told so before.
        await repos.createDeploymentStatus({ owner, repo, deployment_id: 0, state: 'inactive' })
        return true
      } catch (error) {
        const answer = Answer.safeParse(error)
        if (answer.success && (answer.data.status === 404 || answer.data.status === 422)) return true
        if (answer.success && answer.data.status === 403 && !isLimited(answer.data)) return false
        throw error
      }
    },

    async setDeploymentStatus(deployment, { state, description, url }) {
      await refusals('set the status of a deployment', 'deployments: write', async () =>
        (await client()).repos.createDeploymentStatus({
          owner,
          repo,
          deployment_id: deployment,
          state,
          description: cut(description),
          auto_inactive: true,
          ...(url === undefined ? {} : { environment_url: url }),
          ...(runUrl === undefined ? {} : { log_url: runUrl }),
        }),
      )
    },
  }
}

/** The API refuses a longer one. It counts characters, of which a string's index can cut one in two. */
function cut(description: string): string {
  return Array.from(description).slice(0, 140).join('')
}

const Answer = z.object({ status: z.number(), response: z.object({ headers: z.record(z.string(), z.unknown()) }).optional() })

/** What GitHub refuses, as a failure that says what to do. */
export async function refusals<T>(what: string, permission: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    const answer = Answer.safeParse(error)
    if (!(error instanceof Error) || !answer.success) throw error
    const hint = next(answer.data, permission)
    throw new LaunchwayError('GITHUB_REFUSED', `GitHub refused to ${what}: ${error.message}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    })
  }
}

/** What to do next. GitHub says 403 and 429 of a rate limit, and 404 of what a token may not see. */
function next(answer: z.infer<typeof Answer>, permission: string): string | undefined {
  const { status } = answer
  if (status === 429 || (status === 403 && isLimited(answer))) return 'The rate limit of this token is used up. Run the job again later.'
  if (status === 401) return 'The token is not valid, or no longer: see the input github-token.'
  if (status === 403 || status === 404) return `Give the job this right:\n  permissions:\n    ${permission}`
  return status >= 500 ? 'See https://www.githubstatus.com if this goes on.' : undefined
}

function isLimited({ response }: z.infer<typeof Answer>): boolean {
  return response?.headers['x-ratelimit-remaining'] === '0' || response?.headers['retry-after'] !== undefined
}
