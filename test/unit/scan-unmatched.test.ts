import { describe, expect, it } from 'vitest'
import { besides, idle } from '../../src/scan/exceptions.ts'
import type { Entry } from '../../src/tools/trivy-ignore.ts'
import type { Found } from '../../src/tools/trivy-report.ts'

const file = '.trivyignore.yaml'
const now = Date.parse('2026-11-21T12:00:00Z')

describe('an exception that lets nothing pass', () => {
  const list = 'vulnerabilities'
  const httpx = { id: 'CVE-2021-41945', class: 'library' } as const

  it.each<[string, Partial<Entry>, Pick<Found, 'id' | 'class'>, string]>([
    ['for another package', { list, purls: ['pkg:pypi/requests'] }, httpx, ': purls pkg:pypi/requests'],
    ['for other places', { list, purls: ['pkg:pypi/httpx'], paths: ['a/**', 'b'] }, httpx, ': purls pkg:pypi/httpx; paths a/**, b'],
    ['in small letters', { list, id: 'cve-2021-41945' }, httpx, ': upper and lower case count, write CVE-2021-41945'],
    [
      'in the list of something else',
      { list, id: 'DS-0002' },
      { id: 'DS-0002', class: 'misconfig' },
      ': it stands under vulnerabilities, not under misconfigurations',
    ],
    ['for no reason that is known', {}, httpx, ''],
  ])('%s is named where its id blocks', (_, entry, finding, why) => {
    expect(besides(file, [{ id: httpx.id, line: 3, ...entry }], [finding, finding], now)).toEqual([
      `${finding.id}: the exception at .trivyignore.yaml:3 does not match it${why}`,
    ])
  })

  it('is not named where it has ended, which is told already, or is for something else', () => {
    const entries = [
      { id: httpx.id, line: 3, until: now - 1 },
      { id: 'CVE-2021-4194', line: 5 },
    ]
    expect(besides(file, entries, [httpx], now)).toEqual([])
  })

  it('since nothing of it was found is in one line with the others', () => {
    const one = { source: file, state: 'open' as const, findings: [] }
    const used = { ...one, id: 'CVE-3', findings: ['app: CVE-3 in p 1'] }
    const ended = { ...one, id: 'CVE-4', state: 'ended' as const }
    expect(idle(file, [{ ...one, id: 'CVE-1' }, { ...one, id: 'CVE-2' }, used, ended])).toBe(
      '.trivyignore.yaml: 2 exceptions match nothing that was found: CVE-1, CVE-2',
    )
    expect(idle(file, [{ ...one, id: 'CVE-1' }])).toContain('an exception matches nothing that was found: CVE-1')
    expect(idle(file, [used, ended])).toBeUndefined()
  })
})
