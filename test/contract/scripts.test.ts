import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { root } from '../../lab/paths.ts'
import { actions } from '../../src/inputs.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const generate = (folder: string, ...args: string[]) =>
  spawnSync(process.execPath, ['scripts/generate.ts', ...args], { cwd: folder, encoding: 'utf8' })

describe('generated files, in a copy of the sources,', () => {
  let copy = ''
  let ended: ReturnType<typeof generate> | undefined
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'launchway-generate-'))
    for (const path of ['src', 'scripts', 'test/support', 'package.json']) cpSync(join(root, path), join(copy, path), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    mkdirSync(join(copy, 'docs/reference'), { recursive: true })
    writeFileSync(join(copy, 'docs/reference/by-hand.md'), '# By hand\n')
    writeFileSync(join(copy, 'docs/reference/old.md'), read('docs/reference/errors.md'))
    ended = generate(copy)
  })
  afterAll(() => rmSync(copy, { recursive: true, force: true }))

  test('come out the same, byte for byte; what is no longer made goes, and what is by hand stays', () => {
    expect(ended).toMatchObject({ status: 0, stderr: '' })
    expect([existsSync(join(copy, 'docs/reference/old.md')), readFileSync(join(copy, 'docs/reference/by-hand.md'), 'utf8')]).toEqual([
      false,
      '# By hand\n',
    ])
    rmSync(join(copy, 'docs/reference/by-hand.md'))
    const made = globSync(['action.yml', 'actions/*/action.yml', 'schema/*', 'docs/reference/*'], { cwd: copy })
    expect(made.length).toBe(actions.length + 10)
    for (const path of made) expect(readFileSync(join(copy, path), 'utf8')).toBe(read(path))
  })

  test('that were edited or are no longer made are named by --check, which leaves them alone', () => {
    appendFileSync(join(copy, 'action.yml'), '# edited\n')
    rmSync(join(copy, 'docs/reference/cli.md'))
    const first = readFileSync(join(copy, 'docs/reference/errors.md'), 'utf8')
    writeFileSync(join(copy, 'docs/reference/gone.md'), first)
    writeFileSync(join(copy, 'docs/reference/by-hand.md'), '# By hand\n')
    const { status, stderr } = generate(copy, '--check')
    expect(status).toBe(1)
    expect(stderr.trim().split('\n').slice(1)).toEqual([
      '  action.yml',
      '  docs/reference/cli.md',
      '  docs/reference/gone.md (no longer made)',
    ])
    expect(readFileSync(join(copy, 'action.yml'), 'utf8')).toContain('# edited')
    expect(existsSync(join(copy, 'docs/reference/cli.md'))).toBe(false)
  })
})

describe('the bench at the command line', () => {
  it('says in a line what is wrong, and ends with 2', () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [join(root, 'bench/main.ts')], { encoding: 'utf8' })
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/^Name a bench\.\n {2}start /)
  })
})
