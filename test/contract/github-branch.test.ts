import { expect, it } from 'vitest'
import { tell } from '../../lab/github/client.ts'
import { startLabGitHub } from '../../lab/github/server.ts'
import { octokitGitHub } from '../../src/adapters/github.ts'
import { Secret } from '../../src/core/secret.ts'

it('GitHub says where a branch is, also one with a slash in its name; of one that is gone nothing, and what it refuses is told', async () => {
  const token = 'ghs_branch'
  await using lab = await startLabGitHub({ token })
  const github = octokitGitHub({ repository: 'team/app', token: new Secret(token), apiUrl: lab.url, runUrl: undefined })
  await tell(lab, 'refs', { repository: 'team/app', ref: 'refs/heads/release/1.2', sha: 'c'.repeat(40) })
  expect(await Promise.all([github.branchHead('release/1.2'), github.branchHead('gone')])).toEqual(['c'.repeat(40), undefined])
  await tell(lab, 'fail', { path: '/repos/{owner}/{repo}/git/ref/{ref}', status: 502 })
  await expect(github.branchHead('main')).rejects.toMatchObject({ code: 'GITHUB_REFUSED' })
})
