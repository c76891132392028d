import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { sshAddress } from '../../lab/lab.ts'
import { parseRelease, type Release } from '../../src/core/release.ts'
import { answer, clearHost, tagsOf } from './support/host.ts'
import { type Ended, launchway } from './support/programs.ts'
import { newJob } from './support/runner.ts'
import { application, configuration, newName, newRepository, type Repository } from './support/repository.ts'

const lab = inject('lab')
const host = lab.hosts['trixie']
if (host === undefined) throw new Error('the lab has no host trixie')

describe('an earlier version, put live again', () => {
  const app = newName('again')
  const image = `${lab.registry.address}/${app}`
  const env = { SSH_KEY: readFileSync(lab.key, 'utf8'), XDG_STATE_HOME: mkdtempSync(join(tmpdir(), 'launchway-state-')) }
  let repository: Repository
  let sha: string
  let first: Release
  const at = (...args: string[]): Promise<Ended> => launchway(repository.folder, args, env)

  beforeAll(async () => {
    const target = { app, registry: lab.registry.address, host: sshAddress(host, 'deploy'), knownHosts: lab.knownHosts, publish: 5000 }
    repository = await newRepository({ ...application('one'), 'launchway.yml': configuration(target) })
    const one = await at('run', '--json')
    first = parseRelease(one.stdout, 'the first run')
    sha = await repository.commit({ 'version.txt': 'two' })
    const two = await at('run')
    if (one.code !== 0 || two.code !== 0) throw new Error(one.stderr + two.stderr)
  })
  afterAll(async () => {
    repository.remove()
    rmSync(env.XDG_STATE_HOME, { recursive: true, force: true })
    await clearHost(host, app)
  })

  it('by its commit, at a terminal: the same digest runs, nothing is built and no tag moves', async () => {
    const before = await tagsOf(lab.registry.address, app)
    const ended = await at('redeploy', first.plan.sha, '--json')
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    const { plan, build, push, deploy } = parseRelease(ended.stdout, 'standard output')
    expect(plan).toMatchObject({ redeploys: first.id, sha: first.plan.sha })
    expect(deploy?.hosts[0]?.services[0]?.reference).toBe(`${image}@${first.build?.images[0]?.registries[image]?.digest}`)
    expect([build?.images[0]?.how, push]).toEqual(['promoted', undefined])
    expect(ended.stderr).not.toContain('naming to')
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'one' })
    expect(await tagsOf(lab.registry.address, app)).toEqual(before)
  })

  it('by its tag, with a button of a workflow', async () => {
    const job = newJob({
      folder: repository.folder,
      name: 'workflow_dispatch',
      ref: 'refs/heads/master',
      sha,
      payload: {},
      api: lab.github.url,
      token: lab.github.token,
    })
    const step = await job.uses('.', { redeploy: 'master', 'ssh-key': env.SSH_KEY })
    expect(step, step.stdout + step.stderr).toMatchObject({
      code: 0,
      outputs: { version: 'master', environment: 'production', verdict: 'passed' },
    })
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'two' })
    job.end()
  })

  it.each([
    ['that was never there', 'v9.9.9', /has no version "v9\.9\.9"[\s\S]*It has: master, sha-/],
    ['of a digest that was never there', `sha256:${'0'.repeat(64)}`, /has no version "sha256:0/],
  ])('a version %s is said, with those that are; what runs goes on', async (_, version, said) => {
    const ended = await at('redeploy', version)
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(said)
    expect(ended.stderr).toContain('VERSION_UNKNOWN')
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'two' })
  })
})
