import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseRelease } from '../../src/core/release.ts'
import { commit, config, git, open, repository, scratch } from './support/doors.ts'

describe('launchway plan, of an event that has not been', () => {
  it('is no record that another verb would go by, and that of a button says where the others are', () => {
    const tree = repository('master')
    const path = join(tree, '..', 'event.json')
    const { code, out, err } = open('cli', ['plan', '--json', '--event', 'workflow_dispatch', '--release', path], tree)
    expect([code, existsSync(path)]).toEqual([0, false])
    expect(parseRelease(out, 'the answer')).toMatchObject({ plan: { event: 'workflow_dispatch', ref: 'refs/heads/master' } })
    expect(err).toMatch(/launchway redeploy VERSION --dry-run, .*launchway abort --dry-run$/m)
    const push = open('cli', ['plan', '--event', 'push', '--ref', 'refs/heads/x', '--rebuild', '--json'], tree)
    expect(parseRelease(push.out, 'the answer')).toMatchObject({ outcome: { state: 'nothing-to-do' }, plan: { rebuild: true } })
    expect(push.err).not.toContain('--dry-run')
  })

  it('goes by the launchway.yml of the commit that the ref names, down to the line of its mistakes', () => {
    const tree = repository('master')
    git(tree, 'checkout', '-q', '--orphan', 'empty')
    git(tree, 'rm', '-qrf', '.')
    commit(tree)
    git(tree, 'tag', 'v0')
    git(tree, 'checkout', '-q', 'master')
    git(tree, 'checkout', '-q', '-b', 'develop')
    writeFileSync(join(tree, 'launchway.yml'), `\n\n${config.replace('master: production', 'develop: other')}`)
    commit(tree)
    git(tree, 'checkout', '-q', 'master')
    const plan = (ref: string) => open('cli', ['plan', '--event', 'push', '--ref', ref], tree)
    const { out, err } = plan('develop')
    expect(out).toMatch(/^addie develop goes to other/)
    expect(err).toMatch(/^by the launchway\.yml of refs\/heads\/develop \([0-9a-f]{7}\), which is not what is checked out$/m)
    expect(plan('refs/tags/v0')).toMatchObject({ code: 2, err: expect.stringContaining('there is no launchway.yml in refs/tags/v0 (') })
    git(tree, 'checkout', '-q', 'develop')
    writeFileSync(join(tree, 'launchway.yml'), '\n\nimages: 1\n')
    commit(tree)
    git(tree, 'checkout', '-q', 'master')
    expect(plan('develop').err).toContain('launchway.yml:3:')
  })

  it.each([
    [
      "act's way to press a button",
      ['--event', 'workflow_dispatch', '--input', 'version=v1'],
      'its verb says: launchway redeploy VERSION --dry-run, ',
    ],
    ['a base without an event', ['--base', 'main'], 'launchway plan --event pull_request --base main'],
  ])('%s is USAGE, with what was probably meant', (_, args, hint) => {
    const { code, out, err } = open('cli', ['plan', ...args], scratch)
    expect({ code, out, err }).toEqual({ code: 2, out: '', err: expect.stringMatching(/^USAGE: /) })
    expect(err).toContain(hint)
  })
})
