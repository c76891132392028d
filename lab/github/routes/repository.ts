import { apiUrl, type Call, type Handler, htmlUrl, nodeId } from '../call.ts'
import type { Row } from '../description.ts'
import { user } from '../people.ts'

export const repository: Record<string, Handler> = {
  'repos/get': (call) => ({ status: 200, body: fullRepository(call) }),
}

const created = '2024-01-01T00:00:00Z'

/** The addresses that a repository lists, after its own. */
const addresses = {
  archive_url: '/{archive_format}{/ref}',
  assignees_url: '/assignees{/user}',
  blobs_url: '/git/blobs{/sha}',
  branches_url: '/branches{/branch}',
  collaborators_url: '/collaborators{/collaborator}',
  comments_url: '/comments{/number}',
  commits_url: '/commits{/sha}',
  compare_url: '/compare/{base}...{head}',
  contents_url: '/contents/{+path}',
  contributors_url: '/contributors',
  deployments_url: '/deployments',
  downloads_url: '/downloads',
  events_url: '/events',
  forks_url: '/forks',
  git_commits_url: '/git/commits{/sha}',
  git_refs_url: '/git/refs{/sha}',
  git_tags_url: '/git/tags{/sha}',
  hooks_url: '/hooks',
  issue_comment_url: '/issues/comments{/number}',
  issue_events_url: '/issues/events{/number}',
  issues_url: '/issues{/number}',
  keys_url: '/keys{/key_id}',
  labels_url: '/labels{/name}',
  languages_url: '/languages',
  merges_url: '/merges',
  milestones_url: '/milestones{/number}',
  notifications_url: '/notifications{?since,all,participating}',
  pulls_url: '/pulls{/number}',
  releases_url: '/releases{/id}',
  stargazers_url: '/stargazers',
  statuses_url: '/statuses/{sha}',
  subscribers_url: '/subscribers',
  subscription_url: '/subscription',
  tags_url: '/tags',
  teams_url: '/teams',
  trees_url: '/git/trees{/sha}',
}

export function minimalRepository(call: Call): Row {
  const { id, name, owner, fullName } = call.repository
  return {
    id,
    node_id: nodeId('R', id),
    name,
    full_name: fullName,
    private: false,
    owner: user(call, owner, 1, 'Organization'),
    html_url: htmlUrl(call),
    description: null,
    fork: false,
    url: apiUrl(call),
    ...Object.fromEntries(Object.entries(addresses).map(([key, path]) => [key, `${apiUrl(call)}${path}`])),
  }
}

function fullRepository(call: Call): Row {
  const page = htmlUrl(call)
  return {
    ...minimalRepository(call),
    clone_url: `${page}.git`,
    git_url: `${page.replace(/^http:/, 'git:')}.git`,
    ssh_url: `git@${new URL(call.origin).hostname}:${call.repository.fullName}.git`,
    svn_url: page,
    mirror_url: null,
    homepage: null,
    language: null,
    license: null,
    default_branch: 'main',
    visibility: 'public',
    topics: [],
    archived: false,
    disabled: false,
    ...Object.fromEntries(
      ['issues', 'projects', 'wiki', 'pages', 'discussions'].map((feature) => [`has_${feature}`, feature === 'issues']),
    ),
    ...Object.fromEntries(['forks', 'forks_count', 'stargazers_count', 'watchers', 'watchers_count', 'size'].map((count) => [count, 0])),
    ...Object.fromEntries(['open_issues', 'open_issues_count', 'network_count', 'subscribers_count'].map((count) => [count, 0])),
    permissions: { admin: false, maintain: false, push: true, triage: true, pull: true },
    pushed_at: created,
    created_at: created,
    updated_at: created,
  }
}
