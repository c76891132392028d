import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveEnvironment } from '../../src/config/resolve.ts'
import { type Batch, batchesOf, hostsIn } from '../../src/core/batches.ts'
import { showPlan } from '../../src/plan/index.ts'
import { runs } from './support/runs.ts'
import { configOf, problems } from './support/config.ts'
import { environment, record, service } from './support/deploy.ts'

const text = (batch: string, hosts = '[a, b, c, d]', rest = 'port: 5000, publish: 80'): string =>
  `image: x/y\nenvironments:\n  p:\n    hosts: ${hosts}\n    ${rest === '' ? '' : `services: { web: { ${rest} } }\n    `}batch: ${batch}\n`

describe('how many hosts go at once', () => {
  it.each<[string, string, Batch]>([
    ['a number', '2', { sizes: [2] }],
    ['a part', "'25%'", { sizes: [1] }],
    ['a part that is no whole number of hosts is rounded down', "'74%'", { sizes: [2] }],
    ['the smallest part is one host', "'1%'", { sizes: [1] }],
    ['all', "'100%'", { sizes: [4] }],
    ['more than there are are all', '99', { sizes: [4] }],
    ['a list', "[1, '50%', 100]", { sizes: [1, 2, 4] }],
    ['the long form, with the time between two', "{ size: ['10%', 3], wait: 30s }", { sizes: [1, 3], waitMs: 30_000 }],
    ['the long form without one', '{ size: 3 }', { sizes: [3] }],
  ])('%s: %s', (_, said, expected) => {
    expect(resolveEnvironment(configOf(text(said)), 'p', undefined)?.batch).toEqual(expected)
  })

  it('also of a compose project, and in what holds for every environment', () => {
    const project = "image: x/y\nenvironments: { p: { hosts: [a, b], compose: compose.yml, batch: '100%' } }"
    expect(resolveEnvironment(configOf(project), 'p', undefined)?.batch).toEqual({ sizes: [2] })
    const general = 'image: x/y\ndefaults: { batch: 2 }\nenvironments: { p: { hosts: [a, b, c], port: 1, publish: 2 } }'
    expect(resolveEnvironment(configOf(general), 'p', undefined)?.batch).toEqual({ sizes: [2] })
  })

  it('is one where nothing is said', () => {
    const plain = 'image: x/y\nenvironments: { p: { hosts: [a, b], port: 1, publish: 2 } }'
    expect(resolveEnvironment(configOf(plain), 'p', undefined)?.batch).toBeUndefined()
    expect(batchesOf(['a', 'b'])).toEqual([['a'], ['b']])
  })

  it.each([
    ['0', 'environments.p.batch: must be at least 1, not "0"'],
    ['-1', 'environments.p.batch: must be at least 1, not "-1"'],
    ["'0%'", "environments.p.batch: must be a number of hosts, or a part of them from '1%' to '100%'"],
    ["'150%'", "environments.p.batch: must be a number of hosts, or a part of them from '1%' to '100%'"],
    ["'2'", '; without quotes: 2'],
    ['[]', 'environments.p.batch: must have at least 1 entry'],
    ['[1, 0]', 'environments.p.batch.1: must be at least 1, not "0"'],
    ['{ size: 0 }', 'environments.p.batch.size: must be at least 1'],
    ['{ wait: 5s }', 'environments.p.batch.size: must be number or string or a list'],
    ['{ size: 2, wait: 5 }', 'with its unit: 5s'],
    ['{ size: 2, delay: 5s }', 'unknown key "delay"; known here: size, wait'],
  ])('is not %s', (said, message) => {
    expect(problems(text(said)).join('\n')).toContain(message)
  })

  it('is said by the compose file of a stack, service by service', () => {
    const stack = 'image: x/y\nenvironments: { p: { host: a, swarm: stack.yml, batch: 2 } }'
    expect(problems(stack)).toEqual([
      expect.stringContaining(
        'batch and swarm exclude each other: the compose file says it, service by service: deploy: { update_config: { parallelism: 2, delay: 30s } }',
      ),
    ])
  })

  it('counts each host once: one that is there twice is refused', () => {
    expect(problems(text('2', '[a, b, a]'))).toEqual([expect.stringMatching(/:4:\d+: environments\.p\.hosts: a is there twice$/)])
  })
})

