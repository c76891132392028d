import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { changesOf as changesSeen, FileList, type InputList, inputList, packed, unpacked } from '../../src/build/inputs.ts'
import { contentKey, type Inputs } from '../../src/build/key.ts'
import type { PlannedImage } from '../../src/core/release.ts'
import { runs } from './support/runs.ts'

const image: PlannedImage = {
  name: 'app',
  context: '.',
  dockerfile: 'Dockerfile',
  target: 'web',
  platforms: ['linux/amd64', 'linux/arm64'],
  args: { A: '1', B: '2' },
  repositories: ['a/b'],
}
const inputs: Inputs = {
  dockerfile: 'FROM python:3\n',
  tree: '0'.repeat(64),
  bases: { 'python:3': 'sha256:1', 'node:22': 'sha256:2' },
  contexts: {},
}

describe('the content key', () => {
  const reversed = <Value>(of: Record<string, Value>): Record<string, Value> => Object.fromEntries(Object.entries(of).toReversed())

  test('does not depend on the order of anything that has none', () => {
    const other = { ...image, args: reversed(image.args), platforms: image.platforms.toReversed() }
    expect(contentKey(other, { ...inputs, bases: reversed(inputs.bases) })).toBe(contentKey(image, inputs))
    const text = fc.string({ maxLength: 5 })
    fc.assert(
      fc.property(fc.dictionary(text, text), fc.dictionary(text, text), (args, bases) => {
        const one = contentKey({ ...image, args }, { ...inputs, bases })
        expect(contentKey({ ...image, args: reversed(args) }, { ...inputs, bases: reversed(bases) })).toBe(one)
      }),
    )
  })

  test('changes with every change of what determines the image', () => {
    const text = fc.string({ maxLength: 4 })
    const determined = fc.record({
      args: fc.dictionary(text, text, { maxKeys: 3 }),
      target: fc.option(text, { nil: undefined }),
      platforms: fc.uniqueArray(fc.constantFrom('linux/amd64', 'linux/arm64', 'linux/arm/v7')),
      secrets: fc.option(fc.uniqueArray(text), { nil: undefined }),
      contexts: fc.dictionary(text, text, { maxKeys: 2 }),
      bases: fc.dictionary(text, text, { maxKeys: 3 }),
      dockerfile: text,
      tree: text,
    })
    type Determined = typeof determined extends fc.Arbitrary<infer T> ? T : never
    const keyOf = ({ bases, contexts, dockerfile, tree, target, secrets, ...rest }: Determined): string => {
      const planned = {
        ...image,
        target: undefined,
        ...rest,
        ...(target === undefined ? {} : { target }),
        ...(secrets === undefined ? {} : { secrets: secrets.map((id) => ({ id })) }),
      }
      return contentKey(planned, { bases, contexts, dockerfile, tree })
    }
    const plain = (of: Determined): string =>
      JSON.stringify({ ...of, platforms: of.platforms.toSorted() }, (_, value: unknown) =>
        value !== null && typeof value === 'object' && !Array.isArray(value)
          ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
          : value,
      )
    fc.assert(
      fc.property(
        determined,
        determined,
        fc.constantFrom(...(['args', 'target', 'platforms', 'secrets', 'bases', 'dockerfile', 'tree'] as const)),
        (one, other, name) => {
          const changed = { ...one, [name]: other[name] }
          expect(keyOf(changed) === keyOf(one)).toBe(plain(changed) === plain(one))
        },
      ),
      { numRuns: runs(100) },
    )
  })
})

/** Where nothing is known of the files but what a list has of them. */
const changesOf = (was: InputList, now: InputList): string[] => changesSeen(was, now, new Map())

/** By path, what is in the file. */
function listed(files: Readonly<Record<string, string>>, more: Partial<Inputs> = {}, of: Partial<PlannedImage> = {}): InputList {
  const list = new FileList()
  for (const [path, blob] of Object.entries(files)) list.add({ path, kind: 'file', mode: 0o644, blob })
  return inputList({ ...image, ...of }, { ...inputs, ...more }, list)
}

const before = listed({ 'app.py': '1', 'requirements.txt': '1', Dockerfile: '1' })

