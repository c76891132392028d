import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { localTrigger, showPlan, startRelease } from '../../src/plan/index.ts'
import { systemText } from '../unit/support/config.ts'
import { localPorts, temporaryFolder } from '../unit/support/ports.ts'
import { gitInit } from '../unit/support/repository.ts'
import { seen } from '../unit/support/seen.ts'

describe('in a working tree', () => {
  /** A repository with one commit on the branch master, tagged v1.0.0. */
  function repository(): { root: string; git: (...args: string[]) => string } {
    const root = temporaryFolder()
    const git = (...args: string[]): string =>
      execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
        cwd: root,
        encoding: 'utf8',
        stdio: 'pipe',
      }).trim()
    gitInit(root, 'master')
    writeFileSync(join(root, 'launchway.yml'), systemText)
    git('add', '--all')
    git('commit', '--quiet', '--message=first')
    git('tag', 'v1.0.0')
    return { root, git }
  }

  async function planHere(root: string, asked: { ref?: string; environment?: string } = {}) {
    const { ports, warnings } = localPorts(root)
    const release = await startRelease('launchway.yml', await localTrigger(asked, ports), ports)
    return { release, warnings, ...seen(release.plan) }
  }

  test('the branch that is checked out is released', async () => {
    const { root, git } = repository()
    const { release, warnings, goesTo } = await planHere(root)
    expect(release.plan).toMatchObject({ event: 'local', ref: 'refs/heads/master', sha: git('rev-parse', 'HEAD') })
    expect([goesTo, warnings]).toEqual(['production', []])
    expect(showPlan(release)).toContain('the branch master goes to production')
  })

  test('a detached checkout has nothing to do, unless it is told', async () => {
    const { root, git } = repository()
    git('checkout', '--quiet', '--detach')
    expect(await planHere(root)).toMatchObject({ builds: false, release: { outcome: { state: 'nothing-to-do' } } })
    expect(await planHere(root, { environment: 'development' })).toMatchObject({
      goesTo: 'development',
      tags: [expect.stringMatching(/^sha-[0-9a-f]{7}$/)],
    })
    expect(await planHere(root, { ref: 'refs/tags/v1.0.0' })).toMatchObject({
      goesTo: 'production',
      tags: ['1.0.0', 'v1.0.0', expect.anything()],
    })
  })

  test('a changed tree is said to be one, and does not take the tag of the commit', async () => {
    const { root, git } = repository()
    writeFileSync(join(root, 'new.txt'), '')
    const short = git('rev-parse', 'HEAD').slice(0, 7)
    expect(await planHere(root)).toMatchObject({
      tags: ['master', `sha-${short}-dirty`],
      warnings: ['1 file is not as committed: it is built as found here, and the commit\'s tag gets "-dirty"'],
    })
  })

  test('a tag that is not what is checked out is refused', async () => {
    const { root, git } = repository()
    git('commit', '--quiet', '--allow-empty', '--message=second')
    await expect(planHere(root, { ref: 'refs/tags/v1.0.0' })).rejects.toMatchObject({ code: 'USAGE', hint: 'git checkout v1.0.0' })
  })

  test('a branch that is not what is checked out is released with a warning', async () => {
    const { root, git } = repository()
    git('checkout', '--quiet', '-b', 'fix')
    git('commit', '--quiet', '--allow-empty', '--message=second')
    const { warnings, goesTo } = await planHere(root, { ref: 'master' })
    expect(goesTo).toBe('production')
    expect(warnings).toEqual([
      expect.stringMatching(/^refs\/heads\/master is at [0-9a-f]{7} here; what is checked out, [0-9a-f]{7}, is released in its name$/),
    ])
  })

  test('a tag named like a branch is explained', async () => {
    const { root } = repository()
    expect((await planHere(root, { ref: 'v1.0.0' })).why).toContain('; for the tag name --ref refs/tags/v1.0.0')
  })

  test('a folder without a commit, and one without a configuration, say what to do', async () => {
    await expect(planHere(temporaryFolder())).rejects.toMatchObject({ code: 'USAGE', hint: 'git init && git add --all && git commit' })
    const { root, git } = repository()
    git('rm', '--quiet', 'launchway.yml')
    await expect(planHere(root)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: 'there is no launchway.yml here' })
  })
})
