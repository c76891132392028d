import { describe, expect, it } from 'vitest'
import type { Ports } from '../../src/core/ports.ts'
import { isStill } from '../../src/scan/database.ts'
import { fakeFiles } from '../fakes/files.ts'

const trivy = { file: '/trivy', cacheDir: '/cache', cwd: '/empty' }
const updated = '2026-11-21T06:00:00.000Z'
const identity = `mirror/db:2 ${updated} 4`
const metadata = JSON.stringify({ UpdatedAt: updated, NextUpdate: '2026-11-22T06:00:00Z' })

describe('the database that a scan has decided with', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['is there as it was', {}, true],
    ['was replaced by one of elsewhere', { '/cache/db/source': 'other/db:2' }, false],
    ['was replaced by one of another size', { '/cache/db/trivy.db': 'larger' }, false],
    ['was replaced by a newer one', { '/cache/db/metadata.json': metadata.replace(updated, '2026-11-21T12:00:00Z') }, false],
  ])('%s', async (_, changed, answer) => {
    const start = { '/cache/db/source': 'mirror/db:2', '/cache/db/trivy.db': 'abcd', '/cache/db/metadata.json': metadata }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it reaches of the outside
    const ports = { files: fakeFiles({ ...start, ...changed }) } as unknown as Ports
    expect(await isStill({ identity }, trivy, ports)).toBe(answer)
  })

  it('is not there any more', async () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it reaches of the outside
    const ports = { files: fakeFiles({}) } as unknown as Ports
    expect(await isStill({ identity }, trivy, ports)).toBe(false)
  })
})
