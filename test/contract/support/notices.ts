import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { type LabGitHub, startLabGitHub } from '../../../lab/github/server.ts'
import { gitHubNotices } from '../../../src/adapters/github-notices.ts'
import type { Release } from '../../../src/core/release.ts'
import { Secret } from '../../../src/core/secret.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { fakeLog } from '../../fakes/log.ts'
import { record } from '../../unit/support/deploy.ts'
import { localPorts, temporaryFolder } from '../../unit/support/ports.ts'

/** GitHub's client against the lab's GitHub, which takes only what the API takes: what is told there, and what was. */

export const token = 'ghs_contract'
export const page = 'https://github.example.org/team/app/actions/runs/7'
export const none = { comment: false, issue: false, codeScanning: false }

export const ada = 'ghp_ada'

/** @param of who tells, and by which address of the API */
export async function open(of: { token?: string; path?: string } = {}) {
  const lab = await startLabGitHub({ token, people: { [ada]: 'ada' } })
  onTestFinished(() => lab.close())
  const folder = temporaryFolder()
  const log = fakeLog()
  const notices = gitHubNotices({ repository: 'team/app', token: new Secret(of.token ?? token), apiUrl: `${lab.url}${of.path ?? ''}` })
  const ports = { ...localPorts(folder).ports, notices, log, clock: fakeClock(), who: page }
  return {
    lab,
    folder,
    log,
    ports,
    warnings: () => log.said('warning'),
  }
}

export async function api(lab: LabGitHub, path: string, body?: object, as = token): Promise<unknown> {
  const response = await fetch(`${lab.url}/repos/team/app/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

export const Said = z.array(z.object({ body: z.string() }))
const Issues = z.array(z.object({ number: z.number(), title: z.string(), body: z.string(), state: z.string() }))
export const said = async (lab: LabGitHub, issue: number): Promise<string[]> =>
  Said.parse(await api(lab, `issues/${issue}/comments`)).map(({ body }) => body)
export const issues = async (lab: LabGitHub) => Issues.parse(await api(lab, 'issues?state=all'))

export function proposal(of: Partial<Release> = {}): Release {
  const { plan, ...rest } = record()
  return { ...rest, plan: { ...plan, event: 'pull_request', ref: 'refs/pull/1/merge' }, ...of }
}
