import dockerignore from '@balena/dockerignore'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readIgnores } from '../../src/tools/dockerignore.ts'
import { runs } from './support/runs.ts'

/** Whether a path is left out, asked on the way down as a walk does. */
function excludes(text: string, path: string): boolean {
  const ignores = readIgnores(text)
  const parts = path.split('/')
  for (const depth of parts.keys()) {
    if (depth > 0) ignores.excludes(parts.slice(0, depth).join('/'), 'directory')
  }
  return ignores.excludes(path, 'file')
}

test.each<[string, string, string[], string[]]>([
  ['a comment and a blank line', '# a\n\n', [], ['a', '# a']],
  ['a folder with all in it', 'node_modules/', ['node_modules', 'node_modules/a/b'], ['src/node_modules']],
  ['an exception after it', '*\n!src\nsrc/x', ['a', 'src/x', 'src/x/y'], ['src', 'src/y/z']],
  ['letters that mean something in an expression', 'a+(b).{c}|d$', ['a+(b).{c}|d$'], ['aab', 'a', 'd$']],
  ['a backslash', String.raw`\*\a`, ['*a'], ['ba', String.raw`\*a`]],
  ['a set', '[a-c]x\n[^a]y', ['bx', 'by'], ['dx', 'ay']],
  ['a set that is not closed', '[a', [], ['a', '[a']],
  ['folders between', 'a/**/z', ['a/z', 'a/b/c/z'], ['az', 'b/a/z']],
  ['ways around', './a/../b//c/', ['b/c', 'b/c/d'], ['a', 'b/d']],
])('%s', (_, text, out, kept) => {
  expect(out.filter((path) => !excludes(text, path))).toEqual([])
  expect(kept.filter((path) => excludes(text, path))).toEqual([])
})

test('leaves out what another reader of the same language leaves out', () => {
  const part = fc.constantFrom('a', 'b', 'ab', '*', '**', '?', 'a*', '*.b', 'a?')
  const pattern = fc
    .tuple(fc.constantFrom('', '!', '/', '  '), fc.array(part, { minLength: 1, maxLength: 3 }))
    .map(([mark, parts]) => mark + parts.join('/'))
  const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'a.b', 'c'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 4 }), fc.array(path, { minLength: 1, maxLength: 10 }), (patterns, paths) => {
      const text = patterns.join('\n')
      const other = dockerignore.default({ ignorecase: false }).add(text)
      expect(paths.map((one) => [one, excludes(text, one)])).toEqual(paths.map((one) => [one, other.ignores(one)]))
    }),
    { numRuns: runs(200) },
  )
})
