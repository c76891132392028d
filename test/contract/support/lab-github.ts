import { getOctokit } from '@actions/github'
import { afterAll, beforeAll, expect } from 'vitest'
import { type LabGitHub, startLabGitHub } from '../../../lab/github/server.ts'

export const token = 'ghs_lab'
export const sha = 'a'.repeat(40)

/** A GitHub of the test file that imports this, and of no other. */
export let lab: LabGitHub
beforeAll(async () => {
  lab = await startLabGitHub({ token })
})
afterAll(() => lab.close())

/** A repository that no other test writes to. */
let repositories = 0
export function fresh(at = lab): { octokit: ReturnType<typeof getOctokit>['rest']; owner: string; repo: string } {
  repositories += 1
  return { octokit: getOctokit(token, { baseUrl: at.url }).rest, owner: 'team', repo: `app-${repositories}` }
}

export function containing(text: string): unknown {
  return expect.stringContaining(text)
}
