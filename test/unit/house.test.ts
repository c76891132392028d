import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { breach, mayImport, roomOf } from '../../scripts/lint/rooms.ts'
import { errorCodes } from '../../src/core/error.ts'
import { version } from '../../src/version.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** What the repository holds, or will hold with the next commit; a file of its own that is only deleted is gone. */
const files = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
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

describe('the linter holds them to it', () => {
  const copy = mkdtempSync(join(tmpdir(), 'launchway-house-'))
  afterAll(() => rmSync(copy, { recursive: true, force: true }))
  const Report = z.object({ diagnostics: z.array(z.object({ code: z.string(), message: z.string(), filename: z.string() })) })

  /** What the linter, with this house's configuration and rule, says of other files in the same rooms. */
  function lint(house: Record<string, string>): string[] {
    for (const path of ['.oxlintrc.json', 'tsconfig.json', 'package.json', 'scripts/lint'])
      cpSync(join(root, path), join(copy, path), { recursive: true })
    if (!existsSync(join(copy, 'node_modules'))) symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    rmSync(join(copy, 'src'), { recursive: true, force: true })
    for (const [path, text] of Object.entries(house)) {
      mkdirSync(dirname(join(copy, path)), { recursive: true })
      writeFileSync(join(copy, path), text)
    }
    const { stdout, stderr } = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--format', 'json', 'src'], {
      cwd: copy,
      encoding: 'utf8',
    })
    if (stdout === '') throw new Error(stderr)
    return Report.parse(JSON.parse(stdout)).diagnostics.flatMap(({ code, message, filename }) =>
      code.includes('import-direction') ? [`${filename}: ${message}`] : [],
    )
  }

  const core = 'export const one = 1\nexport type One = number\n'

  it('a house in order has no findings', () => {
    expect(lint({ 'src/core/one.ts': core, 'src/deploy/run.ts': "export { one } from '../core/one.ts'\n" })).toEqual([])
  })

  it.each([
    ['an import', "import { one } from '../push/one.ts'\nexport const two = one + 1\n"],
    ['an import of a type', "import type { One } from '../push/one.ts'\nexport const two: One = 2\n"],
    ['a type by its path', "export const two: import('../push/one.ts').One = 2\n"],
    ['a re-export', "export { one } from '../push/one.ts'\n"],
    ['a re-export of everything', "export * from '../push/one.ts'\n"],
    ['an import at the time of use', "export const two = async () => (await import('../push/one.ts')).one\n"],
  ])('%s of another stage is found', (_, text) => {
    expect(lint({ 'src/push/one.ts': core, 'src/deploy/run.ts': text })).toEqual([
      'src/deploy/run.ts: deploy may import core, config, tools, not push',
    ])
  })
})

describe('every file', () => {
  it('of source has at most 300 lines', () => {
    const long = sources.map((path) => [path, read(path).split('\n').length - 1] as const).filter(([, lines]) => lines > 300)
    expect(sources.length).toBeGreaterThan(60)
    expect(long).toEqual([])
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
    expect(files.filter((path) => registries.some((host) => read(path).includes(host)))).toEqual([])
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
