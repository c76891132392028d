import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { type Job, thisLaunchway } from '../../lab/act.ts'
import { sshAddress } from '../../lab/lab.ts'
import { call } from '../../lab/run.ts'
import { newInitRunner } from './support/act.ts'
import { answer, clearHost, containersOf, fingerprintsOf, onHost, tagsOf } from './support/host.ts'
import { type Ended, launchway } from './support/programs.ts'
import { application, newName, newRepository, type Repository } from './support/repository.ts'

const lab = inject('lab')
const host = lab.hosts['forky']
if (host === undefined) throw new Error('the lab has no host forky')
const address = sshAddress(host, 'deploy')

const onConsole = fingerprintsOf(host)

const Requests = z.array(z.object({ method: z.string(), path: z.string() }))
const Assets = z.object({ assets: z.array(z.object({ name: z.string() })) })
const trusting = onConsole.flatMap((one) => ['--trust', one])

/** What the workflows of init never do with a name. */
const planted = `on: push
jobs:
  planted:
    runs-on: ubuntu-latest
    steps:
      - run: echo "\${{ github.ref_name }}"
`

/** What nobody should do with the secrets of the repository at hand. */
const checkingOut = `      - run: git checkout --quiet --detach "$HEAD" && echo "checked out $(git rev-parse HEAD)"
        env: { HEAD: '\${{ github.event.pull_request.head.sha }}' }
`

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

  const act = (event: Job['event'], name: string, payload?: object, isForked = false): Promise<Ended> =>
    runner.act(repository.folder, event, name, { payload, isForked, env: { GITHUB_REPOSITORY: `team/${app}` } })

  const git = async (...args: string[]): Promise<string> => (await call('git', ['-C', repository.folder, ...args])).stdout.trim()

  /** A change that a stranger proposes, as GitHub tells of it: a commit of their own, which GitHub has in the repository as well. */
  async function fromFork(): Promise<{ sha: string; payload: object }> {
    const sha = await git('-c', 'user.name=S', '-c', 'user.email=s@example.org', 'commit-tree', 'HEAD^{tree}', '-p', 'HEAD', '-m', 'Mine')
    const head = { sha, ref: 'patch', repo: { full_name: `stranger/${app}`, fork: true } }
    const base = { ref: 'master', repo: { full_name: `team/${app}`, fork: false } }
    return { sha, payload: { action: 'opened', number: 7, pull_request: { number: 7, head, base } } }
  }

  /** What of the registry and of the host is there of this application, and what GitHub was asked to write. */
  const written = async (): Promise<{ tags: string[]; containers: string[]; requests: string[] }> => {
    const seen = Requests.parse(await (await fetch(`${lab.github.url}/lab/requests`)).json())
    return {
      tags: await tagsOf(lab.registry.address, app),
      containers: Object.keys(await containersOf(host, app)),
      requests: seen.flatMap(({ method, path }) => (method !== 'GET' && path.includes(app) ? [`${method} ${path}`] : [])),
    }
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

  it('with it, a commit and a pull request from a fork: it is built without a secret, and nothing is written', async () => {
    const ended = await init(...trusting)
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\.github\/known_hosts +written$/m) })
    await repository.commit({})
    const { sha, payload } = await fromFork()
    const proposed = await act('pull_request', 'pull-request.yml', payload, true)
    expect(proposed.code, proposed.stdout + proposed.stderr).toBe(0)
    const { plan, build, outcome, ...more } = runner.record()
    expect(plan).toMatchObject({ event: 'pull_request', ref: 'refs/pull/7/merge', sha, against: 'production' })
    expect(plan).toMatchObject({ proposed: { environment: 'production' } })
    expect(plan.environment).toBeUndefined()
    expect(plan.stages).toMatchObject({
      build: { run: true, reason: 'a pull request is built; nothing is written' },
      push: { run: false, reason: 'a pull_request writes nothing to a registry' },
      deploy: { run: false },
    })
    expect(build?.images).toMatchObject([{ how: 'built', registries: {} }])
    expect([outcome.state, Object.keys(more)]).toEqual(['done', expect.not.arrayContaining(['push', 'deploy', 'evidence'])])
    expect(await written()).toEqual({ tags: [], containers: [], requests: [] })
  })

  it('pull_request_target with a checkout of the fork is refused with the reason, before anything is read or built', async () => {
    const file = join(repository.folder, '.github/workflows/pull-request.yml')
    const text = readFileSync(file, 'utf8')
    const target = text.replace('  pull_request:\n', '  pull_request_target:\n').replace(/(?=^ +- uses: team\/launchway)/m, checkingOut)
    writeFileSync(file, target)
    const { sha, payload } = await fromFork()
    const refused = await act('pull_request_target', 'pull-request.yml', payload)
    writeFileSync(file, text)
    expect(refused.stdout).toContain(`checked out ${sha}`)
    expect(refused.code, refused.stdout + refused.stderr).not.toBe(0)
    expect(refused.stdout).toContain('launchway does not run on pull_request_target')
    expect(refused.stdout).toContain("building a fork's code there gives them away. Use pull_request.")
    expect(readdirSync(join(runner.artifacts, 'launchway'))).toEqual([])
    expect(await written()).toEqual({ tags: [], containers: [], requests: [] })
  })

  it('an entry of the merge queue: it is tested as what its branch would be, and nothing is written', async () => {
    const sha = await git('rev-parse', 'HEAD')
    const merge_group = { head_sha: sha, head_ref: `refs/heads/gh-readonly-queue/master/pr-7-${sha}`, base_ref: 'refs/heads/master' }
    const queued = await act('merge_group', 'pull-request.yml', { action: 'checks_requested', merge_group })
    expect(queued.code, queued.stdout + queued.stderr).toBe(0)
    const { plan, build, ...more } = runner.record()
    expect(plan).toMatchObject({ event: 'merge_group', sha, against: 'production' })
    expect(plan.stages).toMatchObject({
      build: { run: true, reason: 'an entry of the merge queue is built; nothing is written' },
      push: { run: false, reason: 'a merge_group writes nothing to a registry' },
      deploy: { run: false },
    })
    expect(build?.images).toMatchObject([{ registries: {} }])
    expect(Object.keys(more)).toEqual(expect.not.arrayContaining(['push', 'deploy', 'evidence']))
    expect(await written()).toEqual({ tags: [], containers: [], requests: [] })
  })

  it('a push: a version that answers, and no file was edited', async () => {
    const pushed = await act('push', 'push.yml', { ref: 'refs/heads/master' })
    expect(pushed.code, pushed.stdout + pushed.stderr).toBe(0)
    expect(pushed.stdout + pushed.stderr).not.toContain(readFileSync(lab.key, 'utf8').split('\n')[1])
    expect(await answer(host, '6000')).toEqual({ status: 200, body: 'one' })
    expect(readdirSync(join(runner.artifacts, 'launchway'))).toEqual(['launchway-evidence', 'release.json'])
    expect(existsSync(join(runner.artifacts, 'launchway/launchway-evidence/report.html'))).toBe(true)
    const [built, live] = [runner.record(), runner.record('launchway-production')]
    expect(built.plan).toMatchObject({ event: 'push', ref: 'refs/heads/master', environment: { name: 'production' } })
    expect(built.deploy).toBeUndefined()
    expect(live).toMatchObject({ outcome: { state: 'done' }, plan: { sha: built.plan.sha, stages: { build: { run: false } } } })
    expect(live.deploy).toMatchObject({ environment: 'production', hosts: [{ host: address }] })
    expect(live.build?.images[0]?.registries).toEqual(built.build?.images[0]?.registries)
    expect(await tagsOf(lab.registry.address, app)).toEqual(expect.arrayContaining(['master', 'launchway-env-production']))
  })

  it('and a day later: what runs is scanned again, and nothing else is done', async () => {
    const before = await written()
    const looked = await act('schedule', 'rescan.yml', { schedule: '17 4 * * *' })
    expect(looked.code, looked.stdout + looked.stderr).toBe(0)
    expect(looked.stdout).toContain('production runs master')
    const { plan, scan, build, ...more } = runner.record('launchway-production')
    expect(plan).toMatchObject({ event: 'schedule', version: 'master', tags: [] })
    const idle = { run: false, reason: 'what production runs is only looked at' }
    expect(plan.stages).toMatchObject({ build: idle, smoke: idle, scan: { run: true }, push: idle, deploy: idle })
    expect(scan?.images).toHaveLength(1)
    expect(build?.images).toMatchObject([{ how: 'promoted' }])
    expect(Object.keys(more)).toEqual(expect.not.arrayContaining(['push', 'deploy', 'evidence']))
    expect(await written()).toEqual(before)
  })

  it('where versions are published on GitHub: a push is built, and what is published goes live and gets its files', async () => {
    const ended = await init('--anew', '--live', 'release', ...trusting)
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\.github\/workflows\/release\.yml +written$/m) })
    await repository.commit({ 'version.txt': 'two' })
    const pushed = await act('push', 'push.yml', { ref: 'refs/heads/master' })
    expect(pushed.code, pushed.stdout + pushed.stderr).toBe(0)
    expect(runner.record().plan.stages.deploy).toEqual({ run: false, reason: 'the branch master is not deployed' })
    expect(await answer(host, '6000')).toEqual({ status: 200, body: 'one' })

    await git('tag', 'v1.0.0')
    await gitHub('POST', 'releases', { tag_name: 'v1.0.0' })
    const published = await act('release', 'release.yml', { action: 'published', release: { tag_name: 'v1.0.0' } })
    expect(published.code, published.stdout + published.stderr).toBe(0)
    const { plan, push } = runner.record()
    expect(plan).toMatchObject({ event: 'release', ref: 'refs/tags/v1.0.0', version: '1.0.0' })
    expect(plan.stages.deploy).toEqual({ run: true, reason: 'the tag v1.0.0 (by v*) goes to production' })
    expect(push?.references.map(({ reference }) => reference)).toContain(`${lab.registry.address}/${app}:v1.0.0`)
    expect(runner.record('launchway-production')).toMatchObject({ plan: { version: '1.0.0' }, deploy: { environment: 'production' } })
    expect(published.stdout).toMatch(/the release v1\.0\.0 has launchway-release\.json/)
    expect(await answer(host, '6000')).toEqual({ status: 200, body: 'two' })
    const { assets } = Assets.parse(await gitHub('GET', 'releases/tags/v1.0.0'))
    expect(assets.map((one) => one.name)).toEqual(['launchway-release.json', 'app.spdx.json', 'app.cdx.json'])
  })

  describe('a push of a branch whose name is a program, where a pattern leads to production', () => {
    const marker = `/tmp/launchway-pwned-${app}`
    const touch = `touch\${IFS}${marker}`
    // Of what a shell or an expression would obey all that git lets a branch be called.
    const branch = `hot/x";${touch};'${touch}';\`${touch}\`;$(${touch})&&${touch}|${touch}>a<b;"!#%\${{github.token}}`
    const isMarked = async (): Promise<boolean[]> => [
      existsSync(marker),
      (await onHost(host, 'sh', '-c', `test -e ${marker} && echo there || echo none`)).trim() === 'there',
    ]
    afterAll(() => rmSync(marker, { force: true }))

    it('the workflow that init writes releases it under a tag that is one, and executes nothing of it', async () => {
      const file = join(repository.folder, 'launchway.yml')
      const text = readFileSync(file, 'utf8').replace(/^branches:.*$/m, "branches: { 'hot/**': production }")
      rmSync(join(repository.folder, '.github/workflows'), { recursive: true })
      writeFileSync(file, text)
      const ended = await init(...trusting)
      expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\.github\/workflows\/push\.yml +written$/m) })
      await git('checkout', '--quiet', '-b', branch)
      await repository.commit({ 'version.txt': 'three' })
      const pushed = await act('push', 'push.yml', { ref: `refs/heads/${branch}` })
      expect(pushed.code, pushed.stdout + pushed.stderr).toBe(0)
      const { plan, push } = runner.record()
      expect(plan).toMatchObject({ event: 'push', ref: `refs/heads/${branch}`, version: expect.stringMatching(/^hot-x-touch[\w.-]+$/) })
      expect(plan.stages.deploy).toMatchObject({ run: true, reason: expect.stringMatching(/ \(by hot\/\*\*\) goes to production$/) })
      expect(push?.references.map(({ reference }) => reference)).toContain(`${lab.registry.address}/${app}:${plan.version}`)
      expect(await tagsOf(lab.registry.address, app)).toContain(plan.version)
      expect(runner.record('launchway-production')).toMatchObject({
        plan: { version: plan.version },
        deploy: { environment: 'production' },
      })
      expect(await answer(host, '6000')).toEqual({ status: 200, body: 'three' })
      expect(await isMarked()).toEqual([false, false])
    })

    it('a workflow that writes the name into a line of shell would have', async () => {
      writeFileSync(join(repository.folder, '.github/workflows/planted.yml'), planted)
      await act('push', 'planted.yml', { ref: `refs/heads/${branch}` })
      expect(await isMarked()).toEqual([true, false])
    })
  })
})
