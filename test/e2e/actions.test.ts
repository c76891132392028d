import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { sshAddress } from '../../lab/lab.ts'
import { parseRelease } from '../../src/core/release.ts'
import { answer, clearHost, tagsOf } from './support/host.ts'
import { application, configuration, newName, newRepository, type Repository } from './support/repository.ts'
import { type Job, newJob, type Step } from './support/runner.ts'

const lab = inject('lab')
const host = lab.hosts['trixie']
if (host === undefined) throw new Error('the lab has no host trixie')

/** What GitHub has of the deployments of an environment, newest first. */
async function deployments(environment: string): Promise<{ id: number; sha: string; states: string[] }[]> {
  const ask = async <T>(path: string, shape: z.ZodType<T>): Promise<T> => {
    const response = await fetch(`${lab.github.url}/repos/team/shop/${path}`, { headers: { authorization: `Bearer ${lab.github.token}` } })
    return shape.parse(await response.json())
  }
  const found = await ask(`deployments?environment=${environment}`, z.array(z.object({ id: z.int(), sha: z.string() })))
  return Promise.all(
    found.map(async ({ id, sha }) => {
      const statuses = await ask(`deployments/${id}/statuses`, z.array(z.object({ state: z.string() })))
      return { id, sha, states: statuses.map(({ state }) => state) }
    }),
  )
}

