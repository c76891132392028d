import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { forAct, type Job, newRunner, thisLaunchway } from '../../lab/act.ts'
import { sshAddress } from '../../lab/lab.ts'
import { call } from '../../lab/run.ts'
import { parseRelease } from '../../src/core/release.ts'
import { fingerprint } from '../../src/tools/ssh.ts'
import { answer, clearHost, tagsOf } from './support/host.ts'
import { bareEnvironment, type Ended, launchway, run } from './support/programs.ts'
import { application, newName, newRepository, type Repository } from './support/repository.ts'

const lab = inject('lab')
const host = lab.hosts['forky']
if (host === undefined) throw new Error('the lab has no host forky')
const address = sshAddress(host, 'deploy')

/** As somebody reads it on the host's console, and not from the network. */
const onConsole = readFileSync(lab.knownHosts, 'utf8')
  .split('\n')
  .filter((line) => line.split(' ')[0]?.split(',').includes(`[127.0.0.1]:${host.ports['22']}`))
  .flatMap((line) => fingerprint(line)?.split(' ')[0] ?? [])

const Assets = z.object({ assets: z.array(z.object({ name: z.string() })) })
const trusting = onConsole.flatMap((one) => ['--trust', one])

describe('launchway init, in a repository that has never seen launchway', () => {
  const app = newName('init')
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-init-'))
  const runner = newRunner(scratch, {
    api: lab.github.url,
    secrets: { SSH_KEY: readFileSync(lab.key, 'utf8'), GITHUB_TOKEN: lab.github.token },
  })
  let repository: Repository

  const init = (...more: string[]): Promise<Ended> =>
    launchway(repository.folder, [
      ...['init', '--yes', '--host', address, '--image', `${lab.registry.address}/${app}`, '--launchway', thisLaunchway],
      ...['--port', '5000', '--publish', '6000', '--health', '/'],
      ...more,
    ])

  /** As act takes it: the only difference is a key that act does not know. */
  function act(event: Job['event'], name: string, payload?: object): Promise<Ended> {
    const said = join(scratch, 'event.json')
    if (payload !== undefined) writeFileSync(said, JSON.stringify(payload))
    const workflow = join(scratch, name)
    writeFileSync(workflow, forAct(readFileSync(join(repository.folder, '.github/workflows', name), 'utf8')))
    const args = [
      ...runner.args({ event, workflow, ...(payload === undefined ? {} : { payload: said }) }),
      ...['--env', `XDG_CACHE_HOME=${scratch}`, '--env', `GITHUB_REPOSITORY=team/${app}`],
    ]
    return run('act', args, { cwd: repository.folder, env: { ...bareEnvironment(), ...runner.env } })
  }

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
    // As a runner has it that fetched Trivy's own database earlier, which cannot be had here: init names no other.
    const kept = join(scratch, 'launchway/trivy')
    await call('trivy', [
      'image',
      '--quiet',
      '--download-db-only',
      '--insecure',
      '--db-repository',
      lab.vulnerabilities,
      '--cache-dir',
      kept,
    ])
    writeFileSync(join(kept, 'db/source'), "Trivy's own databases")
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
