import { gzipSync } from 'node:zlib'
import { getOctokit } from '@actions/github'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { tell } from '../../lab/github/client.ts'
import { containing, fresh, lab, sha, token } from './support/lab-github.ts'

describe('a release, from the first status to the last', () => {
  it('deployments keep their statuses, the newest first', async () => {
    const { octokit, ...here } = fresh()
    const created = await octokit.repos.createDeployment({
      ...here,
      ref: 'main',
      environment: 'staging',
      required_contexts: [],
      auto_merge: false,
    })
    if (created.status !== 201) throw new Error('no deployment')
    const deployment_id = created.data.id
    expect(created.data.sha).toMatch(/^[0-9a-f]{40}$/)
    expect(created.data).toMatchObject({ ref: 'main', environment: 'staging', task: 'deploy', production_environment: false })
    for (const state of ['in_progress', 'success'] as const)
      await octokit.repos.createDeploymentStatus({ ...here, deployment_id, state, log_url: 'https://ci.example.org/7' })
    const { data } = await octokit.repos.listDeploymentStatuses({ ...here, deployment_id })
    expect(data.map(({ state, log_url }) => [state, log_url])).toEqual([
      ['success', 'https://ci.example.org/7'],
      ['in_progress', 'https://ci.example.org/7'],
    ])
    expect((await octokit.repos.getDeploymentStatus({ ...here, deployment_id, status_id: data[0]?.id ?? 0 })).data).toEqual(data[0])
    expect((await octokit.repos.getDeployment({ ...here, deployment_id })).data).toMatchObject({ id: deployment_id })
  })

  it('deployments are found by environment and ref', async () => {
    const { octokit, ...here } = fresh()
    for (const [ref, environment] of [
      ['main', 'staging'],
      ['main', 'production'],
      ['v1', 'production'],
    ] as const)
      await octokit.repos.createDeployment({ ...here, ref, environment })
    const found = await octokit.repos.listDeployments({ ...here, ref: 'main', environment: 'production' })
    expect(found.data.map(({ ref, environment }) => [ref, environment])).toEqual([['main', 'production']])
    expect((await octokit.repos.listDeployments(here)).data).toHaveLength(3)
  })

  it.each([
    { older: 'a success', deployment: {}, state: 'success', inactive: true },
    { older: 'a failure', deployment: {}, state: 'failure', inactive: false },
    { older: 'a transient environment', deployment: { transient_environment: true }, state: 'success', inactive: false },
    { older: 'a production environment', deployment: { production_environment: true }, state: 'success', inactive: false },
    { older: 'another environment', deployment: { environment: 'demo' }, state: 'success', inactive: false },
    { older: 'a success that is to stay', deployment: {}, state: 'success', newer: { auto_inactive: false }, inactive: false },
  ] as const)('a newer success makes $older inactive: $inactive', async ({ deployment, state, inactive, ...more }) => {
    const { octokit, ...here } = fresh()
    const start = async (fields: object): Promise<number> => {
      const { data } = await octokit.repos.createDeployment({ ...here, ref: 'main', environment: 'staging', ...fields })
      return 'id' in data ? data.id : 0
    }
    const older = await start(deployment)
    await octokit.repos.createDeploymentStatus({ ...here, deployment_id: older, state })
    await octokit.repos.createDeploymentStatus({
      ...here,
      deployment_id: await start({}),
      state: 'success',
      ...('newer' in more ? more.newer : {}),
    })
    const { data } = await octokit.repos.listDeploymentStatuses({ ...here, deployment_id: older })
    expect(data[0]?.state).toBe(inactive ? 'inactive' : state)
  })

  it.each([
    { states: [], combined: 'pending' },
    {
      states: [
        ['build', 'success'],
        ['scan', 'pending'],
      ],
      combined: 'pending',
    },
    {
      states: [
        ['build', 'success'],
        ['scan', 'error'],
      ],
      combined: 'failure',
    },
    {
      states: [
        ['build', 'failure'],
        ['build', 'success'],
      ],
      combined: 'success',
    },
  ] as const)('commit statuses $states are together $combined', async ({ states, combined }) => {
    const { octokit, ...here } = fresh()
    for (const [context, state] of states) await octokit.repos.createCommitStatus({ ...here, sha, context, state })
    expect((await octokit.repos.getCombinedStatusForRef({ ...here, ref: sha })).data).toMatchObject({ state: combined, sha })
    expect((await octokit.repos.listCommitStatusesForRef({ ...here, ref: sha })).data).toHaveLength(states.length)
  })

  it('a comment is written, changed and deleted', async () => {
    const { octokit, ...here } = fresh()
    const { data: issue } = await octokit.issues.create({ ...here, title: 'Release 1.2.0', labels: ['release'] })
    const { data: comment } = await octokit.issues.createComment({ ...here, issue_number: issue.number, body: 'planned' })
    await octokit.issues.updateComment({ ...here, comment_id: comment.id, body: 'live' })
    expect((await octokit.issues.getComment({ ...here, comment_id: comment.id })).data.body).toBe('live')
    expect((await octokit.issues.listComments({ ...here, issue_number: issue.number })).data.map(({ id }) => id)).toEqual([comment.id])
    await octokit.issues.deleteComment({ ...here, comment_id: comment.id })
    expect((await octokit.issues.get({ ...here, issue_number: issue.number })).data).toMatchObject({
      title: 'Release 1.2.0',
      comments: 0,
      labels: [{ name: 'release' }],
    })
    expect((await octokit.issues.listForRepo(here)).data).toHaveLength(1)
  })

  it('a draft with an asset is published and found by its tag', async () => {
    const { octokit, ...here } = fresh()
    const { data: draft } = await octokit.repos.createRelease({ ...here, tag_name: 'release/1.2.0', draft: true })
    expect(draft.published_at).toBeNull()
    await expect(octokit.repos.getReleaseByTag({ ...here, tag: 'release/1.2.0' })).rejects.toMatchObject({ status: 404 })

    const upload = {
      ...here,
      release_id: draft.id,
      url: draft.upload_url,
      name: 'release.json',
      data: '{"version":1}',
      headers: { 'content-type': 'application/json' },
    }
    const { data: asset } = await octokit.repos.uploadReleaseAsset(upload)
    expect(asset).toMatchObject({ name: 'release.json', size: 13, content_type: 'application/json' })
    await expect(octokit.repos.uploadReleaseAsset(upload)).rejects.toMatchObject({ status: 422, message: containing('already_exists') })
    const bytes = await octokit.repos.getReleaseAsset({ ...here, asset_id: asset.id, headers: { accept: 'application/octet-stream' } })
    expect(Buffer.from(z.instanceof(ArrayBuffer).parse(bytes.data)).toString()).toBe('{"version":1}')

    await octokit.repos.updateRelease({ ...here, release_id: draft.id, draft: false, name: '1.2.0' })
    expect((await octokit.repos.getReleaseByTag({ ...here, tag: 'release/1.2.0' })).data).toMatchObject({
      name: '1.2.0',
      assets: [{ id: asset.id }],
    })
    expect((await octokit.repos.getLatestRelease(here)).data.id).toBe(draft.id)
    await expect(octokit.repos.createRelease({ ...here, tag_name: 'release/1.2.0' })).rejects.toMatchObject({ status: 422 })

    await octokit.repos.deleteReleaseAsset({ ...here, asset_id: asset.id })
    expect((await octokit.repos.listReleaseAssets({ ...here, release_id: draft.id })).data).toEqual([])
    await octokit.repos.deleteRelease({ ...here, release_id: draft.id })
    expect((await octokit.repos.listReleases(here)).data).toEqual([])
  })

  it.each([
    {
      of: 'SARIF',
      document: { version: '2.1.0', runs: [{ tool: { driver: { name: 'Trivy' } }, results: [] }] },
      processing_status: 'complete',
    },
    { of: 'another version', document: { version: '1.0', runs: [] }, processing_status: 'failed' },
  ])('an upload of $of is $processing_status', async ({ document, processing_status }) => {
    const { octokit, ...here } = fresh()
    const sarif = gzipSync(JSON.stringify(document)).toString('base64')
    const { data } = await octokit.codeScanning.uploadSarif({ ...here, commit_sha: sha, ref: 'refs/heads/main', sarif })
    expect((await octokit.codeScanning.getSarif({ ...here, sarif_id: data.id ?? '' })).data).toMatchObject({ processing_status })
  })

  it('a check run is completed by its conclusion', async () => {
    const { octokit, ...here } = fresh()
    const { data: check } = await octokit.checks.create({ ...here, name: 'launchway', head_sha: sha, status: 'in_progress' })
    expect(check).toMatchObject({ status: 'in_progress', conclusion: null, completed_at: null })
    await octokit.checks.update({ ...here, check_run_id: check.id, conclusion: 'success', output: { title: 'live', summary: '2 hosts' } })
    const { data } = await octokit.checks.get({ ...here, check_run_id: check.id })
    expect(data).toMatchObject({ status: 'completed', conclusion: 'success', output: { title: 'live', annotations_count: 0 } })
    expect(data.completed_at).not.toBeNull()
  })

  it('a ref that a test has set is known, to deployments too', async () => {
    const { octokit, ...here } = fresh()
    await tell(lab, 'refs', { repository: `${here.owner}/${here.repo}`, ref: 'refs/heads/feature/x', sha })
    expect((await octokit.git.getRef({ ...here, ref: 'heads/feature/x' })).data.object.sha).toBe(sha)
    expect((await octokit.repos.createDeployment({ ...here, ref: 'feature/x' })).data).toMatchObject({ sha })
    await expect(octokit.git.getRef({ ...here, ref: 'heads/other' })).rejects.toMatchObject({ status: 404 })
  })

  it('a repository is described', async () => {
    const { octokit, ...here } = fresh()
    expect((await octokit.repos.get(here)).data).toMatchObject({ full_name: `team/${here.repo}`, default_branch: 'main' })
  })
})

describe('pages', () => {
  it('a list comes in pages that lead to each other, whole and in order', async () => {
    const { octokit, ...here } = fresh()
    for (let count = 1; count <= 5; count += 1) await octokit.repos.createDeployment({ ...here, ref: `v${count}` })
    const second = await octokit.repos.listDeployments({ ...here, per_page: 2, page: 2 })
    expect(second.data.map(({ ref }) => ref)).toEqual(['v3', 'v2'])
    expect(
      [...(second.headers.link ?? '').matchAll(/[?&]page=(\d)[^>]*>; rel="(\w+)"/g)].map(([, page, relation]) => `${relation} ${page}`),
    ).toEqual(['prev 1', 'next 3', 'last 3', 'first 1'])
    const all = await getOctokit(token, { baseUrl: lab.url }).paginate(octokit.repos.listDeployments, { ...here, per_page: 2 })
    expect(all.map(({ ref }) => ref)).toEqual(['v5', 'v4', 'v3', 'v2', 'v1'])
    expect((await octokit.repos.listDeployments(here)).headers.link).toBeUndefined()
  })
})
