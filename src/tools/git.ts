import { type Command, command } from '../core/command.ts'

export const headSha = (cwd: string): Command => command('git', ['rev-parse', 'HEAD'], { cwd })
/** `4f2a9c1`, and `4f2a9c1-dirty` where a file of the repository is not as committed. No tag: it may stand anywhere before. */
export const describeHead = (cwd: string): Command =>
  command('git', ['describe', '--always', '--dirty', '--abbrev=7', '--exclude=*'], { cwd, timeoutMs: 5_000 })
/** `refs/heads/master`; fails on a detached checkout. */
export const headRef = (cwd: string): Command => command('git', ['symbolic-ref', '--quiet', 'HEAD'], { cwd })
/** One line for each file that is not as committed. */
export const changes = (cwd: string): Command => command('git', ['status', '--porcelain'], { cwd })
/** What a ref points at. */
export const shaOf = (ref: string, cwd: string): Command => command('git', ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], { cwd })
/** A file as a commit has it. @param path from the folder */
export const fileAt = (sha: string, path: string, cwd: string): Command => command('git', ['show', `${sha}:./${path}`], { cwd })
/** Whether a whole ref may be called so. @see https://git-scm.com/docs/git-check-ref-format */
export function isRefName(ref: string): boolean {
  return !/[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|(^|\/)\.|\.lock(\/|$)|[./]$|^\//.test(ref)
}
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
export const ignoredOf = (paths: readonly string[], cwd: string): Command =>
  command('git', ['-c', 'core.quotePath=false', 'check-ignore', '--', ...paths], { cwd })
/** The same of any number of paths: what it says of each in their order, as far as it comes. @see examinedPaths */
export const ignoredAmong = (paths: readonly string[], cwd: string): Command =>
  command('git', ['check-ignore', '--stdin', '-z', '--verbose', '--non-matching'], {
    cwd,
    stdin: paths.map((path) => `${path}\0`).join(''),
    // What it fails of is read.
    env: { LC_ALL: 'C' },
  })

/** For each path a file, a line of it, the pattern there, and the path; a pattern that takes something back in is told as well. */
export function examinedPaths(stdout: string): { path: string; isIgnored: boolean }[] {
  const fields = stdout.split('\0')
  return Array.from({ length: Math.floor(fields.length / 4) }, (_, at) => {
    const [, , pattern = '', path = ''] = fields.slice(at * 4, at * 4 + 4)
    return { path, isIgnored: pattern !== '' && !pattern.startsWith('!') }
  })
}

/** Folders of which git takes nothing into the repository, one a line. */
export const ignoredFolders = (cwd: string): Command =>
  command('git', ['-c', 'core.quotePath=false', 'ls-files', '--others', '--ignored', '--exclude-standard', '--directory'], { cwd })

/** `team/app` of the address of a repository on GitHub; undefined for another. */
export function githubRepository(url: string): string | undefined {
  const [, owner, name] =
    /^(?:https?:\/\/(?:[^@/]*@)?github\.com\/|(?:ssh:\/\/)?git@github\.com[:/])([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/.exec(url.trim()) ?? []
  return owner === undefined || name === undefined ? undefined : `${owner}/${name}`
}

/**
 * Each file of the index below a folder, in the order of their paths, with what git calls its content; of those alone
 * whose bytes git takes as they are: no attribute has it change lines, words or encoding.
 */
export const plainFiles = (cwd: string): Command =>
  ask(cwd, 'ls-files', '-v', '--stage', '--', `:(attr:${changing.map((name) => `!${name}`).join(' ')})`)
/** Those of them that may not be as the index has them, in the same order: by what the file system says, and by their bytes where that is not enough. */
export const touchedFiles = (cwd: string): Command =>
  ask(cwd, 'diff-files', '--relative', '--name-only', '--no-renames', '--ignore-submodules=all')
/** Whether lines are changed where no attribute says so; nothing, and an exit code of 1, where nobody has said. */
export const lineEnds = (cwd: string): Command => command('git', ['config', '--get', 'core.autocrlf'], { cwd })

/** Attributes by which what lies in a working tree differs from what git keeps. @see https://git-scm.com/docs/gitattributes */
const changing = ['text', 'crlf', 'eol', 'ident', 'filter', 'working-tree-encoding']

/** With the settings that see the most: no program that a repository names is asked what has changed. */
function ask(cwd: string, ...words: string[]): Command {
  const settings = ['core.quotePath=false', 'core.fsmonitor=false', 'core.checkStat=default', 'core.trustctime=true']
  return command('git', [...settings.flatMap((setting) => ['-c', setting]), ...words], { cwd, env: { GIT_OPTIONAL_LOCKS: '0' } })
}

/** A file of the index that is as ordinary as can be: its path, and what git calls its content in a repository of SHA-1. */
export function plainFile(line: string): { path: string; blob: string } | undefined {
  // H: neither to be taken for unchanged by decree nor left out of the working tree; 0: not in the middle of a merge.
  if (!line.startsWith('H ') || line.slice(blobAt + 40, pathAt) !== ' 0\t' || line[pathAt] === '"') return undefined
  const [mode, path] = [line.slice(2, blobAt - 1), line.slice(pathAt)]
  const isPlain = mode === '100644' || mode === '100755' || mode === '120000'
  return isPlain && path !== '' ? { path, blob: line.slice(blobAt, blobAt + 40) } : undefined
}

const blobAt = 'H 100644 '.length
const pathAt = blobAt + 40 + ' 0\t'.length
/** Of these files and what is below these folders what git has, one path from the folder a line. */
export const trackedOf = (paths: readonly string[], cwd: string): Command =>
  command('git', ['-c', 'core.quotePath=false', 'ls-files', '--', ...paths.map((path) => `:(literal)${path}`)], { cwd })
/** The same of many, each ended by a NUL, however it is written. */
export const trackedAmong = (paths: readonly string[], cwd: string): Command =>
  command('git', ['ls-files', '-z', '--', ...paths.map((path) => `:(literal)${path}`)], { cwd })
