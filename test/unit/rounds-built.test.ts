import { expect, it } from 'vitest'
import { Built } from '../../src/rounds/built.ts'

const build = (key: string) => ({ key, references: [`one:${key}`, `two:${key}`] })

function built(...keys: string[]): Built {
  const all = new Built()
  for (const key of keys) all.add('app', build(key))
  return all
}

it.each<[string, string[], string[]]>([
  ['of one build nothing is old', ['a'], []],
  ['of two neither', ['a', 'b'], []],
  ['the one between has all of its references go', ['a', 'b', 'c'], ['one:b', 'two:b']],
  ['what is built again is the last one', ['a', 'b', 'c', 'b'], ['one:c', 'two:c']],
  ['the first stays, also when it is the last again', ['a', 'b', 'a'], ['one:b', 'two:b']],
])('%s', (_, keys, old) => {
  expect(built(...keys).old()).toEqual(old)
})

it('what could not be removed is old again the next time, and of each image for itself', () => {
  const all = built('a', 'b', 'c')
  all.add('other', build('x'))
  all.forget(new Set(['one:b']))
  expect(all.old()).toEqual(['two:b'])
  all.add('app', build('d'))
  expect(all.old()).toEqual(['two:b', 'one:c', 'two:c'])
  all.forget(new Set(['two:b', 'one:c', 'two:c']))
  expect(all.old()).toEqual([])
})
