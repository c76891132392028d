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
  /** The folder of locations as nginx in a container names it. */
  within?: string
}

/** What undoing leaves of the server file; undefined where it is gone. */
function undone(shell: string, { saved, wrote, now, locations = [], within }: Files): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-undo-'))
  try {
    const [release, at, file] = [join(folder, 'release'), join(folder, 'launchway.d/servers/x'), join(folder, 'launchway-server.x.conf')]
    mkdirSync(release)
    mkdirSync(at, { recursive: true })
    const written = (text: string): string =>
      `server { # ${text}\n    include ${within === undefined ? at : `${within}/servers/x`}/*.conf;\n}\n`
    if (saved !== undefined) writeFileSync(join(release, 'site.web.server'), written(saved))
    if (wrote !== undefined) writeFileSync(join(release, 'wrote.web.server'), written(wrote))
    if (now !== undefined) writeFileSync(file, written(now))
    if (within !== undefined) writeFileSync(join(folder, 'nginx.container'), `edge ${within} ${join(folder, 'launchway.d')}\n`)
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
    [
      'one of a container stays where another application has come to it since',
      { wrote: 'ours', now: 'ours', locations: [ours, theirs], within: '/etc/nginx/conf.d/launchway.d' },
      'ours',
    ],
    [
      'one of a container goes where nobody has',
      { wrote: 'ours', now: 'ours', locations: [ours], within: '/etc/nginx/conf.d/launchway.d' },
      undefined,
    ],
    ['one that was not written yet stays', { saved: 'before', wrote: 'ours', now: 'before' }, 'before'],
    ['one that made way comes back', { saved: 'before' }, 'before'],
  ])('%s', (_, files, expected) => {
    expect(undone(shell, files)).toBe(expected)
  })
})

describe.each(['dash', 'busybox'])('which nginx leads here, with %s', (shell) => {
  const program = `set -u
uptime_cs() { echo 1; }
put() { printf '%s\\n' "$2" > "$1"; }
will_undo() { echo "$1 $2" >> undo; }
fail() { echo "failed $*"; exit 1; }
${siteSh}
told() { cat nginx.container 2> /dev/null || echo the host; }
LW_HOME=. LW_DIR=release
`
  /** What is told after each call. */
  function told(text: string): string[] {
    const folder = mkdtempSync(join(tmpdir(), 'launchway-led-'))
    try {
      mkdirSync(join(folder, 'release'))
      const [file, args] = shell === 'busybox' ? ['busybox', ['sh', '-s']] : [shell, ['-s']]
      return execFileSync(file, args, { cwd: folder, input: `${program}${text}`, encoding: 'utf8' })
        .trim()
        .split('\n')
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it('is written down once, and taken back to what was before', () => {
    const undo = 'read -r _ was < undo; led_back release "$was"; told\n'
    expect(told(`led_by edge /in /on; told; ${undo}${undo}`)).toEqual(['edge /in /on', 'the host', 'the host'])
    expect(told(`led_by edge /in /on; rm undo; led_by other /in /on; told; ${undo}${undo}`)).toEqual([
      'other /in /on',
      'edge /in /on',
      'edge /in /on',
    ])
    expect(told(`led_by edge /in /on; rm undo; led_by; told; ${undo}`)).toEqual(['the host', 'edge /in /on'])
    expect(told('led_by edge /in /on; led_by edge /in /on; cat undo')).toEqual(['led none'])
  })

  it('is found with the two names of the folder', () => {
    expect(told('find_nginx; echo "<$box>"; led_by edge /in /on; find_nginx; echo "<$box> $ours $here"')).toEqual(['<>', '<edge> /in /on'])
  })
})
