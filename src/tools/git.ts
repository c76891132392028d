import { type Command, command } from '../core/command.ts'

export const headSha = (cwd: string): Command => command('git', ['rev-parse', 'HEAD'], { cwd })
/** `refs/heads/master`; fails on a detached checkout. */
export const headRef = (cwd: string): Command => command('git', ['symbolic-ref', '--quiet', 'HEAD'], { cwd })
/** One line for each file that is not as committed. */
export const changes = (cwd: string): Command => command('git', ['status', '--porcelain'], { cwd })
/** What a ref points at. */
export const shaOf = (ref: string, cwd: string): Command => command('git', ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], { cwd })
/** The folder of the whole working tree; fails outside of one. */
export const topLevel = (cwd: string): Command => command('git', ['rev-parse', '--show-toplevel'], { cwd })
/** Fails where there is none. */
export const originUrl = (cwd: string): Command => command('git', ['remote', 'get-url', 'origin'], { cwd })
/** `origin/main`; fails where the remote never said. */
export const originHead = (cwd: string): Command =>
  command('git', ['symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD'], { cwd })
/** Branches here and at the remote, one a line: `refs/heads/main`, `refs/remotes/origin/main`. */
export const branches = (cwd: string): Command =>
  command('git', ['for-each-ref', '--format=%(refname)', 'refs/heads', 'refs/remotes/origin'], { cwd })
/** The tags of what is checked out, one a line. */
export const tagsHere = (cwd: string): Command => command('git', ['tag', '--points-at', 'HEAD'], { cwd })
/** One line for each tag of a pattern. */
export const tagsLike = (pattern: string, cwd: string): Command => command('git', ['tag', '--list', pattern], { cwd })
/** Branches of the remote that have the commit, one a line; none for one that was not pushed. */
export const remotesWith = (sha: string, cwd: string): Command =>
  command('git', ['branch', '--remotes', '--contains', sha, '--format=%(refname)'], { cwd })
/** Of these paths the ones that git does not take into the repository, one a line. */
export const ignoredOf = (paths: readonly string[], cwd: string): Command => command('git', ['check-ignore', '--', ...paths], { cwd })

/** `team/app` of the address of a repository on GitHub; undefined for another. */
export function githubRepository(url: string): string | undefined {
  const [, owner, name] =
    /^(?:https?:\/\/(?:[^@/]*@)?github\.com\/|(?:ssh:\/\/)?git@github\.com[:/])([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/.exec(url.trim()) ?? []
  return owner === undefined || name === undefined ? undefined : `${owner}/${name}`
}
