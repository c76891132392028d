import { describe, expect, test } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { Release } from '../../src/core/release.ts'
import { superseded } from '../../src/deploy/index.ts'
import { runSteps, stepsOf } from '../../src/pipeline.ts'
import { fakeExec, type Said } from '../fakes/exec.ts'
import { environment, service } from './support/deploy.ts'
import { outside, withVerdicts } from './support/pipeline.ts'

const own = 'bbbbbbb'.padEnd(40, '0')
const newer = 'c'.repeat(40)
const gone = 'the branch master is at ccccccc by now, and the push of that one deploys: bbbbbbb stays out'

function release(of: Partial<Release['plan']> = {}): Release {
  const passed = withVerdicts('passed', 'passed')
  return { ...passed, plan: { ...passed.plan, environment: environment([service()]), ...of } }
}

/** Who can be asked: GitHub's API, and git for the remote. */
function asking(gitHub: (() => Promise<string | undefined>) | undefined, git: Said = { code: 128, stderr: 'fatal: no such remote' }) {
  const exec = fakeExec({ 'git ls-remote': git })
  const { ports, said } = outside()
  const asked: string[] = []
  const branchHead = async (branch: string): Promise<string | undefined> => {
    asked.push(branch)
    return gitHub?.()
  }
  const all: Ports = { ...ports, root: '/work', exec, ...(gitHub === undefined ? {} : { branchHead }) }
  return { ports: all, exec, asked, said }
}

const refused = async (): Promise<never> => {
  throw new LaunchwayError('GITHUB_REFUSED', 'GitHub refused to say where a branch is: 502')
}

describe('a push whose branch has moved on', () => {
  test.each<[string, Partial<Release['plan']>, string | undefined]>([
    ['stays out', {}, gone],
    ['is deployed where that is wanted', { environment: environment([service()], { superseded: 'deploy' }) }, undefined],
    ['is not asked about on a tag', { ref: 'refs/tags/v1' }, undefined],
    ['stays out also where a job of its own deploys it, by its commit', { redeploys: '20261119-101500-aaaaaaa' }, gone],
    ['is not asked about on a redeploy by a button', { event: 'workflow_dispatch', redeploys: '20261119-101500-aaaaaaa' }, undefined],
    ['is not asked about on a redeploy at a terminal', { event: 'local', redeploys: '20261119-101500-aaaaaaa' }, undefined],
    ['is not asked about at the press of a button', { event: 'workflow_dispatch' }, undefined],
    ['is not asked about at a release', { event: 'release' }, undefined],
    ['is not asked about at a terminal', { event: 'local' }, undefined],
  ])('%s', async (_, plan, expected) => {
    const { ports, asked, exec } = asking(async () => newer)
    expect(await superseded(release(plan), ports)).toBe(expected)
    expect([asked, exec.calls]).toEqual([expected === undefined ? [] : ['master'], []])
  })

  test.each<[string, Parameters<typeof asking>, string | undefined]>([
    ['GitHub knows no newer commit', [async () => own], undefined],
    ['GitHub knows of no such branch', [async () => undefined], undefined],
    ['GitHub cannot be asked, and git neither', [refused], undefined],
    ['GitHub cannot be asked, and git knows a newer one', [refused, { stdout: `${newer}\trefs/heads/master\n` }], gone],
    ['there is no GitHub, and git knows a newer one', [undefined, { stdout: `${newer}\trefs/heads/master\n` }], gone],
    ['there is no GitHub, and git knows the same', [undefined, { stdout: `${own}\trefs/heads/master\n` }], undefined],
    ['git knows other refs that end so', [undefined, { stdout: `${newer}\trefs/heads/refs/heads/master\n` }], undefined],
    ['git knows none', [undefined, { stdout: '' }], undefined],
    ['git does not answer', [undefined, { hangs: true }], undefined],
  ])('when %s', async (_, of, expected) => {
    expect(await superseded(release(), asking(...of).ports)).toBe(expected)
  })

  test('skips its deploy with the reason, and the run is done', async () => {
    const { ports, said } = asking(async () => newer)
    const { release: ended, error } = await runSteps(stepsOf('deploy'), release(), ports)
    expect([error, ended.outcome, ended.deploy]).toEqual([undefined, { state: 'done' }, undefined])
    expect(ended.plan.stages.deploy).toEqual({ run: false, reason: gone })
    expect(said).toContain(`deploy: skipped, ${gone}`)
  })

  test('git is given its branch as one word, and asks nobody for a password', async () => {
    const { ports, exec } = asking(undefined)
    await superseded(release({ ref: 'refs/heads/--upload-pack=touch /tmp/x;$(id)' }), ports)
    expect(exec.calls).toMatchObject([
      {
        file: 'git',
        args: ['ls-remote', '--', 'origin', 'refs/heads/--upload-pack=touch /tmp/x;$(id)'],
        env: { GIT_TERMINAL_PROMPT: '0' },
        cwd: '/work',
      },
    ])
  })
})
