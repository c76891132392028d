import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const siteSh = readFileSync(new URL('../../src/deploy/host/site.sh', import.meta.url), 'utf8')

/** What is there of a server: as it was before the attempt, as the attempt wrote it, and now. */
interface Files {
  saved?: string
  wrote?: string
  now?: string
  /** Whose locations the server includes by now. */
  locations?: string[]
}

/** What undoing leaves of the server file; undefined where it is gone. */
function undone(shell: string, { saved, wrote, now, locations = [] }: Files): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-undo-'))
  try {
    const [release, at, file] = [join(folder, 'release'), join(folder, 'launchway.d/servers/x'), join(folder, 'launchway-server.x.conf')]
    mkdirSync(release)
    mkdirSync(at, { recursive: true })
    const written = (text: string): string => `server { # ${text}\n    include ${at}/*.conf;\n}\n`
    if (saved !== undefined) writeFileSync(join(release, 'site.web.server'), written(saved))
    if (wrote !== undefined) writeFileSync(join(release, 'wrote.web.server'), written(wrote))
    if (now !== undefined) writeFileSync(file, written(now))
    for (const one of locations) writeFileSync(join(at, one), '')
    const program = `set -u\nLW_APP=addie LW_ENVIRONMENT=production LW_HOME=${folder}\nhold_host() { :; }\n${siteSh}\nsite_back "$@"\n`
    execFileSync(shell === 'busybox' ? 'busybox' : shell, [...(shell === 'busybox' ? ['sh'] : []), '-s', release, 'web.server', file], {
      input: program,
    })
    return existsSync(file) ? /# (.*)/.exec(readFileSync(file, 'utf8'))?.[1] : undefined
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe.each(['dash', 'busybox'])('undoing what was done to a server that others may share, with %s', (shell) => {
  const [ours, theirs] = ['addie.production.web.conf', 'blog.live.web.conf']
  it.each<[string, Files, string | undefined]>([
    ['a new one goes', { wrote: 'ours', now: 'ours', locations: [ours] }, undefined],
    ['a new one stays where another application has come to it since', { wrote: 'ours', now: 'ours', locations: [ours, theirs] }, 'ours'],
    ['one that was there is as it was', { saved: 'before', wrote: 'ours', now: 'ours', locations: [ours, theirs] }, 'before'],
    [
      'one that another application has written since stays',
      { saved: 'before', wrote: 'ours', now: 'theirs', locations: [theirs] },
      'theirs',
    ],
    ['one that was not written yet stays', { saved: 'before', wrote: 'ours', now: 'before' }, 'before'],
    ['one that made way comes back', { saved: 'before' }, 'before'],
  ])('%s', (_, files, expected) => {
    expect(undone(shell, files)).toBe(expected)
  })
})
