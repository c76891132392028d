import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { folderCache } from '../../src/adapters/cache.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { Release, SmokeSection } from '../../src/core/release.ts'
import { recall, remember } from '../../src/smoke/memory.ts'
import { record } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

describe('what has passed', () => {
  const section: SmokeSection = {
    project: 'p',
    services: [{ name: 'web', image: 'i', state: 'running', ms: 1 }],
    checks: [{ name: 'c', passed: true, ms: 2, evidence: 'answered 200' }],
    verdict: 'passed',
    ms: 3,
  }
  const [key, otherKey] = ['1'.repeat(32), '2'.repeat(32)]

  /** A cache in a folder, and a clock that goes on by a minute at each look. */
  function memory(): { ports: Ports; later: (ms: number) => void; root: string } {
    const root = temporaryFolder()
    const { ports } = localPorts(root)
    let now = Date.parse('2026-03-01T12:00:00Z')
    const clock = { ...ports.clock, now: () => new Date((now += 60_000)) }
    const later = (ms: number): void => void (now += ms)
    return { ports: { ...ports, clock, cache: folderCache(join(root, 'cache'), ports.log) }, later, root }
  }

  const release = record()

  it('is told with when and where, and without what the checks were answered then', async () => {
    const { ports } = memory()
    await remember(key, section, release, ports)
    expect(await recall(key, release, ports)).toEqual({
      ...section,
      checks: [{ name: 'c', passed: true, ms: 2 }],
      earlier: { at: '2026-03-01T12:01:00.000Z', by: 'ada@laptop' },
    })
    expect(await recall(otherKey, release, ports)).toBeUndefined()
  })

  it('is asked again after a week', async () => {
    const { ports, later } = memory()
    await remember(key, section, release, ports)
    later(7 * 86_400_000)
    expect(await recall(key, release, ports)).toBeUndefined()
    await remember(key, section, release, ports)
    expect(await recall(key, release, ports)).toMatchObject({ verdict: 'passed' })
  })

  it('has not passed any more once the same has failed, until it passes again', async () => {
    const { ports } = memory()
    await remember(key, section, release, ports)
    await remember(key, undefined, release, ports)
    expect(await recall(key, release, ports)).toBeUndefined()
    await remember(key, section, release, ports)
    expect(await recall(key, release, ports)).toMatchObject({ verdict: 'passed' })
  })

  it.each(['pull_request', 'merge_group'] as const)('in a %s is nothing to a branch, nor the other way round', async (event) => {
    const proposal: Release = { ...release, plan: { ...release.plan, event } }
    const { ports } = memory()
    await remember(key, section, proposal, ports)
    expect(await recall(key, release, ports)).toBeUndefined()
    expect(await recall(key, proposal, ports)).toMatchObject({ verdict: 'passed' })
    await remember(otherKey, section, release, ports)
    expect(await recall(otherKey, proposal, ports)).toBeUndefined()
    expect(await recall(otherKey, release, ports)).toMatchObject({ verdict: 'passed' })
  })

  it.each([
    ['is not JSON', '{'],
    ['belongs to another key', JSON.stringify({ key: otherKey, at: '2026-03-01T12:00:00.000Z', by: 'x', section })],
    ['did not pass', JSON.stringify({ key, at: '2026-03-01T12:00:00.000Z', by: 'x', section: { ...section, verdict: 'failed' } })],
    ['is from tomorrow', JSON.stringify({ key, at: '2027-03-01T12:00:00.000Z', by: 'x', section })],
  ])('is not believed where the entry %s', async (_, text) => {
    const { ports } = memory()
    const entry: Ports['cache'] = {
      restore: async ([file = ''], wanted) => {
        await ports.files.write(file, text)
        return wanted
      },
      save: () => Promise.resolve(),
    }
    expect(await recall(key, release, { ...ports, cache: entry })).toBeUndefined()
  })
})
