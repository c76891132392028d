import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { localTrigger, showPlan, startRelease, supposedTrigger } from '../../src/plan/index.ts'
import { systemText } from '../unit/support/config.ts'
import { localPorts, temporaryFolder } from '../unit/support/ports.ts'
import { gitInit } from '../unit/support/repository.ts'
import { seen } from '../unit/support/seen.ts'

const fix = ['checkout', '--quiet', '-b', 'fix']
const second = ['commit', '--quiet', '--allow-empty', '--message=second']
/** As a clone has it that fetched a branch, and made none of it here. */
const remote = [['update-ref', 'refs/remotes/origin/far', 'HEAD']]

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

  test.each<[string, string, string[][], string, string | RegExp]>([
    [
      'a branch that is at another commit',
      'master',
      [fix, second],
      'refs/heads/master is at',
      /^What is checked out is what is released\. .*: git checkout master\n/,
    ],
    ['a branch that there is not', 'feature', [], 'there is no branch feature here', /A new one: git checkout -b feature; /],
    ['one with a typing error', 'mastre', [], 'there is no branch mastre here', 'Did you mean --ref master?'],
    ['a tag named like a branch', 'v1.0.0', [], 'there is no branch v1.0.0 here', 'Did you mean --ref refs/tags/v1.0.0?'],
    ['a tag that there is not', 'refs/tags/v9', [], 'there is no tag v9 here', /^git tag v9, /],
    ['what is neither', 'refs/x', [], 'there is no refs/x here', /^A branch is named main or refs\/heads\/main, /],
    ['another branch, whose commit alone is fetched', 'far', [...remote, fix, second], 'refs/heads/far is at', /git checkout far/],
  ])('who names %s is told so, and nothing is released', async (_, ref, before, message, hint) => {
    const { root, git } = repository()
    for (const args of before) git(...args)
    await expect(planHere(root, { ref })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(message),
      hint: expect.stringMatching(hint),
    })
  })

  test.each<[string, string, string[][], string[]]>([
    ['the branch that is checked out', 'master', [], []],
    ['another branch at this commit', 'fix', [['branch', 'fix']], []],
    ['one that the remote has at this commit', 'far', remote, []],
    ['a tag of this commit', 'refs/tags/v1.0.0', [fix], []],
    [
      'any branch, where a runner has the commit alone',
      'feature',
      [['checkout', '--quiet', '--detach']],
      ['refs/heads/feature is not known here, where nothing but a commit is checked out: <sha> is released in its name'],
    ],
    [
      'a branch that is elsewhere, where a runner has the commit alone',
      'master',
      [['checkout', '--quiet', '--detach'], second],
      ['refs/heads/master is at <sha> here; what is checked out, <sha>, is released in its name'],
    ],
  ])('what is checked out is released in the name of %s', async (_, ref, before, expected) => {
    const { root, git } = repository()
    for (const args of before) git(...args)
    const { warnings, release } = await planHere(root, { ref })
    expect(release.plan).toMatchObject({ ref: ref.startsWith('refs/') ? ref : `refs/heads/${ref}`, sha: git('rev-parse', 'HEAD') })
    expect(warnings.map((one) => one.replaceAll(/\b[0-9a-f]{7}\b/g, '<sha>'))).toEqual(expected)
  })

  test('what an event would lead to can be asked of a ref that is not here, and says so', async () => {
    const { root } = repository()
    const asked = async (ref: string) => {
      const { ports } = localPorts(root)
      const notices: string[] = []
      const log = { ...ports.log, notice: (message: string): void => void notices.push(message) }
      return { trigger: await supposedTrigger('push', { ref }, { ...ports, log }), notices }
    }
    expect(await asked('feature')).toMatchObject({
      trigger: { ref: 'refs/heads/feature' },
      notices: [expect.stringMatching(/^refs\/heads\/feature is not here: supposed to be at what is checked out, [0-9a-f]{7}$/)],
    })
    expect(await asked('master')).toMatchObject({ trigger: { ref: 'refs/heads/master' }, notices: [] })
  })

  test('a folder without a commit, and one without a configuration, say what to do', async () => {
    await expect(planHere(temporaryFolder())).rejects.toMatchObject({ code: 'USAGE', hint: 'git init && git add --all && git commit' })
    const { root, git } = repository()
    git('rm', '--quiet', 'launchway.yml')
    await expect(planHere(root)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: 'there is no launchway.yml here' })
  })
})
