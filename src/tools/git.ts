import { type Command, command } from '../core/command.ts'

export const headSha = (cwd: string): Command => command('git', ['rev-parse', 'HEAD'], { cwd })
/** `refs/heads/master`; fails on a detached checkout. */
export const headRef = (cwd: string): Command => command('git', ['symbolic-ref', '--quiet', 'HEAD'], { cwd })
/** One line for each file that is not as committed. */
export const changes = (cwd: string): Command => command('git', ['status', '--porcelain'], { cwd })
/** What a ref points at. */
export const shaOf = (ref: string, cwd: string): Command => command('git', ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], { cwd })
/** `refs/remotes/origin/main`, once a clone or `git remote set-head` has said it. */
export const originHead = (cwd: string): Command => command('git', ['symbolic-ref', '--quiet', 'refs/remotes/origin/HEAD'], { cwd })
/** Where a ref of the remote points, one `sha<TAB>ref` a line; other refs may end with the same words. Nobody is asked for a password. */
export const remoteRef = (ref: string, cwd: string): Command =>
  command('git', ['ls-remote', '--', 'origin', ref], {
    cwd,
    env: { GIT_TERMINAL_PROMPT: '0', GCM_INTERACTIVE: 'never' },
    timeoutMs: 10_000,
  })
/** When a commit was made, ISO 8601. */
export const committedAt = (sha: string, cwd: string): Command => command('git', ['show', '--no-patch', '--format=%cI', sha], { cwd })
/** Where the repository came from, as somebody cloned it: with a login, where one was part of the address. */
export const remote = (cwd: string): Command => command('git', ['config', '--get', 'remote.origin.url'], { cwd, secret: true })

/** The address of a repository as a browser takes it, without a login in it; undefined for a path of this machine. */
export function webAddress(cloned: string): string | undefined {
  const [, host, path] = /^(?:[\w.-]+@)?([\w.-]+\.[\w-]+):(?!\/\/)(.+)$/.exec(cloned.trim()) ?? []
  const url = URL.parse(host === undefined ? cloned.trim() : `https://${host}/${path}`)
  if (url === null || !/^(https?|ssh|git):$/.test(url.protocol) || url.hostname === '') return undefined
  const isWeb = url.protocol.startsWith('http')
  return `${isWeb ? url.protocol : 'https:'}//${isWeb ? url.host : url.hostname}${url.pathname.replace(/\/?(\.git)?\/?$/, '')}`
}
/** The folder of the whole working tree; fails outside of one. */
export const topLevel = (cwd: string): Command => command('git', ['rev-parse', '--show-toplevel'], { cwd })
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
