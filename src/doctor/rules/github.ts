import type { Rule } from '../finding.ts'
import type { SeenGitHub } from '../look/github.ts'

export const githubRules: readonly Rule<SeenGitHub>[] = [
  {
    id: 'github-token',
    topic: 'github',
    severity: 'error',
    looks: 'a GitHub token that is not valid, or may not see the repository',
    why: 'Nothing can be recorded on GitHub, and no image be pushed to ghcr.io with it.',
    fix: 'Give another token: the input github-token.',
    find: ({ repository, refused }) =>
      refused === undefined
        ? []
        : [{ where: { repository }, what: refused.message, ...(refused.hint === undefined ? {} : { fix: refused.hint }) }],
  },
  {
    id: 'github-deployments',
    topic: 'github',
    severity: 'warning',
    looks: 'a GitHub token that may not write deployments, where a workflow asks for them (`deployments: true`)',
    why: 'What runs where is not shown on GitHub: each release warns of it.',
    fix: 'Give the job this right: permissions: { deployments: write }',
    find: ({ repository, isToDeploy, mayDeploy }) =>
      isToDeploy && mayDeploy === false ? [{ where: { repository }, what: 'the token may not write deployments' }] : [],
  },
]
