import { describe, expect, it } from 'vitest'
import type { Ports } from '../../src/core/ports.ts'
import type { LaunchwayError } from '../../src/core/error.ts'
import type { ScanPlan } from '../../src/core/gates.ts'
import type { Release } from '../../src/core/release.ts'
import { isStill, readyDatabase } from '../../src/scan/database.ts'
import { readyJava } from '../../src/scan/java.ts'
import { impatientClock } from '../fakes/clock.ts'
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

describe('a database of an earlier run that is from elsewhere', () => {
  const plan = { databases: [], javaDatabases: [], offline: true, maxDbAgeMs: 3_600_000 }
  const failed = async (run: Promise<unknown>): Promise<LaunchwayError> =>
    run.then(
      () => Promise.reject(new Error('it passed')),
      (error: LaunchwayError) => error,
    )
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it reaches of the outside
  const ports = {
    clock: impatientClock(),
    files: fakeFiles(
      Object.fromEntries(
        ['db', 'java-db'].flatMap((kind) => [
          [`/cache/${kind}/source`, 'mirror.example.org/db:2'],
          [`/cache/${kind}/metadata.json`, metadata],
        ]),
      ),
    ),
  } as unknown as Ports
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is read of it
  const of = (changed: Partial<ScanPlan>): ScanPlan => ({ ...plan, ...changed }) as ScanPlan
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing of it is read
  const release = {} as Release

  it.each<[string, readonly string[], string]>([
    ['where others are named', ['ghcr.io/team/db:2'], 'names ghcr.io/team/db:2'],
    ['where none is named', [], "names none, so Trivy's own databases count"],
  ])('is told of with where it is from, %s', async (_, named, why) => {
    const vulnerabilities = await failed(readyDatabase(of({ databases: [...named] }), { ...trivy, version: '1' }, release, ports))
    expect(vulnerabilities.code).toBe('SCAN_DB_UNAVAILABLE')
    expect(vulnerabilities.message).toBe(
      `nothing may be fetched (scan.offline), and the one of an earlier run is from mirror.example.org/db:2, and scan.databases ${why}, so nothing was scanned`,
    )
    const java = await failed(readyJava('app', '', of({ javaDatabases: [...named] }), trivy, release, ports))
    expect(java.hint).toContain(`the one of an earlier run is from mirror.example.org/db:2, and scan.java-databases ${why}`)
  })
})
