import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { requests, tell } from '../../lab/github/client.ts'
import { routes } from '../../lab/github/routes/index.ts'
import { startLabGitHub } from '../../lab/github/server.ts'
import { containing, fresh, lab, sha, token } from './support/lab-github.ts'

describe('a request that does not fit the description', () => {
  const body = (value: unknown): Request => ({ method: 'POST', body: JSON.stringify(value) })
  it.each([
    ['lacks a required key', '/deployments', body({}), 422, ['ref']],
    ['has a value that is no member of the enum', '/statuses/main', body({ state: 'great' }), 422, ['state']],
    ['has a value of another type', '/deployments', body({ ref: 'main', auto_merge: 'no' }), 422, ['auto_merge']],
    ['has an item of another type', '/deployments', body({ ref: 'main', required_contexts: [1] }), 422, ['required_contexts.0']],
    ['has a null where none is allowed', '/deployments', body({ ref: null }), 422, ['ref']],
    ['has an unknown key', '/deployments', body({ ref: 'main', enviroment: 'staging' }), 422, ['enviroment']],
    [
      'has an unknown key inside',
      '/check-runs',
      body({ name: 'a', head_sha: sha, output: { title: 'a', summary: 'b', annotation: [] } }),
      422,
      ['output.annotation'],
    ],
    ['has several mistakes', '/deployments', body({ task: 1, foo: 2 }), 422, ['foo', 'ref', 'task']],
    ['has a body that is no object', '/deployments', body([]), 422, ['']],
    ['has no body', '/deployments', { method: 'POST' }, 422, ['ref']],
    ['has a path parameter of another type', '/deployments/newest', {}, 422, ['deployment_id']],
    ['has a query parameter of another type', '/deployments?per_page=many', {}, 422, ['per_page']],
    ['has a query parameter that is no member of the enum', '/issues?state=shut', {}, 422, ['state']],
    ['has an unknown query parameter', '/deployments?enviroment=staging', {}, 422, ['enviroment']],
    [
      'has a body that breaks a pattern',
      '/code-scanning/sarifs',
      body({ commit_sha: 'main', ref: 'refs/heads/main', sarif: '' }),
      422,
      ['commit_sha'],
    ],
  ])('is refused when it %s', async (_, path, init, status, fields) => {
    const answer = await ask(`/repos/team/refused${path}`, init)
    expect(answer).toMatchObject({
      status,
      body: { message: containing('Invalid request.'), status: String(status), documentation_url: containing('https://') },
    })
    expect(answer.fields).toEqual(new Set(fields))
  })

  it.each([
    ['is not JSON', { method: 'POST', body: '{' }, 400, 'Problems parsing JSON'],
    [
      'is of another content type',
      { method: 'POST', body: 'ref=main', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'Content-Type',
    ],
  ])('is refused when its body %s', async (_, init, status, message) => {
    expect(await ask('/repos/team/refused/deployments', init)).toMatchObject({ status, body: { message: containing(message) } })
  })

  it('changes nothing', async () => {
    expect((await ask('/repos/team/refused/deployments')).body).toEqual([])
  })

  it('free-form keys stay free: a payload may hold anything', async () => {
    expect(await ask('/repos/team/free/deployments', body({ ref: 'main', payload: { launchway: { release: 7 } } }))).toMatchObject({
      status: 201,
      body: { payload: { launchway: { release: 7 } } },
    })
  })

  it('a text of an issue or a comment has at most 65,536 characters', async () => {
    const { octokit, ...here } = fresh()
    const [most, more] = ['x'.repeat(65_536), 'x'.repeat(65_537)]
    const refused = { status: 422 }
    await expect(octokit.issues.create({ ...here, title: 'a', body: more })).rejects.toMatchObject(refused)
    const { data } = await octokit.issues.create({ ...here, title: 'a', body: most })
    const issue = { ...here, issue_number: data.number }
    await expect(octokit.issues.update({ ...issue, body: more })).rejects.toMatchObject(refused)
    await expect(octokit.issues.createComment({ ...issue, body: more })).rejects.toMatchObject(refused)
    const comment = await octokit.issues.createComment({ ...issue, body: most })
    await expect(octokit.issues.updateComment({ ...here, comment_id: comment.data.id, body: more })).rejects.toMatchObject(refused)
  })

  it('a description of a deployment status has at most 140 characters', async () => {
    const { octokit, ...here } = fresh()
    const { data } = await octokit.repos.createDeployment({ ...here, ref: 'main' })
    const status = { ...here, deployment_id: 'id' in data ? data.id : 0, state: 'success' as const }
    await expect(octokit.repos.createDeploymentStatus({ ...status, description: 'x'.repeat(141) })).rejects.toMatchObject({
      status: 422,
      message: containing('140'),
    })
    expect((await octokit.repos.createDeploymentStatus({ ...status, description: 'x'.repeat(140) })).status).toBe(201)
  })
})

describe('who may ask, and for what', () => {
  it.each([
    ['no token', {}, 'Requires authentication'],
    ['another token', { authorization: 'token ghs_other' }, 'Bad credentials'],
    ['another scheme', { authorization: `basic ${token}` }, 'Bad credentials'],
  ])('%s is answered with 401', async (_, headers, message) => {
    const response = await fetch(`${lab.url}/repos/team/app`, { headers })
    expect([response.status, await response.json()]).toEqual([
      401,
      { message, documentation_url: 'https://docs.github.com/rest', status: '401' },
    ])
  })

  it.each(['token', 'Bearer'])('the scheme %s is taken', async (scheme) => {
    expect((await fetch(`${lab.url}/repos/team/app`, { headers: { authorization: `${scheme} ${token}` } })).status).toBe(200)
  })

  it.each(['/repos/team/app/nothing', '/repos/team/app/deployments/1', '/repos/team/app/branches', '/user'])(
    '%s is not found',
    async (path) => {
      expect(await ask(path)).toMatchObject({ status: 404, body: { message: 'Not Found', status: '404' } })
    },
  )

  it('code scanning takes no other commit for the merge of a pull request than that merge, and any for its head', async () => {
    const { octokit, ...here } = fresh()
    const upload = async (ref: string): Promise<number> =>
      (await octokit.codeScanning.uploadSarif({ ...here, commit_sha: sha, ref, sarif: '' })).status
    const message = containing('ref is a pull request merge but commit_oid is not a merge commit')
    await expect(upload('refs/pull/7/merge')).rejects.toMatchObject({ status: 400, message })
    expect(await upload('refs/pull/7/head')).toBe(202)
    await tell(lab, 'refs', { repository: `team/${here.repo}`, ref: 'refs/pull/7/merge', sha })
    expect(await upload('refs/pull/7/merge')).toBe(202)
  })

  it('assets are uploaded to the server for uploads, not to the API', async () => {
    expect(await ask('/repos/team/app/releases/1/assets?name=a', { method: 'POST', body: 'bytes' })).toMatchObject({ status: 404 })
  })

  it('a permission that is withheld is withheld alone, and reading may stay', async () => {
    await using other = await startLabGitHub({ token })
    const { octokit, ...here } = fresh(other)
    await tell(other, 'permissions', { deployments: 'read', statuses: 'none' })
    const refused = { status: 403, message: containing('Resource not accessible by integration') }
    await expect(octokit.repos.createDeployment({ ...here, ref: 'main' })).rejects.toMatchObject(refused)
    await expect(octokit.repos.getCombinedStatusForRef({ ...here, ref: 'main' })).rejects.toMatchObject(refused)
    expect((await octokit.repos.listDeployments(here)).data).toEqual([])
    expect((await octokit.issues.create({ ...here, title: 'still open' })).status).toBe(201)
    await tell(other, 'permissions', { deployments: 'write' })
    expect((await octokit.repos.createDeployment({ ...here, ref: 'main' })).status).toBe(201)
  })
})

describe('what a test asks for', () => {
  it('requests fail as often as was said, by template or by the beginning of a path', async () => {
    const { octokit, ...here } = fresh()
    await tell(lab, 'fail', { method: 'post', path: '/repos/{owner}/{repo}/deployments', status: 502, times: 2 })
    await tell(lab, 'fail', {
      path: `/repos/team/${here.repo}/issues`,
      status: 403,
      headers: { 'x-ratelimit-remaining': '0', 'retry-after': '1' },
    })
    const create = (): Promise<{ status: number }> => octokit.repos.createDeployment({ ...here, ref: 'main' })
    expect((await octokit.repos.listDeployments(here)).status).toBe(200)
    await expect(create()).rejects.toMatchObject({ status: 502 })
    await expect(create()).rejects.toMatchObject({ status: 502 })
    expect((await create()).status).toBe(201)
    await expect(octokit.issues.listForRepo(here)).rejects.toMatchObject({
      status: 403,
      response: { headers: { 'retry-after': '1' } },
      message: containing('rate limit'),
    })
    expect((await octokit.issues.listForRepo(here)).status).toBe(200)
  })

  it('requests are remembered, oldest first, those refused too', async () => {
    await using other = await startLabGitHub({ token })
    await ask('/repos/team/app/deployments', { method: 'POST', body: '{"ref":"main"}' }, other)
    await ask('/repos/team/app/deployments?page=x', {}, other)
    expect(await requests(other)).toEqual([
      { method: 'POST', path: '/repos/team/app/deployments', status: 201, body: { ref: 'main' } },
      { method: 'GET', path: '/repos/team/app/deployments?page=x', status: 422, body: null },
    ])
  })

  it.each([
    ['fail', { path: '/repos', status: 200 }, 'status'],
    ['permissions', { deployment: 'none' }, 'deployment'],
    ['refs', { repository: 'team/app', ref: 'main', sha }, 'ref'],
  ])('a wish of %s that is misspelt is refused', async (wish, body, where) => {
    expect(await ask(`/lab/${wish}`, { method: 'POST', body: JSON.stringify(body) })).toMatchObject({
      status: 422,
      body: { message: containing(where) },
    })
  })
})

describe('the server itself', () => {
  it.each([
    [
      'lacks what is required',
      { status: 200, body: { ref: 'refs/heads/main', node_id: 'R', url: 'http://localhost/', object: { sha, type: 'commit' } } },
      'object.url',
    ],
    [
      'has another type',
      { status: 200, body: { ref: 1, node_id: 'R', url: 'http://localhost/', object: { sha, type: 'commit', url: 'http://localhost/' } } },
      'ref',
    ],
    ['has a status that is not described', { status: 204 }, 'is not described to answer 204'],
  ])('fails loudly when an answer %s', async (_, answer, where) => {
    await using broken = await startLabGitHub({ token, routes: { ...routes, 'git/get-ref': () => answer } })
    expect(await ask('/repos/team/app/git/ref/heads/main', {}, broken)).toMatchObject({ status: 500, body: { message: containing(where) } })
  })

  it('does not start without a route for each operation', async () => {
    const { 'git/get-ref': _, ...others } = routes
    await expect(startLabGitHub({ token, routes: others })).rejects.toThrow('git/get-ref')
  })
})

describe('the server as a process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('writes its address when it answers, and ends with %s', async (signal) => {
    const folder = mkdtempSync(join(tmpdir(), 'lab-github-'))
    const ready = join(folder, 'url')
    const main = join(import.meta.dirname, '../../lab/github/main.ts')
    const child = spawn(process.execPath, [main, ready], { env: { ...process.env, LAB_GITHUB_TOKEN: token }, stdio: 'inherit' })
    const ended = once(child, 'exit')
    try {
      await vi.waitUntil(() => existsSync(ready), { timeout: 10_000 })
      expect(await ask('/repos/team/app', {}, { url: readFileSync(ready, 'utf8').trim() })).toMatchObject({ status: 200 })
    } finally {
      child.kill(signal)
      expect(await ended).toEqual([0, null])
      rmSync(folder, { recursive: true })
    }
  })
})

const Told = z.looseObject({ errors: z.array(z.object({ field: z.string() })).optional() })

async function ask(
  path: string,
  { method = 'GET', body, headers }: Request = {},
  at: { url: string } = lab,
): Promise<{ status: number; body: unknown; fields: Set<string> }> {
  const response = await fetch(`${at.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: { 'content-type': 'application/json', authorization: `token ${token}`, ...headers },
  })
  const answer: unknown = await response.json()
  return { status: response.status, body: answer, fields: new Set(Told.safeParse(answer).data?.errors?.map(({ field }) => field)) }
}

interface Request {
  method?: string
  body?: string
  headers?: Record<string, string>
}
