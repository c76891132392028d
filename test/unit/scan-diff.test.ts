import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compared, gone } from '../../src/scan/diff.ts'
import { fingerprints, type Found, holdsPackage } from '../../src/tools/trivy-report.ts'
import type { Finding } from '../../src/core/release.ts'

function found(id: string, of: Partial<Found> = {}): Found {
  return { class: 'library', id, severity: 'HIGH', package: 'httpx', installed: '0.22.0', packageKey: 'pkg:pypi/httpx@0.22.0', ...of }
}
function ran(id: string, of: Partial<Finding> = {}): Finding {
  return { class: 'library', id, severity: 'HIGH', package: 'httpx', installed: '0.21.0', status: 'new', ...of }
}
const statuses = (findings: readonly Found[], earlier: Parameters<typeof compared>[1]): string[] =>
  compared(findings, earlier).map(({ status }) => status)

describe('beside what runs, a finding', () => {
  it('is new where it does not run yet, and still there where it does, also in another version of its package', () => {
    expect(statuses([found('CVE-1'), found('CVE-2')], { findings: [ran('CVE-1')] })).toEqual(['existing', 'new'])
  })

  it('that is gone is not told with what lists of then said of it', () => {
    expect(gone([], { findings: [ran('CVE-1', { exploited: true, epss: 0.9 })] }, ['vuln'])).toEqual([ran('CVE-1', { status: 'fixed' })])
  })

  it('is new where the package is another one', () => {
    expect(statuses([found('CVE-1', { package: 'h11' })], { findings: [ran('CVE-1')] })).toEqual(['new'])
  })

  it('is not new where only the knowledge of it is: the same package in the same version runs', () => {
    const packages = fingerprints(['pkg:pypi/httpx@0.22.0', 'pkg:pypi/h11@0.14.0'])
    expect(statuses([found('CVE-1')], { findings: [], packages })).toEqual(['existing'])
    expect(statuses([found('CVE-1', { packageKey: 'pkg:pypi/httpx@0.22.1' })], { findings: [], packages })).toEqual(['new'])
  })

  it('that only an exception let run is new again once that has ended, also where the package is the same', () => {
    const packages = fingerprints(['pkg:pypi/httpx@0.22.0'])
    const earlier = { findings: [ran('CVE-1', { exempt: true }), ran('CVE-2')], packages }
    expect(statuses([found('CVE-1'), found('CVE-2'), found('CVE-3')], earlier)).toEqual(['new', 'existing', 'existing'])
    expect(statuses([found('CVE-1', { exempt: { reason: '', source: '' } })], earlier)).toEqual(['existing'])
  })

  it('that an exception let pass in one place, and ran in another, is still there', () => {
    expect(statuses([found('CVE-1')], { findings: [ran('CVE-1', { exempt: true }), ran('CVE-1')] })).toEqual(['existing'])
  })

  it('that is a secret is always new: another one at the same place looks the same', () => {
    const secret = { class: 'secret', package: '/app/.env', installed: 'line 3' } as const
    expect(statuses([found('aws', secret)], { findings: [ran('aws', secret)] })).toEqual(['new'])
  })

  it('about one variable is not one about another', () => {
    const of = (installed: string): Pick<Found, 'class' | 'package' | 'installed'> => ({
      ...{ class: 'misconfig', package: 'image-configuration', installed },
    })
    const now = [found('DS-0031', of('OLD_KEY')), found('DS-0031', of('NEW_KEY'))]
    expect(statuses(now, { findings: [ran('DS-0031', of('OLD_KEY'))] })).toEqual(['existing', 'new'])
  })

  it('that was mended before runs no more', () => {
    expect(statuses([found('CVE-1')], { findings: [ran('CVE-1', { status: 'fixed' })] })).toEqual(['new'])
  })

  it('is new in the very image that runs where it became known since: what its record lists is still there, and no more', () => {
    const packages = fingerprints(['pkg:pypi/httpx@0.22.0'])
    const secret = { class: 'secret', package: '/app/.env', installed: 'line 3' } as const
    const earlier = { findings: [ran('CVE-1'), ran('CVE-2', { exempt: true }), ran('aws', secret)], packages }
    const now = [found('CVE-1'), found('CVE-2'), found('CVE-3'), found('aws', secret), found('aws', { ...secret, installed: 'line 9' })]
    expect(compared(now, earlier, 'the same image').map(({ status }) => status)).toEqual(['existing', 'new', 'new', 'existing', 'new'])
  })

  it('is new where there is nothing to compare with', () => {
    expect(statuses([found('CVE-1')], undefined)).toEqual(['new'])
  })
})

describe('what runs and is gone', () => {
  it('is fixed, once', () => {
    expect(
      gone([found('CVE-2')], { findings: [ran('CVE-1', { base: true }), ran('CVE-2'), ran('CVE-0', { status: 'fixed' })] }, ['vuln']),
    ).toEqual([ran('CVE-1', { status: 'fixed' })])
  })

  it('is one of two secrets in a file', () => {
    const secret = { class: 'secret', package: '/app/.env' } as const
    const [first, second] = [ran('aws', { ...secret, installed: 'line 3' }), ran('aws', { ...secret, installed: 'line 9' })]
    expect(gone([found('aws', { ...secret, installed: 'line 3' })], { findings: [first, second] }, ['secret'])).toEqual([
      { ...second, status: 'fixed' },
    ])
  })

  it('is not fixed by an exception, nor by not being looked for', () => {
    const earlier = { findings: [ran('CVE-1'), ran('aws', { class: 'secret' }), ran('CVE-3', { exempt: true })] }
    expect(gone([found('CVE-1', { exempt: { reason: '', source: '' } })], earlier, ['vuln'])).toEqual([])
    expect(gone([found('CVE-1')], earlier, ['vuln', 'secret']).map(({ id }) => id)).toEqual(['aws'])
  })
})

describe('the packages of an image, as a record keeps them', () => {
  it('are found again, each of them', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 50 }), (keys) => {
        const holds = holdsPackage(fingerprints(keys))
        expect(keys.every(holds)).toBe(true)
      }),
    )
  })

  it('are few bytes, the same in whatever order they come, and hold nothing else', () => {
    const keys = Array.from({ length: 1000 }, (_, index) => `pkg:npm/p${index}@1.0.0`)
    expect(fingerprints(keys).length).toBeLessThan(5_400)
    expect(fingerprints(keys.toReversed())).toBe(fingerprints(keys))
    expect(Array.from({ length: 1000 }, (_, index) => `pkg:npm/q${index}@1.0.0`).filter(holdsPackage(fingerprints(keys)))).toEqual([])
    expect(holdsPackage('')('anything')).toBe(false)
  })
})
