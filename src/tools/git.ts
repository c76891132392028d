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
