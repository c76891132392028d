import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Ports } from '../../src/core/ports.ts'
import type { Release } from '../../src/core/release.ts'
import { startRelease, supposedTrigger, triggerOf } from '../../src/plan/index.ts'
import type { Supposition } from '../../src/plan/supposed.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'
import { fakeExec, type Answer } from '../fakes/exec.ts'

const config = `
image: ghcr.io/team/shop
branches: { main: production, docker: {}, "hot/**": production, develop: staging }
tags: { "v*": production }
image-tags: |
  type=semver,pattern={{version}}
  type=ref,event=branch
  type=ref,event=pr
  type=schedule
  type=edge
  type=raw,value=for-{{base_ref}},enable=true
environments:
  production: { host: deploy@shop.example.org, port: 1, publish: 80 }
  staging: { host: deploy@staging.example.org, port: 1, publish: 80 }
`
const sha = '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234'

interface Case {
  /** What GitHub says: GITHUB_REF, and the event. */
  github: { ref: string; payload: object }
  /** What somebody at a terminal says of the same. */
  asked: Supposition
}

/** A clone of a repository on GitHub whose default branch is main, with that checked out. */
const cloned: Record<string, Answer> = {
  'git symbolic-ref --quiet HEAD': { stdout: 'refs/heads/main' },
  'git symbolic-ref --quiet refs/remotes/origin/HEAD': { stdout: 'refs/remotes/origin/main' },
  'git rev-parse': { stdout: sha },
  'git config --get remote.origin.url': { stdout: 'https://github.com/team/shop.git' },
  'git show': { stdout: '2025-10-09T08:53:20+00:00' },
}

function portsOf(git: Readonly<Record<string, Answer>> = cloned): Ports & { said: string[] } {
  const root = temporaryFolder()
  writeFileSync(join(root, 'launchway.yml'), config)
  const { ports } = localPorts(root)
  const said: string[] = []
  return { ...ports, exec: fakeExec(git), log: { ...ports.log, notice: (line) => void said.push(line) }, said }
}

const repository = { name: 'shop', full_name: 'team/shop', default_branch: 'main', html_url: 'https://github.com/team/shop' }

/** The plan without what of the labels only GitHub knows. */
function planOf({ plan: { labels = {}, ...plan } }: Release): object {
  const known = Object.entries(labels).filter(([label]) => !/\.(title|url)$/.test(label))
  return { ...plan, labels: Object.fromEntries(known) }
}

async function ofRunner(event: string, { github: { ref, payload } }: Case): Promise<object> {
  const env = { GITHUB_EVENT_NAME: event, GITHUB_REF: ref, GITHUB_SHA: sha, GITHUB_SERVER_URL: 'https://github.com' }
  const trigger = triggerOf({ ...env, GITHUB_REPOSITORY: 'team/shop' }, JSON.stringify({ repository, ...payload }))
  return planOf(await startRelease('launchway.yml', trigger, portsOf()))
}

async function ofTerminal(event: string, { asked }: Pick<Case, 'asked'>): Promise<object> {
  const ports = portsOf()
  return planOf(await startRelease('launchway.yml', await supposedTrigger(event, asked, ports), ports))
}

const pull = (base: string) => ({
  action: 'synchronize',
  number: 7,
  pull_request: {
    number: 7,
    head: { sha, ref: 'patch', repo: { full_name: 'stranger/shop', fork: true } },
    base: { ref: base, repo: { full_name: 'team/shop', fork: false } },
  },
})
const queue = (base: string) => ({
  action: 'checks_requested',
  merge_group: { head_sha: sha, head_ref: `refs/heads/gh-readonly-queue/${base}/pr-7-${sha}`, base_ref: `refs/heads/${base}` },
})
const published = { action: 'published', release: { tag_name: 'v1.2.3', target_commitish: 'main', prerelease: false } }