describe('the actions, as a runner starts them', () => {
  const app = newName('actions')
  const settings = { app, registry: lab.registry.address, host: sshAddress(host, 'deploy'), knownHosts: lab.knownHosts, publish: 5000 }
  const key = readFileSync(lab.key, 'utf8')
  let repository: Repository
  let sha: string
  const jobs: Job[] = []
  const job = (ref = 'refs/heads/master', name = 'push'): Job => {
    const event = {
      folder: repository.folder,
      name,
      ref,
      sha,
      payload: { ref, after: sha, deleted: false },
      api: lab.github.url,
      token: lab.github.token,
    }
    const made = newJob(event)
    jobs.push(made)
    return made
  }
  const succeeded = (step: Step): Step => {
    expect(step.code, step.stdout + step.stderr).toBe(0)
    return step
  }

  beforeAll(async () => {
    repository = await newRepository(application('one'))
    sha = await repository.commit({ 'launchway.yml': configuration(settings) })
  })
  afterAll(async () => {
    for (const one of jobs) one.end()
    repository.remove()
    await clearHost(host, app)
  })

  it('launchway: the whole release in one step, recorded as a deployment', async () => {
    const step = succeeded(await job().uses('.', { 'ssh-key': key, deployments: 'true' }))
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'one' })
    expect(step.outputs).toMatchObject({ environment: 'production', version: 'master', verdict: 'passed' })
    expect(step.outputs['digest']).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(step.summary).toContain(`## ${app} master@\u200B${sha.slice(0, 7)} is live in production`)
    expect(step.stdout).toContain('::group::')
    // A runner shows *** for what follows add-mask, there and everywhere after it.
    expect(step.stdout.replaceAll(/^::add-mask::.*$/gm, '')).not.toContain(key.split('\n')[1])
    const [newest] = await deployments('production')
    expect(newest).toMatchObject({ sha, states: ['success', 'in_progress'] })
  })

  it('plan, build, push and deploy: a step each, handing on one record', async () => {
    sha = await repository.commit({ 'launchway.yml': `${configuration(settings)}    confirm: true\n`, 'version.txt': 'two' })
    const steps = job()
    const plan = succeeded(await steps.uses('actions/plan'))
    expect(plan.outputs).toMatchObject({ environment: 'production', version: 'master' })
    expect(await tagsOf(lab.registry.address, app)).not.toContain(`sha-${sha.slice(0, 7)}`)

    const build = succeeded(await steps.uses('actions/build'))
    expect(build.outputs['imageid']).toMatch(/^sha256:/)
    expect(await tagsOf(lab.registry.address, app)).not.toContain(`sha-${sha.slice(0, 7)}`)

    const push = succeeded(await steps.uses('actions/push'))
    expect(push.outputs['tags']?.split('\n')).toEqual([
      `${lab.registry.address}/${app}:master`,
      `${lab.registry.address}/${app}:sha-${sha.slice(0, 7)}`,
    ])
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'one' })

    const deploy = succeeded(await steps.uses('actions/deploy', { 'ssh-key': key }))
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'two' })
    const record = parseRelease(readFileSync(deploy.outputs['release'] ?? '', 'utf8'), 'the record')
    expect(record).toMatchObject({ outcome: { state: 'done' }, plan: { sha } })
    expect(record.deploy?.hosts[0]?.services[0]?.reference).toBe(`${lab.registry.address}/${app}@${push.outputs['digest']}`)
  })

  it('a branch that has no environment is built and pushed, and goes to no host', async () => {
    const step = succeeded(await job('refs/heads/docker').uses('.', { 'ssh-key': key }))
    expect(step.outputs).toMatchObject({ environment: '', version: 'docker', verdict: 'passed' })
    expect(await tagsOf(lab.registry.address, app)).toContain('docker')
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'two' })
  })

  it('a branch that launchway.yml does not name is nothing to do, and says so', async () => {
    const step = succeeded(await job('refs/heads/somewhere').uses('.'))
    expect(step.outputs['verdict']).toBe('nothing-to-do')
    expect(step.stdout).toContain('::notice')
    expect(step.stdout).toContain('somewhere')
  })

  it('a pull request is built, and nothing is written to the registry', async () => {
    const before = await tagsOf(lab.registry.address, app)
    sha = await repository.commit({ 'version.txt': 'proposed' })
    const step = succeeded(await job('refs/pull/7/merge', 'pull_request').uses('.'))
    expect(step.outputs['verdict']).toBe('passed')
    expect(await tagsOf(lab.registry.address, app)).toEqual(before)
  })

  it('confirm and abort: a version that waits stays, or the one before it comes back', async () => {
    // The one that came step by step.
    const confirmed = succeeded(await job().uses('actions/confirm', { 'ssh-key': key }))
    expect(confirmed.outputs).toMatchObject({ environment: 'production', version: 'master', verdict: 'passed' })
    expect(confirmed.summary).toMatch(/master@\u200B[0-9a-f]{7} is confirmed in production/)
    sha = await repository.commit({ 'version.txt': 'three' })
    succeeded(await job().uses('.', { 'ssh-key': key }))
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'three' })
    const aborted = succeeded(await job().uses('actions/abort', { 'ssh-key': key }))
    expect(aborted.outputs).toMatchObject({ environment: 'production', verdict: 'passed' })
    expect(aborted.summary).toContain(`## ${app} is back at`)
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'two' })
    const again = await job().uses('actions/abort', { 'ssh-key': key })
    expect(again.code).not.toBe(0)
    expect(again.stdout).toContain('NOTHING_WAITS')
  })

  it('a failure is one annotation with the code and what to do, and a failed deployment', async () => {
    // It ends at once, so nobody waits for it to become well.
    sha = await repository.commit({ 'launchway.yml': configuration(settings), 'app.py': 'import sys\nsys.exit(3)\n' })
    const step = await job().uses('.', { 'ssh-key': key, deployments: 'true' })
    expect(step.code).not.toBe(0)
    expect(step.stdout.match(/^::error/gm)).toHaveLength(1)
    expect(step.stdout).toContain('DEPLOY_ROLLED_BACK')
    expect(step.outputs['verdict']).toBe('failed')
    expect(step.summary).toContain('DEPLOY_ROLLED_BACK')
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'two' })
    const [newest] = await deployments('production')
    expect(newest).toMatchObject({ sha, states: ['failure', 'in_progress'] })
  })

  it('a configuration that is wrong points at its line', async () => {
    sha = await repository.commit({ 'launchway.yml': configuration(settings).replace('health:', 'heatlh:') })
    const step = await job().uses('actions/plan')
    expect(step.code).not.toBe(0)
    expect(step.stdout).toMatch(/^::error title=CONFIG_INVALID.*file=launchway\.yml,line=9/m)
    expect(step.stdout).toContain('health')
  })

  it.each(['actions/build', 'actions/push', 'actions/deploy'])('%s without a plan before it says what to add', async (action) => {
    const step = await job().uses(action)
    expect(step.code).not.toBe(0)
    expect(step.stdout).toContain('Run the plan action first')
  })
})
