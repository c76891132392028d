import { describe, expect, it } from 'vitest'
import type { Ports } from '../../src/core/ports.ts'
import type { Glass } from '../../src/scan/look.ts'
import { weighed } from '../../src/scan/newer.ts'
import { fakeFiles } from '../fakes/files.ts'
import { fakeLog } from '../fakes/log.ts'
import { record } from './support/deploy.ts'

const base = { reference: 'python:3', layers: 2, newer: { repository: 'registry.example.org/python', digest: `sha256:${'1'.repeat(64)}` } }
const trivy = { file: '/trivy', cacheDir: '/cache', cwd: '/empty', version: '1' }
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a look at the base reaches of it
const glass = {
  trivy,
  layers: { trivy, java: '' },
  database: { identity: 'x' },
} as unknown as Glass

describe('a look at the base of now', () => {
  it.each<[string, string, Ports['exec']['run']]>([
    ['takes too long', 'it took longer than 2 min', () => Promise.reject(new Error('it took longer than 2 min'))],
    ['fails', 'no route', () => Promise.resolve({ code: 1, stdout: '', stderr: 'no route', ms: 1 })],
    ['gives no report', 'was not looked at', () => Promise.resolve({ code: 0, stdout: '', stderr: '', ms: 1 })],
  ])('that %s is no failure of the scan, and no more than a line for who looks closely', async (_, why, run) => {
    const log = fakeLog()
    const outside = {
      exec: { run },
      files: fakeFiles({}),
      log,
      signal: new AbortController().signal,
      root: '/tree',
      registry: { credentials: () => Promise.resolve(undefined) },
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it reaches of the outside
    const ports = outside as unknown as Ports
    expect(await weighed(base, [], glass, record(), ports)).toEqual({ reference: 'python:3', layers: 2 })
    expect(log.said('debug').join()).toContain(why)
    expect(log.said('line')).toEqual([])
  })
})
