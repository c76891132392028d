import { hash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readThreat, type Threat } from '../../src/scan/threat.ts'
import { fakeLog } from '../fakes/log.ts'
import { failureOf } from '../contract/support/errors.ts'

const now = Date.parse('2026-11-22T12:00:00Z')
const catalog = {
  title: 'CISA Catalog of Known Exploited Vulnerabilities',
  dateReleased: '2026-11-20T17:03:21.9123Z',
  count: 1,
  vulnerabilities: [{ cveID: 'CVE-2021-44228', vendorProject: 'Apache', dueDate: '2021-12-24' }],
}
const scores =
  '#model_version:v2025.03.14,score_date:2026-11-22T12:55:00Z\ncve,epss,percentile\nCVE-2021-44228,0.94358,0.99957\nCVE-1999-0001,1.0e-05,0.1\n'

interface Files {
  kev?: string | Buffer
  epss?: string | Buffer
}

function readLists(of: Files, log = fakeLog()): ReturnType<typeof readThreat> {
  const named = { ...(of.kev === undefined ? {} : { kev: 'kev.json' }), ...(of.epss === undefined ? {} : { epss: 'epss.csv' }) }
  return readThreat(named, async (_, key) => Buffer.from(of[key] ?? ''), now, log)
}

async function threat(of: Files, log = fakeLog()): Promise<Threat> {
  return (await readLists(of, log)).threat
}

describe('what is known of a vulnerability beside how bad it is', () => {
  it.each<[string, string | Buffer, string | Buffer]>([
    ['as they are published', JSON.stringify(catalog), scores],
    ['packed', gzipSync(JSON.stringify(catalog)), gzipSync(scores)],
    ['with lines of Windows', JSON.stringify(catalog, null, 2).replaceAll('\n', '\r\n'), scores.replaceAll('\n', '\r\n')],
  ])('the lists say, %s', async (_, kev, epss) => {
    const log = fakeLog()
    const of = await threat({ kev, epss }, log)
    expect(of('CVE-2021-44228')).toEqual({ exploited: true, epss: 0.943_58 })
    expect(of('cve-1999-0001')).toEqual({ exploited: false, epss: 0.000_01 })
    expect(of('CVE-2026-9999')).toEqual({ exploited: false })
    expect(log.said('line')).toEqual([
      'kev.json: what is known to be exploited, 1 in number, of 2026-11-20',
      'epss.csv: EPSS scores of 2 vulnerabilities, of 2026-11-22',
    ])
    expect(log.said('warning')).toEqual([])
  })

  it('the record can tell later: which file it was, of when, and how much of it', async () => {
    const kev = JSON.stringify(catalog)
    const packed = gzipSync(scores)
    const digest = (body: string | Buffer): string => `sha256:${hash('sha256', body)}`
    expect((await readLists({ kev, epss: packed })).lists).toEqual([
      { kind: 'kev', path: 'kev.json', made: '2026-11-20T17:03:21.912Z', entries: 1, digest: digest(kev) },
      { kind: 'epss', path: 'epss.csv', made: '2026-11-22T12:55:00.000Z', entries: 2, digest: digest(packed) },
    ])
    const undated = await readLists({ epss: scores.replace(/^#.*\n/, '') })
    expect(undated.lists).toEqual([{ kind: 'epss', path: 'epss.csv', entries: 2, digest: expect.stringMatching(/^sha256:/) }])
    expect((await readLists({})).lists).toEqual([])
  })

  it.each(['GHSA-jfh8-c2jp-5v3q', 'openSUSE-SU-2020:0062-1', 'github-pat', 'TEMP-0000000-1'])(
    'is nothing of %s, which is no number of a CVE',
    async (id) => {
      expect((await threat({ kev: JSON.stringify(catalog), epss: scores }))(id)).toEqual({})
    },
  )

  it.each<[string, { kev?: string; epss?: string }, string]>([
    ['has no date', { kev: JSON.stringify({ ...catalog, dateReleased: 'x' }) }, 'kev.json does not say when it was made'],
    ['has lost the line with its date', { epss: scores.replace(/^#.*\n/, '') }, 'epss.csv does not say when it was made'],
    [
      'is of a day to come',
      { kev: JSON.stringify({ ...catalog, dateReleased: '2027-01-01' }) },
      'kev.json is of 2027-01-01, which is to come',
    ],
  ])('is told of when it %s', async (_, of, warning) => {
    const log = fakeLog()
    await threat(of, log)
    expect(log.said('warning')).toEqual([expect.stringContaining(warning)])
  })

  it('is nothing where there is no list', async () => {
    expect((await threat({}))('CVE-2021-44228')).toEqual({})
    expect((await threat({ epss: scores }))('CVE-2021-44228')).toEqual({ epss: 0.943_58 })
  })

  it('is told of when it is old', async () => {
    const log = fakeLog()
    await threat({ kev: JSON.stringify({ ...catalog, dateReleased: '2026-11-01T00:00:00Z' }) }, log)
    expect(log.said('warning')).toEqual([expect.stringContaining('kev.json is 21 days old')])
  })

  it.each<[string, { kev?: string | Buffer; epss?: string | Buffer }, string]>([
    [
      'a page instead of a catalog',
      { kev: '<html>Sign in</html>' },
      "kev.json is not CISA's catalog of known exploited vulnerabilities, or not whole",
    ],
    ['a catalog that was cut', { kev: JSON.stringify(catalog).slice(0, -5) }, 'kev.json is not CISA'],
    ['a catalog without entries', { kev: JSON.stringify({ ...catalog, vulnerabilities: [] }) }, 'kev.json is not CISA'],
    ['a page instead of scores', { epss: '<html>Sign in</html>' }, 'epss.csv is not the list of EPSS scores, or not whole'],
    ['scores that were cut in a line', { epss: scores.slice(0, -9) }, 'epss.csv is not the list of EPSS scores'],
    ['scores that were cut in the last number', { epss: scores.slice(0, -2) }, 'epss.csv is not the list of EPSS scores'],
    ['a score of more than 1', { epss: 'CVE-2021-44228,7.5,0.9\n' }, 'epss.csv is not the list of EPSS scores'],
    ['no scores', { epss: '' }, 'epss.csv is not the list of EPSS scores'],
    ['a packed list that was cut', { epss: gzipSync(scores).subarray(0, 40) }, 'epss.csv is not a list packed by gzip'],
  ])('is refused: %s', async (_, of, message) => {
    const error = await failureOf(threat(of))
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) })
    expect(error.hint).toContain('Fetch it anew.')
  })
})
