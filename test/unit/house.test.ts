import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { breach, mayImport, roomOf } from '../../scripts/lint/rooms.ts'
import { errorCodes } from '../../src/core/error.ts'
import { version } from '../../src/version.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** What the repository holds, whoever owns its folder, or will hold with the next commit; a file of its own that is only deleted is gone. */
const files = spawnSync('git', ['-c', 'safe.directory=*', 'ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .stdout.split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)))
const sources = files.filter((path) => /^(src|lab|test|bench|scripts)\/.*\.(ts|sh)$/.test(path))

describe('imports point one way', () => {
  it.each([
    ['core/a.ts', 'core/b.ts'],
    ['config/load.ts', 'core/error.ts'],
    ['tools/ssh.ts', 'core/command.ts'],
    ['adapters/ssh.ts', 'tools/ssh.ts'],
    ['adapters/log/runner.ts', 'adapters/log/stages.ts'],
    ['adapters/log/runner.ts', '../node_modules/@actions/core/lib/command.js'],
    ['deploy/run.ts', 'core/ports.ts'],
    ['plan/plan.ts', 'config/load.ts'],
    ['pipeline.ts', 'deploy/index.ts'],
    ['ports.ts', 'adapters/ssh.ts'],
    ['cli.ts', 'verbs.ts'],
    ['main.ts', 'inputs.ts'],
    ['bundle.ts', 'main.ts'],
  ])('%s may import %s', (from, to) => {
    expect(breach(from, to)).toBeUndefined()
  })

  it.each([
    ['core/release.ts', 'config/schema.ts', 'core may import nothing of ours, not config'],
    ['core/release.ts', 'deploy/plan.ts', 'core may import nothing of ours, not deploy'],
    ['config/load.ts', 'tools/git.ts', 'config may import core, not tools'],
    ['tools/ssh.ts', 'adapters/exec.ts', 'tools may import core, not adapters'],
    ['deploy/run.ts', 'push/run.ts', 'deploy may import core, config, tools, not push'],
    ['deploy/run.ts', 'adapters/ssh.ts', 'deploy may import core, config, tools, not adapters'],
    ['deploy/run.ts', 'pipeline.ts', 'deploy may import core, config, tools, not pipeline.ts'],
    ['adapters/ssh.ts', 'deploy/plan.ts', 'adapters may import core, tools, not deploy'],
    ['ports.ts', 'deploy/index.ts', 'ports.ts may import core, adapters, not deploy'],
    ['pipeline.ts', 'adapters/clock.ts', 'not adapters'],
    ['pipeline.ts', 'cli.ts', 'not cli.ts'],
    ['main.ts', 'cli.ts', 'not cli.ts'],
    ['cellar/x.ts', 'core/error.ts', 'src/cellar is not in scripts/lint/rooms.ts'],
    ['core/x.ts', '../lab/up.ts', 'src/ is shipped alone: lab/up.ts is not in it'],
    ['core/x.ts', '../scripts/lint/rooms.ts', 'src/ is shipped alone'],
  ])('%s may not import %s', (from, to, message) => {
    expect(breach(from, to)).toContain(message)
  })

  it('no two rooms may import each other, not even by way of a third', () => {
    const reach = (room: string, seen: readonly string[] = []): string[] =>
      (mayImport[room] ?? []).flatMap((next) => (seen.includes(next) ? [] : [next, ...reach(next, [...seen, next])]))
    for (const room of Object.keys(mayImport)) expect(reach(room)).not.toContain(room)
  })

  it('every room of the house is in the table', () => {
    const rooms = new Set(sources.flatMap((path) => (path.startsWith('src/') ? [roomOf(path.slice('src/'.length))] : [])))
    expect([...rooms].filter((room) => mayImport[room] === undefined)).toEqual([])
  })
})

describe('every file', () => {
  it('of source has at most 300 lines', () => {
    const long = sources.map((path) => [path, read(path).split('\n').length - 1] as const).filter(([, lines]) => lines > 300)
    expect(sources.length).toBeGreaterThan(60)
    expect(long).toEqual([])
  })

  // A redirection of a function, a loop or a builtin closes it in the program itself for that time: who looks there for the lock
  // that it holds does not find it. `exec` closes it in a process of its own, or for good.
  it('that runs on a host closes a descriptor by exec, and by nothing else', () => {
    const programs = files.filter((path) => /^src\/deploy\/host\/.*\.sh$/.test(path))
    const others = (text: string): string[] =>
      text.split('\n').filter((line) => /[3-9][<>]&-/.test(line.replace(/^\s*#.*/, '').replaceAll(/\bexec( [3-9][<>]&-)+/g, '')))
    expect(others('  nap 5 9>&-\n  exec 9>&-\n  done 8>&-\n  (exec 8>&- 9>&- && exec sleep 1)\n# nap 9>&-')).toEqual([
      '  nap 5 9>&-',
      '  done 8>&-',
    ])
    expect(programs.length).toBeGreaterThan(40)
    expect(programs.flatMap((path) => others(read(path)).map((line) => `${path}: ${line}`))).toEqual([])
  })

  /** Their names in pieces, so that this file does not name one. */
  const registries = [
    'registry npmjs org',
    'registry yarnpkg com',
    'pypi org',
    'files pythonhosted org',
    'proxy golang org',
    'sum golang org',
    'static crates io',
    'index crates io',
    'rubygems org',
    'deb debian org',
    'security debian org',
    'archive ubuntu com',
    'dl-cdn alpinelinux org',
  ].map((name) => name.replaceAll(' ', '.'))

  it('names no host of a package registry', () => {
    const names = (text: string): boolean => registries.some((host) => text.includes(host))
    expect(files.filter((path) => names(read(path)))).toEqual([])
  })

  it('pins the actions that it uses, or shows to others, by commit', () => {
    // OWNER/launchway…@COMMIT is filled in by a release.
    const unpinned = /uses: *['"]?[\w.-]+\/[^@\s]+@(?!(?:[0-9a-f]{40}|COMMIT)\b)\S+/g
    const shown = files.filter((path) => /\.(md|ya?ml)$/.test(path))
    expect(shown.flatMap((path) => (read(path).match(unpinned) ?? []).map((found) => `${path}: ${found}`))).toEqual([])
  })

  it('leaves the checking of host keys on', () => {
    expect(files.filter((path) => /StrictHostKeyChecking["']?[\s=:,]+["']?(no|off|accept-new)\b/i.test(read(path)))).toEqual([])
  })
})

describe('what must be the same in two places', () => {
  it('the version is that of package.json', () => {
    expect(z.object({ version: z.string() }).parse(JSON.parse(read('package.json'))).version).toBe(version)
  })

  it.each(Object.keys(errorCodes))('%s has its page', (code) => {
    expect(existsSync(join(root, `docs/errors/${code}.md`))).toBe(true)
  })

  it('every page of docs/errors is about a code that there is', () => {
    const pages = files.flatMap((path) => /^docs\/errors\/([A-Z_]+)\.md$/.exec(path)?.[1] ?? [])
    expect(pages.filter((code) => !(code in errorCodes))).toEqual([])
  })
})
