import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

const assetsSh = readFileSync(new URL('../../src/deploy/host/assets.sh', import.meta.url), 'utf8')

type Held = Record<string, string>

/**
 * Runs calls on a state folder for each case, in one shell; again, once more on what that has left. The folders of assets
 * are by their path below it, each with the release that it is of.
 */
function after(shell: string, cases: readonly Case[], calls: string, more: { again?: boolean } = {}): Held[][] {
  const homes = cases.map(([, folders]) => homeWith(folders))
  try {
    const program = homes.map((home) => `LW_HOME=${home} LW_APP=shop LW_ENVIRONMENT=production\n${calls}\n`).join('')
    const turns = more.again === true ? [1, 2] : [1]
    return turns.map(() => {
      run(shell, program)
      return homes.map(heldIn)
    })
  } finally {
    for (const home of homes) rmSync(home, { recursive: true })
  }
}

function homeWith(folders: Held): string {
  const home = mkdtempSync(join(tmpdir(), 'launchway-assets-'))
  for (const [path, release] of Object.entries(folders)) {
    mkdirSync(join(home, 'assets', path, 'files'), { recursive: true })
    if (release !== '') writeFileSync(join(home, 'assets', path, 'release'), `${release}\n`)
  }
  return home
}

function heldIn(home: string): Held {
  const left = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((path) => /^assets\/\w+\/[^/]+$/.test(path))
  const held = left.map((path): [string, string] => [
    path.slice('assets/'.length),
    readFileSync(join(home, path, 'release'), 'utf8').trim(),
  ])
  // An empty folder would be one that nobody takes away any more.
  return { ...Object.fromEntries<string>(held), ...(left.length === 0 && readdirSync(home).length > 0 ? { empty: 'folders' } : {}) }
}

function run(shell: string, program: string): void {
  const words = shell === 'busybox' ? ['sh'] : []
  execFileSync(shell, [...words, '-s'], { input: `set -u\n${assetsSh}\n${program}` })
}

/** Until when an attempt came, what it has left, and what shall be there. */
type Case = [string, Held, Held]

const undone: Case[] = [
  ['before anything was copied', { 'web/b': 'r0' }, { 'web/b': 'r0' }],
  ['while it was copied', { 'web/b': 'r0', 'web/b.new': '' }, { 'web/b': 'r0' }],
  ['between the two renames', { 'web/b.old': 'r0', 'web/b.new': 'r1' }, { 'web/b': 'r0' }],
  ['after them', { 'web/b.old': 'r0', 'web/b': 'r1' }, { 'web/b': 'r0' }],
  ['while it was undone', { 'web/b.old': 'r0' }, { 'web/b': 'r0' }],
  ['after it was undone', { 'web/b': 'r0', 'web/a': 'r1' }, { 'web/b': 'r0', 'web/a': 'r1' }],
  ['in a slot that had none', { 'web/b': 'r1', 'web/a': 'r0' }, { 'web/a': 'r0' }],
  ['of a service that had none', { 'web/b': 'r1' }, {}],
  ['of one of two services', { 'web/b': 'r1', 'api/b': 'r1' }, { 'api/b': 'r1' }],
]

const pruned: Case[] = [
  ['those of the two versions', { 'web/a': 'r1', 'web/b': 'r2' }, { 'web/a': 'r1', 'web/b': 'r2' }],
  ['those of a service that only the version before had', { 'old/a': 'r1' }, { 'old/a': 'r1' }],
  ['none of another', { 'web/a': 'r0', 'web/b': 'r2' }, { 'web/b': 'r2' }],
  ['nothing of an attempt', { 'web/b': 'r2', 'web/b.old': 'r0', 'web/a.new': '' }, { 'web/b': 'r2' }],
  ['nothing that is nobody’s', { 'web/a': '' }, {}],
  ['nothing where there is nothing', {}, {}],
]

describe.each(['dash', 'busybox'])('the files of slots, with %s', (shell) => {
  let [once, twice, kept]: (Held[] | undefined)[] = []
  beforeAll(() => {
    ;[once, twice] = after(shell, undone, 'assets_back r1 web/b', { again: true })
    ;[kept] = after(shell, pruned, 'current=r2 previous=r1\nprune_assets')
  })

  it.each(undone.map(([name, , expected], index) => [name, index, expected] as const))(
    'are as they were once an attempt is undone that ended %s',
    (_, index, expected) => expect([once?.[index], twice?.[index]]).toEqual([expected, expected]),
  )

  it.each(pruned.map(([name, , expected], index) => [name, index, expected] as const))('pruned, are %s', (_, index, expected) =>
    expect(kept?.[index]).toEqual(expected),
  )

  it('are files and folders that everybody may read, and nothing else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'launchway-assets-'))
    try {
      const files = join(folder, 'files')
      mkdirSync(join(files, 'static/deep/.git'), { recursive: true })
      for (const name of ['app.js', "it's\na $(name).js", '-rf', '.env', 'deep/.git/config', 'deep/x'])
        writeFileSync(join(files, 'static', name), '', { mode: 0o4700 })
      symlinkSync('/etc/shadow', join(files, 'static/shadow'))
      symlinkSync('/etc', join(files, 'static/deep/etc'))
      symlinkSync('app.js', join(files, 'static/same.js'))
      execFileSync('mkfifo', [join(files, 'static/pipe')])
      run(shell, `only_files '${files}'`)
      const left = readdirSync(files, { recursive: true, encoding: 'utf8' }).toSorted()
      expect(left).toEqual(['static', 'static/-rf', 'static/app.js', 'static/deep', 'static/deep/x', "static/it's\na $(name).js"])
      for (const path of left) {
        const status = lstatSync(join(files, path))
        expect([path, status.mode & 0o7777, status.isSymbolicLink()]).toEqual([path, status.isDirectory() ? 0o755 : 0o644, false])
      }
      expect(lstatSync('/etc/shadow').mode & 0o004).toBe(0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
