import { globSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { root } from '../../lab/paths.ts'
import { longestFirst, partsOf } from '../support/parts.ts'

const files = globSync(['test/contract/*.test.ts', 'test/e2e/*.test.ts'], { cwd: root })

describe('the parts of npm test', () => {
  it('have each file of the tests once, in the suite that it belongs to', () => {
    const parts = partsOf(files)
    expect(parts.flatMap((part) => part.files).toSorted()).toEqual(files.toSorted())
    expect(new Set(parts.map(({ name }) => name)).size).toBe(parts.length)
    const suites = parts.flatMap((part) => part.files.map((file) => [file, part.project]))
    const suiteOf = (file: string): string => {
      if (file.startsWith('test/e2e/')) return 'e2e'
      return { host: 'hosts', swarm: 'swarm' }[/\/(host|swarm)-/.exec(file)?.[1] ?? ''] ?? 'contract'
    }
    expect(suites).toEqual(suites.map(([file = '']) => [file, suiteOf(file)]))
  })

  it.each([
    ['test/contract/smoke.test.ts', 'smoke'],
    ['test/contract/smoke-clean.test.ts', 'smoke'],
    ['test/contract/buildx.test.ts', 'build'],
    ['test/contract/push-faults.test.ts', 'registry'],
    ['test/contract/ssh.test.ts', 'contract'],
    ['test/contract/host-nginx.test.ts', 'host-nginx'],
    ['test/e2e/smoke.test.ts', 'e2e-smoke'],
  ])('of %s is %s', (file, name) => {
    expect(partsOf([file])).toMatchObject([{ name, files: [file] }])
  })

  it('begin with what has never run here, then with what took longest', () => {
    const parts = ['a', 'b', 'c', 'd'].map((name) => ({ name, project: 'hosts' as const, files: [] }))
    const took = new Map([
      ['a', 1],
      ['b', 3],
      ['d', 2],
    ])
    expect(longestFirst(parts, took).map(({ name }) => name)).toEqual(['c', 'b', 'd', 'a'])
  })
})
