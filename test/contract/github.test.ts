import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { requests, tell } from '../../lab/github/client.ts'
import { type LabGitHub, startLabGitHub } from '../../lab/github/server.ts'
import { octokitGitHub } from '../../src/adapters/github.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import type { DeploymentStatus, GitHub } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { fakeGitHub } from '../fakes/github.ts'

const token = 'ghs_contract'

// What vitest's own matchers return is `any`.
function containing(text: string): unknown {
  return expect.stringContaining(text)
}
function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern)
}

interface Deployment {
  ref: string
  environment: string
  description: string
  statuses: DeploymentStatus[]
}

/** One implementation of the port, and what GitHub knows after the calls. */
interface Subject extends AsyncDisposable {
  github: GitHub
  known(): Promise<Deployment[]>
  withhold(): Promise<void>
}

const implementations: [string, () => Promise<Subject>][] = [
  [
    'octokit against the lab',
    async () => {
      const lab = await startLabGitHub({ token })
      return {
        github: adapter(lab),
        known: () => knownTo(lab),
        withhold: () => tell(lab, 'permissions', { deployments: 'read' }),
        [Symbol.asyncDispose]: () => lab.close(),
      }
    },
  ],
  [
    'the fake',
    async () => {
      const github = fakeGitHub()
      return {
        github,
        known: async () =>
          github.deployments.map(({ ref, environment, description, statuses }) => ({ ref, environment, description, statuses })),
        withhold: async () => github.withhold(),
        [Symbol.asyncDispose]: async () => undefined,
      }
    },
  ],
]