describe('what has changed since the last build', () => {
  it.each<[string, InputList, string[]]>([
    ['nothing', listed({ 'app.py': '1', 'requirements.txt': '1', Dockerfile: '1' }), []],
    ['a file', listed({ 'app.py': '1', 'requirements.txt': '2', Dockerfile: '1' }), ['requirements.txt changed']],
    ['files that came and went', listed({ 'new.py': '1', 'requirements.txt': '1', Dockerfile: '1' }), ['app.py is gone', 'new.py is new']],
    [
      'the Dockerfile, once, though it is in the context too',
      listed({ 'app.py': '1', 'requirements.txt': '1', Dockerfile: '2' }, { dockerfile: 'FROM x' }),
      ['Dockerfile changed'],
    ],
    [
      'a base, before all else',
      listed({ 'app.py': '2', 'requirements.txt': '1', Dockerfile: '1' }, { bases: { 'python:3': 'sha256:9', 'redis:7': 'x' } }),
      ['the base node:22 is gone', 'the base python:3 moved', 'the base redis:7 is new', 'app.py changed'],
    ],
    [
      'arguments and settings',
      listed({ 'app.py': '1', 'requirements.txt': '1', Dockerfile: '1' }, {}, { args: { A: '1', B: '3', C: '' }, target: 'x' }),
      ['the argument B changed', 'the argument C is new', 'the setting target changed'],
    ],
    ['the way of making keys', { ...before, keyVersion: 1 }, ['this launchway makes content keys in another way']],
  ])('%s', (_, now, changes) => {
    expect(changesOf(before, now)).toEqual(changes)
  })

  describe('a file is told by what of it has changed', () => {
    type Entry = { kind: 'file' | 'link' | 'directory'; mode: number; blob: string }
    const told = (was: Entry, is: Entry): string[] => {
      const [old, now] = [was, is].map((entry) => {
        const files = new FileList()
        files.add({ path: 'bin/x', ...entry })
        return { list: inputList(image, inputs, files), seen: files.seen }
      })
      if (old === undefined || now === undefined) throw new Error('none')
      return changesSeen(old.list, now.list, now.seen)
    }
    const file = (mode: number, blob = 'a'): Entry => ({ kind: 'file', mode, blob })
    const folder = (mode: number): Entry => ({ kind: 'directory', mode, blob: '' })
    const link = (blob: string): Entry => ({ kind: 'link', mode: 0, blob })

    it.each<[string, Entry, Entry, string]>([
      ['its content', file(0o644), file(0o644, 'b'), 'bin/x changed'],
      ['its content, and its mode too', file(0o644), file(0o755, 'b'), 'bin/x changed'],
      ['chmod +x', file(0o644), file(0o755), 'bin/x is executable now'],
      ['chmod u+x', file(0o644), file(0o744), 'bin/x is executable now'],
      ['chmod +x of a mode that is rare', file(0o620), file(0o731), 'bin/x is executable now'],
      ['chmod -x', file(0o755), file(0o644), 'bin/x is no longer executable'],
      ['another umask', file(0o664), file(0o644), 'the permissions of bin/x changed: 644, they were 664'],
      ['a set-user-id bit', file(0o755), file(0o4755), 'the permissions of bin/x changed: 4755, they were 755'],
      ['the mode of a folder', folder(0o755), folder(0o700), 'the permissions of bin/x changed: 700, they were 755'],
      ['where a link leads', link('a'), link('b'), 'the link bin/x changed'],
      ['a link in the place of a file', file(0o644), link('a'), 'the link bin/x changed'],
      ['a file in the place of a link', link('a'), file(0o644), 'bin/x changed'],
    ])('%s', (_, was, is, says) => {
      expect(told(was, is)).toEqual([says])
    })

    it('whatever the modes: never as content, where one of them is usual and the other differs in who may run it', () => {
      const mode = fc.constantFrom(0o644, 0o755, 0o664, 0o775, 0o600, 0o700, 0o640, 0o750)
      fc.assert(
        fc.property(mode, mode, fc.string(), (was, is, blob) => {
          const says = told(file(was, blob), file(is, blob))
          expect(says.length).toBe(was === is ? 0 : 1)
          expect(says).not.toContain('bin/x changed')
          expect(told(file(was, blob), file(is, `${blob}.`))).toEqual(['bin/x changed'])
        }),
      )
    })

    it('nothing is kept of what is in the sum of its folder', () => {
      const files = new FileList()
      for (let index = 0; index < 5000; index += 1) files.add({ path: `src/a/f${index}`, ...file(0o644) })
      files.add({ path: 'run.sh', ...file(0o755) })
      expect([...files.seen.keys()]).toEqual(['run.sh'])
    })
  })

  it('says nothing of what made the key one that no other build has', () => {
    const unknown = listed({ 'app.py': '1' }, { bases: { ...inputs.bases, '': '20261121-101500-4f2a9c1' } })
    expect(changesOf(unknown, listed({ 'app.py': '1' }))).toEqual([])
  })

  it('says no value of an argument', () => {
    const text = JSON.stringify(listed({}, {}, { args: { TOKEN: 'hunter2' } }))
    expect(text).toContain('TOKEN')
    expect(text).not.toContain('hunter2')
  })

  it('is told of ten thousand files by their folders, in a few kilobytes', () => {
    const many = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [`src/m${index % 40}/p${index % 800}/f${index}.js`, `${index}`]),
    )
    const list = listed({ ...many, 'package.json': '1' })
    const body = Buffer.from(packed(list), 'base64')
    expect(body.length).toBeLessThan(20_000)
    expect(unpacked(body)).toEqual(list)
    const now = listed({ ...many, 'src/m7/p7/f7.js': 'other', 'package.json': '1', 'new.json': '1' })
    expect(changesOf(list, now)).toEqual(['new.json is new', 'src/m7/p7/ changed'])
    // A tree that has shrunk since is told apart more finely: compared is what both tell.
    const { 'src/m7/p7/f7.js': _gone, ...fewer } = Object.fromEntries(
      Object.entries(many).filter(([path]) => path.startsWith('src/m7/p7/')),
    )
    expect(changesOf(list, listed({ ...fewer, 'package.json': '1' }))).toContain('src/m7/p7/ changed')
  })

  it('is the same whatever was put together on the way', () => {
    const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'))
    fc.assert(
      fc.property(fc.dictionary(path, fc.constantFrom('1', '2')), fc.nat(3), fc.nat(3), (files, one, other) => {
        // As two builds would have it that had to put together more, or less.
        const list = listed(files)
        const at = (depth: number): InputList => {
          const found = new FileList()
          found.depth = depth
          for (const [name, blob] of Object.entries(files)) found.add({ path: name, kind: 'file', mode: 0o644, blob })
          return inputList(image, inputs, found)
        }
        expect([changesOf(list, at(one)), changesOf(at(one), at(other))]).toEqual([[], []])
      }),
    )
  })

  it('is nothing that somebody else wrote', () => {
    expect(unpacked(Buffer.from('no archive'))).toBeUndefined()
    expect(unpacked(Buffer.from(packed({ ...before, depth: 1.5 }), 'base64'))).toBeUndefined()
  })
})
