import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseRelease } from '../../src/core/release.ts'
import { open, repository, scratch } from './support/doors.ts'

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
