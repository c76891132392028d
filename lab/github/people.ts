import type { Row } from './description.ts'
import { type Call, nodeId } from './call.ts'

/** What a workflow's own token is to GitHub. */
export const workflows = 'github-actions[bot]'

/** Whoever the token of a call belongs to. */
export function asker(call: Call): Row {
  const { who } = call
  return who === workflows ? user(call, who, 41898282, 'Bot') : user(call, who, 583231, 'User')
}

export function user(call: Call, login: string, id: number, type: 'Bot' | 'User' | 'Organization'): Row {
  const url = `${call.origin}/users/${encodeURIComponent(login)}`
  return {
    login,
    id,
    node_id: nodeId('U', id),
    avatar_url: `${call.origin}/avatars/u/${id}`,
    gravatar_id: '',
    url,
    html_url: `${call.origin}/${encodeURIComponent(login)}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type,
    site_admin: false,
  }
}