describe('what somebody at a terminal asks of an event is what a runner would plan', () => {
  test.each<[string, string, Case]>([
    [
      'push',
      'of a branch',
      { github: { ref: 'refs/heads/docker', payload: { ref: 'refs/heads/docker' } }, asked: { ref: 'refs/heads/docker' } },
    ],
    ['push', 'of what is checked out', { github: { ref: 'refs/heads/main', payload: { ref: 'refs/heads/main' } }, asked: {} }],
    ['push', 'of a branch by a pattern', { github: { ref: 'refs/heads/hot/a/b', payload: {} }, asked: { ref: 'hot/a/b' } }],
    ['push', 'of a branch without a rule', { github: { ref: 'refs/heads/x', payload: {} }, asked: { ref: 'refs/heads/x' } }],
    ['push', 'of a tag by a pattern', { github: { ref: 'refs/tags/v1.2.3', payload: {} }, asked: { ref: 'refs/tags/v1.2.3' } }],
    ['release', 'by its tag', { github: { ref: 'refs/tags/v1.2.3', payload: published }, asked: { ref: 'v1.2.3' } }],
    ['workflow_dispatch', 'of a branch', { github: { ref: 'refs/heads/docker', payload: { inputs: {} } }, asked: { ref: 'docker' } }],
    ['workflow_dispatch', 'of a tag', { github: { ref: 'refs/tags/v1.2.3', payload: {} }, asked: { ref: 'refs/tags/v1.2.3' } }],
    [
      'pull_request',
      'for the default branch',
      { github: { ref: 'refs/pull/7/merge', payload: pull('main') }, asked: { ref: 'refs/pull/7/merge' } },
    ],
    [
      'pull_request',
      'for another branch',
      { github: { ref: 'refs/pull/7/merge', payload: pull('develop') }, asked: { ref: 'refs/pull/7/merge', base: 'develop' } },
    ],
    [
      'merge_group',
      'of the queue of a branch, which its name says',
      {
        github: { ref: `refs/heads/gh-readonly-queue/develop/pr-7-${sha}`, payload: queue('develop') },
        asked: { ref: `refs/heads/gh-readonly-queue/develop/pr-7-${sha}` },
      },
    ],
    ['schedule', 'on the default branch', { github: { ref: 'refs/heads/main', payload: { schedule: '17 4 * * *' } }, asked: {} }],
  ])('%s %s', async (event, _, of) => {
    const plan = await ofTerminal(event, of)
    expect(plan).toEqual(await ofRunner(event, of))
    expect(plan).toMatchObject({ event, ref: of.github.ref })
  })

  test('of a pull request the branch that it is for decides with what it is compared, and what it would put live', async () => {
    expect(await ofTerminal('pull_request', { asked: {} })).toMatchObject({
      against: 'production',
      proposed: { environment: 'production' },
    })
    const other = await ofTerminal('pull_request', { asked: { base: 'refs/heads/develop' } })
    expect(other).toMatchObject({ against: 'staging', proposed: { environment: 'staging' } })
    expect(await ofTerminal('pull_request', { asked: { base: 'nowhere' } })).not.toHaveProperty('against')
  })

  test('a schedule is of the default branch, whatever is checked out', async () => {
    const ports = portsOf({ ...cloned, 'git symbolic-ref --quiet HEAD': { stdout: 'refs/heads/patch' } })
    expect(await supposedTrigger('schedule', {}, ports)).toMatchObject({ ref: 'refs/heads/main' })
    expect(await supposedTrigger('push', {}, ports)).toMatchObject({ ref: 'refs/heads/patch' })
  })

  test('a branch that only the remote has is at what it is there', async () => {
    const there: Answer = { stdout: 'c'.repeat(40) }
    const revision: Answer = ({ args }) => (args.includes('refs/remotes/origin/docker^{commit}') ? there : { code: 1 })
    const ports = portsOf({ ...cloned, 'git rev-parse --verify': revision })
    expect(await supposedTrigger('push', { ref: 'docker' }, ports)).toMatchObject({ sha: 'c'.repeat(40) })
    expect(ports.said).toEqual([])
    expect(await supposedTrigger('push', { ref: 'x' }, ports)).toMatchObject({ sha })
    expect(ports.said).toEqual([`refs/heads/x is not here: supposed to be at what is checked out, ${sha.slice(0, 7)}`])
  })

  test('a clone that does not know its default branch says how to name the branch', async () => {
    const ports = portsOf({ ...cloned, 'git symbolic-ref --quiet refs/remotes/origin/HEAD': { code: 1 } })
    expect(await supposedTrigger('pull_request', {}, ports)).not.toHaveProperty('base')
    expect(ports.said).toEqual([expect.stringContaining('--base BRANCH'), expect.stringContaining('--ref refs/pull/N/merge')])
    await supposedTrigger('pull_request', { ref: 'refs/pull/7/merge', base: 'main' }, ports)
    expect(ports.said).toHaveLength(2)
  })

  test('a schedule in a clone that does not know its default branch is of what is checked out, and says so', async () => {
    const ports = portsOf({ ...cloned, 'git symbolic-ref --quiet refs/remotes/origin/HEAD': { code: 1 } })
    expect(await supposedTrigger('schedule', {}, ports)).toMatchObject({ ref: 'refs/heads/main' })
    expect(ports.said).toEqual([
      expect.stringMatching(/^a schedule is of the default branch, .*: refs\/heads\/main, .*git remote set-head/),
    ])
    await supposedTrigger('schedule', { ref: 'main' }, ports)
    expect(ports.said).toHaveLength(1)
  })

  const other = 'c'.repeat(40)
  /** Another commit than the one that is checked out, and the files in it. */
  const elsewhere = (files: Readonly<Record<string, string>>): Record<string, Answer> => ({
    ...cloned,
    'git rev-parse --verify': { stdout: other },
    'git show': ({ args }) => {
      const file = args.find((arg) => arg.startsWith(`${other}:./`))?.slice(`${other}:./`.length)
      if (file === undefined) return { stdout: '2025-10-09T08:53:20+00:00' }
      const stdout = files[file]
      return stdout === undefined ? { code: 128, stderr: `fatal: path '${file}' does not exist` } : { stdout }
    },
  })
  const planAt = async (ref: string, ports: Ports): Promise<Release> =>
    startRelease('launchway.yml', await supposedTrigger('push', { ref }, ports), ports)

  test('a ref at another commit than the one that is checked out is judged by the launchway.yml of that commit', async () => {
    const ports = portsOf(elsewhere({ 'launchway.yml': config.replace('develop: staging', 'develop: production'), 'compose.yaml': 'x' }))
    const { plan } = await planAt('develop', ports)
    expect(plan).toMatchObject({ sha: other, environment: { name: 'production' }, stages: { smoke: { run: true } } })
    expect(ports.said).toEqual(['by the launchway.yml of refs/heads/develop (ccccccc), which is not what is checked out'])
    expect((await planAt('develop', portsOf())).plan).toMatchObject({ environment: { name: 'staging' }, stages: { smoke: { run: false } } })
  })

  test('what it names beside it is read as it is checked out, which is told', async () => {
    const composed = 'production: { host: deploy@shop.example.org, compose: compose.yml }'
    const ports = portsOf(elsewhere({ 'launchway.yml': config.replace(/production: \{ host.*/, composed) }))
    const warned: string[] = []
    await planAt('docker', { ...ports, log: { ...ports.log, warning: (line) => void warned.push(line) } })
    expect(warned).toEqual([expect.stringContaining('are read as they are checked out here')])
  })

  test('a commit without a launchway.yml leads to nothing: a run of it would fail as well', async () => {
    await expect(planAt('refs/tags/v0.0.1', portsOf(elsewhere({})))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'there is no launchway.yml in refs/tags/v0.0.1 (ccccccc)',
    })
  })

  test.each([
    ...['', 'refs/heads/', 'refs/heads/..', 'main~1', 'main^', 'HEAD@{1}', 'a b', 'a..b', 'a//b', '/a', 'a/', 'a.', '.a', 'a/.b', 'a.lock'],
    ...['a.lock/b', 'a:b', 'a?', 'a*', 'a[b', 'a\\b', 'a\u0007', 'a\u007f'],
  ])('no branch is called %j', async (name) => {
    await expect(supposedTrigger('push', { ref: name }, portsOf())).rejects.toMatchObject({
      code: 'USAGE',
      message: `--ref "${name}" is the name of no branch or tag`,
    })
    await expect(supposedTrigger('pull_request', { base: name }, portsOf())).rejects.toMatchObject({ code: 'USAGE' })
  })

  test.each(['main', 'feature/x', 'a.b', 'v1.2.3', 'ä', 'a@b', '@', '-x', 'a.locked', '#1', "it's"])(
    'a branch may be called %j',
    async (name) => {
      expect(await supposedTrigger('push', { ref: name }, portsOf())).toMatchObject({ ref: `refs/heads/${name}` })
    },
  )

  test('a push is proposed for no branch', async () => {
    await expect(supposedTrigger('push', { base: 'main' }, portsOf())).rejects.toMatchObject({
      code: 'USAGE',
      hint: '--base goes with --event pull_request and merge_group.',
    })
  })
})