describe.each(implementations)('GitHub, as %s', (_, open) => {
  it('keeps what a deployment was started with', async () => {
    await using subject = await open()
    await subject.github.startDeployment({ ref: 'v1.2.0', environment: 'staging', description: 'by hand' })
    expect(await subject.known()).toEqual([{ ref: 'v1.2.0', environment: 'staging', description: 'by hand', statuses: [] }])
  })

  it('gives each deployment its own, growing id', async () => {
    await using subject = await open()
    const first = await subject.github.startDeployment(staging)
    expect(await subject.github.startDeployment(staging)).toBeGreaterThan(first)
  })

  it.each<DeploymentStatus['state']>(['in_progress', 'success', 'failure', 'inactive'])('takes the state %s', async (state) => {
    await using subject = await open()
    const id = await subject.github.startDeployment(staging)
    await subject.github.setDeploymentStatus(id, { state, description: 'so it is' })
    expect((await subject.known())[0]?.statuses).toEqual([{ state, description: 'so it is' }])
  })

  it('keeps the statuses of a deployment in their order, with the address that one names', async () => {
    await using subject = await open()
    const [first, second] = [
      await subject.github.startDeployment(staging),
      await subject.github.startDeployment({ ...staging, environment: 'demo' }),
    ]
    await subject.github.setDeploymentStatus(first, { state: 'in_progress', description: 'switching' })
    await subject.github.setDeploymentStatus(second, { state: 'failure', description: 'unhealthy' })
    await subject.github.setDeploymentStatus(first, { state: 'success', description: '', url: 'https://staging.example.org' })
    expect((await subject.known()).map(({ statuses }) => statuses)).toEqual([
      [
        { state: 'in_progress', description: 'switching' },
        { state: 'success', description: '', url: 'https://staging.example.org' },
      ],
      [{ state: 'failure', description: 'unhealthy' }],
    ])
  })

  it('makes the older success of the same environment inactive when a newer one succeeds, and nothing else', async () => {
    await using subject = await open()
    const ids = new Map<string, number>()
    for (const [name, environment, state] of [
      ['replaced', 'staging', 'success'],
      ['failed before', 'staging', 'failure'],
      ['elsewhere', 'demo', 'success'],
      ['production', 'production', 'success'],
    ] as const) {
      const id = await subject.github.startDeployment({ ref: 'main', environment, description: name })
      await subject.github.setDeploymentStatus(id, { state, description: '' })
      ids.set(name, id)
    }
    for (const environment of ['staging', 'production']) {
      const id = await subject.github.startDeployment({ ref: 'main', environment, description: `newer ${environment}` })
      await subject.github.setDeploymentStatus(id, { state: 'success', description: '' })
    }
    const states = Object.fromEntries(
      (await subject.known()).map(({ description, statuses }) => [description, statuses.map(({ state }) => state)]),
    )
    expect(states).toEqual({
      replaced: ['success', 'inactive'],
      'failed before': ['failure'],
      elsewhere: ['success'],
      production: ['success'],
      'newer staging': ['success'],
      'newer production': ['success'],
    })
  })

  it.each([
    ['letters', 'x'.repeat(200), 'x'.repeat(140)],
    ['characters of two units', '🚢'.repeat(150), '🚢'.repeat(140)],
    ['exactly as long as it may be', 'y'.repeat(140), 'y'.repeat(140)],
  ])('cuts a description of a status to 140 characters: %s', async (_, description, kept) => {
    await using subject = await open()
    const id = await subject.github.startDeployment(staging)
    await subject.github.setDeploymentStatus(id, { state: 'success', description })
    expect((await subject.known())[0]?.statuses).toEqual([{ state: 'success', description: kept }])
  })

  it('refuses the status of a deployment that is not there', async () => {
    await using subject = await open()
    const error = await failure(subject.github.setDeploymentStatus(424242, { state: 'success', description: '' }))
    expect(error).toMatchObject({
      code: 'GITHUB_REFUSED',
      message: matching(/^GitHub refused to set the status of a deployment: Not Found/),
    })
  })

  it('says whether the token may write deployments, and writes none to find out', async () => {
    await using subject = await open()
    expect(await subject.github.mayDeploy()).toBe(true)
    await subject.withhold()
    expect(await subject.github.mayDeploy()).toBe(false)
    expect(await subject.known()).toEqual([])
  })

  it('names the permission that the job lacks', async () => {
    await using subject = await open()
    const id = await subject.github.startDeployment(staging)
    await subject.withhold()
    for (const call of [
      subject.github.startDeployment(staging),
      subject.github.setDeploymentStatus(id, { state: 'success', description: '' }),
    ])
      expect(await failure(call)).toMatchObject({
        code: 'GITHUB_REFUSED',
        message: containing('Resource not accessible by integration'),
        hint: matching(/permissions:\n\s+deployments: write$/),
      })
    expect(await subject.known()).toMatchObject([{ statuses: [] }])
  })
})

