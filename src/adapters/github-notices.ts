import { gzipSync } from 'node:zlib'
import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import type { Notices } from '../core/ports.ts'
import { type GitHubSettings, openClient, refusals } from './github.ts'

interface Written {
  body?: string | null
  user: { login: string } | null
}

const permission = 'issues: write'
const pulls = 'pull-requests: write'

/** What a workflow's own token writes as. */
const workflows = 'github-actions[bot]'

const Viewer = z.object({ viewer: z.object({ login: z.string() }) })

/** As whom the token writes: what the REST API tells of a person's token alone, GraphQL tells of each. */
async function writer(graphql: (query: string) => Promise<unknown>): Promise<string> {
  try {
    const { viewer } = Viewer.parse(await refusals('say whose token this is', 'contents: read', () => graphql('{ viewer { login } }')))
    return viewer.login
  } catch (error) {
    // Where it is not said, as behind a proxy that lets the REST API through alone, it is most likely that of the workflow.
    if (isUnsaid(error)) return workflows
    throw error
  }
}

/** GraphQL says with an answer like any other what it does not do. */
function isUnsaid(error: unknown): boolean {
  const { cause = error } = error instanceof LaunchwayError ? error : {}
  return z.union([z.object({ status: z.literal([403, 404]) }), z.object({ name: z.literal('GraphqlResponseError') })]).safeParse(cause)
    .success
}

/** What people are told on GitHub; @actions/github is loaded at the first call. */
export function gitHubNotices({ repository, token, apiUrl }: Omit<GitHubSettings, 'runUrl'>): Notices {
  const [owner = '', repo = ''] = repository.split('/')
  const here = { owner, repo }
  const client = () => openClient({ token, apiUrl })
  const own = async <T extends Written>(written: readonly T[], mark: string): Promise<T | undefined> => {
    // Who edits a text in a browser changes the ends of its lines.
    const plain = written.map((one) => ({ ...one, ...(typeof one.body === 'string' ? { body: one.body.replaceAll('\r\n', '\n') } : {}) }))
    const marked = plain.filter((one) => one.body?.startsWith(mark) === true)
    if (marked.length === 0) return undefined
    // Anybody may write the mark: what somebody else wrote is neither changed nor taken for what was said.
    const { graphql } = await client()
    const login = await writer(graphql)
    return marked.find(({ user }) => user?.login === login)
  }

  return {
    async comment({ pull, mark, body }) {
      const { paginate, rest } = await client()
      const comments = await refusals('list the comments of a pull request', pulls, () =>
        paginate(rest.issues.listComments, { ...here, issue_number: pull, per_page: 100 }),
      )
      const before = await own(comments, mark)
      const text = `${mark}\n${body}`
      if (before?.body === text) return
      await refusals('comment on a pull request', pulls, async () =>
        before === undefined
          ? rest.issues.createComment({ ...here, issue_number: pull, body: text })
          : rest.issues.updateComment({ ...here, comment_id: before.id, body: text }),
      )
    },

    async findIssue({ label, mark }) {
      const { paginate, rest } = await client()
      const all = await refusals('list issues', permission, () =>
        paginate(rest.issues.listForRepo, { ...here, labels: label, state: 'open', per_page: 100 }),
      )
      // A pull request is an issue to this part of the API.
      const found = await own(
        all.filter((one) => one.pull_request === undefined),
        mark,
      )
      return found && { number: found.number, title: found.title, body: (found.body ?? '').slice(mark.length + 1) }
    },

    async openIssue({ label, mark, title, body }) {
      const { rest } = await client()
      await refusals('open an issue', permission, () => rest.issues.create({ ...here, title, body: `${mark}\n${body}`, labels: [label] }))
    },

    async changeIssue(number, { mark, title, body }) {
      const { rest } = await client()
      await refusals('change an issue', permission, () =>
        rest.issues.update({ ...here, issue_number: number, title, body: `${mark}\n${body}` }),
      )
    },

    async closeIssue(number) {
      const { rest } = await client()
      await refusals('close an issue', permission, () =>
        rest.issues.update({ ...here, issue_number: number, state: 'closed', state_reason: 'completed' }),
      )
    },

    async say(number, word) {
      const { rest } = await client()
      await refusals('comment on an issue', permission, () => rest.issues.createComment({ ...here, issue_number: number, body: word }))
    },

    async uploadSarif({ name, sha, ref, sarif }) {
      const { rest } = await client()
      const { data } = await refusals(`take ${name} for code scanning`, 'security-events: write', () =>
        rest.codeScanning.uploadSarif({ ...here, commit_sha: sha, ref, sarif: gzipSync(sarif).toString('base64') }),
      )
      return data.id
    },

    async sarifStatus(upload) {
      const { rest } = await client()
      const { data } = await refusals('say what became of results for code scanning', 'security-events: write', () =>
        rest.codeScanning.getSarif({ ...here, sarif_id: upload }),
      )
      return { state: data.processing_status ?? 'pending', errors: data.errors ?? [] }
    },
  }
}
