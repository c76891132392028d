import { describe, expect, it } from 'vitest'
import { basesIn, inOrder } from '../../src/smoke/bases.ts'
import { ComposeProject } from '../../src/tools/compose.ts'

describe('the bases of an image', () => {
  const known = (name: string): string | undefined => (/^(docker\.io\/)?team\/app/.test(name) ? 'team/app:launchway-1' : undefined)

  it.each<[string, string[]]>([
    ['FROM team/app', ['team/app']],
    ['FROM --platform=linux/amd64 team/app:v3 AS base\nFROM base\nCOPY --from=team/app:v4 /a /a', ['team/app:v3', 'team/app:v4']],
    ['ARG BASE="team/app:1"\nFROM ${BASE}', ['team/app:1']],
    ['FROM ${BASE:-team/app:2}', ['team/app:2']],
    ['ARG TAG=7\nFROM team/app:${TAG}', ['team/app:7']],
    ['ARG REGISTRY=team\nFROM ${REGISTRY}/app:${TAG:-3}', ['team/app:3']],
    // As BuildKit looks for it.
    ['FROM docker.io/team/app:latest', ['team/app']],
    ['FROM my/team/app\nRUN echo team/app', []],
  ])('are those of this test where they are named: %j', (text, names) => {
    const { bases } = basesIn(text, { args: {} }, 'linux/amd64', known)
    expect(bases).toEqual(Object.fromEntries(names.map((name) => [name, 'docker-image://team/app:launchway-1'])))
  })

  it('are no stages, whatever else is called so', () => {
    const text = 'FROM node AS base\nFROM base AS api\nFROM base AS worker\nCOPY --from=api /a /a'
    expect(basesIn(text, { args: {}, target: 'worker' }, 'linux/amd64', (name) => `team/${name}:launchway-1`).bases).toEqual({
      node: 'docker-image://team/node:launchway-1',
    })
  })

  it('are told where their names depend on what nobody says', () => {
    expect(basesIn('ARG TAG\nFROM team/app:${TAG}', { args: {} }, 'linux/amd64', known)).toEqual({ bases: {}, untold: ['team/app:${TAG}'] })
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
