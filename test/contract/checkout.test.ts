import { appendFileSync, chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkoutOf } from '../../src/adapters/checkout.ts'
import { processExec } from '../../src/adapters/exec.ts'
import { version } from '../../src/version.ts'
import { bare, commit, git, root } from './support/doors.ts'

/** A clone of launchway: what is committed of it, as far as it is started. */
let clone: string
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'launchway-clone-'))
  for (const part of ['bin', 'package.json']) cpSync(join(root, part), join(clone, part), { recursive: true })
  git(clone, 'init', '-q')
})
afterEach(() => rmSync(clone, { recursive: true, force: true }))

const program = (): string => join(clone, 'bin/launchway')
const head = (): string =>
  spawnSync('git', ['rev-parse', '--short=7', 'HEAD'], { cwd: clone, encoding: 'utf8', env: bare({}) }).stdout.trim()

test('a clone says its commit, whoever starts it by whatever link, and whether its files are as committed', async () => {
  expect(await checkoutOf(program(), processExec)).toBeUndefined()
  commit(clone)
  git(clone, 'tag', 'v9')
  expect(await checkoutOf(program(), processExec)).toBe(head())
  const link = join(clone, 'link')
  symlinkSync(program(), link)
  expect(await checkoutOf(link, processExec)).toBe(head())
  appendFileSync(join(clone, 'package.json'), '\n')
  expect(await checkoutOf(program(), processExec)).toBe(`${head()}-dirty`)
})

test('a copy in the repository of somebody else says nothing of that', async () => {
  commit(clone)
  const inside = join(clone, 'vendor/launchway')
  mkdirSync(join(inside, 'bin'), { recursive: true })
  cpSync(program(), join(inside, 'bin/launchway'))
  expect(await checkoutOf(join(inside, 'bin/launchway'), processExec)).toBeUndefined()
  expect(await checkoutOf(join(clone, 'nowhere'), processExec)).toBeUndefined()
  expect(await checkoutOf(join(clone, 'package.json'), processExec)).toBeUndefined()
  expect(await checkoutOf('', processExec)).toBeUndefined()
})

test('--version says it, and begins with the version', () => {
  // The sources instead of the bundle, which is made of them when they are committed.
  const start = `process.argv[1] = ${JSON.stringify(program())}; (await import(${JSON.stringify(join(root, 'src/cli.ts'))})).cli(['--version'])`
  commit(clone)
  chmodSync(program(), 0o755)
  const said = spawnSync(process.execPath, ['--input-type=module', '-e', start], { cwd: tmpdir(), encoding: 'utf8', env: bare({}) })
  expect(said).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringMatching(new RegExp(`^${version} \\(.*commit ${head()}\\)\\n$`)),
  })
})
