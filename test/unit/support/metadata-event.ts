import { head, sha } from './tag-cases.ts'

/** The tags that it gives who names none. */
export const defaults = ['type=schedule', 'type=ref,event=branch', 'type=ref,event=tag', 'type=ref,event=pr']
export const repository = {
  name: 'hello',
  description: 'Says hello.',
  html_url: 'https://github.com/team/hello',
  license: { spdx_id: 'MIT' },
  default_branch: 'master',
}
const pullRequest = { number: 15, head: { sha: head }, base: { ref: 'master' } }

/** What a runner says of such an event. */
export function eventOf(on: string): { env: Record<string, string>; payload: object } {
  const [kind = '', ...rest] = on.split(' ')
  const name = rest.join(' ')
  const env = (event: string, ref: string) => ({ GITHUB_EVENT_NAME: event, GITHUB_REF: ref, GITHUB_SHA: sha })
  if (kind === 'branch') return { env: env('push', `refs/heads/${name}`), payload: { repository } }
  if (kind === 'button') return { env: env('workflow_dispatch', `refs/heads/${name}`), payload: { repository } }
  // GitHub says the branch of a tag seldom, and of this one it did.
  if (kind === 'tag') return { env: env('push', `refs/tags/${name}`), payload: { repository, base_ref: 'refs/heads/master' } }
  if (kind === 'release')
    return { env: env('release', `refs/tags/${name}`), payload: { action: 'published', release: { tag_name: name }, repository } }
  if (kind === 'schedule') return { env: env('schedule', 'refs/heads/master'), payload: { schedule: '0 1 * * *' } }
  return { env: env(kind, 'refs/pull/15/merge'), payload: { pull_request: pullRequest, repository } }
}
