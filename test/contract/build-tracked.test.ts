import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { localFiles } from '../../src/adapters/files.ts'
import { readContext } from '../../src/build/context.ts'
import { trackedFiles } from '../../src/build/tracked.ts'
import type { PlannedImage } from '../../src/core/release.ts'
import { localPorts, temporaryFolder } from '../unit/support/ports.ts'
import { gitInit } from '../unit/support/repository.ts'
import { runs } from '../unit/support/runs.ts'

const image: PlannedImage = { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['a/b'] }

function git(root: string, ...words: string[]): void {
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...words], { cwd: root, stdio: 'pipe' })
}

function write(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

const ordinary = {
  Dockerfile: 'FROM scratch\n',
  '.dockerignore': '.git\n',
  'src/a.py': 'print(1)\n',
  'src/b.py': 'print(2)\n',
  'src-c': 'x\n',
}

/** A repository whose index has these files: of a commit nothing is read. */
function added(files: Readonly<Record<string, string>> = ordinary): string {
  const root = temporaryFolder()
  gitInit(root)
  write(root, files)
  symlinkSync('a.py', join(root, 'src/latest'))
  git(root, 'add', '--all', '--force')
  return root
}

/** The digest of the tree, once with what git knows and once from the disk alone, and which files were read for the first. */
async function looks(root: string): Promise<{ git: string; disk: string; read: string[] }> {
  const files = localFiles('/nowhere')
  const read: string[] = []
  const { ports } = localPorts(root)
  const tracked = await trackedFiles(root, ports)
  const watched = {
    ...files,
    blobId: async (path: string, entry: Parameters<typeof files.blobId>[1]) => {
      read.push(path.slice(root.length + 1))
      return files.blobId(path, entry)
    },
  }
  const known = await readContext(image, root, watched, { tracked })
  tracked.close()
  return { git: known.tree, disk: (await readContext(image, root, files)).tree, read }
}

describe('a tree that git has', () => {
  test('is known without reading it, and is what is read', async () => {
    const found = await looks(added())
    expect(found.read).toEqual([])
    expect(found.git).toBe(found.disk)
  })

  test.each<[string, (root: string) => void, string[]]>([
    ['a file that was changed', (root) => write(root, { 'src/a.py': 'print(3)\n' }), ['src/a.py']],
    [
      'a file that was changed, of the same size and time',
      (root) => {
        const { atime, mtime } = lstatSync(join(root, 'src/a.py'))
        write(root, { 'src/a.py': 'print(3)\n' })
        utimesSync(join(root, 'src/a.py'), atime, mtime)
      },
      ['src/a.py'],
    ],
    [
      'a file that was replaced, with its size and time',
      (root) => {
        const { atime, mtime } = lstatSync(join(root, 'src/a.py'))
        write(root, { other: 'print(3)\n' })
        renameSync(join(root, 'other'), join(root, 'src/a.py'))
        utimesSync(join(root, 'src/a.py'), atime, mtime)
      },
      ['src/a.py'],
    ],
    ['a file that git does not have', (root) => write(root, { 'src/new.py': '' }), ['src/new.py']],
    ['a file that git ignores', (root) => write(root, { '.git/info/exclude': 'secret\n', secret: 'x' }), ['secret']],
    ['a file that was added since', (root) => (write(root, { new: '1' }), git(root, 'add', 'new')), []],
    [
      'a change that git was told to overlook',
      (root) => {
        git(root, 'update-index', '--assume-unchanged', 'src/a.py')
        write(root, { 'src/a.py': 'print(33)\n' })
      },
      ['src/a.py'],
    ],
    [
      'a change of what git was told to leave out',
      (root) => {
        git(root, 'update-index', '--skip-worktree', 'src/a.py')
        write(root, { 'src/a.py': 'print(33)\n' })
      },
      ['src/a.py'],
    ],
    [
      'another target of a link',
      (root) => {
        unlinkSync(join(root, 'src/latest'))
        symlinkSync('b.py', join(root, 'src/latest'))
      },
      ['src/latest'],
    ],
    ['a file of an index that is no index', (root) => write(root, { '.git/index': 'broken' }), ['Dockerfile', 'src/a.py', '.dockerignore']],
  ])('does not hide %s', async (_, change, read) => {
    const root = added()
    const before = await looks(root)
    change(root)
    const after = await looks(root)
    expect(after.git).toBe(after.disk)
    expect(after.read).toEqual(expect.arrayContaining(read))
    expect(after.git === before.git).toBe(read.includes('Dockerfile'))
  })

  test('is the same when it was touched, or given to somebody else, and nothing more', async () => {
    const root = added()
    const before = await looks(root)
    for (const path of ['src/a.py', 'src']) utimesSync(join(root, path), 1, 1)
    const after = await looks(root)
    expect(after).toEqual({ git: before.git, disk: before.disk, read: ['src/a.py'] })
    chmodSync(join(root, 'src/b.py'), 0o600)
    const mode = await looks(root)
    expect(mode.git).toBe(mode.disk)
    expect(mode.git).not.toBe(before.git)
  })

  test.each<[string, (root: string) => void]>([
    ['by an attribute', (root) => write(root, { '.gitattributes': '*.py text\n' })],
    ['by a general attribute', (root) => write(root, { '.gitattributes': '* text=auto\n' })],
    ['by an attribute of its folder', (root) => write(root, { 'src/.gitattributes': '*.py eol=lf\n' })],
    ['by a setting', (root) => git(root, 'config', 'core.autocrlf', 'input')],
  ])('is read where git changes the ends of lines %s', async (_, change) => {
    const root = added()
    change(root)
    write(root, { 'src/a.py': 'print(1)\r\n' })
    git(root, 'add', '--renormalize', '.')
    git(root, 'add', '--all')
    git(root, 'status')
    const found = await looks(root)
    expect(found.read).toContain('src/a.py')
    expect(found.git).toBe(found.disk)
  })

  test('is read where a filter keeps something else', async () => {
    const root = added()
    git(root, 'config', 'filter.rot.clean', 'tr a-m n-z')
    write(root, { '.gitattributes': 'src/a.py filter=rot\n' })
    git(root, 'add', '--renormalize', '.')
    git(root, 'status')
    const found = await looks(root)
    expect(found.read).toContain('src/a.py')
    expect(found.git).toBe(found.disk)
  })

  test('whose names are of all kinds, in the order of their bytes', async () => {
    const name = fc.string({
      unit: fc.constantFrom('a', '-', '.', '0', '!', '"', '#', ' ', '\\', '\t', '\n', 'é', '\u{1F680}', '\uFF01', '~'),
      minLength: 1,
      maxLength: 4,
    })
    const path = fc
      .oneof(
        name,
        fc.tuple(name, name).map(([folder, file]) => `+${folder}/${file}`),
      )
      .filter((one) => !/(^|\/)\.{1,2}$/.test(one))
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(path, { minLength: 1, maxLength: 40 }), fc.nat(), async (paths, dirty) => {
        const root = temporaryFolder()
        gitInit(root)
        write(root, { ...ordinary, ...Object.fromEntries(paths.map((one) => [one, one])) })
        git(root, 'add', '--all', '--force')
        write(root, { [paths[dirty % paths.length] ?? '']: 'dirty' })
        const found = await looks(root)
        expect(found.git).toBe(found.disk)
        rmSync(root, { recursive: true })
      }),
      {
        numRuns: runs(7),
        examples: [
          [['\u{1F680}', '\uFF01', '+a-b', '+a/b'], 0],
          [['"', '!x', '\t'], 1],
        ],
      },
    )
  })

  test('is one tree for a repository of another kind of digest, and for none', async () => {
    const root = temporaryFolder()
    git(root, 'init', '--quiet', '--object-format=sha256')
    write(root, ordinary)
    git(root, 'add', '--all')
    const other = temporaryFolder()
    write(other, ordinary)
    const [here, there] = [await looks(root), await looks(other)]
    expect(here.git).toBe(here.disk)
    expect(there.git).toBe(there.disk)
    expect(here.git).toBe(there.git)
  })
})

test('a file of more than one part has the name that git gives it', async () => {
  const root = temporaryFolder()
  write(root, { large: 'x'.repeat(2_500_000), exact: 'y'.repeat(1 << 20) })
  for (const name of ['large', 'exact']) {
    const expected = execFileSync('git', ['hash-object', name], { cwd: root, encoding: 'utf8' }).trim()
    const { length } = readFileSync(join(root, name))
    expect(await localFiles('/nowhere').blobId(join(root, name), { kind: 'file', size: length })).toBe(expected)
  }
})

test('a pipe in the context is not waited for', async () => {
  const root = temporaryFolder()
  write(root, ordinary)
  execFileSync('mkfifo', [join(root, 'pipe')])
  expect((await readContext(image, root, localFiles('/nowhere'))).files).toBe(7)
})
