import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { OwnWrites } from '../../src/rounds/own-writes.ts'
import type { Place } from '../../src/rounds/places.ts'
import { localPorts, temporaryFolder } from '../unit/support/ports.ts'

/** A repository with a folder that containers may write to. @returns what of these paths counts, of which all are there */
function repository(tracked: readonly string[], ignores: string) {
  const root = temporaryFolder()
  const write = (name: string, text = ''): void => {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  for (const name of tracked) write(name)
  write('.gitignore', ignores)
  execFileSync('git', ['init', '--quiet', root])
  execFileSync('git', ['-C', root, 'add', '.'])
  const { ports } = localPorts(root)
  const places: Place[] = [{ kind: 'files', path: join(root, 'data'), isTree: true, isOpen: true }]
  const paths = (names: readonly string[]): string[] => names.map((name) => join(root, name))
  return {
    root,
    write,
    isSure: (...names: string[]) => new OwnWrites().isSure(paths(names), places, ports),
    counts: async (...names: string[]) =>
      (await new OwnWrites().sort(paths(names), places, ports)).map((path) => path.slice(root.length + 1)).toSorted(),
  }
}

it('git is asked about names of any letters, as many as there are', async () => {
  const { counts, isSure } = repository(['data/größe.py', 'data/a "b".py', 'data/deep/in/one.py'], '*.log\n!kept.log\n')
  expect(await counts('data/größe.py', 'data/a "b".py', 'data/ärger.log', 'data/kept.log', 'data/deep')).toEqual(
    ['data/größe.py', 'data/a "b".py', 'data/kept.log', 'data/deep'].toSorted(),
  )
  const many = Array.from({ length: 5_000 }, (_, at) => `data/${'a-long-name-of-something-that-was-written'.repeat(3)}-${at}.log`)
  expect(await counts(...many, 'data/größe.py')).toEqual(['data/größe.py'])
  expect([await isSure(...many), await isSure(...many, 'data/größe.py')]).toEqual([false, true])
})

it('what lies beyond a link has git forget nothing of the rest', async () => {
  const { counts, root, write } = repository(['data/app.py'], '*.log\n')
  write('elsewhere/x')
  symlinkSync('../elsewhere', join(root, 'data/link'))
  expect(await counts('data/a.log', 'data/link/x', 'data/link/y', 'data/z.log')).toEqual(['data/link/x', 'data/link/y'])
})