describe('batches', () => {
  it.each<[string, number[], string[][]]>([
    ['all at once', [5], [['a', 'b', 'c', 'd', 'e']]],
    ['two by two, and what is left', [2], [['a', 'b'], ['c', 'd'], ['e']]],
    ['one first, then the others', [1, 5], [['a'], ['b', 'c', 'd', 'e']]],
    ['the last repeats', [1, 2], [['a'], ['b', 'c'], ['d', 'e']]],
    ['sizes that are not reached', [4, 3, 9], [['a', 'b', 'c', 'd'], ['e']]],
  ])('%s', (_, sizes, expected) => {
    expect(batchesOf(['a', 'b', 'c', 'd', 'e'], sizes)).toEqual(expected)
  })

  it('have every host once, in their order, and none has more hosts than it may', () => {
    const size = fc.oneof(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 100 }).map((part) => `${part}%`),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.array(size, { minLength: 1, maxLength: 4 }), (count, said) => {
        const hosts = Array.from({ length: count }, (_, index) => index)
        const sizes = said.map((one) => hostsIn(one, count))
        const batches = batchesOf(hosts, sizes)
        expect(batches.flat()).toEqual(hosts)
        const most = batches.map((_, index) => sizes[index] ?? sizes.at(-1) ?? 0)
        // None but the last has room left.
        expect(batches.slice(0, -1).map(({ length }) => length)).toEqual(most.slice(0, -1))
        expect(batches.at(-1)?.length).toBeGreaterThan(0)
        expect(batches.at(-1)?.length).toBeLessThanOrEqual(most.at(-1) ?? 0)
      }),
      { numRuns: runs(100) },
    )
  })
})

describe('a plan shows', () => {
  const shown = (hosts: string[], batch: Batch, of: Parameters<typeof environment>[1] = {}): string[] => {
    const { plan } = record()
    const release = record({ plan: { ...plan, environment: environment([service()], { hosts, batch, ...of }) } })
    const lines = showPlan(release).split('\n')
    const from = lines.findIndex((line) => line.startsWith('  batch'))
    return lines.slice(
      from,
      lines.findIndex((line) => line.startsWith('  stage')),
    )
  }
  const step = { service: 'web', command: ['migrate'], timeoutMs: 1 }

  it('which hosts go together, and how long it waits between them', () => {
    expect(shown(['a', 'b', 'c'], { sizes: [1, 2], waitMs: 30_000 }).map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      ' batch 1 a',
      ' 2 b, c; 30 s later',
    ])
  })

  it('that one goes before the others of the first batch, where something runs there for all of them', () => {
    expect(shown(['a', 'b', 'c'], { sizes: [3] }, { beforeSwitch: [step] }).join()).toMatch(
      /1 +a \(what runs once runs there\), then b, c$/,
    )
    expect(shown(['a', 'b', 'c'], { sizes: [1, 2] }, { beforeSwitch: [step] }).join()).toMatch(/1 +a, +2 +b, c$/)
  })

  it('of many hosts the first and the last, and of one that there is nothing to divide', () => {
    const many = Array.from({ length: 30 }, (_, index) => `deploy@web-${index + 1}.example.org`)
    expect(shown(many, { sizes: [30] }).join()).toMatch(/1 +deploy@web-1\.example\.org … deploy@web-30\.example\.org \(30 hosts\)$/)
    expect(shown(['a'], { sizes: [1] }).join()).toMatch(/there is one host: batch does nothing$/)
  })
})
