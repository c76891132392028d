import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { changes, headRef, headSha, shaOf } from '../../src/tools/git.ts'
import { clientConfig } from '../../src/tools/ssh.ts'
import { temporaryFolder } from '../unit/support/ports.ts'

test('git answers what a plan asks, about a real repository', () => {
  const root = temporaryFolder()
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim()
  git('init', '--quiet', '--initial-branch=feature/ü')
  git('commit', '--quiet', '--allow-empty', '--message=first')
  git('tag', '--annotate', '--message=one', 'v1')
  expect(git(...headRef(root).args)).toBe('refs/heads/feature/ü')
  // What an annotated tag stands for is the commit, not the tag object.
  expect(git(...shaOf('refs/tags/v1', root).args)).toBe(git(...headSha(root).args))
  expect(() => git(...shaOf('refs/tags/v2', root).args)).toThrow(/^Command failed: git .*refs\/tags\/v2/)
  expect(git(...changes(root).args)).toBe('')
  writeFileSync(join(root, 'a\nb'), '')
  expect(git(...changes(root).args).split('\n')).toHaveLength(1)
  git('checkout', '--quiet', '--detach')
  expect(() => git(...headRef(root).args)).toThrow(/^Command failed: git .*symbolic-ref/)
})

test('ssh itself reads each path as it is meant', () => {
  const root = temporaryFolder()
  for (const name of ['known_hosts', 'with space', '100%h', "it's", '#x', 'ü', '%']) {
    const [knownHosts, key] = [join(root, name), join(root, `key ${name}`)]
    const config = join(root, 'config')
    writeFileSync(config, clientConfig({ key: 'SSH_KEY', connectTimeoutMs: 1_500 }, { knownHosts, key }).replaceAll(/^Include .*$/gm, ''))
    // `ssh -G` shows some words before their % tokens are replaced, some after.
    const read = execFileSync('ssh', ['-G', '-F', config, 'host'], { encoding: 'utf8', stdio: 'pipe' }).replaceAll('%%', '%').split('\n')
    expect(read).toEqual(expect.arrayContaining([`userknownhostsfile ${knownHosts}`, `identityfile ${key}`, 'stricthostkeychecking true']))
  }
})
