import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { localFiles } from '../../src/adapters/files.ts'
import { type ContextEntry, readContext } from '../../src/build/context.ts'
import { filled } from './support/folder.ts'

const run = promisify(execFile)

describe('the context', () => {
  const files = {
    'a.md': '',
    'b/c.md': '',
    'b/d/e.txt': '',
    'b/d/f.md': '',
    '.env': '',
    'B.md': '',
    'node_modules/x/y.js': '',
    'é.txt': '',
    '.git/HEAD': '',
    'b/.git': '',
  }

  const ignored = [
    ['nothing', ''],
    ['comments and blank lines', '# a.md\n\n   \n*.md\n'],
    ['a star', '*.md\n'],
    ['two stars', '**/*.md\n'],
    ['a folder', 'b\n'],
    ['a folder with a slash', 'b/\n'],
    ['from the root', '/b/d\n./a.md\n'],
    ['one letter', '?.md\n'],
    ['a set', '[a-b].md\n'],
    ['an exception', '**/*.md\n!b/**/f.md\n'],
    ['an exception below an ignored folder', 'b\n!b/d/e.txt\n'],
    ['the last line wins', '!a.md\na.md\n!b/c.md\nb/c.md\n!b/c.md\n'],
    ['everything but one', '*\n!b/d\n'],
    ['everything but one, with two stars', '**\n!.env\n'],
    ['spaces around', '  b/d  \n'],
    ['Windows lines', 'b\r\na.md\r\n'],
    ['a byte order mark', '\uFEFFa.md\n'],
    ['itself', '.dockerignore\nDockerfile\n'],
    ['the history', '.git\n'],
    ['another case', 'B.MD\n'],
  ] as const
  let all = ''
  const place = (index: number, kind: 'context' | 'out'): string => join(all, `${kind}-${index}`)
  /** BuildKit makes an image of each, all in one solve. */
  beforeAll(async () => {
    all = filled(
      Object.fromEntries(
        ignored.flatMap(([, ignore], index) =>
          Object.entries({ ...files, Dockerfile: 'FROM scratch\nCOPY . /\n', '.dockerignore': ignore }).map(
            ([path, text]) => [`context-${index}/${path}`, text] as const,
          ),
        ),
      ),
    )
    const targets = ignored.map((_, index): [string, object] => [
      `of-${index}`,
      { context: place(index, 'context'), output: [`type=local,dest=${place(index, 'out')}`] },
    ])
    const definition = { group: { default: { targets: targets.map(([name]) => name) } }, target: Object.fromEntries(targets) }
    writeFileSync(join(all, 'bake.json'), JSON.stringify(definition))
    await run('docker', ['buildx', 'bake', '--progress', 'quiet', '--file', 'bake.json'], { cwd: all })
  })
  afterAll(() => rmSync(all, { recursive: true, force: true }))

  test.each(ignored.map(([name], index) => [name, index] as const))(
    'holds for the key the files that it holds for BuildKit: %s',
    async (_, index) => {
      const [root, out] = [place(index, 'context'), place(index, 'out')]
      const image = { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['a/b'] }
      const entries: ContextEntry[] = []
      await readContext(image, root, localFiles('/nowhere'), { each: (entry) => void entries.push(entry) })
      const built = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory())
      expect(
        entries
          .filter(({ kind }) => kind !== 'directory')
          .map(({ path }) => path)
          .toSorted(),
      ).toEqual(built.map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1)).toSorted())
    },
  )

  test('reaches the image with every bit of its modes, so the key counts each', () => {
    const [root, out] = [filled({ Dockerfile: 'FROM scratch\nCOPY f l /\n', f: '' }), filled({})]
    onTestFinished(() => [root, out].forEach((one) => rmSync(one, { recursive: true, force: true })))
    chmodSync(join(root, 'f'), 0o4755)
    symlinkSync('f', join(root, 'l'))
    execFileSync('docker', ['buildx', 'build', '--quiet', '--output', `type=tar,dest=${out}/t`, root], { stdio: 'pipe' })
    expect(execFileSync('tar', ['--list', '--verbose', '--file', join(out, 't')], { encoding: 'utf8' })).toMatch(/^-rwsr-xr-x .* f$/m)
  })
})
