import { describe, expect, it } from 'vitest'
import { basesIn, inOrder } from '../../src/smoke/bases.ts'
import { ComposeProject } from '../../src/tools/compose.ts'

describe('the bases of an image', () => {
  const known = (name: string): string | undefined => (name.startsWith('team/app') ? 'team/app:launchway-1' : undefined)

  it.each<[string, string[]]>([
    ['FROM team/app', ['team/app']],
    ['FROM --platform=linux/amd64 team/app:v3 AS base\nFROM other\nCOPY --from=team/app:v4 /a /a', ['team/app:v3', 'team/app:v4']],
    ['ARG BASE="team/app:1"\nFROM ${BASE}', ['team/app:1']],
    ['FROM ${BASE:-team/app:2}', ['team/app:2']],
    ['FROM my/team/app\nRUN echo my-team/app', []],
  ])('are those of this test where they are named: %j', (text, names) => {
    expect(basesIn([text], known)).toEqual(Object.fromEntries(names.map((name) => [name, 'docker-image://team/app:launchway-1'])))
  })
})

describe('what is built on another', () => {
  const on = (...images: string[]) => ({
    additional_contexts: Object.fromEntries(images.map((image) => [image, `docker-image://${image}`])),
  })
  const built = (bases: Record<string, string[]>) =>
    ComposeProject.parse({
      services: Object.fromEntries(Object.entries(bases).map(([name, of]) => [name, { image: `p-${name}`, build: on(...of) }])),
    })

  it.each<[string, Record<string, string[]>, string[][]]>([
    ['all at once where they need nothing', { a: [], b: ['team/app'] }, [['a', 'b']]],
    ['one after the other', { c: ['p-b'], b: ['p-a'], a: [] }, [['a'], ['b'], ['c']]],
    ['at once where they go in a circle, which docker tells', { a: ['p-b'], b: ['p-a'] }, [['a', 'b']]],
    ['by itself where it is its own base', { a: ['p-a'] }, [['a']]],
  ])('is built %s', (_, bases, layers) => {
    expect(inOrder(built(bases), Object.keys(bases))).toEqual(layers)
  })
})
