import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { filledIn, type Job, newRunner } from '../../lab/act.ts'
import { sshAddress } from '../../lab/lab.ts'
import { root } from '../../lab/paths.ts'
import { answer, clearHost, tagsOf } from './support/host.ts'
import { bareEnvironment, type Ended, run } from './support/programs.ts'
import { application, configuration, newName, newRepository, type Repository } from './support/repository.ts'

const lab = inject('lab')
const host = lab.hosts['forky']
if (host === undefined) throw new Error('the lab has no host forky')

function starter(name: string): string {
  const text = readFileSync(join(root, 'workflows', name), 'utf8')
  return filledIn(text)
    .replace('branches: [main]', 'branches: [master, docker, docker_dev]')
    .replace('refs/heads/main', 'refs/heads/master')
}

describe('the starter workflows, under act', () => {
  const app = newName('act')
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-act-'))
  let repository: Repository

  const secrets = { SSH_KEY: readFileSync(lab.key, 'utf8'), GITHUB_TOKEN: lab.github.token }
  const runner = newRunner(scratch, { api: lab.github.url, secrets })

  function act(event: Job['event'], workflow: string): Promise<Ended> {
    return run('act', runner.args({ event, workflow }), { cwd: repository.folder, env: { ...bareEnvironment(), ...runner.env } })
  }

  beforeAll(async () => {
    repository = await newRepository({
      ...application('one'),
      '.github/workflows/push.yml': starter('push.yml'),
      '.github/workflows/pull-request.yml': starter('pull-request.yml'),
      'launchway.yml': configuration({
        app,
        registry: lab.registry.address,
        host: sshAddress(host, 'deploy'),
        knownHosts: lab.knownHosts,
        publish: 6000,
      }),
    })
  })
  afterAll(async () => {
    repository.remove()
    rmSync(scratch, { recursive: true, force: true })
    await clearHost(host, app)
  })

  it('a pull request is built and nothing is written', async () => {
    const ended = await act('pull_request', 'pull-request.yml')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(ended.stdout).toContain('built because')
    expect(await tagsOf(lab.registry.address, app)).toEqual([])
  })

  it('a push becomes a version that answers', async () => {
    const ended = await act('push', 'push.yml')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(ended.stdout).toContain('Job succeeded')
    expect(await answer(host, '6000')).toEqual({ status: 200, body: 'one' })
    expect(await tagsOf(lab.registry.address, app)).toContain('master')
    expect(ended.stdout + ended.stderr).not.toContain(readFileSync(lab.key, 'utf8').split('\n')[1])
  })

  it('the next push becomes the next version', async () => {
    await repository.commit({ 'version.txt': 'two' })
    const ended = await act('push', 'push.yml')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(await answer(host, '6000')).toEqual({ status: 200, body: 'two' })
  })
})
