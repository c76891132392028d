import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { type Job, thisLaunchway } from '../../lab/act.ts'
import { sshAddress } from '../../lab/lab.ts'
import { call } from '../../lab/run.ts'
import { parseRelease } from '../../src/core/release.ts'
import { newInitRunner } from './support/act.ts'
import { answer, clearHost, fingerprintsOf, tagsOf } from './support/host.ts'
import { type Ended, launchway } from './support/programs.ts'
import { application, newName, newRepository, type Repository } from './support/repository.ts'

const lab = inject('lab')
const host = lab.hosts['forky']
if (host === undefined) throw new Error('the lab has no host forky')
const address = sshAddress(host, 'deploy')

const onConsole = fingerprintsOf(host)

const Assets = z.object({ assets: z.array(z.object({ name: z.string() })) })
const trusting = onConsole.flatMap((one) => ['--trust', one])

describe('launchway init, in a repository that has never seen launchway', () => {
  const app = newName('init')
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-init-'))
  const runner = newInitRunner(scratch)
  let repository: Repository

  const init = (...more: string[]): Promise<Ended> =>
    launchway(repository.folder, [
      ...['init', '--yes', '--host', address, '--image', `${lab.registry.address}/${app}`, '--launchway', thisLaunchway],
      ...['--port', '5000', '--publish', '6000', '--health', '/'],
      ...more,
    ])

  const act = (event: Job['event'], name: string, payload?: object): Promise<Ended> =>
    runner.act(repository.folder, event, name, { payload, env: { GITHUB_REPOSITORY: `team/${app}` } })

  async function gitHub(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${lab.github.url}/repos/team/${app}/${path}`, {
      method,
      headers: { authorization: `Bearer ${lab.github.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }

  beforeAll(async () => {
    repository = await newRepository(application('one'))
    await runner.keepDatabase()
  })
  afterAll(async () => {
    repository.remove()
    rmSync(scratch, { recursive: true, force: true })
    await clearHost(host, app)
  })

  it('with the fingerprint of another key it writes nothing, and names both', async () => {
    const ended = await init('--trust', 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
    expect(onConsole).toHaveLength(1)
    expect(ended).toMatchObject({ code: 6, stderr: expect.stringContaining('SSH_HOST_KEY') })
    for (const one of onConsole) expect(ended.stderr).toContain(one)
    expect(existsSync(join(repository.folder, 'launchway.yml'))).toBe(false)
  })

  it('without one it leaves the keys out, shows them, and says what to do', async () => {
    const ended = await init()
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('>> .github/known_hosts') })
    for (const one of onConsole) expect(ended.stdout).toContain(one)
    expect(existsSync(join(repository.folder, '.github/known_hosts'))).toBe(false)
  })

  it('with it, a commit and a pull request: it is built, and nothing is written', async () => {
    const ended = await init(...trusting)
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\.github\/known_hosts +written$/m) })
    await repository.commit({})
    const proposed = await act('pull_request', 'pull-request.yml')
    expect(proposed.code, proposed.stdout + proposed.stderr).toBe(0)
    expect(proposed.stdout).toContain('built because')
    expect(await tagsOf(lab.registry.address, app)).toEqual([])
  })

  it('an entry of the merge queue: it is tested as what its branch would be, and nothing is written', async () => {
    const queue = { action: 'checks_requested', merge_group: { base_ref: 'refs/heads/main' } }
    const queued = await act('merge_group', 'pull-request.yml', queue)
    expect(queued.code, queued.stdout + queued.stderr).toBe(0)
    expect(queued.stdout).toContain('an entry of the merge queue')
    expect(await tagsOf(lab.registry.address, app)).toEqual([])
  })

  it('a push: a version that answers, and no file was edited', async () => {
    const pushed = await act('push', 'push.yml')
    expect(pushed.code, pushed.stdout + pushed.stderr).toBe(0)
    expect(pushed.stdout).toContain('Job succeeded')
    expect(pushed.stdout + pushed.stderr).not.toContain(readFileSync(lab.key, 'utf8').split('\n')[1])
    expect(await answer(host, '6000')).toEqual({ status: 200, body: 'one' })
    expect(readdirSync(join(runner.artifacts, 'launchway'))).toEqual(['launchway-evidence', 'release.json'])
    expect(existsSync(join(runner.artifacts, 'launchway/launchway-evidence/report.html'))).toBe(true)
    expect(await tagsOf(lab.registry.address, app)).toEqual(expect.arrayContaining(['master', 'launchway-env-production']))
  })

  it('and a day later: what runs is scanned again, and nothing else is done', async () => {
    const before = await tagsOf(lab.registry.address, app)
    const looked = await act('schedule', 'rescan.yml')
    expect(looked.code, looked.stdout + looked.stderr).toBe(0)
    expect(looked.stdout).toContain('production runs master')
    expect(looked.stdout).toMatch(/scan: done in/)
    expect(looked.stdout).toContain('build: skipped, what production runs is only looked at')
    expect(await tagsOf(lab.registry.address, app)).toEqual(before)
  })

  it('where versions are published on GitHub: a push is built, and what is published goes live and gets its files', async () => {
    const ended = await init('--force', '--live', 'release', ...trusting)
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\.github\/workflows\/release\.yml +written$/m) })
    await repository.commit({ 'version.txt': 'two' })
    const pushed = await act('push', 'push.yml')
    expect(pushed.code, pushed.stdout + pushed.stderr).toBe(0)
    expect(await answer(host, '6000')).toEqual({ status: 200, body: 'one' })

    await call('git', ['-C', repository.folder, 'tag', 'v1.0.0'])
    await gitHub('POST', 'releases', { tag_name: 'v1.0.0' })
    const published = await act('release', 'release.yml', { action: 'published', release: { tag_name: 'v1.0.0' } })
    expect(published.code, published.stdout + published.stderr).toBe(0)
    const kept = join(runner.artifacts, 'launchway/release.json')
    const { plan, push } = parseRelease(readFileSync(kept, 'utf8'), kept)
    expect(plan).toMatchObject({ event: 'release', ref: 'refs/tags/v1.0.0', version: '1.0.0' })
    expect(push?.references.map(({ reference }) => reference)).toContain(`${lab.registry.address}/${app}:v1.0.0`)
    expect(published.stdout).toMatch(/the release v1\.0\.0 has launchway-release\.json/)
    expect(await answer(host, '6000')).toEqual({ status: 200, body: 'two' })
    const { assets } = Assets.parse(await gitHub('GET', 'releases/tags/v1.0.0'))
    expect(assets.map((one) => one.name)).toEqual(['launchway-release.json', 'app.spdx.json', 'app.cdx.json'])
  })
})
