import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { fileWatcher } from '../../src/adapters/watcher.ts'
import type { WatchedPlace } from '../../src/core/ports.ts'

/** A folder with these files, in which changes of the places are heard. */
function heard(files: readonly string[], places: (root: string) => WatchedPlace[]) {
  const root = mkdtempSync(join(tmpdir(), 'launchway-watch-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const write = (path: string, text = ''): void => {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const file of files) write(file)
  const seen = new Set<string>()
  const watcher = fileWatcher((path) => seen.add(path))
  onTestFinished(() => watcher.close())
  expect(watcher.watch(places(root))).toBeUndefined()
  return {
    root,
    write,
    watcher,
    seen,
    /** Until that path is heard of; what came before is forgotten then. */
    hears: async (path: string): Promise<void> => {
      await expect.poll(() => [...seen]).toContain(join(root, path))
      seen.clear()
    },
  }
}

const file = (name: string) => (root: string) => [{ path: join(root, name), isTree: false }]
const tree = (name: string) => (root: string) => [{ path: join(root, name), isTree: true, prunes: (path: string) => path === 'out' }]

it('hears of a file that is written, replaced by another, removed, and made again', async () => {
  const { root, write, hears } = heard(['one.yml'], file('one.yml'))
  write('one.yml', 'written')
  await hears('one.yml')
  for (let time = 0; time < 3; time += 1) {
    write('.one.yml.new', 'replaced')
    renameSync(join(root, '.one.yml.new'), join(root, 'one.yml'))
    await hears('one.yml')
  }
  rmSync(join(root, 'one.yml'))
  await hears('one.yml')
  write('one.yml', 'again')
  await expect(hears('one.yml')).resolves.toBeUndefined()
})

it('hears of a file that comes with its folders', async () => {
  const { root, write, hears, seen } = heard([], file('a/b/c.yml'))
  write('a/b/c.yml')
  await hears('a')
  // Until its folder is heard of, and with that all that is in it.
  await hears('a/b')
  write('a/b/c.yml', 'more')
  await expect.poll(() => [...seen]).toContain(join(root, 'a/b/c.yml'))
})

it('hears of what is in folders that come later, and nothing of those that count for nothing', async () => {
  const { write, hears, seen, root } = heard(['src/a', 'src/out/b'], tree('src'))
  write('src/new/deep/c')
  await hears('src/new')
  await expect.poll(() => (write('src/new/deep/c', 'more'), [...seen])).toContain(join(root, 'src/new/deep/c'))
  seen.clear()
  write('src/out/b', 'more')
  write('src/a', 'more')
  await hears('src/a')
  expect([...seen].filter((path) => path.includes('/out/'))).toEqual([])
})

it('outlives that a folder goes, and hears it when it is made again', async () => {
  const { root, write, hears, seen } = heard(['src/sub/a'], tree('src'))
  rmSync(join(root, 'src'), { recursive: true })
  await hears('src')
  write('src/sub/a')
  await hears('src')
  await expect.poll(() => (write('src/sub/b', 'more'), [...seen])).toContain(join(root, 'src/sub/b'))
  // At once away and there again: the old ear would hear nothing of the new folder.
  rmSync(join(root, 'src'), { recursive: true })
  write('src/sub/a')
  await expect.poll(() => (write('src/sub/c', 'more'), [...seen])).toContain(join(root, 'src/sub/c'))
})

it('hears nothing of places that are no longer asked for, nor after its end', async () => {
  const { root, write, hears, watcher, seen } = heard(['old/a', 'new/b'], tree('old'))
  watcher.watch(tree('new')(root))
  write('old/a', 'more')
  write('new/b', 'more')
  await hears('new/b')
  watcher.close()
  write('new/b', 'still more')
  // Who would still be heard is heard by the one that listens now.
  const other = heard(['c'], file('c'))
  other.write('c', 'more')
  await other.hears('c')
  expect([...seen].filter((path) => path.endsWith('/a') || path.endsWith('/b'))).toEqual([])
})