describe('the octokit adapter', () => {
  let lab: LabGitHub
  beforeAll(async () => {
    lab = await startLabGitHub({ token })
  })
  afterAll(() => lab.close())

  it('deploys what has passed launchway: no merge, no contexts of others, and the run beside each status', async () => {
    await using fresh = await startLabGitHub({ token })
    const github = adapter(fresh, { runUrl: 'https://ci.example.org/runs/7' })
    const id = await github.startDeployment(staging)
    await github.setDeploymentStatus(id, { state: 'success', description: 'live', url: 'https://staging.example.org' })
    expect(await requests(fresh)).toEqual([
      { method: 'POST', path: '/repos/team/app/deployments', status: 201, body: { ...staging, auto_merge: false, required_contexts: [] } },
      {
        method: 'POST',
        path: `/repos/team/app/deployments/${id}/statuses`,
        status: 201,
        body: {
          state: 'success',
          description: 'live',
          auto_inactive: true,
          environment_url: 'https://staging.example.org',
          log_url: 'https://ci.example.org/runs/7',
        },
      },
    ])
  })

  it.each([
    {
      of: 'a failure of GitHub',
      fault: { status: 500 },
      message: 'Server Error',
      hint: 'See https://www.githubstatus.com if this goes on.',
    },
    {
      of: 'a failure before GitHub',
      fault: { status: 502 },
      message: 'Server Error',
      hint: 'See https://www.githubstatus.com if this goes on.',
    },
    {
      of: 'a lack of rights',
      fault: { status: 403 },
      message: 'Resource not accessible',
      hint: 'Give the job this right:\n  permissions:\n    deployments: write',
    },
    {
      of: 'a used-up rate limit',
      fault: { status: 403, headers: { 'x-ratelimit-remaining': '0' } },
      message: 'rate limit exceeded',
      hint: 'The rate limit of this token is used up. Run the job again later.',
    },
    {
      of: 'a secondary rate limit',
      fault: { status: 429, headers: { 'retry-after': '60' } },
      message: 'secondary rate limit',
      hint: 'The rate limit of this token is used up. Run the job again later.',
    },
    {
      of: 'a ref that GitHub lacks',
      fault: { status: 422, message: 'No ref found for: gone' },
      message: 'No ref found for: gone',
      hint: undefined,
    },
  ])('says of $of what happened and what to do', async ({ fault, message, hint }) => {
    await tell(lab, 'fail', { path: '/repos/{owner}/{repo}/deployments', ...fault })
    const error = await failure(adapter(lab).startDeployment(staging))
    expect(error).toMatchObject({ code: 'GITHUB_REFUSED', hint })
    expect(error.message).toMatch(/^GitHub refused to create a deployment: /)
    expect(error.message).toContain(message)
  })

  it('points at the token when it is not valid, and does not show it', async () => {
    const error = await failure(adapter(lab, { token: new Secret('ghs_of-yesterday') }).startDeployment(staging))
    expect(error).toMatchObject({ code: 'GITHUB_REFUSED', hint: containing('github-token') })
    expect(error.message).toContain('Bad credentials')
    expect(`${error.message}${error.hint}`).not.toContain('ghs_of-yesterday')
  })

  it('reports an API that cannot be reached', async () => {
    const gone = await startLabGitHub({ token })
    await gone.close()
    expect(await failure(adapter(gone).startDeployment(staging))).toMatchObject({ code: 'GITHUB_REFUSED' })
  })

  it.each(['', '/api/v3'])('keeps the path of the address that the API has: %j', async (prefix) => {
    const before = (await requests(lab)).length
    await adapter(lab, { apiUrl: `${lab.url}${prefix}` }).startDeployment(staging)
    expect((await requests(lab)).slice(before)).toMatchObject([{ path: `${prefix}/repos/team/app/deployments`, status: 201 }])
  })
})

const staging = { ref: 'main', environment: 'staging', description: 'push to main' }

function adapter(lab: LabGitHub, settings: Partial<Parameters<typeof octokitGitHub>[0]> = {}): GitHub {
  return octokitGitHub({ repository: 'team/app', token: new Secret(token), apiUrl: lab.url, runUrl: undefined, ...settings })
}

async function failure(call: Promise<unknown>): Promise<LaunchwayError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof LaunchwayError)) throw new Error('it did not fail with a LaunchwayError', { cause: error })
  return error
}

const Status = z
  .object({ state: z.enum(['in_progress', 'success', 'failure', 'inactive']), description: z.string(), environment_url: z.string() })
  .transform(({ environment_url, ...status }) => ({ ...status, ...(environment_url === '' ? {} : { url: environment_url }) }))
const State = z.object({
  repositories: z.object({
    'team/app': z.object({
      deployments: z.array(z.object({ id: z.number(), ref: z.string(), environment: z.string(), description: z.string() })),
      deploymentStatuses: z.record(z.string(), z.array(Status)),
    }),
  }),
})

async function knownTo(lab: LabGitHub): Promise<Deployment[]> {
  const { deployments, deploymentStatuses } = State.parse(await (await fetch(`${lab.url}/lab/state`)).json()).repositories['team/app']
  return deployments.map(({ id, ...deployment }) => ({ ...deployment, statuses: deploymentStatuses[id] ?? [] }))
}
